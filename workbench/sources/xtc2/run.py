"""One run of XTC2 files: all its streams as one sequence of events."""

from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np

from workbench.core.arrays import Bools, Ints
from workbench.core.errors import InputError, UnknownNameError
from workbench.core.findings import Finding
from workbench.core.stack import Stack
from workbench.sources.base import Frame, RawField, Steps, Value
from workbench.sources.xtc2 import findings as found
from workbench.sources.xtc2.events import build_events
from workbench.sources.xtc2.growth import Growth, growth_of
from workbench.sources.xtc2.pieces import RunPiece
from workbench.sources.xtc2.plans import RESERVED, AlgPlan, FieldPlan, is_config, plan_algs
from workbench.sources.xtc2.presence import Presence
from workbench.sources.xtc2.settings import epics_names, run_info, settings_at
from workbench.sources.xtc2.single import EventReader, Xtc2Event
from workbench.sources.xtc2.stacks import StackReader, Wanted
from workbench.sources.xtc2.steps import find_steps
from workbench.sources.xtc2.values import Xtc2Values
from workbench.sources.xtc2.views import frames

RELEASE_EVERY = 64 << 20  # bytes of file after which a loop over stacks lets go of the pages


class Xtc2Run:
    """One run: what is in it, and its events. Every record is checked when it is opened.

    Parameters
    ----------
    pieces
        The run's part of each stream, in order of file names.
    where
        What the user opened, for messages.
    named
        Experiment and run number as the file names tell them, where they do.
    findings
        What was odd about the files.
    """

    def __init__(
        self,
        pieces: Sequence[RunPiece],
        where: Path,
        named: tuple[str, int | None],
        findings: Sequence[Finding] = (),
    ) -> None:
        self._pieces = tuple(pieces)
        self._where = where
        self._file_findings = tuple(findings)
        self._infos = [run_info(piece) for piece in pieces]
        told = next((info for info in self._infos if info is not None), None)
        name, self.file_number = named
        self.experiment = told.experiment if told else name
        self.number = told.number if told else self.file_number or 0
        begins = [piece.begin_time for piece in pieces if piece.begin_time is not None]
        self.begin_time = begins[0] if begins else pieces[0].configure_time
        self.files: tuple[Path, ...] = tuple(
            file for piece in pieces for file in piece.stream.files
        )
        timestamps, numbers = build_events([piece.event_times for piece in pieces])
        self.timestamps = timestamps.view()
        self.timestamps.flags.writeable = False
        self._states: dict[str, Presence] = {}
        self._tables = [piece.list_events(own) for piece, own in zip(pieces, numbers, strict=True)]

    def __repr__(self) -> str:
        return (
            f"<raw run {self.number} of {self.experiment or 'unknown experiment'}: "
            f"{self.n_events} events, {len(self._pieces)} streams>"
        )

    @property
    def n_events(self) -> int:
        """Number of events."""
        return len(self.timestamps)

    @property
    def growth(self) -> Growth:
        """How far the run had come when it was opened."""
        return growth_of(self._pieces, self.timestamps)

    @cached_property
    def findings(self) -> tuple[Finding, ...]:
        """What the user should know about the files."""
        return (
            *self._file_findings,
            *found.about_run(self._pieces, self._infos, self.file_number),
            *found.about_records(self._pieces, self._tables),
        )

    @cached_property
    def detectors(self) -> dict[str, dict[str, dict[str, RawField]]]:
        """Detector, then algorithm, then field."""
        return {
            det: {
                alg: {name: field.field for name, field in plan.fields.items()}
                for alg, plan in algs.items()
            }
            for det, algs in self._plans.items()
        }

    @cached_property
    def detector_types(self) -> dict[str, str]:
        """Type of each detector, for example "jungfrau"."""
        return {
            det: self._pieces[piece].names.types[slot].dettype
            for det, algs in self._plans.items()
            for piece, slot in [next(iter(algs.values())).slots[0][0]]
        }

    @cached_property
    def segments(self) -> dict[str, tuple[int, ...]]:
        """Configured segments of each detector, sorted."""
        return {
            det: tuple(sorted({number for plan in algs.values() for number in plan.segments}))
            for det, algs in self._plans.items()
        }

    @cached_property
    def serials(self) -> dict[str, str]:
        """Type and serial numbers of each detector: its key among calibration constants."""
        return {
            det: "_".join([kind, *self._serials(det)]) for det, kind in self.detector_types.items()
        }

    @cached_property
    def steps(self) -> Steps:
        """The steps of a scan."""
        return find_steps(self._pieces, self.timestamps)

    @cached_property
    def epics(self) -> Xtc2Values:
        """Control-system values."""
        return Xtc2Values(self._pieces, "epics")

    @cached_property
    def epics_names(self) -> dict[str, str]:
        """Variable to the true name of its process variable, where the DAQ tells it."""
        return epics_names(self._pieces)

    @cached_property
    def scan(self) -> Xtc2Values:
        """Values set step by step."""
        return Xtc2Values(self._pieces, "scan")

    def present(self, det: str) -> Bools:
        """Tell for each event whether all configured segments of a detector are in it."""
        return self._state(det).complete

    def partial(self, det: str) -> Bools:
        """Tell for each event whether some, but not all, segments are in it."""
        return self._state(det).partial

    def damaged(self, det: str) -> Bools:
        """Tell for each event whether the detector's record is marked damaged, or lost by it."""
        return self._state(det).damaged

    def config(self, det: str, event: int = 0) -> dict[str, Value]:
        """Return the settings of a detector as they were at one event, by field name."""
        if det not in self._configs and det not in self._plans:
            raise UnknownNameError("detector", det, {*self._configs, *self._plans}, self._label)
        time = int(self.timestamps[event]) if self.n_events else self.begin_time
        return settings_at(self._pieces, self._configs.get(det, {}), time)

    def integrated_by(self, det: str) -> Ints:
        """Return for each event the number of the integrating detector's event it belongs to.

        An event of that detector closes its group; events after the last one get the number of
        groups.
        """
        ends = np.flatnonzero(self._state(det).some)
        return np.searchsorted(ends, np.arange(self.n_events)).astype(np.int64)

    def stacks(
        self, names: Sequence[str], size: int = 64, start: int = 0, stop: int | None = None
    ) -> Iterator[Stack]:
        """Yield stacks of up to `size` consecutive events with the named fields.

        Names are detectors, "detector.algorithm" or "detector.algorithm.field". Arrays may be
        read-only views on the file.
        """
        if size < 1:
            raise InputError(f"a stack holds at least one event, not {size}")
        wanted = self._wanted(names)
        first, last, _ = slice(start, stop).indices(self.n_events)
        return self._stacks(wanted, size, first, last)

    def read(self, names: Sequence[str], start: int = 0, stop: int | None = None) -> Stack:
        """Return the named fields of a range of events as one stack."""
        first, last, _ = slice(start, stop).indices(self.n_events)
        return self._reader.read(self._wanted(names), first, max(first, last))

    def frames(
        self, name: str, *, start: int = 0, stop: int | None = None, size: int = 64
    ) -> Iterator[tuple[Ints, list[Frame]]]:
        """Yield events that have all segments of a field, up to `size` at a time, and its frames.

        The field is a whole name whose arrays have one shape; arrays are read-only views on the
        file where they can be.
        """
        if name not in self._fields:
            raise UnknownNameError("field", name, self._fields, self._label)
        plan, field = self._fields[name]
        if field.field.variable or field.field.dtype == "str":
            raise InputError(f"{name} has another shape in each event: read it as a stack")
        first, last, _ = slice(start, stop).indices(self.n_events)
        return frames(
            self._tables, self._reader, plan, field, start=first, stop=max(first, last), size=size
        )

    def event(self, index: int) -> Xtc2Event:
        """Return one event; negative indices count from the end."""
        if not -self.n_events <= index < self.n_events:
            raise InputError(f"{self._label} has {self.n_events} events: no event {index}")
        return Xtc2Event(self._events, self._fields, index % self.n_events, self._label)

    def _stacks(
        self, wanted: Sequence[Wanted], size: int, first: int, last: int
    ) -> Iterator[Stack]:
        streams = [piece.stream for piece in self._pieces]
        per_event = sum(len(part) for stream in streams for part in stream.parts) / max(
            self.n_events, 1
        )
        passed = 0.0
        for start in range(first, last, size):
            yield self._reader.read(wanted, start, min(start + size, last))
            passed += size * per_event
            if passed > RELEASE_EVERY:
                passed = 0.0
                for stream in streams:
                    stream.release()

    @property
    def _label(self) -> str:
        return f"run {self.number} in {self._where}"

    @cached_property
    def _plans(self) -> dict[str, dict[str, AlgPlan]]:
        return plan_algs(
            self._pieces, self._tables, lambda det, alg: det not in RESERVED and not is_config(alg)
        )

    @cached_property
    def _configs(self) -> dict[str, dict[str, AlgPlan]]:
        tables = [piece.transition_records for piece in self._pieces]
        return plan_algs(
            self._pieces, tables, lambda det, alg: det not in RESERVED and is_config(alg)
        )

    @cached_property
    def _fields(self) -> dict[str, tuple[AlgPlan, FieldPlan]]:
        return {
            field.name: (plan, field)
            for algs in self._plans.values()
            for plan in algs.values()
            for field in plan.fields.values()
        }

    @cached_property
    def _reader(self) -> StackReader:
        algs = {det: list(plans.values()) for det, plans in self._plans.items()}
        return StackReader(self._tables, self.timestamps, algs)

    @cached_property
    def _events(self) -> EventReader:
        return EventReader(self._tables, self._reader, self.n_events)

    def _state(self, det: str) -> Presence:
        if det not in self._plans:
            raise UnknownNameError("detector", det, self._plans, self._label)
        if det not in self._states:
            state = self._reader.states(det, 0, self.n_events)[det]
            for flags in (state.complete, state.some, state.damaged):
                flags.flags.writeable = False  # they are given out again and again
            self._states[det] = state
        return self._states[det]

    def _serials(self, det: str) -> list[str]:
        """Return the serial number of each segment, as psana from its first description."""
        found: dict[int, str] = {}
        for piece in self._pieces:
            for kind in piece.names.types:
                if kind.det == det:
                    found.setdefault(kind.segment, kind.detid)
        return [found[segment] for segment in sorted(found)]

    @cached_property
    def _by_name(self) -> dict[str, list[tuple[str, AlgPlan, FieldPlan]]]:
        """What each detector, algorithm and field name stands for."""
        found: dict[str, list[tuple[str, AlgPlan, FieldPlan]]] = {}
        for det, algs in self._plans.items():
            for plan in algs.values():
                for name in (det, plan.name):
                    found.setdefault(name, []).extend(
                        (det, plan, field) for field in plan.fields.values()
                    )
                for field in plan.fields.values():
                    found.setdefault(field.name, []).append((det, plan, field))
        return found

    def _wanted(self, names: Sequence[str]) -> list[Wanted]:
        chosen: dict[str, tuple[str, AlgPlan, dict[str, FieldPlan]]] = {}
        for name in [names] if isinstance(names, str) else names:
            if name not in self._by_name:
                raise UnknownNameError("detector or field", name, self._by_name, self._label)
            for det, plan, field in self._by_name[name]:
                chosen.setdefault(plan.name, (det, plan, {}))[2][field.name] = field
        return [Wanted(det, plan, tuple(fields.values())) for det, plan, fields in chosen.values()]
