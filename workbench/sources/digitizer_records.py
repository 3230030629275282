"""Packed records of high-speed digitizers: streams of samples to waveforms and windows.

A record is one or two streams, one after the other, as the event's header announces (bits 20 to 23
of its first word): bit 0 the whole waveform, bit 1 the windows. Each has a header of four 32-bit
words: number of samples and three marks of trouble in the first, the stream's number in the upper
byte of the second; 16-bit samples follow. Windows come in groups of four words: with the top bit
set their lower bits add up to the samples left out, without it they are samples.

The layout is that of slac-lcls/lcls2 (psalg/digitizer/Hsd.hh and Stream.hh,
psana/hsd/include/HsdPython.hh), little-endian throughout.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.core.arrays import Array, Frames, Ints
from workbench.sources.xtc2.compiled import compiled
from workbench.sources.xtc2.words import u32

ABSENT, UNPACKED, CUT_OFF, OTHER_STREAM, MARKED, ODD_WINDOWS, TOO_LONG = range(7)
STATES = {
    ABSENT: ("absent", "no record"),
    UNPACKED: ("unpacked", "unpacked"),
    CUT_OFF: ("cut_off", "ends before its samples do"),
    OTHER_STREAM: ("other_stream", "holds a stream that its header does not announce"),
    MARKED: ("marked", "marked by the digitizer: samples overflowed, out of range or not locked"),
    ODD_WINDOWS: ("odd_windows", "windows are not in groups of four samples"),
    TOO_LONG: ("too_long", "waveform longer than the settings say, so not among the frames"),
}
PACKED = (CUT_OFF, OTHER_STREAM, MARKED, ODD_WINDOWS)  # nothing is made of their samples
STREAM_HEADER = 16  # bytes
COUNT_BITS = 29  # of the first word: number of samples; marks of trouble above
TOP = 0x80  # in the upper byte of a word: samples left out
GROUP = 4  # words
BASELINE = 1 << 14  # taken off the baselines of version 3.0.0 to keep them in 15 bits

Samples = NDArray[np.uint16]


@dataclass(frozen=True, eq=False)
class Unpacked:
    """What many records of one digitizer hold, record after record, end to end.

    Parameters
    ----------
    states
        What became of each record: a key of `STATES`.
    waves
        Samples of whole waveforms [ADU].
    wave_ends
        Where those of each record end in `waves`.
    starts, widths
        First sample and number of samples of each window.
    window_ends
        Where those of each record end in `starts`.
    values
        Samples of the windows [ADU].
    value_ends
        Where those of each record end in `values`.
    """

    states: Ints
    waves: Samples
    wave_ends: Ints
    starts: Ints
    widths: Ints
    window_ends: Ints
    values: Samples
    value_ends: Ints

    def without_baselines(self) -> tuple["Unpacked", Ints]:
        """Return the windows without the group that their record begins with, and what it says.

        In version 3.0.0 the first four words of the first window are four baselines that the
        digitizer took off, less 1 << 14: shape (record, 4), -1 where there is no window.
        """
        counts = np.diff(self.window_ends, prepend=0)
        has = counts > 0
        first = self.window_ends[has] - counts[has]
        begins = np.concatenate([[0], self.value_ends])[:-1][has]
        places = begins[:, np.newaxis] + np.arange(GROUP)
        baselines = np.full((len(counts), GROUP), -1, np.int64)
        baselines[has] = self.values[places].astype(np.int64) + BASELINE
        starts, widths = self.starts.copy(), self.widths.copy()
        starts[first] += GROUP
        widths[first] -= GROUP
        rest = replace(
            self,
            starts=starts,
            widths=widths,
            values=np.delete(self.values, places.ravel()),
            value_ends=self.value_ends - GROUP * np.cumsum(has),
        )
        return rest, baselines

    def waves_alone(self, length: int) -> Frames:
        """Return whole waveforms as `frames` does; NaN in records without."""
        out = np.full((len(self.states), length), np.nan, np.float32)
        _lay_waves(self.waves, self.wave_ends, out)
        return out

    def frames(self, length: int) -> Frames:
        """Return one waveform per record, shape (record, sample) [ADU].

        Samples that the digitizer left out between windows are NaN, and all of a record that has
        neither waveform nor windows. Where it has both, the waveform is taken.
        """
        out = self.waves_alone(length)
        windows = self.starts, self.widths, self.window_ends, self.values
        _lay_windows(*windows, np.diff(self.wave_ends, prepend=0), out)
        return out


def unpack(records: Sequence[Array], headers: Array, length: int) -> Unpacked:
    """Unpack records of one digitizer; those that are not as they should be give no samples.

    Parameters
    ----------
    records
        Bytes of each.
    headers
        First word of the header of the event of each.
    length
        Samples of a waveform by the digitizer's settings.
    """
    data = np.concatenate([np.empty(0, np.uint8), *records])
    ends = np.cumsum([len(record) for record in records], dtype=np.int64)
    masks = (np.asarray(headers, np.int64) >> 20) & 0xF
    states, counts = np.zeros(len(records), np.int64), np.zeros((3, len(records)), np.int64)
    places = np.zeros((len(records), 4), np.int64)
    _find(data, ends, masks, length, places, states, counts)
    wave_ends, window_ends, value_ends = np.cumsum(counts, axis=1)
    size: Any = counts.sum(axis=1)
    waves, values = np.empty(size[0], np.uint16), np.empty(size[2], np.uint16)
    starts, widths = np.empty(size[1], np.int64), np.zeros(size[1], np.int64)
    _copy(data, places, counts, waves, starts, widths, values)
    return Unpacked(states, waves, wave_ends, starts, widths, window_ends, values, value_ends)


@compiled
def _find(
    data: Array, ends: Ints, masks: Ints, length: int, places: Ints, states: Ints, counts: Ints
) -> None:
    """Find where the streams of each record are, and how many samples and windows they hold.

    `places`: first byte and number of words of the waveform, then of the windows.
    """
    begin = 0
    for record in range(len(ends)):
        place = places[record]
        state = _streams(data, begin, ends[record], masks[record], place)
        begin = ends[record]
        windows, values = 0, 0
        if state == UNPACKED:
            windows, values = _count(data, place[2], place[3])
            state = ODD_WINDOWS if windows < 0 else state
        if state == UNPACKED:
            counts[0, record], counts[1, record], counts[2, record] = place[1], windows, values
            state = TOO_LONG if place[1] > length else state
        else:
            place[:] = 0
        states[record] = state


@compiled
def _streams(data: Array, at: int, end: int, mask: int, place: Ints) -> int:
    """Fill in where the streams of one record are; return its state."""
    if at == end:  # nothing was sent
        return UNPACKED
    while mask:
        if end - at < STREAM_HEADER:
            return CUT_OFF
        word, stream = u32(data, at), data[at + 7]
        if stream > 1 or not (mask >> stream) & 1:
            return OTHER_STREAM
        if word >> COUNT_BITS:
            return MARKED
        at += STREAM_HEADER
        if 2 * word > end - at:
            return CUT_OFF
        place[2 * stream], place[2 * stream + 1] = at, word
        at += 2 * word
        mask ^= 1 << stream
    return UNPACKED


@compiled
def _count(data: Array, first: int, words: int) -> tuple[int, int]:
    """Return the number of windows and of their samples; -1 where they are not in fours."""
    if words % GROUP:
        return -1, 0
    windows, values, inside = 0, 0, False
    for group in range(words // GROUP):
        at = first + 2 * GROUP * group + 1
        left_out = data[at] >= TOP
        for word in range(1, GROUP):
            if (data[at + 2 * word] >= TOP) != left_out:
                return -1, 0
        if not left_out:
            windows += 0 if inside else 1
            values += GROUP
        inside = not left_out
    return windows, values


@compiled
def _copy(
    data: Array,
    places: Ints,
    counts: Ints,
    waves: Samples,
    starts: Ints,
    widths: Ints,
    values: Samples,
) -> None:
    wave, window, value = 0, 0, 0
    for record in range(len(places)):
        first, words = places[record, 0], counts[0, record]
        for at in range(first, first + 2 * words, 2):
            waves[wave] = data[at] | np.uint16(data[at + 1]) << 8
            wave += 1
        first, position, inside = places[record, 2], 0, False
        for group in range(places[record, 3] // GROUP):
            low = first + 2 * GROUP * group
            if data[low + 1] >= TOP:
                for at in range(low, low + 2 * GROUP, 2):
                    position += data[at] | np.int64(data[at + 1] - TOP) << 8
                inside = False
                continue
            if not inside:
                starts[window] = position
                window += 1
            inside = True
            widths[window - 1] += GROUP
            position += GROUP
            for at in range(low, low + 2 * GROUP, 2):
                values[value] = data[at] | np.uint16(data[at + 1]) << 8
                value += 1


@compiled
def _lay_waves(waves: Samples, ends: Ints, out: Frames) -> None:
    begin = 0
    for record in range(len(ends)):
        count = ends[record] - begin
        if count <= out.shape[1]:
            for sample in range(count):  # a slice would take numba 3 s to compile
                out[record, sample] = waves[begin + sample]
        begin = ends[record]


@compiled
def _lay_windows(
    starts: Ints, widths: Ints, ends: Ints, values: Samples, waves: Ints, out: Frames
) -> None:
    """Put windows in their places where there is no waveform; what lies beyond is left out."""
    window, value = 0, 0
    for record in range(len(ends)):
        while window < ends[record]:
            for sample in range(widths[window]):
                place = starts[window] + sample
                if waves[record] == 0 and place < out.shape[1]:
                    out[record, place] = values[value + sample]
            value += widths[window]
            window += 1
