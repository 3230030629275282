"""Integrating detectors: which events each of their frames spans, and what these add up to.

A detector slower than the beam adds up many pulses in one frame. The frames get rows of their own
below ``intg/``: their time, what is made of them, and the sums of all that faster detectors
measured while each was exposed. As psana does it, a frame ends with the event that it comes in.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from workbench.core.arrays import Array, Bools, Floats, Ints
from workbench.core.findings import Finding, Severity
from workbench.smalldata import Assembly, DatasetSpec
from workbench.smalldata.missing import missing_elements
from workbench.sources import RawRun

FOLDER = "intg"
BLOCK_BYTES = 16 << 20  # of one leaf, held at a time
NO_SUM = ("timestamp",)  # names of leaves whose sum would mean nothing
STATUS = "lightStatus"  # group of flags that are -1 where the status is unknown


@dataclass(frozen=True)
class Leaf:
    """One dataset of the fast events, to be added up.

    Parameters
    ----------
    spec
        Its rows are the events.
    """

    spec: DatasetSpec

    def sums(self, detector: str) -> DatasetSpec:
        """Return the dataset of the sums, a row per frame of a detector."""
        text = self.spec.long_name or self.spec.name
        return self._own(detector, "sum", "float64", self.spec.unit, f"sum over the frame: {text}")

    def counts(self, detector: str) -> DatasetSpec:
        """Return the dataset that counts what each sum consists of."""
        text = f"number of values in {self.sums(detector).name}"
        return self._own(detector, "count", "int64", "1", text)

    def measured(self, values: Array) -> Bools:
        """Tell for each element whether it was measured."""
        known = ~np.asarray(missing_elements(values), np.bool_)
        return known & (values >= 0) if self.spec.name.startswith(f"{STATUS}/") else known

    @property
    def row_bytes(self) -> int:
        """How much memory a sum and its counts take."""
        return 16 * max(1, int(np.prod(self.spec.shape, dtype=np.int64)))

    def _own(self, detector: str, what: str, dtype: str, unit: str, text: str) -> DatasetSpec:
        group, _, leaf = self.spec.name.rpartition("/")
        name = f"{FOLDER}/{detector}/{group.replace('/', '_')}_{what}_{leaf}"
        labels = self.spec.labels or tuple(dim.rsplit("/", 1)[-1] for dim in self.spec.dims)
        return DatasetSpec(
            name, dtype, self.spec.shape, unit=unit, long_name=text, labels=labels
        )  # fmt: skip


@dataclass(frozen=True, eq=False)
class Integration:
    """The frames of a run's integrating detectors.

    Parameters
    ----------
    detectors
        The one whose frames end the spans, then those that are read out with it.
    ends
        Event with which each span ends.
    leaves
        What is added up.
    """

    detectors: tuple[str, ...]
    ends: Ints
    leaves: tuple[Leaf, ...]

    @property
    def starts(self) -> Ints:
        """First event of each span."""
        return np.concatenate([np.zeros(1, np.int64), self.ends + 1])[:-1]

    def write(self, file: Assembly, times: DatasetSpec) -> None:
        """Write times, counts and sums of all frames; the events must have been merged.

        `times` is the dataset of the events' time stamps.
        """
        last = int(self.ends[-1]) + 1 if len(self.ends) else 0
        self._write_spans(file, file.rows(times, 0, last), times.long_name)
        for leaf in self.leaves:
            self._write_sums(file, leaf)

    def _write_spans(self, file: Assembly, stamps: Ints, text: str) -> None:
        text = f"with the frame: {text}"
        _write(file, DatasetSpec(f"{FOLDER}/timestamp", "int64", long_name=text), stamps[self.ends])
        for detector in self.detectors:
            for name, values, text in (
                ("count", self.ends + 1 - self.starts, "number of events of the frame"),
                ("timestamp_min", stamps[self.starts], "time of the frame's first event"),
                ("timestamp_max", stamps[self.ends], "time of the frame's last event"),
            ):
                spec = DatasetSpec(f"{FOLDER}/{detector}/{name}", "int64", long_name=text)
                _write(file, spec, values)

    def _write_sums(self, file: Assembly, leaf: Leaf) -> None:
        frames = len(self.ends)
        sums = [file.create(leaf.sums(detector), frames) for detector in self.detectors]
        counts = [file.create(leaf.counts(detector), frames) for detector in self.detectors]
        room = max(1, BLOCK_BYTES // leaf.row_bytes)
        for first in range(0, frames, room):
            some = slice(first, first + room)
            total, number = add_up(file, leaf, self.starts[some], self.ends[some])
            for filling in sums:
                filling.append(total)
            for filling in counts:
                filling.append(number)
        for filling in (*sums, *counts):
            filling.close()


def frame_ends(raw: RawRun, detector: str) -> Ints:
    """Return the events in which an integrating detector was read out, whole or in part."""
    return np.flatnonzero(raw.present(detector) | raw.partial(detector)).astype(np.int64)


def doubts_of_frames(raw: RawRun, detectors: Sequence[str]) -> Iterator[Finding]:
    """Yield what a user should know of the frames of integrating detectors, the main one first."""
    main, *others = detectors
    ends = frame_ends(raw, main)
    after = raw.n_events - (int(ends[-1]) + 1 if len(ends) else 0)
    if not len(ends):
        text = "it was never read out in this run: the groups intg have no rows"
        yield Finding("no-frames", Severity.WARNING, text, main)
    elif after:
        text = f"{after} events after its last frame belong to none; they are in no sum below intg"
        yield Finding("after-last-frame", Severity.INFO, text, main, after)
    for name in others:
        if elsewhere := len(np.setdiff1d(frame_ends(raw, name), ends)):
            text = (
                f"{elsewhere} of its frames came in events without a frame of {main}, which sets "
                f"the rows below intg; they are not stored. Name {name} as the main one in get_intg"
            )
            yield Finding("frame-without-row", Severity.WARNING, text, name, elsewhere)


def leaves_of(specs: Sequence[DatasetSpec], slow: Sequence[str]) -> Iterator[Leaf]:
    """Yield the datasets of events that can be added up: numbers, but nothing of `slow` ones."""
    for spec in specs:
        group, _, leaf = spec.name.rpartition("/")
        own = group == "damage" and leaf in slow
        if group and not own and leaf not in NO_SUM and not spec.is_text and not spec.ragged:
            yield Leaf(spec)


def add_up(file: Assembly, leaf: Leaf, starts: Ints, ends: Ints) -> tuple[Floats, Ints]:
    """Return sums and counts of a leaf over spans of events that follow each other.

    Events are added one by one in their order, so a sum does not depend on how they were shared
    out. A span without any measured value gives NaN.
    """
    sums = np.zeros((len(ends), *leaf.spec.shape))
    counts = np.zeros(sums.shape, np.int64)
    low, high = int(starts[0]), int(ends[-1]) + 1
    size = max(1, BLOCK_BYTES // leaf.row_bytes)
    for start in range(low, high, size):
        stop = min(start + size, high)
        values = file.rows(leaf.spec, start, stop)
        measured = leaf.measured(values)
        added = np.where(measured, values, 0).astype(np.float64)
        span = np.searchsorted(ends, np.arange(start, stop))
        if leaf.spec.shape:
            for number, row, known in zip(span.tolist(), added, measured, strict=True):
                sums[number] += row
                counts[number] += known
        else:
            np.add.at(sums, span, added)  # one after the other, unlike np.sum
            np.add.at(counts, span, measured)
    sums[counts == 0] = np.nan
    return sums, counts


def _write(file: Assembly, spec: DatasetSpec, values: Array) -> None:
    filling = file.create(spec, len(values))
    filling.append(values)
    filling.close()
