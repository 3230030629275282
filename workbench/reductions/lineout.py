"""One line of pixels of each frame: a fixed one, or the one through the brightest pixel."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from workbench.core.arrays import Frames
from workbench.core.errors import InputError
from workbench.core.frames import FrameSpec, Output, Setting, Values
from workbench.reductions.base import Reduction, flattened, reductions


@reductions.register("lineout")
@dataclass(frozen=True)
class LineOut(Reduction):
    """Pixels at one index of one axis; bad ones are NaN.

    Parameters
    ----------
    axis
        Axis that the index belongs to.
    index
        Which line; None takes that through the brightest usable pixel of each frame.
    """

    axis: int = 0
    index: int | None = None

    def outputs(self, spec: FrameSpec) -> tuple[Output, ...]:
        """Declare the line, in the shape of a frame without the axis.

        Raises
        ------
        InputError
            For an axis or index that frames do not have.
        """
        if not 0 <= self.axis < len(spec.shape):
            raise InputError(
                f"axis {self.axis} of a line does not exist in frames of shape {spec.shape}"
            )
        length = spec.shape[self.axis]
        if self.index is not None and not 0 <= self.index < length:
            raise InputError(
                f"line {self.index} of axis {self.axis} does not exist: 0 to {length - 1}"
            )
        rest = spec.shape[: self.axis] + spec.shape[self.axis + 1 :]
        which = "the brightest pixel" if self.index is None else f"index {self.index}"
        text = f"pixels at {which} of axis {self.axis}"
        return (Output("data", spec.unit, rest, spec.dtype, text),)

    def settings(self, spec: FrameSpec) -> Mapping[str, Setting]:  # noqa: ARG002 - as all
        """Return which line it is."""
        index = -1 if self.index is None else self.index
        return {
            "axis": Setting(self.axis, "1", "axis of the index"),
            "idx": Setting(index, "pixel", "line; -1: that through the brightest pixel"),
        }

    def reduce_region(self, pixels: Frames, spec: FrameSpec) -> Values:
        """Return the lines, shape (event, ...)."""
        used = np.where(spec.good, pixels, np.asarray(np.nan, pixels.dtype))
        if self.index is not None:
            return {"data": np.take(used, self.index, axis=self.axis + 1)}
        dark = flattened(np.where(np.isnan(used), -np.inf, used))
        brightest = np.unravel_index(dark.argmax(axis=1), spec.shape)[self.axis]
        where = brightest.reshape(-1, *(1 for _ in spec.shape))
        return {"data": np.take_along_axis(used, where, axis=self.axis + 1).squeeze(self.axis + 1)}
