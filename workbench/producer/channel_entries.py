"""Waveforms of a digitizer, whole or in part (``{'hsd_1': [first, last]}``), as entries."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from workbench.producer.entries import DetectorFacts, EntryError, Recipe, ReductionEntry
from workbench.producer.frames import FrameField
from workbench.producer.report import Report, kind
from workbench.reductions import ChannelPart, Channels, Roi
from workbench.sources.digitizers import SAMPLE_TIME

FUNCTION = "getROIs"
CHANNEL = "hsd_"  # how names of channels begin; the number of a segment follows
FULL = "full"  # first part of the names of whole frames; channels are parts of it today


@dataclass(frozen=True)
class PartRecipe(Recipe):
    """A range of samples of one channel.

    Parameters
    ----------
    number
        Of the segment.
    first, last
        Range of samples; a last one below 0 counts from the end.
    """

    number: int
    first: int
    last: int

    def build(self, facts: DetectorFacts) -> ChannelPart:
        """Return the reduction; raise `EntryError` where there is no such channel."""
        digitizer = facts.digitizer
        if digitizer is None:
            text = f"{facts.detector} is no digitizer whose channels are unpacked to waveforms"
            raise EntryError("no-channels", text)
        if self.number not in digitizer.segments:
            known = ", ".join(f"{CHANNEL}{one}" for one in digitizer.segments)
            text = f"{facts.detector} has no channel {CHANNEL}{self.number}; it has {known}"
            raise EntryError("no-channels", text)
        row = digitizer.segments.index(self.number)
        length = digitizer.lengths[row]
        last = min(self.last, length) if self.last >= 0 else length + self.last
        return ChannelPart(self.number, row, (self.first, last), SAMPLE_TIME)


def read_channels(
    detector: str, regions: dict[Any, Any], report: Report
) -> Iterator[ReductionEntry]:
    """Yield an entry for each channel of a digitizer; what cannot be used goes to `report`."""
    for key, given in regions.items():
        number = str(key).removeprefix(CHANNEL)
        part = _pair(given)
        if str(key) == number or not number.isdecimal() or part is None:
            text = "a part of a channel is written {'hsd_1': [first, last]}, in samples"
            text += f", not {key!r}: {kind(given)}"
            report.skip("wrong-type", text, FUNCTION, detector, key)
            continue
        line = report.line(FUNCTION, detector, key)
        yield ReductionEntry(detector, FULL, PartRecipe(int(number), *part), FUNCTION, line)


def with_whole_frames(
    frames: FrameField, entries: tuple[ReductionEntry, ...]
) -> tuple[ReductionEntry, ...]:
    """Return the entries of a detector with one that stores its whole frames, or waveforms."""
    digitizer = frames.digitizer
    if digitizer is not None:
        whole = Channels(digitizer.segments, digitizer.lengths, SAMPLE_TIME)
        return (*entries, ReductionEntry(frames.detector, FULL, whole))
    if any(entry.name == FULL for entry in entries):
        return entries
    return (*entries, ReductionEntry(frames.detector, FULL, Roi(area=True, statistics=False)))


def _pair(given: Any) -> tuple[int, int] | None:
    """Return two whole numbers, which configs also write as 1e6; None for anything else."""
    ends = given.tolist() if isinstance(given, np.ndarray) else given
    if not isinstance(ends, list | tuple) or len(ends) != 2:
        return None
    if any(type(end) not in {int, float} or not float(end).is_integer() for end in ends):
        return None
    return int(ends[0]), int(ends[1])
