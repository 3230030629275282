"""Azimuthal averages as today's pyFAI function gives them: with their axes in every event."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from workbench.core.arrays import Bools, Floats, Frames
from workbench.core.bounds import Bounds
from workbench.core.frames import FrameSpec, Output, Setting, Values
from workbench.reductions.azimuthal import Azimuthal, directions
from workbench.reductions.base import Reduction, reductions

AXES = {  # unit of the radial axis -> its name and what it is
    "1/angstrom": ("q", "scattering vector"),
    "1/nm": ("q", "scattering vector"),
    "degree": ("two_theta", "scattering angle"),
    "rad": ("two_theta", "scattering angle"),
    "mm": ("r", "distance from the beam"),
}


@reductions.register("integration")
@dataclass(frozen=True, eq=False)
class Integration(Reduction):
    """A curve over the radial coordinate, or a map over azimuth and radial coordinate.

    The axes are the same in every event and are stored in each, as notebooks read them today.

    Parameters
    ----------
    azimuthal
        What is computed; one bin of azimuth for a curve.
    curve
        Give a curve, without an axis for azimuth.
    """

    azimuthal: Azimuthal
    curve: bool = False

    @property
    def azimuth(self) -> Floats:
        """Middles of the bins of azimuth [degree]."""
        return np.rad2deg(self.azimuthal.phi)

    def region(self, spec: FrameSpec) -> Bounds:
        """Return the smallest part of the detector that holds all usable pixels."""
        return self.azimuthal.region(spec)

    def outputs(self, spec: FrameSpec) -> tuple[Output, ...]:
        """Declare azav and its axes."""
        (azav,) = self.azimuthal.outputs(spec)
        unit = self.azimuthal.scattering.unit
        count, bins = self.azimuthal.bins
        shape, dims = (count, bins), ("azimuth", "radial")
        what = AXES[unit][1]
        curve = (
            Output("azav", azav.unit, shape[self.curve :], "float64", azav.long_name,
                   dims=dims[self.curve :]),
            Output("q", unit, (bins,), "float64", f"middles of the bins of {what}",
                   dims=("radial",), always=True),
        )  # fmt: skip
        if self.curve:
            return curve
        text = "middles of the bins of azimuth"
        return (
            *curve,
            Output("az", "degree", (count,), "float64", text, dims=("azimuth",), always=True),
        )

    def settings(self, spec: FrameSpec) -> Mapping[str, Setting]:
        """Return bins, mask (1 = bad), what each bin is divided by, and the geometry."""
        made = self.azimuthal
        unit = made.scattering.unit
        axis, what = AXES[unit]
        bins = slice(0, 1) if self.curve else slice(None)
        norm, pixels, cosine, sine = (
            values[0] if self.curve else values
            for values in (made.norm(spec), made.pixels(spec), *made.direction(spec))
        )
        turn = "azimuth, from pyFAI's axis 2 to its axis 1"
        return {
            "radial": Setting(made.radial, unit, f"middles of the bins of {what}", axis),
            "radial_edges": Setting(made.radial_edges, unit, f"edges of the bins of {what}"),
            "azimuth": Setting(self.azimuth[bins], "degree", f"middles of the bins of {turn}",
                               "phi"),
            "azimuth_edges": Setting(np.rad2deg(made.phi_edges), "degree",
                                     f"edges of the bins of {turn}"),
            "norm": Setting(norm, "1", "sum of the pixels' solid angle and polarisation"),
            "pixels": Setting(pixels, "1", "number of pixels of each bin"),
            **directions(cosine, sine),
            **made.rules(spec),
        }  # fmt: skip

    def usable(self, spec: FrameSpec) -> Bools:
        """Tell which pixels the average is made of, in the shape of a frame."""
        return self.azimuthal.usable(spec)

    def reduce_region(self, pixels: Frames, spec: FrameSpec) -> Values:
        """Return azav and its axes, first axis event."""
        azav = self.azimuthal.reduce_region(pixels, spec)["azav"]
        values = {
            "azav": azav[:, 0] if self.curve else azav,
            "q": np.tile(self.azimuthal.radial, (len(azav), 1)),
        }
        if not self.curve:
            values["az"] = np.tile(self.azimuth, (len(azav), 1))
        return values
