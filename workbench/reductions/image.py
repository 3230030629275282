"""The assembled picture of each event: every pixel where it lies on the detector."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from workbench.core.arrays import Array, Bools, Frames
from workbench.core.errors import InputError
from workbench.core.frames import FrameSpec, Output, Setting, Values
from workbench.reductions import kernels
from workbench.reductions.base import Nested, Reduction, flattened, mask_setting, reductions
from workbench.regions import Layout


@reductions.register("image")
@dataclass(frozen=True, eq=False)
class AssembledImage(Reduction):
    """Frames painted into the detector's picture, as `Layout.picture` paints one.

    Pixels that share a place are averaged; gaps, bad pixels and NaN are NaN.

    Parameters
    ----------
    layout
        Where each pixel lies.
    good
        The user's mask in the shape of the detector, True = use; None takes every pixel.
    low, high
        Pixels outside count as zero, in the unit of the frames.
    store
        Whether to store the picture itself.
    children
        Reductions of the picture, in which gaps and bad pixels are marked.
    """

    layout: Layout
    good: Bools | None = None
    low: float = -np.inf
    high: float = np.inf
    store: bool = True
    children: tuple[Nested[Reduction], ...] = ()

    def outputs(self, spec: FrameSpec) -> tuple[Output, ...]:
        """Declare the picture, and what is made of it."""
        told = self._picture_spec(spec)
        text = "assembled picture, NaN in gaps and bad pixels"
        out = [Output("img", spec.unit, told.shape, spec.dtype, text)] if self.store else []
        for child in self.children:
            out += child.outputs(told)
        return tuple(out)

    def settings(self, spec: FrameSpec) -> Mapping[str, Setting]:
        """Return the picture's mask, how many pixels are averaged in each place, thresholds."""
        told = self._picture_spec(spec)
        shared = self._shared(self.usable(spec))
        kept = {
            "mask": mask_setting(told.good),
            "npix": Setting(shared, "1", "pixels of the detector that lie in each place"),
        }
        limits = np.array([self.low, self.high])
        if np.isfinite(limits).any():
            kept["thresADU"] = Setting(limits, spec.unit, "pixels outside [low, high] count as 0")
        for child in self.children:
            kept |= child.settings(told)
        return kept

    def reduce_region(self, pixels: Frames, spec: FrameSpec) -> Values:
        """Return the declared outputs of whole frames, shape (event, ...)."""
        told = self._picture_spec(spec)
        clipped = kernels.clip(flattened(pixels), self.low, self.high)
        pictures = self._painted(clipped, self.usable(spec).reshape(-1)).reshape(-1, *told.shape)
        values: dict[str, Array] = {"img": pictures} if self.store else {}
        for child in self.children:
            values |= child.named(child.reduction.reduce(pictures, told), told)
        return values

    @cached_property
    def _places(self) -> Array:
        width = self.layout.shape[1]
        return np.asarray(self.layout.rows.astype(np.int64) * width + self.layout.cols).reshape(-1)

    def usable(self, spec: FrameSpec) -> Bools:
        """Tell which pixels are not masked; `InputError` for a mask of another shape."""
        for shape, what in (
            (self.layout.frame_shape, "its geometry"),
            (spec.shape if self.good is None else self.good.shape, "the mask"),
        ):
            if shape != spec.shape:
                raise InputError(f"{what} has shape {shape}, the frames {spec.shape}")
        return spec.good if self.good is None else spec.good & self.good

    def _shared(self, usable: Bools) -> Array:
        """Return how many usable pixels lie in each place of the picture."""
        rows, cols = self.layout.shape
        counts = np.bincount(self._places[usable.reshape(-1)], minlength=rows * cols)
        return np.asarray(counts, np.int32).reshape(rows, cols)

    def _picture_spec(self, spec: FrameSpec) -> FrameSpec:
        good = self._shared(self.usable(spec)) > 0
        return replace(spec, shape=good.shape, good=good, noise=None)

    def _painted(self, frames: Frames, usable: Bools) -> Frames:
        """Paint frames, (event, pixel), into pictures, (event, place)."""
        rows, cols = self.layout.shape
        places = self._places[usable]
        out = np.full((len(frames), rows * cols), np.nan, frames.dtype)
        if len(np.unique(places)) == len(places):
            out[:, places] = frames[:, usable]
            return out
        for event, frame in enumerate(frames[:, usable].astype(np.float64)):
            seen = np.isfinite(frame)
            there = places[seen]
            count = np.bincount(there, minlength=rows * cols)
            total = np.bincount(there, weights=frame[seen], minlength=rows * cols)
            np.divide(total, count, out=out[event], where=count > 0, casting="same_kind")
        return out
