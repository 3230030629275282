"""One region of a detector: sum, mean, brightest pixel, centre of mass, its pixels."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from workbench.core.arrays import Array, Bools, Frames
from workbench.core.bounds import Bounds
from workbench.core.errors import InputError
from workbench.core.frames import FrameSpec, Output, Setting, Values
from workbench.reductions import kernels
from workbench.reductions.base import BAD_PIXELS, Nested, Reduction, flattened, reductions
from workbench.reductions.projection import Projection


@reductions.register("roi")
@dataclass(frozen=True, eq=False)
class Roi(Reduction):
    """Sum, mean, brightest pixel, centre of mass and pixels of one region, event by event.

    Values follow today's producer: bad pixels count as 0 and stay in the denominator of the mean;
    the stored area keeps what bad pixels read. Where all pixels are bad nothing is measured: NaN.

    Parameters
    ----------
    bounds
        The region [pixel]; None takes the whole detector.
    area, statistics
        Whether to store the pixels, and the sum, mean, max and com.
    low, high
        Pixels outside count as zero, in the unit of the frames.
    good
        The user's mask in the shape of the detector, True = use; None takes every pixel.
    projections
        Sums along one axis of the region.
    children
        Reductions of the region's pixels, those outside `low` to `high` as 0, bad ones marked.
    """

    bounds: Bounds | None = None
    area: bool = False
    statistics: bool = True
    low: float = -np.inf
    high: float = np.inf
    good: Bools | None = None
    projections: tuple[Projection, ...] = ()
    children: tuple[Nested[Reduction], ...] = ()

    def region(self, spec: FrameSpec) -> Bounds:
        """Return the part of the region that lies on the detector."""
        return super().region(spec) if self.bounds is None else self.bounds.fit(spec.shape)

    def outputs(self, spec: FrameSpec) -> tuple[Output, ...]:
        """Declare area, sum, mean, max, com and the projections, as configured."""
        region = self.region(spec)
        shape = squeezed(region.shape)
        out: list[Output] = []
        if self.area:
            out.append(
                Output(
                    "area",
                    spec.unit,
                    shape,
                    spec.dtype,
                    f"pixels of {region}, not masked",
                    always=True,
                )
            )
        if self.statistics:
            where = "centre of mass (row, col) in the region" if len(shape) == 2 else "no centre"
            out += [
                Output("sum", spec.unit, long_name=f"sum over {region}, bad pixels as 0"),
                Output("mean", spec.unit, long_name="sum / number of all pixels of the region"),
                Output("max", spec.unit, long_name="brightest pixel, bad pixels as 0"),
                Output("com", "pixel", (2,), long_name=f"{where}; NaN unless it is 2-D"),
            ]
        for projection in self.projections:
            out.append(projection.output(shape, spec.unit))
        for child in self.children:
            out += child.outputs(self._inside(spec))
        return tuple(out)

    def settings(self, spec: FrameSpec) -> Mapping[str, Setting]:
        """Return the region, its mask (1 = bad) and its thresholds."""
        bounds = self.region(spec)
        kept = {
            "bound": Setting(
                np.array([bounds.low, bounds.high]).T, "pixel", "region, [low, high) of each axis"
            ),
            "mask": Setting((~self._good(spec)).astype(np.uint8), "1", BAD_PIXELS),
        }
        limits = np.array([self.low, self.high])
        if np.isfinite(limits).any():
            text = "pixels outside [low, high] count as 0"
            kept["thresADU"] = Setting(limits, spec.unit, text)
        for projection in self.projections:
            kept |= projection.settings(spec.unit)
        for child in self.children:
            kept |= child.settings(self._inside(spec))
        return kept

    def reduce_region(self, pixels: Frames, spec: FrameSpec) -> Values:
        """Return the declared outputs of the region's pixels, shape (event, ...)."""
        shape = squeezed(self.region(spec).shape)
        good = self._good(spec).reshape(shape)
        pixels = np.ascontiguousarray(pixels).reshape(len(pixels), *shape)
        values: dict[str, Array] = {}
        if self.area:
            values["area"] = self._clipped(pixels)
        if self.statistics:
            values |= self._statistics(pixels, good)
        for projection in self.projections:
            low, high = max(self.low, projection.threshold), self.high
            values[projection.output(shape, "").name] = projection.along(
                pixels, good, low=low, high=high
            )
        for child in self.children:
            inside = self._inside(spec)
            values |= child.named(child.reduction.reduce(self._clipped(pixels), inside), inside)
        return values

    def _clipped(self, pixels: Frames) -> Frames:
        return kernels.clip(flattened(pixels), self.low, self.high).reshape(pixels.shape)

    def _statistics(self, pixels: Frames, good: Bools) -> dict[str, Array]:
        cols = good.shape[-1] if good.ndim else 1
        total, brightest, by_row, by_col = kernels.moments(
            pixels.reshape(len(pixels), good.size // cols, cols),
            good.reshape(-1, cols),
            self.low,
            self.high,
        )
        if not good.any():  # nothing was measured: not the same as no light
            total, brightest = np.full_like(total, np.nan), np.full_like(brightest, np.nan)
        brightest = np.where(np.isnan(total), np.nan, brightest)
        com = np.full((len(pixels), 2), np.nan)
        if pixels.ndim == 3:
            lit = total != 0
            com[lit, 0] = by_row[lit] / total[lit]
            com[lit, 1] = by_col[lit] / total[lit]
        return {"sum": total, "mean": total / good.size, "max": brightest, "com": com}

    def _inside(self, spec: FrameSpec) -> FrameSpec:
        region = self.region(spec)
        shape = squeezed(region.shape)
        noise = None if spec.noise is None else spec.noise[region.slices].reshape(shape)
        return replace(spec, shape=shape, good=self._good(spec).reshape(shape), noise=noise)

    def usable(self, spec: FrameSpec) -> Bools:
        """Tell which pixels are not masked, in the shape of a frame."""
        return spec.good if self.good is None else spec.good & self.good

    def _good(self, spec: FrameSpec) -> Bools:
        cut = self.region(spec).slices
        if self.good is None:
            return np.ascontiguousarray(spec.good[cut])
        if self.good.shape != spec.shape:
            raise InputError(
                f"userMask has shape {self.good.shape}, the detector {spec.shape}; "
                "make a mask for the whole detector"
            )
        return np.ascontiguousarray(spec.good[cut] & self.good[cut])


def squeezed(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return a shape without its axes of length 1, as arrays are stored today."""
    return tuple(length for length in shape if length != 1)
