"""Curved spectral lines made straight: lines of pixels moved by a polynomial of their number."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np

from workbench.core.arrays import Array, Frames, Ints
from workbench.core.errors import InputError
from workbench.core.frames import FrameSpec, Output, Setting, Values
from workbench.reductions.base import Nested, Reduction, mask_setting, reductions
from workbench.reductions.roi import squeezed

Method = Literal["roll", "vectorized", "ndimage"]


@reductions.register("curve")
@dataclass(frozen=True)
class CurveCorrection(Reduction):
    """Pictures whose lines are moved by whole pixels towards lower numbers.

    Column c (or row, see `axis`) moves by the polynomial at c less its smallest value, rounded.

    Parameters
    ----------
    coefficients
        Of the polynomial [pixel], highest power first.
    axis
        1: columns move along rows; 0: rows move along columns.
    method
        "roll" and "vectorized" bring pixels that leave on one side back on the other; "ndimage"
        leaves NaN there.
    children
        Reductions of the corrected picture; the mask moves with it.

    Raises
    ------
    InputError
        For coefficients, an axis or a method that mean nothing.
    """

    coefficients: tuple[float, ...]
    axis: int = 0
    method: Method = "roll"
    children: tuple[Nested[Reduction], ...] = ()

    def __post_init__(self) -> None:
        if not self.coefficients or not np.isfinite(self.coefficients).all():
            raise InputError("give the coefficients of the polynomial as a list of numbers")
        if self.axis not in {0, 1}:
            raise InputError(f"axis must be 0 or 1, not {self.axis}")
        if self.method not in get_args(Method):
            raise InputError(f"method {self.method!r}: use one of {', '.join(get_args(Method))}")

    def outputs(self, spec: FrameSpec) -> tuple[Output, ...]:
        """Declare the corrected picture, and what is made of it."""
        told = self._corrected(spec)
        out = [Output("corrected_image", spec.unit, told.shape, spec.dtype, "lines moved")]
        for child in self.children:
            out += child.outputs(told)
        return tuple(out)

    def settings(self, spec: FrameSpec) -> Mapping[str, Setting]:
        """Return the polynomial and the way in which lines move, and the set-up of children."""
        told = self._corrected(spec)
        text = "coefficients, highest power first"
        kept = {
            "polynomial_coefficients": Setting(np.asarray(self.coefficients), "1", text),
            "axis": Setting(self.axis, "1", "1 = columns move along rows, 0 = rows along columns"),
            "method": Setting(self.method, "1", "what happens at the edge"),
            "mask": mask_setting(told.good),
        }
        for child in self.children:
            kept |= child.settings(told)
        return kept

    def reduce_region(self, pixels: Frames, spec: FrameSpec) -> Values:
        """Return the declared outputs; NaN where a bad pixel has moved to."""
        told = self._corrected(spec)
        used = np.where(spec.good, pixels, np.asarray(np.nan, pixels.dtype))
        moved = self._moved(used.reshape(len(pixels), *told.shape), np.nan)
        values: dict[str, Array] = {"corrected_image": moved}
        for child in self.children:
            values |= child.named(child.reduction.reduce(moved, told), told)
        return values

    def shifts(self, spec: FrameSpec) -> Ints:
        """Return how far each line moves [pixel]."""
        shape = squeezed(spec.shape)
        along = np.polyval(self.coefficients, np.arange(shape[self.axis]))
        return np.asarray(np.rint(along - along.min()), np.int64)

    def _corrected(self, spec: FrameSpec) -> FrameSpec:
        shape = squeezed(spec.shape)
        if len(shape) != 2:
            raise InputError(f"curves are corrected in pictures (row, col), not {spec.shape}")
        if self.shifts(spec).max() >= shape[1 - self.axis]:
            raise InputError(
                f"the polynomial moves lines by up to {self.shifts(spec).max()} pixels, which is "
                f"the whole picture of {shape}"
            )
        good = self._moved(spec.good.reshape(1, *shape), False)[0]
        return replace(spec, shape=shape, good=good, noise=None)

    def _moved(self, pictures: Array, beyond: float | bool) -> Array:
        lines, places = pictures.shape[1 + self.axis], pictures.shape[2 - self.axis]
        told = FrameSpec(pictures.shape[1:], "", np.empty(0, np.bool_))
        source = np.arange(places)[:, None] + self.shifts(told)
        across = np.broadcast_to(np.arange(lines), source.shape)
        index = (source % places, across) if self.axis == 1 else ((across.T, source.T % places))
        moved = pictures[:, *index]
        if self.method == "ndimage":
            outside = source >= places
            moved[:, outside if self.axis == 1 else outside.T] = beyond
        return np.ascontiguousarray(moved)
