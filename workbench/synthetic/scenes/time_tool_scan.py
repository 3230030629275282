"""A time tool whose edges do not move in proportion to the time, and constants that went stale."""

from dataclasses import dataclass

import numpy as np

from workbench.core.arrays import Array
from workbench.smalldata import OnceValue
from workbench.synthetic.dialect import blanked
from workbench.synthetic.pump_probe import PumpProbe
from workbench.synthetic.scenes.base import Planted, Scene
from workbench.synthetic.shots import TT_CENTRE, TT_SLOPE, Shots
from workbench.synthetic.station import Station

CAMERA = 1024  # pixels


@dataclass(frozen=True)
class CurvedTimeTool(Scene):
    """The edge lies where time = slope * (x - 512) + curvature * (x - 512)^2.

    Times in the file are still those of the old, straight constants. Make the run with scan="lxt".

    Parameters
    ----------
    curvature
        [ps/pixel^2]
    """

    curvature: float = 3.0e-7

    def columns(self, spec: PumpProbe, place: Station, shots: Shots) -> dict[str, Array]:
        """Return the edge positions of one block; 0 where there is no edge on the camera."""
        del spec
        straight = shots.records["tt"]["fltpos"]
        time = (straight - TT_CENTRE) * TT_SLOPE
        root = np.sqrt(TT_SLOPE**2 + 4 * self.curvature * time)
        x = TT_CENTRE + (root - TT_SLOPE) / (2 * self.curvature)
        seen = (straight != 0) & (x > 0) & (x < CAMERA)
        name = "FLTPOS" if place.generation == "lcls1" else "fltpos"
        return {f"tt/{name}": blanked(np.where(seen, x, 0.0), shots.present["tt"])}

    def once(self, spec: PumpProbe, place: Station) -> dict[str, OnceValue]:
        """Return the constants that the producer was given, with either generation."""
        del spec, place
        stale = np.array((-TT_CENTRE * TT_SLOPE, TT_SLOPE, 0.0))
        meaning = "polynomial from pixel to ps, constant first"
        return {"UserDataCfg/tt/ttCalib": OnceValue(stale, "1", meaning)}

    def quantities(self, spec: PumpProbe, place: Station) -> dict[str, Planted]:
        """Return the polynomial around pixel 0."""
        del spec, place
        bend = self.curvature
        return {
            "tt_p0": (bend * TT_CENTRE**2 - TT_SLOPE * TT_CENTRE, "ps", "time at pixel 0"),
            "tt_p1": (TT_SLOPE - 2 * bend * TT_CENTRE, "ps/pixel", "slope at pixel 0"),
            "tt_p2": (bend, "ps/pixel^2", "curvature of the time over the edge's position"),
        }
