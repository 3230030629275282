"""What every reduction promises: declared outputs, pure work, results free of the split."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Generic, Protocol, TypeVar

import numpy as np

from workbench.core.arrays import Array, Bools, Frames
from workbench.core.bounds import Bounds
from workbench.core.frames import MISSING_INTEGER, FrameSpec, Output, Setting, Values
from workbench.core.registry import Registry
from workbench.reductions.calibrate import Calibration

SAMPLED = 64  # pixels that are asked first whether a frame was measured

State = TypeVar("State")


class _Declares(Protocol):
    def outputs(self, spec: FrameSpec) -> tuple[Output, ...]: ...

    def settings(self, spec: FrameSpec) -> Mapping[str, Setting]: ...


Inner = TypeVar("Inner", bound=_Declares)

reductions: Registry[type] = Registry("reduction", "workbench.reductions")


class Reduction(ABC):
    """Values per event from a stack of frames; a frozen dataclass whose fields configure it.

    A stack of one event gives the same bits as that event inside any larger stack.
    """

    def region(self, spec: FrameSpec) -> Bounds:
        """Return the pixels that it needs, by default all; others need not be calibrated."""
        return Bounds((0,) * len(spec.shape), spec.shape)

    @abstractmethod
    def outputs(self, spec: FrameSpec) -> tuple[Output, ...]:
        """Declare names, shapes, types and units of what `reduce` returns."""

    @abstractmethod
    def reduce_region(self, pixels: Frames, spec: FrameSpec) -> Values:
        """Return the outputs of frames already cut to `region`, shape (event, ...)."""

    def settings(self, spec: FrameSpec) -> Mapping[str, Setting]:  # noqa: ARG002 - for others
        """Return what the file keeps of its set-up, by the names that today's producer gives.

        Those of a reduction inside it come after its name and a dot.
        """
        return {}

    def usable(self, spec: FrameSpec) -> Bools:
        """Tell which pixels its values are made of, by mask, in the shape of a frame."""
        return spec.good

    def reduce(self, frames: Frames, spec: FrameSpec) -> Values:
        """Return the outputs of whole frames, shape (event, ...); see `reduced`."""
        return self.reduced(frames[(slice(None), *self.region(spec).slices)], spec)

    def reduced(self, pixels: Frames, spec: FrameSpec) -> Values:
        """Return the outputs of `reduce_region`, missing where no usable pixel was measured.

        Missing is NaN, or -99999 among integers; lists of entries are empty there as they come.
        """
        values = self.reduce_region(pixels, spec)
        without = ~_measured(pixels, self._usable(spec))
        if not without.any():
            return values
        return {
            output.name: values[output.name]
            if output.always
            else _missing(values[output.name], without)
            for output in self.outputs(spec)
        }

    def _usable(self, spec: FrameSpec) -> Bools:
        """Return the usable pixels of its region; those asked for last are kept."""
        kept: tuple[Bools, Bools] | None = self.__dict__.get("_kept_usable")
        if kept is None or kept[0] is not spec.good:
            kept = spec.good, self.usable(spec)[self.region(spec).slices]
            self.__dict__["_kept_usable"] = kept
        return kept[1]


def _measured(pixels: Frames, good: Bools) -> Bools:
    """Tell in which events any good pixel is a number, shape (event,)."""
    if not good.any():
        return np.zeros(len(pixels), np.bool_)
    first = (slice(at, at + 1) for at in map(int, np.unravel_index(good.argmax(), good.shape)))
    found: Bools = np.isfinite(pixels[(slice(None), *first)]).reshape(-1)  # tells of nearly all
    if found.all():
        return found
    flat, places = pixels.reshape(len(pixels), -1), np.flatnonzero(good)
    found |= np.isfinite(flat[:, places[:: len(places) // SAMPLED + 1]]).any(axis=1)
    for event in np.flatnonzero(~found).tolist():
        found[event] = np.isfinite(flat[event, places]).any()
    return found


def _missing(values: Array, without: Bools) -> Array:
    """Return values that are missing in the events `without`."""
    if values.dtype == object:
        return values
    narrow = values.dtype.kind in "bui" and not np.can_cast(np.int32, values.dtype)
    kept = values.astype(np.int64 if narrow else values.dtype)
    kept[without] = np.nan if kept.dtype.kind == "f" else MISSING_INTEGER
    return kept


@dataclass(frozen=True)
class Nested(Generic[Inner]):
    """A reduction of what another reduction gives; its outputs carry its name.

    Parameters
    ----------
    name
        Put before the names of its outputs.
    reduction
        What is done with the parent's pixels or entries.
    """

    name: str
    reduction: Inner

    def outputs(self, spec: FrameSpec) -> tuple[Output, ...]:
        """Declare the outputs under their full names."""
        return tuple(output.under(self.name) for output in self.reduction.outputs(spec))

    def settings(self, spec: FrameSpec) -> Mapping[str, Setting]:
        """Return its set-up under names that begin with its own, "pj.axis"."""
        return inside(self.name, self.reduction.settings(spec))

    def named(self, values: Values, spec: FrameSpec) -> Values:
        """Return values under their full names."""
        return {
            output.under(self.name).name: values[output.name]
            for output in self.reduction.outputs(spec)
        }


def inside(name: str, settings: Mapping[str, Setting]) -> dict[str, Setting]:
    """Return the settings of a reduction called `name` as those of the one that holds it."""
    return {".".join(filter(None, (name, key))): kept for key, kept in settings.items()}


BAD_PIXELS = "1 = bad pixel"  # said of masks of regions and averages; others: 1 = use


def mask_setting(good: Bools) -> Setting:
    """Return a mask as today's functions keep it, all but regions."""
    return Setting(good.astype(np.uint8), "1", "1 = use this pixel")


def flattened(pixels: Array) -> Array:
    """Return frames as rows of pixels in memory order, shape (event, pixel)."""
    return np.ascontiguousarray(pixels).reshape(len(pixels), prod(pixels.shape[1:]))


class RunSum(ABC, Generic[State]):
    """One value per run, built up stack by stack and merged in a fixed order."""

    @abstractmethod
    def output(self, spec: FrameSpec) -> Output:
        """Declare name, shape, type and unit of what `finish` returns."""

    @abstractmethod
    def start(self, spec: FrameSpec) -> State:
        """Return the state before any event."""

    @abstractmethod
    def add(
        self,
        state: State,
        frames: Sequence[Array] | Array,
        calibration: Calibration | None = None,
    ) -> State:
        """Return the state with these frames added; they are calibrated on the way.

        The state is the sum's own and is changed in place; the frames are not.
        """

    @abstractmethod
    def merge(self, first: State, second: State) -> State:
        """Return the state of two parts of a run; keep the order of the parts fixed.

        The first one is changed in place.
        """

    @abstractmethod
    def finish(self, state: State, spec: FrameSpec) -> Array:
        """Return the value for the file."""
