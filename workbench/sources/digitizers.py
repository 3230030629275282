"""High-speed digitizers of a run: which can be unpacked, and their waveforms event by event."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from workbench.core.arrays import Floats, Frames, Ints
from workbench.core.stack import Stack
from workbench.sources.base import RawField, RawRun, Value
from workbench.sources.digitizer_records import Unpacked, unpack

HSD = "hsd"  # type of digitizers whose records may be packed streams of samples
HEADER = "eventHeader"  # field that announces what the record of an event holds
SAMPLE_TIME = 14 / 13 / 6.4e9  # s, between two samples; psana takes it for every model
SAMPLES_PER_TICK = 40  # of the clock in which settings count
TICKS_PER_NS = 26, 175  # as a fraction: 0.160 * 13 / 14
GATES = ("user.raw.gate_ns", "user.fex.gate_ns")  # settings of versions 2.0.0 and 3.0.0
THRESHOLD, CORRECTED = "user.fex.ymin", "user.fex.corr.baseline"  # of 2.0.0, of 3.0.0
LONGEST = 1_000_000  # samples of a waveform; the DAQ's own limit (psalg, Hsd.hh)


@dataclass(frozen=True)
class Digitizer:
    """One digitizer of a run whose records are unpacked: one channel in each of its segments.

    Parameters
    ----------
    name
        As in the run.
    algorithm
        ``detector.algorithm`` of its records.
    field
        Whole name of the field with the packed samples.
    segments
        Their numbers, rising.
    lengths
        Samples of a waveform of each segment, by its settings.
    corrected
        Whether its windows (version 3.0.0) are in 1/16 ADU, their baseline taken off: they are not
        put among waveforms in ADU.
    """

    name: str
    algorithm: str
    field: str
    segments: tuple[int, ...]
    lengths: tuple[int, ...]
    corrected: bool = False

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the waveforms of one event: (segment, sample), or (sample,) of one segment."""
        longest = max(self.lengths)
        return (len(self.segments), longest) if len(self.segments) > 1 else (longest,)

    def times(self, row: int) -> Floats:
        """Return the time of each sample of one segment after the first one [s]."""
        return np.arange(self.lengths[row], dtype=np.float64) * SAMPLE_TIME

    def unpack(self, stack: Stack) -> tuple[Ints, tuple[Unpacked, ...]]:
        """Unpack the events of a stack that have all segments.

        Returns their places in the stack, and what they hold, segment by segment.
        """
        rows = np.flatnonzero(stack.present[self.algorithm])
        given, several = stack[self.field][rows], len(self.segments) > 1
        headers = stack[f"{self.algorithm}.{HEADER}"][rows].reshape(len(rows), -1, 2)
        return rows, tuple(
            unpack([one[row] if several else one for one in given], headers[:, row, 0], length)
            for row, length in enumerate(self.lengths)
        )


def digitizer_of(raw: RawRun, detector: str) -> Digitizer | None:
    """Return a detector as a digitizer that is unpacked; None where it is none.

    It is one whose records have a header and one channel, and whose settings are those of the
    records' versions 1.2.3, 2.0.0 or 3.0.0.
    """
    if raw.detector_types.get(detector) != HSD:
        return None
    for algorithm, fields in raw.detectors[detector].items():
        channels = [name for name, field in fields.items() if _is_packed(field)]
        if len(channels) == 1 and _is_header(fields):
            segments = raw.segments[detector]
            settings = raw.config(detector)
            lengths = _lengths(settings, len(segments))
            path = f"{detector}.{algorithm}"
            if lengths and fields[HEADER].segments == len(segments):
                corrected = CORRECTED in settings
                field = f"{path}.{channels[0]}"
                return Digitizer(detector, path, field, segments, lengths, corrected)
    return None


def packed_fields(raw: RawRun, detector: str) -> tuple[str, ...]:
    """Return the fields of a digitizer that hold packed samples, as bytes."""
    if raw.detector_types.get(detector) != HSD:
        return ()
    return tuple(
        field.name
        for algorithm in raw.detectors[detector].values()
        for field in algorithm.values()
        if _is_packed(field)
    )


def waveforms(
    raw: RawRun, digitizer: Digitizer, *, start: int = 0, stop: int | None = None, size: int = 64
) -> Iterator[tuple[Ints, Frames]]:
    """Yield events that have all segments, up to `size` at a time, and their waveforms [ADU].

    These have the shape (event, *digitizer.shape); samples that were not sent are NaN: all but the
    windows where no whole waveform came, and all of records that could not be unpacked.
    """
    names = [digitizer.field, f"{digitizer.algorithm}.{HEADER}"]
    for stack in raw.stacks(names, size=size, start=start, stop=stop):
        rows, unpacked = digitizer.unpack(stack)
        if len(rows):
            lines = [
                _to_length(
                    one.waves_alone(length) if digitizer.corrected else one.frames(length),
                    max(digitizer.lengths),
                )
                for one, length in zip(unpacked, digitizer.lengths, strict=True)
            ]
            frames = np.stack(lines, axis=1).reshape(len(rows), *digitizer.shape)
            yield stack.first + rows, frames


def _to_length(frames: Frames, length: int) -> Frames:
    """Return waveforms of segments that are read out for a shorter time, NaN behind their end."""
    behind = ((0, 0), (0, length - frames.shape[1]))
    return np.pad(frames, behind, constant_values=np.nan)


def _is_packed(field: RawField) -> bool:
    return field.name.startswith("chan") and (field.dtype, field.rank) == ("uint8", 1)


def _is_header(fields: Mapping[str, RawField]) -> bool:
    header = fields.get(HEADER)
    return header is not None and header.dtype == "uint32" and header.shape[-1:] == (2,)


def _lengths(settings: Mapping[str, Value], segments: int) -> tuple[int, ...]:
    """Return the samples of a waveform of each segment; () where settings do not tell."""
    if {"raw.gate", "fex.gate", "fex.ymin"} <= set(settings):  # version 1.2.3: in ticks
        gates = [np.asarray(settings[name], np.int64) for name in ("raw.gate", "fex.gate")]
    elif {*GATES, THRESHOLD} <= set(settings) or {*GATES, CORRECTED} <= set(settings):  # in ns
        above, below = TICKS_PER_NS
        gates = [np.asarray(settings[name], np.int64) * above // below for name in GATES]
    else:
        return ()
    if any(gate.size == 0 or gate.size % segments for gate in gates):
        return ()
    ticks = np.max([gate.reshape(segments, -1)[:, 0] for gate in gates], axis=0)
    lengths = tuple(int(count) for count in ticks * SAMPLES_PER_TICK)
    return lengths if min(lengths) > 0 and max(lengths) <= LONGEST else ()
