"""The runs that are read as one: their fields together, and the channel of each."""

from collections.abc import Collection, Mapping, Sequence
from functools import cached_property, partial

import numpy as np

from workbench.core.arrays import Array, Bools, Ints
from workbench.core.errors import InputError
from workbench.runs.channel import Channel, Gaps, Label, OpenRows, Selector
from workbench.runs.conflicts import SUMS, Agreement
from workbench.runs.joined import (
    EVENTS,
    added,
    joined_info,
    joined_type,
    rows_in_turn,
    starts_of,
    together,
    whole,
)
from workbench.runs.run import Run
from workbench.smalldata import EVENT, FieldInfo

RUN = "run"  # the channel with the run number of every event


class Members:
    """Several runs, in order, and what they hold together.

    Parameters
    ----------
    runs
        Each run by the name that messages use.
    label
        How messages name them together.
    allow
        States of conflicts with which a field may be read.
    """

    def __init__(self, runs: Mapping[str, Run], label: str, allow: Collection[str]) -> None:
        self.by_name = runs
        self.runs = tuple(runs.values())
        self.agreement = Agreement(label, runs, allow)
        self.events = [run.n_events for run in self.runs]
        self.starts: Ints = np.cumsum([0, *self.events], dtype=np.int64)
        self.n_events = int(self.starts[-1])
        self.run_index: Ints = np.repeat(np.arange(len(self.runs)), self.events)

    @cached_property
    def infos(self) -> Mapping[str, FieldInfo]:
        """What is known of each dataset, shapes of all runs together."""
        names = sorted({name for run in self.runs for name in run.infos})
        return {name: joined_info(self._found(name), self.events) for name in names}

    def join(self, name: str, select: Selector) -> Channel:
        """Return one field of all runs; refuses what cannot be one array."""
        self.agreement.check_form(name)
        info, rowwise = self.infos[name], self.infos[name].kind in EVENTS
        first = next(run for run in self.runs if name in run.infos)[name]
        return Channel(
            name,
            info.shape,
            self._type(name),
            open_rows=self._opener(name, info),
            unit=info.unit,
            long_name=info.long_name,
            dims=lambda: first.dims,
            labels=partial(self._labels, first, rowwise=rowwise),
            select=select if rowwise else None,
            per_event=rowwise,
            gaps=self._gaps(name) if rowwise else None,
        )

    def holds(self, name: str) -> bool:
        """Tell whether every run knows a name that is no dataset: a column, a friendly name."""
        return all(name in run for run in self.runs)

    def join_named(self, name: str, select: Selector) -> Channel:
        """Return a column, or a friendly name of the experiment, of all runs."""
        parts = [run[name] for run in self.runs]
        forms = [(part.shape[1:], part.unit, part.per_event) for part in parts]
        if len(set(forms)) > 1 or not parts[0].per_event:
            raise InputError(
                f"{self.agreement.label}: {name} has not the same shape and unit in every run; "
                "read it run by run"
            )
        types = {part.dtype for part in parts}
        dtype = types.pop() if len(types) == 1 else np.dtype(np.float64)
        shape = (self.n_events, *parts[0].shape[1:])
        return Channel(
            name,
            shape,
            dtype,
            open_rows=rows_in_turn(
                parts, self.starts, shape, dtype, nothing=None, check=lambda: None
            ),
            unit=parts[0].unit,
            long_name=parts[0].long_name,
            dims=lambda: parts[0].dims,
            labels=partial(self._labels, parts[0], rowwise=True),
            select=select,
            why=together([part.why for part in parts], tuple(self.by_name)),
            gaps=self._gaps_of(parts),
        )

    def run_numbers(self, select: Selector | None = None) -> Channel:
        """Return the run number of every event; its place in the order where one has no number."""
        known = [run.run for run in self.runs]
        numbers = np.arange(len(known)) if None in known else np.array(known)
        values = numbers[self.run_index]
        return Channel.from_values(RUN, values, unit="1", long_name="run number", select=select)

    def _opener(self, name: str, info: FieldInfo) -> OpenRows:
        if info.kind == "once":
            return whole(partial(self._value, name))
        parts = [run[name] if name in run.infos else None for run in self.runs]
        empty = "" if info.dtype == "str" else None if info.kind == "ragged" else np.nan
        return rows_in_turn(
            parts,
            starts_of(self._found(name), self.events),
            info.shape,
            self._type(name),
            nothing=empty,
            check=partial(self.agreement.check, name),
        )

    def _gaps(self, name: str) -> Gaps | None:
        return self._gaps_of([run[name] if name in run.infos else None for run in self.runs])

    def _gaps_of(self, parts: Sequence[Channel | None]) -> Gaps | None:
        finders = [part.gaps if part else None for part in parts]
        if not any(finders):
            return None

        def gaps() -> Bools:
            found = zip(finders, self.events, strict=True)
            return np.concatenate([find() if find else np.zeros(n, np.bool_) for find, n in found])

        return gaps

    def _value(self, name: str) -> Array:
        self.agreement.check(name)
        channels = [run[name] for run in self.runs if name in run.infos]
        return added(channels) if name.split("/")[0] == SUMS else channels[0].read_stored()

    def _labels(self, first: Channel, *, rowwise: bool) -> dict[str, Label]:
        labels = dict(first.labels())
        if rowwise:
            times = np.concatenate([run.times for run in self.runs])
            labels["time"] = ((EVENT,), times, {"long_name": "time of the event (UTC)"})
            labels[RUN] = ((EVENT,), self.run_numbers().read(), {"long_name": "run number"})
        return labels

    def _type(self, name: str) -> np.dtype[np.generic]:
        there = [info for info in self._found(name) if info is not None]
        return joined_type(there, gaps=len(there) < len(self.runs))

    def _found(self, name: str) -> Sequence[FieldInfo | None]:
        return [run.infos.get(name) for run in self.runs]
