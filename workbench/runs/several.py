"""Several runs as one: channels end to end, conflicts named, each run within reach."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property, partial
from pathlib import Path
from typing import overload

import numpy as np
from numpy.typing import NDArray

from workbench.core.arrays import Array, Bools, Ints, Times
from workbench.core.errors import InputError, UnknownNameError
from workbench.core.findings import Finding, worst_first
from workbench.core.table import Table
from workbench.facility import RoleField
from workbench.runs import questions
from workbench.runs.answers import Beam, Reduce, Scope
from workbench.runs.channel import Channel
from workbench.runs.classes import Classes
from workbench.runs.conflicts import ALLOWABLE, conflicts_table
from workbench.runs.cuts import Cut
from workbench.runs.detectors import Detectors
from workbench.runs.exporting import Exits
from workbench.runs.fields import Field, Fields
from workbench.runs.joined import together
from workbench.runs.lookup import COMPUTED, meant
from workbench.runs.members import RUN, Members
from workbench.runs.reduced import reduced_values
from workbench.runs.run import Run
from workbench.runs.tally import tally
from workbench.runs.together import Together
from workbench.smalldata import FieldInfo


class Runs(Together, Exits):
    """Several runs of one experiment, end to end; made by `open_runs`.

    Usable wherever a `Run` is, but for integrating detectors, which each run has for itself. What
    has a row per event comes in the order of the runs, run sums (``Sums/*``) are added, what is
    kept once a file must be equal. A field on which the runs do not agree is refused when it is
    read; `conflicts` names all of them.

    Parameters
    ----------
    runs
        At least one, of one generation.
    allow
        States of `runs.conflicts.ALLOWABLE` with which fields are read all the same.
    channels
        Computed channels that join those of the files.
    """

    def __init__(
        self,
        runs: Sequence[Run],
        *,
        allow: Collection[str] = (),
        channels: Mapping[str, Channel] | None = None,
    ) -> None:
        self.runs = tuple(runs)
        self.allow = frozenset(allow)
        _check(self.runs, self.allow)
        self._added = dict(channels or {})
        self.experiment = self.runs[0].experiment
        self.generation = self.runs[0].generation
        self.run = self.runs[0].run if len(self.runs) == 1 else None
        self.paths: tuple[Path, ...] = tuple(run.path for run in self.runs)
        self._names = tuple(map(_name, self.runs))
        by_name = dict(zip(self._names, self.runs, strict=True))
        self._members = Members(by_name, self.label, self.allow)
        self.agreement = self._members.agreement
        self.n_events = self._members.n_events

    def __repr__(self) -> str:
        refused = {one.field for one in self.agreement.of_infos if one.refused(self.allow)}
        text = f"; {len(refused)} cannot be read as one, see conflicts" if refused else ""
        return f"{self.label}: {self.n_events} events, {len(self.infos)} fields{text}"

    def _repr_html_(self) -> str:
        return Table(
            ("run", "events", "fields", "file"),
            tuple(
                (name, run.n_events, len(run.infos), run.why)
                for name, run in zip(self._names, self.runs, strict=True)
            ),
            caption=repr(self),
        )._repr_html_()

    def __len__(self) -> int:
        return len(self.runs)

    def __iter__(self) -> Iterator[Run]:
        return iter(self.runs)

    def __contains__(self, name: str) -> bool:
        return name in self.names or self._members.holds(name)

    @overload
    def __getitem__(self, name: str, /) -> Channel: ...

    @overload
    def __getitem__(self, name: int, /) -> Run: ...

    def __getitem__(self, name: str | int, /) -> Channel | Run:
        if not isinstance(name, str):
            return self._one(int(name))
        if name in self._added:
            return self._added[name]
        if name == RUN:
            return self._members.run_numbers(self.mask)
        if name not in self.infos:
            if self._members.holds(name):
                return self._members.join_named(name, self.mask)
            raise UnknownNameError("channel", name, self.names, self.label, meant(self, name))
        return self._members.join(name, self.mask)

    def _ipython_key_completions_(self) -> list[str]:
        return list(self.names)

    @property
    def names(self) -> tuple[str, ...]:
        """Every field of any run, and the computed ones."""
        return (*self._added, RUN, *self.infos)

    @property
    def label(self) -> str:
        """How messages name the runs."""
        return f"{self.experiment or 'files'} runs {', '.join(self._names)}"

    def only(self, *numbers: int) -> "Runs":
        """Return some of the runs, by number, as one."""
        return Runs([self[number] for number in numbers], allow=self.allow)

    def allowing(self, *states: str) -> "Runs":
        """Return these runs with fields read although they differ in this: "mask", "unit" ..."""
        return Runs(self.runs, allow={*self.allow, *states}, channels=self._added)

    def refresh(self) -> "Runs":
        """Return the runs as they are on file now: longer where a writer has gone on.

        Raises `InputError` where channels were added by hand: they would not grow with it.
        """
        fresh = [run.refresh() for run in self.runs]
        if all(new is old for new, old in zip(fresh, self.runs, strict=True)):
            return self
        if self._added:
            raise InputError(
                f"{self.label} have changed on file, their added channels "
                f"({', '.join(self._added)}) have not: refresh the runs as they were opened, then "
                "add them again"
            )
        return Runs(fresh, allow=self.allow)

    @property
    def conflicts(self) -> Table:
        """On what the runs do not agree, field by field; reads settings and axes, no event."""
        return conflicts_table(self.agreement.conflicts(), self.allow)

    @property
    def infos(self) -> Mapping[str, FieldInfo]:
        """What is known of each dataset, shapes of all runs together."""
        return self._members.infos

    @property
    def failures(self) -> Mapping[str, Mapping[str, int]]:
        """Events per detector and state, added up; only detectors that every run counted."""
        counted = [run.failures for run in self.runs]
        common = [name for name in counted[0] if all(name in one for one in counted)]
        return {
            name: {
                state: sum(one[name].get(state, 0) for one in counted)
                for state in dict.fromkeys(state for one in counted for state in one[name])
            }
            for name in common
        }

    @property
    def fields(self) -> Fields:
        """Table of all datasets; ``runs.fields(filled=True)`` counts missing values by reading."""
        roles = {field.name: field.role for run in self.runs for field in run.fields}
        rows = tuple(
            Field(name, info.shape, info.dtype, info.unit, roles[name], info.kind)
            for name, info in self.infos.items()
        )
        return Fields(rows, self._filled)

    @cached_property
    def timestamps(self) -> Times:
        """Time stamp of every event as in the files, shape (event,)."""
        return np.concatenate([run.timestamps for run in self.runs])

    @property
    def times(self) -> NDArray[np.datetime64]:
        """UTC time of every event, shape (event,)."""
        return np.concatenate([run.times for run in self.runs])

    @property
    def time_order(self) -> Ints:
        """Row numbers from first to last in time, run after run, shape (event,)."""
        starts = self._members.starts[:-1]
        pairs = zip(self.runs, starts, strict=True)
        return np.concatenate([run.time_order + start for run, start in pairs])

    @property
    def is_time_ordered(self) -> bool:
        """Tell whether the rows already are in the order of time, through all runs."""
        return bool((self.timestamps[1:] >= self.timestamps[:-1]).all())

    @property
    def run_index(self) -> Ints:
        """Which run each event belongs to, counted from 0, shape (event,)."""
        return self._members.run_index

    @cached_property
    def classes(self) -> Classes:
        """Which events are on, off, dark or unknown; each run by its own rule."""
        parts = [run.classes for run in self.runs]
        return Classes(
            np.concatenate([part.xray for part in parts]),
            np.concatenate([part.laser for part in parts]),
            together([part.why for part in parts], self._names),
        )

    @property
    def det(self) -> Detectors:
        """Fields by detector, for the Tab key: ``run.det.ipm2.sum``."""
        return Detectors(self)

    def channel(self, wanted: str | Channel) -> Channel:
        """Return a channel by its name in the files, by its role ("i0", "delay"), or as given."""
        if isinstance(wanted, Channel):
            return wanted
        return self[wanted] if wanted in self or not self._is_role(wanted) else self.role(wanted)

    def with_channel(self, name: str, channel: Channel) -> "Runs":
        """Return these runs with one more channel over all their events."""
        return Runs(self.runs, allow=self.allow, channels={**self._added, name: channel})

    def role(self, role: str) -> Channel:
        """Return the channel that serves for a role in every run; refuses where runs choose others.

        "delay" and "jitter" are made run by run, each with its own sources; so are states of the
        beams that the files do not store.

        Raises
        ------
        InputError
            Where the runs choose different channels.
        """
        parts = [run.role(role) for run in self.runs]
        chosen = [part.name for part in parts]
        made = any(name not in run for name, run in zip(chosen, self.runs, strict=True))
        if role in COMPUTED or (made and len(set(chosen)) == 1):
            return self._in_memory(parts)
        if len(set(chosen)) > 1:
            raise InputError(
                f"{self.label}: not the same channel serves as {role} in every run "
                f"({together(chosen, self._names)}); name one"
            )
        why = together([part.why for part in parts], self._names)
        return self[chosen[0]].explained(why, unit=parts[0].unit)

    def role_fields(self, role: str) -> tuple[RoleField, ...]:
        """Return the datasets that could play a role at this hutch, best first."""
        return self.runs[0].role_fields(role)

    def delay(
        self,
        *,
        time_tool: bool = True,
        source: str | None = None,
        unit: str | None = None,
        sign: int | None = None,
        t0: float | None = None,
    ) -> Channel:
        """Return the delay of every event [ps], made run by run; see `Run.delay`."""
        make = partial(Run.delay, time_tool=time_tool, source=source, unit=unit, sign=sign, t0=t0)
        return self._in_memory([make(run) for run in self.runs])

    def mask(self, selection: Cut | None = None, of: str = "all") -> Bools:
        """Return the events of a class that pass a selection, shape (event,)."""
        base = self.classes.of(of) if of != "all" else np.ones(self.n_events, dtype=np.bool_)
        return base if selection is None else base & selection.answer(self).selected

    def tally(self, selection: Cut, of: str = "all") -> Table:
        """Count what each cut of a selection keeps and loses, alone and in sequence."""
        return tally(self, selection, self.classes, of=of)

    def check(self) -> list[Finding]:
        """Return what could mislead in each run and between them, worst first."""
        found = [replace(one, file=str(run.path)) for run in self.runs for one in run.check()]
        return worst_first([*found, *(one.finding() for one in self.agreement.conflicts())])

    # What cuts ask (runs.answers.Events).

    def cut_values(self, field: str, reduce: Reduce = "") -> tuple[Array, Bools]:
        """Return one value per event and where it is missing; arrays need a way to reduce them."""
        if reduce == "":
            return questions.cut_values(self, field)
        values = reduced_values(self.channel(field), reduce)
        return values, np.isnan(values)

    def cut_stacks(self, fields: tuple[str, ...]) -> Iterator[tuple[Array, ...]]:
        """Yield the values of several fields, stack by stack, NaN where missing."""
        return questions.cut_stacks(self, fields)

    def field_name(self, field: str) -> str:
        """Return the name of the dataset behind a role; other names as they are."""
        return questions.field_name(self, field)

    def code_present(self, code: int) -> Bools:
        """Tell in which events this event code was sent; each run by its own record."""
        return np.concatenate([run.code_present(code) for run in self.runs])

    def beam(self, which: Beam) -> Array:
        """Return 1 on, 0 off, negative unknown, shape (event,)."""
        return self.classes.xray if which == "xray" else self.classes.laser

    def in_scope(self, scope: Scope) -> Bools:
        """Tell which events belong to a class."""
        return self.mask(of=scope)

    def _in_memory(self, parts: Sequence[Channel]) -> Channel:
        told = zip(self._names, (part.warnings for part in parts), strict=True)
        return Channel.from_values(
            parts[0].name,
            np.concatenate([part.read() for part in parts]),
            unit=parts[0].unit,
            long_name=parts[0].long_name,
            select=self.mask,
            why=together([part.why for part in parts], self._names),
            warnings=tuple(f"run {name}: {text}" for name, texts in told for text in texts),
        )

    def _one(self, number: int) -> Run:
        found = [run for run in self.runs if run.run == number]
        if not found:
            raise UnknownNameError("run", str(number), self._names, self.label)
        return found[0]

    def _is_role(self, name: str) -> bool:
        return name == "delay" or bool(self.role_fields(name))

    def _filled(self, field: Field) -> float | None:
        if field.kind != "event" or not self.n_events or self.agreement.refuses(field.name):
            return None
        return 100 * (1 - float(self[field.name].missing.mean()))


def _check(runs: Sequence[Run], allow: Collection[str]) -> None:
    if not runs:
        raise InputError("no runs: name at least one")
    for state in allow:
        if state not in ALLOWABLE:
            raise UnknownNameError("conflict to allow", state, ALLOWABLE, "runs")
    generations = sorted({run.generation for run in runs})
    if len(generations) > 1:
        raise InputError(
            f"runs of {' and '.join(generations)} have no common time: open them apart"
        )
    names = [_name(run) for run in runs]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        files = ", ".join(str(run.path) for run in runs if _name(run) in twice)
        raise InputError(f"given twice: run {', '.join(twice)} ({files}); name every run once")


def _name(run: Run) -> str:
    return run.path.stem if run.run is None else str(run.run)
