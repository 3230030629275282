"""Histogram of the pixels of each frame: its spectrum, where pixels hold single photons."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from workbench.core.arrays import Bools, Floats, Frames, Ints
from workbench.core.errors import InputError
from workbench.core.frames import FrameSpec, Output, Setting, Values
from workbench.reductions.base import Reduction, flattened, reductions
from workbench.reductions.compiled import compiled


@reductions.register("spectrum")
@dataclass(frozen=True)
class Spectrum(Reduction):
    """Numbers of usable pixels per bin of their value.

    Bins are half-open, the last one is closed, as in `numpy.histogram`; NaN pixels are in none.

    Parameters
    ----------
    edges
        Rising edges of the bins, in the unit of the frames.

    Raises
    ------
    InputError
        Unless edges are two or more finite, rising numbers.
    """

    edges: tuple[float, ...]

    def __post_init__(self) -> None:
        rising = all(low < high for low, high in pairwise(self.edges))
        if len(self.edges) < 2 or not rising or not np.isfinite(self.edges).all():
            raise InputError(f"bin edges must be two or more rising numbers, not {self.edges}")

    @classmethod
    def of(cls, bins: Sequence[float]) -> "Spectrum":
        """Read bins as configs write them.

        Two values are one bin, more than three are edges; of three, ``[low, high, n]`` with a
        whole number type are n equal bins, ``[low, high, width]`` with a float as many as fit.

        Raises
        ------
        InputError
            For a bin width that is not above 0.
        """
        values = list(bins)
        if len(values) == 3 and isinstance(values[2], int):
            edges = np.linspace(values[0], values[1], max(values[2], 0) + 1)
        elif len(values) == 3:
            if not values[2] > 0:
                raise InputError(f"the width of a bin must be above 0, not {values[2]}")
            edges = np.arange(*values)
        else:
            edges = np.asarray(values, np.float64)
        return cls(tuple(edges.tolist()))

    def outputs(self, spec: FrameSpec) -> tuple[Output, ...]:
        """Declare the counts, shape (bin,)."""
        text = f"pixels per bin, {len(self.edges) - 1} bins from {self.edges[0]:g} to "
        text += f"{self.edges[-1]:g} {spec.unit}"
        return (Output("histogram", "1", (len(self.edges) - 1,), "int64", text),)

    def settings(self, spec: FrameSpec) -> Mapping[str, Setting]:
        """Return the edges of the bins."""
        return {"bins": Setting(np.asarray(self.edges), spec.unit, "edges of the bins")}

    def reduce_region(self, pixels: Frames, spec: FrameSpec) -> Values:
        """Return the counts, shape (event, bin)."""
        edges = np.asarray(self.edges)
        good = np.ascontiguousarray(spec.good).reshape(-1)
        scale = (len(edges) - 1) / (edges[-1] - edges[0])
        even = np.allclose(np.diff(edges), 1 / scale, rtol=1e-9, atol=0)
        return {"histogram": _count(flattened(pixels), good, edges, scale if even else 0.0)}


@compiled
def _count(pixels: Frames, good: Bools, edges: Floats, scale: float) -> Ints:
    """Return counts (event, bin); `scale` is 1 / width where all bins are equal, else 0."""
    last = len(edges) - 2
    counts = np.zeros((len(pixels), last + 1), np.int64)
    for event in range(len(pixels)):
        for pixel in range(pixels.shape[1]):
            value = np.float64(pixels[event, pixel])
            if not (good[pixel] and value >= edges[0] and value <= edges[last + 1]):
                continue
            if scale > 0:  # a guess that rounding may have put one bin off
                place = min(int((value - edges[0]) * scale), last)
            else:
                place = min(int(np.searchsorted(edges, value, side="right")) - 1, last)
            while value < edges[place]:
                place -= 1
            while place < last and value >= edges[place + 1]:
                place += 1
            counts[event, place] += 1
    return counts
