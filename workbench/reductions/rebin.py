"""Frames with fewer, larger pixels: averages over blocks, also where the shape does not divide."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from workbench.core.arrays import Bools, Floats, Frames, Ints
from workbench.core.errors import InputError
from workbench.core.frames import FrameSpec, Output, Setting, Values
from workbench.reductions.base import Reduction, reductions
from workbench.reductions.compiled import compiled


@reductions.register("rebin")
@dataclass(frozen=True)
class Rebin(Reduction):
    """Mean of the usable pixels under each larger pixel; NaN where there is none.

    A pixel that lies under two larger ones counts in each by the part of it that lies there.

    Parameters
    ----------
    shape
        Of the smaller picture, one length per axis of the frames.
    """

    shape: tuple[int, ...]

    def outputs(self, spec: FrameSpec) -> tuple[Output, ...]:
        """Declare the smaller picture.

        Raises
        ------
        InputError
            For a shape with other axes than frames, or longer ones.
        """
        fits = len(self.shape) == len(spec.shape) <= 3
        if not fits or not all(0 < n <= m for n, m in zip(self.shape, spec.shape, strict=True)):
            raise InputError(
                f"cannot rebin frames of shape {spec.shape} to {self.shape}: give one length per "
                "axis, at most that of the frames"
            )
        text = f"mean of the usable pixels of {spec.shape} under each of {self.shape}"
        return (Output("data", spec.unit, self.shape, "float64", text),)

    def settings(self, spec: FrameSpec) -> Mapping[str, Setting]:  # noqa: ARG002 - as all
        """Return the shape of the smaller picture."""
        return {"shape": Setting(np.asarray(self.shape), "1", "shape of the smaller picture")}

    def reduce_region(self, pixels: Frames, spec: FrameSpec) -> Values:
        """Return the smaller pictures, shape (event, ``*shape``)."""
        padding = (1,) * (3 - len(self.shape))
        old, new = padding + spec.shape, padding + self.shape
        places, parts = zip(*(_overlap(n, m) for n, m in zip(old, new, strict=True)), strict=True)
        sums, weights = _average(
            np.ascontiguousarray(pixels).reshape(len(pixels), *old),
            np.ascontiguousarray(spec.good).reshape(old),
            places,
            parts,
            np.zeros((len(pixels), *new)),
        )
        mean = np.divide(sums, weights, out=np.full_like(sums, np.nan), where=weights > 0)
        return {"data": mean.reshape(len(pixels), *self.shape)}


def _overlap(old: int, new: int) -> tuple[Ints, Floats]:
    """Return for each pixel the larger pixel in which it begins, and how much of it lies there."""
    begin = np.arange(old) * new  # in units of 1 / old of a larger pixel
    place = begin // old
    inside = np.minimum((place + 1) * old - begin, new) / new
    return place, inside


@compiled
def _average(
    pixels: Frames,
    good: Bools,
    places: tuple[Ints, Ints, Ints],
    parts: tuple[Floats, Floats, Floats],
    sums: Floats,
) -> tuple[Floats, Floats]:
    """Return sums and weights, both (event, tile, row, col); `sums` comes filled with 0."""
    weights = np.zeros_like(sums)
    events, tiles, rows, cols = pixels.shape
    for event in range(events):
        for tile in range(tiles):
            for row in range(rows):
                for col in range(cols):
                    value = np.float64(pixels[event, tile, row, col])
                    if not good[tile, row, col] or value != value:
                        continue
                    for corner in range(8):
                        a, b, c = corner >> 2, (corner >> 1) & 1, corner & 1
                        weight = parts[0][tile] if a == 0 else 1 - parts[0][tile]
                        weight *= parts[1][row] if b == 0 else 1 - parts[1][row]
                        weight *= parts[2][col] if c == 0 else 1 - parts[2][col]
                        if weight > 0:
                            at = (
                                event,
                                places[0][tile] + a,
                                places[1][row] + b,
                                places[2][col] + c,
                            )
                            sums[at] += weight * value
                            weights[at] += weight
    return sums, weights
