"""The integrating camera of a made-up run: a frame holds the light of all shots since the last.

Its light follows the pulse energy alone, neither pump nor delay: what a frame adds up to over the
I0 of its shots is one number, `LIGHT`, that an analysis has to find again.
"""

import numpy as np

from workbench.sources.xtc2_writer import Names
from workbench.synthetic.draws import Draw, generator
from workbench.synthetic.frames import Words
from workbench.synthetic.pump_probe import PumpProbe

NAME = "archon"
SHAPE = (48, 64)
PEDESTAL = 200.0  # ADU, of every pixel and frame
LIGHT = 40.0  # ADU per pixel and shot of mean I0
NOISE = 3.0  # ADU
NAMES = Names(NAME, "archon", "raw", (1, 0, 0), 0, "archon_1", {"raw": ("uint16", 2)})
CONFIG = f'''

def get_intg(run):
    """The camera that is slower than the beam: its frames have rows of their own, below intg/."""
    return "{NAME}", []
'''
REGION = f'''    every = {{"name": "all", "ROI": None}}  # the slow camera -> intg/{NAME}
    return {{"{NAME}": [every], '''


class IntegratingCamera:
    """Adds up light shot by shot, and gives a frame every so often.

    Parameters
    ----------
    spec
        The run; `spec.integrating_every` shots make a frame.
    """

    def __init__(self, spec: PumpProbe) -> None:
        self._spec = spec
        self._light = 0.0  # in shots of mean I0

    def expose(self, event: int, relative: float) -> Words | None:
        """Add a shot, `relative` to mean I0; return the frame if one ends with it, else None."""
        self._light += relative
        every = self._spec.integrating_every
        if (event + 1) % every:
            return None
        random = generator(self._spec.seed, Draw.INTEGRATING, self._spec.run, event)
        light, self._light = self._light * LIGHT, 0.0
        pixels = PEDESTAL + random.poisson(light, SHAPE) + random.normal(0, NOISE, SHAPE)
        return np.clip(np.rint(pixels), 0, np.iinfo(np.uint16).max).astype(np.uint16)


def with_camera(config: str) -> str:
    """Return a producer config that has the integrating camera produced as well."""
    return config.replace("    return {", REGION, 1) + CONFIG
