"""Run: the small data of one run, labelled, read lazily, with roles, cuts and delay."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property, partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from workbench.core import clock
from workbench.core.arrays import Array, Bools, Ints, Times
from workbench.core.errors import InputError, UnknownNameError
from workbench.core.findings import Finding
from workbench.core.table import Table
from workbench.facility import RoleField
from workbench.runs import delay as delays
from workbench.runs import lookup, questions
from workbench.runs import roles as choices
from workbench.runs.alignment import Alignment, align
from workbench.runs.answers import Beam, Reduce, Scope
from workbench.runs.channel import Channel, Label
from workbench.runs.checks import check_run
from workbench.runs.classes import Classes
from workbench.runs.contents import Contents
from workbench.runs.cuts import Cut
from workbench.runs.default_cuts import TIME_TOOL_CUTS, default_cuts
from workbench.runs.detectors import Detectors
from workbench.runs.experiment.finding import Choice, find_setup
from workbench.runs.exporting import Exits
from workbench.runs.fields import Fields, fields_of
from workbench.runs.integrating import Integrating
from workbench.runs.reduced import reduced_values
from workbench.runs.status import find_classes
from workbench.runs.storage import Columns, Storage
from workbench.runs.tally import tally
from workbench.runs.truth import Truth, read_truth
from workbench.smalldata import EPOCHS, EVENT, FieldInfo, axis_names, final_name


class Run(Contents, Exits):
    """The small data of one run; opened by `open_run`. No file stays open between calls.

    Parameters
    ----------
    path
        The small-data file.
    why
        Why this file was taken.
    channels
        Computed channels that join those of the file.
    experiment_file
        An ``experiment.toml``; True: the experiment's own if it has one, False: none.
    storage
        What was found in the file before, to look at it only once.
    """

    def __init__(
        self,
        path: Path,
        *,
        why: str = "",
        channels: Mapping[str, Channel] | None = None,
        experiment_file: Choice = True,
        storage: Storage | None = None,
    ) -> None:
        self.path = path
        self.why = why or f"{path}, as named"
        self._added = dict(channels or {})
        self._reduced = Columns()
        self._chosen: dict[str, Channel] = {}
        self._storage = stored = storage or Storage(path)
        self.experiment: str = stored.experiment
        self.run: int | None = stored.run
        self.generation: str = stored.generation
        self.n_events: int = stored.n_events
        self.infos: Mapping[str, FieldInfo] = stored.infos
        self.setup = find_setup(path, self.experiment, self.run, experiment_file)
        self.infos = choices.with_told_units(self)

    def __repr__(self) -> str:
        return (
            f"{self.label}: {self.n_events} events, {len(self.infos)} fields, {self.generation}\n"
            f"{self.why}" + (f"\nwith {self.setup.why}" if self.setup.why else "")
        )

    def _repr_html_(self) -> str:
        facts = (
            ("experiment", self.experiment),
            ("run", self.run),
            ("events", self.n_events),
            ("fields", len(self.infos)),
            ("generation", self.generation),
            ("file", self.why),
            ("experiment.toml", self.setup.why or "none"),
        )
        classes = tuple((f"events {name}", count) for name, count, _ in self.classes.table.rows)
        return Table(("", self.label), facts + classes)._repr_html_()

    def __contains__(self, name: str) -> bool:
        return name in self._added or lookup.holds(self, name)

    def __iter__(self) -> Iterator[str]:
        friendly = (name for name in self.setup.channels if name in self)
        return iter(dict.fromkeys((*self._added, *friendly, *self.infos)))

    def __len__(self) -> int:
        return self.n_events

    def __getitem__(self, name: str) -> Channel:
        if name in self._added:
            return self._added[name]
        return lookup.find(self, name)

    def stored(self, name: str) -> Channel:
        """Return the channel of one dataset of the file."""
        info = self.infos[name]
        per_event = info.kind in {"event", "ragged"}
        ragged = info.kind == "ragged"
        return Channel(
            name,
            (self.n_events,) if ragged else info.shape,
            np.dtype(object) if ragged or info.dtype == "str" else np.dtype(info.dtype),
            open_rows=self._storage.opener(info),
            unit=info.unit,
            long_name=info.long_name,
            dims=partial(self._dims, name) if self._inner_axes(info) else (),
            labels=partial(self._labels, name),
            select=self.mask if per_event else None,
            per_event=per_event,
            gaps=partial(self.filled_up, name) if self._filled_up(info) else None,
        )

    def _ipython_key_completions_(self) -> list[str]:
        return list(self)

    @property
    def label(self) -> str:
        """How messages name the run: experiment and number, else the file."""
        return f"{self.experiment} run {self.run}" if self.experiment else self.path.name

    @property
    def paths(self) -> tuple[Path, ...]:
        """The file, as several runs have theirs."""
        return (self.path,)

    @property
    def run_index(self) -> Ints:
        """Which run each event belongs to; shape (event,). 0, there is only one."""
        return np.zeros(self.n_events, dtype=np.int64)

    @property
    def times(self) -> NDArray[np.datetime64]:
        """UTC time of every event, shape (event,)."""
        return clock.datetimes(self.timestamps, epoch=EPOCHS[self.generation])

    @property
    def timestamps(self) -> Times:
        """Time stamp of every event as in the file, shape (event,)."""
        return self._storage.timestamps

    @property
    def failures(self) -> Mapping[str, Mapping[str, int]]:
        """Events per detector and state, where the writer counted them."""
        return self._storage.failures

    def refresh(self) -> "Run":
        """Return the run as it is on file now: longer where its writer has gone on.

        A run that was followed while it was taken is that of its finished file once it is there.
        Raises `InputError` where channels were added by hand: they would not grow with it.
        """
        self._refuse_part("refresh()")
        final = final_name(self.path)
        became = final != self.path and final.exists() and not self.path.exists()
        if not became and not self._storage.changed():
            return self
        if self._added:
            raise InputError(
                f"{self.label} has changed on file, its added channels ({', '.join(self._added)}) "
                "have not: refresh the run as it was opened, then add them again"
            )
        why = f"{final}, which {self.path.name} became" if became else self.why
        return Run(final if became else self.path, why=why, experiment_file=self.setup)

    def drop(self) -> None:
        """Free the columns kept in memory; they are read again when needed."""
        self._storage.columns.clear()
        self._reduced.clear()
        self._chosen.clear()

    @cached_property
    def time_order(self) -> Ints:
        """Row numbers of the events from first to last in time, shape (event,).

        Channels, cuts and stacks come in file order, so that rows mean the same everywhere. The
        facility's LCLS-II files lie part after part; what needs neighbours in time goes by this
        order. Events of the same time stamp keep their order in the file.
        """
        order: Ints = np.argsort(self.timestamps, kind="stable")
        order.flags.writeable = False
        return order

    @property
    def is_time_ordered(self) -> bool:
        """Tell whether the rows of the file already are in the order of time."""
        return bool((self.timestamps[1:] >= self.timestamps[:-1]).all())

    @property
    def fields(self) -> Fields:
        """Table of all datasets; ``run.fields(filled=True)`` counts missing values by reading."""
        return fields_of(self, self._role_of)

    @property
    def det(self) -> Detectors:
        """Fields by detector, for the Tab key: ``run.det.ipm2.sum``."""
        return Detectors(self)

    def channel(self, wanted: str | Channel) -> Channel:
        """Return a channel by its name in the file, by its role ("i0", "delay"), or as given.

        Raises `UnknownNameError` for a name that is neither.
        """
        if isinstance(wanted, Channel):
            return wanted
        if wanted in self:
            return self[wanted]
        if wanted in self._roles or wanted == "delay":
            return self.role(wanted)
        raise UnknownNameError("channel or role", wanted, (*self, *self._roles), self.label)

    def integrating(self, detector: str) -> Integrating:
        """Return an integrating detector: its frames, and the fast events that went into each."""
        self._refuse_part(f"integrating({detector!r})")
        return Integrating(self, detector)

    def with_channel(self, name: str, channel: Channel) -> "Run":
        """Return this run with one more channel, for cuts and binning by its name."""
        added = {**self._added, name: channel}
        return Run(
            self.path, why=self.why, channels=added, experiment_file=self.setup,
            storage=self._storage,
        )  # fmt: skip

    def part(self, first: int, last: int) -> "Run":
        """Return events, `last` excluded, as a run of their own, without added channels.

        What depends on a run as a whole (which delay moved, cuts derived from data) is decided by
        these events alone.
        """
        first, last, _ = slice(first, last).indices(self.n_events)
        some = self._storage.part(first, max(first, last))
        why = f"events {first} to {last} of {self.why}"
        return Run(self.path, why=why, experiment_file=self.setup, storage=some)

    def role(self, role: str) -> Channel:
        """Return the channel that serves as "i0", "delay", "jitter", "xray" ...; see its `why`.

        Chosen once, as cuts ask again and again; `UnknownNameError` for a role that is none.
        """
        if role not in self._roles and role not in lookup.COMPUTED:
            raise UnknownNameError("role", role, self._roles, self.label)
        if role not in self._chosen:
            if role == "delay":
                self._chosen[role] = self.delay()
            elif role == "jitter":
                self._chosen[role] = delays.jitter(self)
            else:
                self._chosen[role] = choices.choose(self, role)
        return self._chosen[role]

    def role_fields(self, role: str) -> tuple[RoleField, ...]:
        """Return the datasets that could play a role at this hutch, best first."""
        return self._roles.get(role, ())

    def delay(
        self,
        *,
        time_tool: bool = True,
        source: str | None = None,
        unit: str | None = None,
        sign: int | None = None,
        t0: float | None = None,
    ) -> Channel:
        """Return the delay of every event [ps]; positive: the pump arrives before the X-rays.

        The channel's `why` says in a sentence what was added; events without time-tool value have
        NaN. Refused: runs without events, sources that cannot be added (no unit, seconds as ps).

        Parameters
        ----------
        time_tool
            Add the arrival time of each shot.
        source
            Take the nominal delay from this channel instead of the hutch's first that moves.
        unit
            Unit of the source, where the file has none or a wrong one.
        sign
            +1 or -1: the sense of the time tool; None: as ``experiment.toml`` says, else +1.
        t0
            Time zero to subtract [ps]; None: as ``experiment.toml`` says, else 0.
        """
        return delays.delay(self, time_tool=time_tool, source=source, unit=unit, sign=sign, t0=t0)

    def default_cuts(self, roles: Sequence[str] = TIME_TOOL_CUTS) -> Cut:
        """Return the hutch's usual cuts, those of ``experiment.toml`` first, as an ordinary cut."""
        return default_cuts(self, roles)

    @cached_property
    def classes(self) -> Classes:
        """Which events are on, off, dark or unknown."""
        return find_classes(self)

    def mask(self, selection: Cut | None = None, of: str = "all") -> Bools:
        """Return the events of a class that pass a selection, shape (event,).

        An event that a cut cannot judge, because its value was not measured, is not selected.
        """
        base = self.classes.of(of) if of != "all" else np.ones(self.n_events, dtype=np.bool_)
        return base if selection is None else base & selection.answer(self).selected

    def tally(self, selection: Cut, of: str = "all") -> Table:
        """Count what each cut of a selection keeps and loses, alone and in sequence."""
        return tally(self, selection, self.classes, of=of)

    @property
    def truth(self) -> Truth | None:
        """What a made-up run was made with; None on real data."""
        return read_truth(self.path)

    def check(self) -> list[Finding]:
        """Return what could mislead in this run, worst first."""
        return check_run(self)

    def alignment(self) -> Alignment:
        """Measure shot lag, dark levels, saturation, flags and time tool; cuts per segment."""
        return align(self)

    # What cuts ask (runs.answers.Events).

    def cut_values(self, field: str, reduce: Reduce = "") -> tuple[Array, Bools]:
        """Return one value per event and where it is missing; arrays need a way to reduce them."""
        if reduce == "":
            return questions.cut_values(self, field)
        known = f"{field} {reduce}"
        kept = self._reduced.get(known)
        if kept is None:
            kept = self._reduced.keep(known, reduced_values(self.channel(field), reduce))
        return kept, np.isnan(kept)

    def cut_stacks(self, fields: tuple[str, ...]) -> Iterator[tuple[Array, ...]]:
        """Yield the values of several fields, stack by stack, NaN where missing."""
        return questions.cut_stacks(self, fields)

    def field_name(self, field: str) -> str:
        """Return the name of the dataset behind a role; other names as they are."""
        return questions.field_name(self, field)

    def code_present(self, code: int) -> Bools:
        """Tell in which events this event code was sent."""
        return questions.code_present(self, code)

    def beam(self, which: Beam) -> Array:
        """Return 1 on, 0 off, negative unknown, shape (event,)."""
        return self.classes.xray if which == "xray" else self.classes.laser

    def in_scope(self, scope: Scope) -> Bools:
        """Tell which events belong to a class."""
        return self.mask(of=scope)

    @staticmethod
    def _inner_axes(info: FieldInfo) -> int:
        return len(info.shape) - (info.kind in {"event", "ragged"})

    def _dims(self, name: str) -> tuple[str, ...]:
        if self.infos[name].kind == "ragged":
            return (EVENT,)
        with self._storage.open() as file:
            return axis_names(file, name)

    def _labels(self, name: str) -> Mapping[str, Label]:
        info = self.infos[name]
        labels: dict[str, Label] = {}
        if info.kind in {"event", "ragged"}:
            labels["time"] = ((EVENT,), self.times, {"long_name": "time of the event (UTC)"})
        if info.kind != "ragged" and self._inner_axes(info):
            labels |= {
                one.dim: ((one.dim,), one.values, {"units": one.unit, "long_name": one.long_name})
                for one in self.coordinates(name)
            }
        return labels

    @cached_property
    def _roles(self) -> Mapping[str, tuple[RoleField, ...]]:
        return choices.without_foreign_ranges(self, choices.role_table(self))

    @property
    def _role_of(self) -> dict[str, str]:
        return {
            field.name: role for role in reversed(tuple(self._roles)) for field in self._roles[role]
        }
