"""A region summed or averaged along one of its axes."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod

import numpy as np

from workbench.core.arrays import Bools, Floats, Frames
from workbench.core.errors import InputError
from workbench.core.frames import FrameSpec, Output, Setting, Values
from workbench.reductions import kernels
from workbench.reductions.base import Reduction, inside, reductions


@dataclass(frozen=True)
class Projection:
    """Sum or mean of a region's usable pixels along one axis.

    Parameters
    ----------
    axis
        Axis of the region, without its axes of length 1, that is summed away; below 0: all.
    name
        Part of the dataset's name; empty: ``pj_ax_<axis>``.
    threshold
        Pixels below count as zero, in the unit of the frames.
    mean
        Mean over usable pixels instead of the sum; NaN where there is none.
    single_photon
        Count pixels above zero as 1.
    """

    axis: int = -1
    name: str = ""
    threshold: float = -np.inf
    mean: bool = False
    single_photon: bool = False

    @property
    def label(self) -> str:
        """Name of the projection among what is made of its region."""
        return self.name or f"pj_ax_{abs(self.axis)}"

    def output(self, region: tuple[int, ...], unit: str) -> Output:
        """Declare the projection of a region of this shape.

        Raises
        ------
        InputError
            For an axis that the region does not have.
        """
        if self.axis >= len(region):
            raise InputError(
                f"axis {self.axis} of a projection does not exist in a region of shape {region}; "
                f"use 0 to {len(region) - 1}, or -1 for all"
            )
        rest = () if self.axis < 0 else region[: self.axis] + region[self.axis + 1 :]
        along = "all axes" if self.axis < 0 else f"axis {self.axis}"
        return Output(
            f"{self.label}_data",
            "1" if self.single_photon else unit,
            rest,
            long_name=f"{'mean' if self.mean else 'sum'} over {along} of the region",
        )

    def settings(self, unit: str) -> dict[str, Setting]:
        """Return its set-up, each name after its own and a dot."""
        kept = {
            "axis": Setting(self.axis, "1", "axis summed away; below 0: all"),
            "mean": Setting(int(self.mean), "1", "1 = mean, 0 = sum"),
            "singlePhoton": Setting(int(self.single_photon), "1", "1 = pixels above 0 count 1"),
        }
        if np.isfinite(self.threshold):
            kept["thresADU"] = Setting(self.threshold, unit, "pixels below count as 0")
        return inside(self.label, kept)

    def along(self, pixels: Frames, good: Bools, *, low: float, high: float) -> Floats:
        """Return the projections of pixels (event, ...); outside `low` to `high` counts as 0."""
        shape = pixels.shape[1:]
        if self.axis < 0:
            split = (1, prod(shape), 1)
            rest: tuple[int, ...] = ()
        else:
            split = (prod(shape[: self.axis]), shape[self.axis], prod(shape[self.axis + 1 :]))
            rest = shape[: self.axis] + shape[self.axis + 1 :]
        pixels, good = pixels.reshape(len(pixels), *split), good.reshape(split)
        sums = kernels.project(pixels, good, low, high, self.single_photon)
        if self.mean:
            counts = kernels.count_used(pixels, good)
            sums = np.divide(sums, counts, out=np.full_like(sums, np.nan), where=counts > 0)
        return sums.reshape(len(pixels), *rest)


@reductions.register("projection")
@dataclass(frozen=True)
class Projected(Reduction):
    """Whole frames summed or averaged along one of their axes."""

    projection: Projection

    def outputs(self, spec: FrameSpec) -> tuple[Output, ...]:
        """Declare the projection."""
        return (self.projection.output(spec.shape, spec.unit),)

    def settings(self, spec: FrameSpec) -> Mapping[str, Setting]:
        """Return the set-up of the projection."""
        return self.projection.settings(spec.unit)

    def reduce_region(self, pixels: Frames, spec: FrameSpec) -> Values:
        """Return the projections, shape (event, ...)."""
        (output,) = self.outputs(spec)
        low, high = self.projection.threshold, np.inf
        along = np.ascontiguousarray(pixels)
        return {output.name: self.projection.along(along, spec.good, low=low, high=high)}
