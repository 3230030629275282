"""Scene: pictures of a spatial-encoding time tool, an edge that moves along the rows."""

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from workbench.core.arrays import Array, Floats
from workbench.facility import FieldFact
from workbench.synthetic.draws import Draw, generator
from workbench.synthetic.pump_probe import PumpProbe
from workbench.synthetic.scenes.base import Planted, Scene
from workbench.synthetic.shots import Shots
from workbench.synthetic.station import Station

NAME = "alvium_tt/full_area"
SHAPE = (160, 40)  # rows, along which time runs, and columns
PUMPED = 14  # first column that the X-rays hit
FRAMES = 9  # sets these random numbers apart from others of the same purpose


@dataclass(frozen=True)
class SpatialEdge(Scene):
    """An optical picture whose transmission falls where the X-rays came first.

    Made with `PumpProbe(scan="lxt", ...)`: the edge sees nominal delay and jitter. Its light has a
    profile, changes from shot to shot, and is counted: Poisson electrons. Shots without laser are
    dark.

    Parameters
    ----------
    ps_per_pixel
        Time from one row to the next.
    row_at_zero
        Row of the edge at delay 0.
    depth
        Part of the light that is gone behind the edge.
    width
        Standard deviation of the edge [pixel].
    electrons
        In a pixel, on the average.
    """

    ps_per_pixel: float = 0.02
    row_at_zero: float = 79.5
    depth: float = 0.15
    width: float = 6.0
    electrons: float = 4000.0

    def columns(self, spec: PumpProbe, place: Station, shots: Shots) -> dict[str, Array]:
        """Return the pictures, (event, row, col) [electrons]."""
        del place
        draw = generator(spec.seed, Draw.PIXELS, spec.run, int(shots.events[0]), FRAMES)
        row, col = np.arange(SHAPE[0]), np.arange(SHAPE[1])
        along = np.exp(-((row - 70) ** 2) / (2 * 90**2))
        across = np.exp(-((col - 22) ** 2) / (2 * 30**2))
        lamp = self.electrons * np.outer(along, across)
        edge = self.row_at_zero + shots.delay / self.ps_per_pixel
        behind = ndtr((row - edge[:, np.newaxis]) / self.width)
        gone = self.depth * (shots.xray * 1.0)[:, np.newaxis] * behind
        left: Floats = np.ones((len(shots), *SHAPE))
        left[:, :, PUMPED:] -= gone[:, :, np.newaxis]
        strength = (1 + 0.1 * draw.standard_normal(len(shots))) * shots.laser
        light = draw.poisson(np.maximum(strength, 0)[:, np.newaxis, np.newaxis] * lamp * left)
        noise = 8.0 * draw.standard_normal(light.shape, dtype=np.float32)
        return {NAME: (light + noise).astype(np.float32)}

    def fact(self, place: Station, name: str) -> FieldFact | None:
        """Return unit and axes of the pictures."""
        del place
        if name == NAME:
            return FieldFact("full_area", "1", "electrons of a pixel", dims=("row", "col"))
        return None

    def quantities(self, spec: PumpProbe, place: Station) -> dict[str, Planted]:
        """Return scale and row of time zero."""
        del spec, place
        return {
            "ps_per_pixel": (self.ps_per_pixel, "ps/pixel", "time from one row to the next"),
            "row_at_zero": (self.row_at_zero, "pixel", "row of the edge at delay 0"),
        }
