"""One raw run as psana reads it, behind the protocol of all sources."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from workbench.core.arrays import Array, Bools, Ints, Times
from workbench.core.errors import InputError, UnknownNameError
from workbench.core.findings import Finding, Severity
from workbench.core.stack import Stack
from workbench.sources.base import Frame, RawField, Steps, Value
from workbench.sources.psana.columns import blank, put
from workbench.sources.psana.cursor import Cursor
from workbench.sources.psana.describe import array_in, raw_field, value_in
from workbench.sources.psana.library import PsanaFiles
from workbench.sources.psana.survey import Survey
from workbench.sources.psana.values import PsanaValues, settings_at
from workbench.sources.xtc2.plans import RESERVED, is_config, stored_type


@dataclass(frozen=True, eq=False)
class Alg:
    """One algorithm of one detector, and the events that it is in.

    Parameters
    ----------
    det, alg
        Their names.
    segments
        Segment numbers, sorted.
    fields
        By name.
    complete, some, damaged
        Shape (event,): all segments, any segment, any record that is marked as damaged.
    """

    det: str
    alg: str
    segments: tuple[int, ...]
    fields: Mapping[str, RawField]
    complete: Bools
    some: Bools
    damaged: Bools

    @property
    def name(self) -> str:
        """``detector.algorithm``."""
        return f"{self.det}.{self.alg}"


class PsanaRun:
    """One run read by psana: events one by one, in order; nothing of them is kept.

    Parameters
    ----------
    files
        What psana opens.
    place
        Which of the runs in there.
    found
        What its survey found.
    paths
        The data files.
    named
        Experiment and run number as the file names tell them, where they do.
    """

    def __init__(
        self,
        files: PsanaFiles,
        place: int,
        found: Survey,
        paths: tuple[Path, ...],
        named: tuple[str, int | None],
    ) -> None:
        self._origin = files, place
        self._found = found
        name, self.file_number = named
        self.experiment = name if found.experiment is None else found.experiment
        told = found.experiment is not None
        self.number = found.number if told else self.file_number or 0
        self.begin_time = found.begin_time
        self.files = paths
        self.timestamps: Times = found.timestamps
        self.timestamps.flags.writeable = False
        self._cursors: dict[str, Cursor] = {}

    def __repr__(self) -> str:
        return (
            f"<raw run {self.number} of {self.experiment or 'unknown experiment'}: "
            f"{self.n_events} events, read by psana>"
        )

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_cursors": {}}  # psana's own objects stay in this process

    @property
    def n_events(self) -> int:
        """Number of events."""
        return len(self.timestamps)

    @cached_property
    def findings(self) -> tuple[Finding, ...]:
        """What the user should know about the files, and about psana."""
        found = [
            Finding(
                "psana-no-corruption",
                Severity.INFO,
                "psana does not tell of records that were lost with a corrupted container: their "
                "detectors count as absent, not as damaged",
            )
        ]
        if self._found.experiment is None:
            text = "no stream states experiment and run number; those of the file name are used"
            found.append(Finding("no-run-information", Severity.WARNING, text))
        elif self.file_number not in {None, self.number}:
            text = f"the file name says run {self.file_number}, the data say run {self.number}"
            found.append(Finding("run-number-differs", Severity.INFO, text))
        if not self._found.ended:
            text = "no EndRun: the run was still going or the DAQ stopped early"
            found.append(Finding("no-end-run", Severity.INFO, text))
        return tuple(found)

    @cached_property
    def detectors(self) -> dict[str, dict[str, dict[str, RawField]]]:
        """Detector, then algorithm, then field."""
        return {
            det: {alg.alg: dict(alg.fields) for alg in algs} for det, algs in self._algs.items()
        }

    @cached_property
    def detector_types(self) -> dict[str, str]:
        """Type of each detector, for example "jungfrau"."""
        return {det: self._first(det).dettype for det in self._algs}

    @cached_property
    def segments(self) -> dict[str, tuple[int, ...]]:
        """Configured segments of each detector, sorted."""
        return {
            det: tuple(sorted({number for alg in algs for number in alg.segments}))
            for det, algs in self._algs.items()
        }

    @cached_property
    def serials(self) -> dict[str, str]:
        """Type and serial numbers of each detector: its key among calibration constants."""
        found: dict[str, dict[int, str]] = {}
        for (det, _), segments in self._found.segments.items():
            for number, segment in segments.items():
                found.setdefault(det, {}).setdefault(number, segment.detid)
        return {
            det: "_".join([kind, *(detid for _, detid in sorted(found[det].items()))])
            for det, kind in self.detector_types.items()
        }

    @cached_property
    def steps(self) -> Steps:
        """The steps of a scan."""
        return self._found.steps

    @cached_property
    def epics(self) -> PsanaValues:
        """Control-system values."""
        return PsanaValues(self._found, "epics")

    @cached_property
    def scan(self) -> PsanaValues:
        """Values set step by step."""
        return PsanaValues(self._found, "scan")

    def present(self, det: str) -> Bools:
        """Tell for each event whether all configured segments of a detector are in it."""
        return _any(alg.complete for alg in self._of(det))

    def partial(self, det: str) -> Bools:
        """Tell for each event whether some, but not all, segments are in it."""
        return _any(alg.some for alg in self._of(det)) & ~self.present(det)

    def damaged(self, det: str) -> Bools:
        """Tell for each event whether a record that is there is marked as damaged."""
        return _any(alg.damaged for alg in self._of(det))

    def config(self, det: str, event: int = 0) -> dict[str, Value]:
        """Return the settings of a detector as they were at one event, by field name."""
        keys = [key for key in self._found.segments if key[0] == det and is_config(key[1])]
        if not keys and det not in self._algs:
            known = {det for det, _ in self._found.segments} - RESERVED
            raise UnknownNameError("detector", det, known, self._label)
        time = int(self.timestamps[event]) if self.n_events else self.begin_time
        return settings_at(self._found, keys, time)

    def integrated_by(self, det: str) -> Ints:
        """Return for each event the number of the integrating detector's event it belongs to."""
        ends = np.flatnonzero(_any(alg.some for alg in self._of(det)))
        return np.searchsorted(ends, np.arange(self.n_events)).astype(np.int64)

    def stacks(
        self, names: Sequence[str], size: int = 64, start: int = 0, stop: int | None = None
    ) -> Iterator[Stack]:
        """Yield stacks of up to `size` consecutive events with the named fields."""
        if size < 1:
            raise InputError(f"a stack holds at least one event, not {size}")
        wanted = self._wanted(names)
        first, last, _ = slice(start, stop).indices(self.n_events)
        return (
            self._read(wanted, low, min(low + size, last), "stacks")
            for low in range(first, last, size)
        )

    def read(self, names: Sequence[str], start: int = 0, stop: int | None = None) -> Stack:
        """Return the named fields of a range of events as one stack."""
        first, last, _ = slice(start, stop).indices(self.n_events)
        return self._read(self._wanted(names), first, max(first, last), "read")

    def frames(
        self, name: str, *, start: int = 0, stop: int | None = None, size: int = 64
    ) -> Iterator[tuple[Ints, list[Frame]]]:
        """Yield events that have all segments of a field, up to `size` at a time, and its frames.

        The field is a whole name whose arrays have one shape.
        """
        if name not in self._fields:
            raise UnknownNameError("field", name, self._fields, self._label)
        alg, field = self._fields[name]
        if field.variable or field.dtype == "str":
            raise InputError(f"{name} has another shape in each event: read it as a stack")
        first, last, _ = slice(start, stop).indices(self.n_events)
        return self._frames(alg, field, first, max(first, last), size)

    def event(self, index: int) -> dict[str, Value]:
        """Return one event: ``"detector.algorithm.field"`` to its value, None where absent."""
        if not -self.n_events <= index < self.n_events:
            raise InputError(f"{self._label} has {self.n_events} events: no event {index}")
        place = index % self.n_events
        stack = self._read(self._wanted(tuple(self._algs)), place, place + 1, "event")
        return {
            name: stack[name][0] if alg.complete[place] else None
            for name, (alg, _) in self._fields.items()
        }

    def _read(
        self, wanted: Sequence[tuple[Alg, Sequence[RawField]]], start: int, stop: int, who: str
    ) -> Stack:
        columns = [
            (alg, field, blank(field, stop - start)) for alg, fields in wanted for field in fields
        ]
        for index, event in self._cursor(who).events(start, stop) if columns else ():
            for alg, field, rows in columns:
                if alg.complete[index]:
                    records = event[alg.det, alg.alg]
                    values = [
                        value_in(records[number], field.name, field.dtype)
                        for number in alg.segments
                    ]
                    put(rows, index - start, field, values)
        arrays = {f"{alg.name}.{field.name}": rows for alg, field, rows in columns}
        return self._stack(arrays, dict.fromkeys(alg.det for alg, _ in wanted), start, stop)

    def _stack(
        self, arrays: dict[str, Array], detectors: Mapping[str, None], start: int, stop: int
    ) -> Stack:
        span = slice(start, stop)
        states = {
            det: (self.present(det)[span], self.partial(det)[span], self.damaged(det)[span])
            for det in detectors
        }
        for det in detectors:
            for alg in self._algs[det]:
                some = alg.some[span] & ~alg.complete[span]
                states[alg.name] = alg.complete[span], some, alg.damaged[span]
        present, partial, damaged = (
            {name: state[number] for name, state in states.items()} for number in range(3)
        )
        return Stack(self.timestamps[span], arrays, present, partial, damaged, start)

    def _frames(
        self, alg: Alg, field: RawField, start: int, stop: int, size: int
    ) -> Iterator[tuple[Ints, list[Frame]]]:
        shape = field.shape[1:] if field.segments > 1 else field.shape
        events: list[int] = []
        frames: list[Frame] = []
        for index, event in self._cursor(f"{alg.name}.{field.name}").events(start, stop):
            if not alg.complete[index]:
                continue
            records = event[alg.det, alg.alg]
            values = (
                array_in(records[number], field.name)
                if field.rank
                else value_in(records[number], field.name, field.dtype)
                for number in alg.segments
            )
            typed = (np.asarray(one, stored_type(field)).reshape(shape) for one in values)
            events.append(index)
            frames.append(tuple(typed))
            if len(events) == size:
                yield np.array(events, np.int64), frames
                events, frames = [], []
        if events:
            yield np.array(events, np.int64), frames

    def _cursor(self, who: str) -> Cursor:
        """Return the place in the run of one who reads: each goes through it on its own."""
        if who not in self._cursors:
            self._cursors[who] = Cursor(*self._origin, self.timestamps)
        return self._cursors[who]

    @property
    def _label(self) -> str:
        return f"run {self.number} in {self._origin[0].path}"

    @cached_property
    def _algs(self) -> dict[str, list[Alg]]:
        found: dict[str, list[Alg]] = {}
        for key, segments in self._found.segments.items():
            det, alg = key
            if det in RESERVED or is_config(alg):
                continue
            there, damaged = self._found.states(key)
            names = dict.fromkeys(name for one in segments.values() for name in one.fields)
            kinds = {
                name: [one.fields[name] for one in segments.values() if name in one.fields]
                for name in names
            }
            shapes, labels = self._found.shapes, self._found.labels
            fields = {
                name: raw_field(
                    name, kinds[name], shapes.get((*key, name)), labels.get((*key, name))
                )
                for name in names
            }
            found.setdefault(det, []).append(
                Alg(
                    det,
                    alg,
                    tuple(segments),
                    fields,
                    ~_any(~there.T),
                    _any(there.T),
                    _any(damaged.T),
                )
            )
        return found

    @cached_property
    def _fields(self) -> dict[str, tuple[Alg, RawField]]:
        return {
            f"{alg.name}.{field.name}": (alg, field)
            for algs in self._algs.values()
            for alg in algs
            for field in alg.fields.values()
        }

    def _first(self, det: str) -> Any:
        alg = self._algs[det][0]
        return self._found.segments[det, alg.alg][alg.segments[0]]

    def _of(self, det: str) -> list[Alg]:
        if det not in self._algs:
            raise UnknownNameError("detector", det, self._algs, self._label)
        return self._algs[det]

    def _wanted(self, names: Sequence[str]) -> list[tuple[Alg, list[RawField]]]:
        """Return the algorithms and fields that detectors, algorithms and fields stand for."""
        known: dict[str, list[tuple[Alg, RawField]]] = {}
        for name, (alg, field) in self._fields.items():
            for handle in (alg.det, alg.name, name):
                known.setdefault(handle, []).append((alg, field))
        chosen: dict[str, tuple[Alg, dict[str, RawField]]] = {}
        for name in [names] if isinstance(names, str) else names:
            if name not in known:
                raise UnknownNameError("detector or field", name, known, self._label)
            for alg, field in known[name]:
                chosen.setdefault(alg.name, (alg, {}))[1][field.name] = field
        return [(alg, list(fields.values())) for alg, fields in chosen.values()]


def _any(flags: Iterable[Bools]) -> Bools:
    """Return where any of several flags is set."""
    found: Bools = np.logical_or.reduce(list(flags))
    return found
