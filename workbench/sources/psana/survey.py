"""One pass of psana over a run: what is in which event, and all that transitions said."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from workbench.core.arrays import Array, Bools, Times
from workbench.sources.base import Steps, Value
from workbench.sources.psana.describe import (
    Key,
    Segment,
    Shape,
    array_in,
    labels_of,
    merged,
    segments_of,
    value_in,
)
from workbench.sources.xtc2.layout import Service
from workbench.sources.xtc2.plans import RESERVED, is_config

HISTORY = ("epics", "scan")  # and every configuration
Change = tuple[int, Value]  # time stamp, value


@dataclass
class Survey:
    """What the pass found.

    Parameters
    ----------
    experiment, number, begin_time
        As psana tells them; experiment None where no stream does.
    segments
        What is configured, by (detector, algorithm), then segment.
    times
        Time stamps of the events.
    records
        By (detector, algorithm), then segment: events that have a record, and their damage bits.
    shapes, labels
        By (detector, algorithm, field): shape of its arrays, -1 where it varies; labels of
        enumerations.
    history
        By (detector, algorithm, segment, field): what transitions set, in the order of time.
    begins, ends
        Time stamps of BeginStep, and of all that ends a step.
    ended
        Whether there is an EndRun.
    chunks
        Names of the files in which streams go on.
    """

    experiment: str | None
    number: int
    begin_time: int
    segments: dict[Key, dict[int, Segment]]
    times: list[int] = field(default_factory=list)
    records: dict[Key, dict[int, list[tuple[int, int]]]] = field(default_factory=dict)
    shapes: dict[tuple[str, str, str], Shape] = field(default_factory=dict)
    labels: dict[tuple[str, str, str], dict[int, str]] = field(default_factory=dict)
    history: dict[tuple[str, str, int, str], list[Change]] = field(
        default_factory=lambda: defaultdict(list)
    )
    begins: list[int] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)
    ended: bool = False
    chunks: list[str] = field(default_factory=list)

    @property
    def timestamps(self) -> Times:
        """Time stamps of the events, shape (event,)."""
        return np.array(self.times, np.uint64)

    @property
    def steps(self) -> Steps:
        """The steps; one without an end lasts until the next one begins."""
        times, begins = self.timestamps, np.unique(np.array(self.begins, np.uint64))
        ends = np.unique(np.array([*self.ends, *self.begins], np.uint64))
        at_end = np.append(np.searchsorted(times, ends), len(times)).astype(np.int64)
        first = np.searchsorted(times, begins).astype(np.int64)
        return Steps(begins, first, at_end[np.searchsorted(ends, begins, side="right")])

    def states(self, key: Key) -> tuple[Bools, Bools]:
        """Return in which events each segment has a record, and a damaged one: (event, segment)."""
        numbers = list(self.segments[key])
        there = np.zeros((len(self.times), len(numbers)), np.bool_)
        damaged = np.zeros_like(there)
        for column, number in enumerate(numbers):
            found: Array = np.array(self.records.get(key, {}).get(number, []), np.int64)
            events, damage = found.reshape(-1, 2).T
            there[events, column] = True
            damaged[events[damage != 0], column] = True
        return there, damaged


def survey(run: Any) -> Survey:
    """Read a run from its beginning to its end, and keep no event."""
    begin = run._evt  # noqa: SLF001 - BeginRun, which psana tells nowhere else
    found = Survey(run.expt, run.runnum, begin.timestamp, segments_of(run.configs))
    _transition(found, run.configs, 0)  # what Configure says holds from the beginning
    _transition(found, begin._dgrams, begin.timestamp)  # noqa: SLF001 - as above
    for datagrams in run._evt_iter:  # noqa: SLF001 - events() hides the transitions
        first = next(one for one in datagrams if one is not None)
        service, time = first.service(), first.timestamp()
        if service == Service.EVENT:
            _event(found, datagrams, len(found.times))
            found.times.append(time)
            continue
        _transition(found, datagrams, time)
        if service == Service.BEGIN_STEP:
            found.begins.append(time)
        elif service == Service.END_STEP:
            found.ends.append(time)
        elif service == Service.END_RUN:
            found.ended = True
            break
    return found


def _records(datagrams: Sequence[Any]) -> Iterable[tuple[Key, int, Any]]:
    """Yield (detector, algorithm), segment and record of everything in an event or transition."""
    for datagram in datagrams:
        if datagram is None:
            continue
        for det, segments in vars(datagram).items():
            if det.startswith("_") or det == "software":
                continue
            for number, entry in segments.items():
                for alg, record in vars(entry).items():
                    if alg != "_xtc":
                        yield (det, alg), number, record


def _event(found: Survey, datagrams: Sequence[Any], index: int) -> None:
    for key, number, record in _records(datagrams):
        if key[0] in RESERVED or is_config(key[1]) or number not in found.segments.get(key, {}):
            continue
        damage = int(record._xtc.damage)  # noqa: SLF001 - psana has no other name for it
        found.records.setdefault(key, {}).setdefault(number, []).append((index, damage))
        _note_shapes(found, key, number, record)


def _note_shapes(found: Survey, key: Key, number: int, record: Any) -> None:
    for name, kind in found.segments[key][number].fields.items():
        place = (*key, name)
        if kind.dtype == "enum" and place not in found.labels:
            found.labels[place] = labels_of(array_in(record, name)) or {}
        elif kind.rank and kind.dtype != "str":
            found.shapes[place] = merged(found.shapes.get(place), array_in(record, name).shape)


def _transition(found: Survey, datagrams: Sequence[Any], time: int) -> None:
    for key, number, record in _records(datagrams):
        if key[0] == "chunkinfo":
            found.chunks.append(record.filename)
        if key[0] not in HISTORY and not is_config(key[1]):
            continue
        for name, kind in found.segments[key][number].fields.items():
            value = value_in(record, name, kind.dtype)
            if value is None:
                continue
            found.history[*key, number, name].append((time, value))
            place = (*key, name)
            if kind.dtype == "enum":
                found.labels.setdefault(place, labels_of(array_in(record, name)) or {})
            elif isinstance(value, np.ndarray):
                found.shapes[place] = merged(found.shapes.get(place), value.shape)
