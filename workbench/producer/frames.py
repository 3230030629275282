"""Which field of a detector holds its frames."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path

import numpy as np

from workbench.core.arrays import Array, Ints
from workbench.core.bounds import Bounds
from workbench.core.constants import Constants
from workbench.core.stack import Stack
from workbench.reductions import Calibration
from workbench.sources import Frame, RawField, RawRun
from workbench.sources.constants import read_constants
from workbench.sources.digitizers import (
    HEADER,
    HSD,
    Digitizer,
    digitizer_of,
    packed_fields,
    waveforms,
)
from workbench.sources.epix10ka import Epix10kaConfigError, range_choice

OF_FRAMES = ("pedestal", "gain", "good", "noise")  # constants by which frames are calibrated
RAW = "raw"  # algorithm of readings as they are
DIODES, DIODE = "wave8", "raw_"  # type of monitors of eight diodes; how fields of waveforms begin
SMALL_ARRAY = 4096  # values; an array of two or more axes up to this size is kept as it is


@dataclass(frozen=True)
class FrameField:
    """The frames of one detector.

    Parameters
    ----------
    detector
        As in the run.
    name
        ``detector.algorithm.field``.
    dtype, shape
        Of one event's array.
    detector_type
        For example "jungfrau".
    segments
        Arrays that one frame consists of; where there are several they are its first axis.
    digitizer
        By which records are unpacked to waveforms; None where they hold frames as they are.
    channels
        Whole names of the fields that are the rows of one frame; () where `name` is all of it.
    """

    detector: str
    name: str
    dtype: str
    shape: tuple[int, ...]
    detector_type: str = ""
    segments: int = 1
    digitizer: Digitizer | None = None
    channels: tuple[str, ...] = ()

    @property
    def algorithm(self) -> str:
        """``detector.algorithm``, the key of its presence in a stack."""
        return self.name.rsplit(".", 1)[0]

    def read(
        self, raw: RawRun, *, start: int = 0, stop: int | None = None, size: int = 64
    ) -> Iterator[tuple[Ints, list[Frame]]]:
        """Yield events that have the whole frame, up to `size` at a time, and their frames."""
        if self.digitizer is not None:
            stacked = waveforms(raw, self.digitizer, start=start, stop=stop, size=size)
        elif self.channels:
            stacked = self._rows(raw.stacks(self.channels, size=size, start=start, stop=stop))
        else:
            yield from raw.frames(self.name, start=start, stop=stop, size=size)
            return
        for events, waves in stacked:
            yield events, [(wave,) for wave in waves]

    def _rows(self, stacks: Iterable[Stack]) -> Iterator[tuple[Ints, Array]]:
        """Yield events that have the fields of all channels, and these as rows of one array."""
        for stack in stacks:
            events = np.flatnonzero(stack.present[self.algorithm])
            if len(events):
                rows = [stack[name][events] for name in self.channels]
                yield stack.first + events, np.stack(rows, axis=1)

    def cut(self, frames: Sequence[Frame], region: Bounds) -> Array:
        """Return a region of each frame, shape (event, *region.shape)."""
        out = np.empty((len(frames), *region.shape), self.dtype)
        for row, frame in zip(out, frames, strict=True):
            if self.segments == 1:
                row[...] = frame[0][region.slices]
                continue
            segments, *inner = region.slices
            for part, segment in zip(row, frame[segments], strict=True):
                part[...] = segment[tuple(inner)]
        return out


def frame_fields(raw: RawRun) -> dict[str, FrameField]:
    """Return the frames of every detector that has any: its largest numeric array.

    Arrays of two or more axes go before line cameras, algorithm "raw" before others. Those of a
    digitizer whose records are packed are its waveforms, those of a monitor of diodes the
    waveforms of all of them.
    """
    found: dict[str, FrameField] = {}
    for detector, algorithms in raw.detectors.items():
        digitizer = digitizer_of(raw, detector)
        if digitizer is not None:
            found[detector] = FrameField(
                detector, digitizer.field, "float32", digitizer.shape, HSD, digitizer=digitizer
            )
            continue
        kind = raw.detector_types.get(detector, "")
        if diodes := diode_fields(raw, detector):
            if (made := _diodes(detector, diodes)) is not None:
                found[detector] = made
            continue
        no_frames = (HEADER, *packed_fields(raw, detector)) if kind == HSD else ()
        candidates = [
            (field.rank >= 2, algorithm == RAW, prod(field.shape), f"{algorithm}.{field.name}")
            for algorithm, fields in algorithms.items()
            for field in fields.values()
            if is_array(field) and field.name not in no_frames
        ]
        if not candidates:
            continue
        *_, name = max(candidates)
        algorithm, _, leaf = name.partition(".")
        field = algorithms[algorithm][leaf]
        found[detector] = FrameField(
            detector, f"{detector}.{name}", field.dtype, field.shape, kind, field.segments
        )
    return found


def diode_fields(raw: RawRun, detector: str) -> dict[str, RawField]:
    """Return the fields of the waveforms of a monitor of diodes, one each, by their names."""
    if raw.detector_types.get(detector) != DIODES:
        return {}
    fields = raw.detectors[detector].get(RAW, {})
    return {name: fields[name] for name in sorted(fields) if name.startswith(DIODE)}


def _diodes(detector: str, fields: Mapping[str, RawField]) -> FrameField | None:
    """Return the waveforms of all diodes; None where not all have one length, as with psana."""
    kinds = {(field.dtype, field.shape) for field in fields.values() if is_array(field)}
    if len(kinds) != 1 or not all(is_array(field) for field in fields.values()):
        return None
    ((dtype, shape),) = kinds
    if len(shape) != 1:  # of several segments
        return None
    names = tuple(f"{detector}.{RAW}.{name}" for name in fields)
    return FrameField(detector, names[0], dtype, (len(names), *shape), DIODES, channels=names)


def stored_constants(
    path: Path | None, run: int, detectors: Iterable[str], fields: Sequence[str] = OF_FRAMES
) -> dict[str, Constants]:
    """Return some constants of detectors as they are on file, for those that it covers."""
    if path is None:
        return {}
    found = {name: read_constants(path, name, run, fields=fields, dtype=None) for name in detectors}
    return {name: one for name, one in found.items() if one is not None}


def calibration_of(raw: RawRun, frames: FrameField, constants: Constants | None) -> Calibration:
    """Return constants ready for the frames of a run; None leaves frames raw.

    Raises `ConstantsShapeError` where they do not fit, `Epix10kaConfigError` where gain ranges
    depend on settings of the detector that do not tell, or change on the way.
    """
    return Calibration.of(
        constants,
        shape=frames.shape,
        dtype=frames.dtype,
        detector_type=frames.detector_type,
        choice=range_choice_of(raw, frames) if constants and constants.ranges else None,
    )


def range_choice_of(raw: RawRun, frames: FrameField) -> Ints | None:
    """Return the gain range of each pixel for each code of its raw values; None where it is fixed.

    Raises `Epix10kaConfigError` where the settings do not tell, or change on the way.
    """
    if not frames.detector_type.startswith("epix10ka"):
        return None
    starts = sorted({0, *raw.steps.first.tolist()} & set(range(max(raw.n_events, 1))))
    choices = [range_choice(raw.config(frames.detector, start)) for start in starts]
    if any(not np.array_equal(choice, choices[0]) for choice in choices):
        raise Epix10kaConfigError(
            f"{frames.detector}: its gain settings change within run {raw.number}, and constants "
            "are chosen once a run; produce the steps as runs of their own"
        )
    return choices[0].reshape(-1, *frames.shape)


def is_array(field: RawField) -> bool:
    """Tell whether a field could be reduced as frames: numbers, always of one shape."""
    numeric = field.dtype not in {"str", "enum"}
    return numeric and field.rank >= 1 and not field.variable and prod(field.shape) > 0


def is_large(field: RawField) -> bool:
    """Tell whether a field is kept only on request: big arrays of two or more axes."""
    return field.rank >= 2 and (field.variable or prod(field.shape) > SMALL_ARRAY)
