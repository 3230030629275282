"""A spot camera with masked pixels and a known noise, and a ring camera without run sum."""

from dataclasses import dataclass

import numpy as np

from workbench.smalldata import OnceValue
from workbench.synthetic.cameras import epix_1
from workbench.synthetic.draws import Draw, generator
from workbench.synthetic.pump_probe import PumpProbe
from workbench.synthetic.scenes.base import Planted, Scene
from workbench.synthetic.station import Station

STREAM = 73  # of random numbers, beside those of the run's own cameras


@dataclass(frozen=True)
class MaskedCamera(Scene):
    """The mask of the spot camera leaves out `bad` pixels; its noise is the same everywhere.

    Parameters
    ----------
    bad
        Masked pixels.
    noise
        Dark standard deviation of every pixel [ADU].
    """

    bad: int = 1234
    noise: float = 2.5

    @property
    def leaves_out(self) -> tuple[str, ...]:
        """No run sums but those of the spot camera."""
        return ("Sums/jungfrau1M*", "Sums/epix10k2M*", "Sums/Epix10kaQuad2*")

    def once(self, spec: PumpProbe, place: Station) -> dict[str, OnceValue]:
        """Return mask and noise of the spot camera."""
        shape = epix_1().good.shape
        mask = np.ones(shape, np.uint8)
        draw = generator(spec.seed, Draw.PIXELS, spec.run, STREAM)
        mask.ravel()[draw.choice(mask.size, self.bad, replace=False)] = 0
        rms = np.full(shape, self.noise, np.float32)
        det = f"UserDataCfg/{place.spot}"
        return {
            f"{det}/mask": OnceValue(mask, "1", "1 where the pixel is good"),
            f"{det}/rms": OnceValue(rms, "ADU", "dark noise"),
        }

    def quantities(self, spec: PumpProbe, place: Station) -> dict[str, Planted]:
        """Return what was planted."""
        del spec
        return {
            "bad_pixels": (self.bad, "1", f"pixels of {place.spot} that the mask leaves out"),
            "noise": (self.noise, "ADU", f"median dark noise of {place.spot}"),
        }
