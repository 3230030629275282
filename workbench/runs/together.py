"""What several runs hold besides values per event: settings, axes, ragged data, checks of each."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from workbench.core.arrays import Array
from workbench.core.errors import InputError
from workbench.core.table import Table
from workbench.runs.alignment import Alignment
from workbench.runs.cuts import Cut
from workbench.runs.default_cuts import TIME_TOOL_CUTS
from workbench.runs.joined import together
from workbench.runs.members import Members
from workbench.runs.run import Run
from workbench.smalldata import (
    Archived,
    Coordinate,
    DetectorSettings,
    PixelMap,
    Ragged,
    join_archived,
    open_file,
    read_settings,
)
from workbench.smalldata.ragged import STACK_EVENTS, RaggedStack


class Together:
    """The part of `Runs` that asks its files directly; what must agree is compared when asked.

    Each part of the answer comes from the runs themselves; integrating detectors have frames of
    their own in each run: ``runs[14].integrating("andor")``.
    """

    runs: tuple[Run, ...]
    _names: tuple[str, ...]
    _members: Members

    @property
    def settings(self) -> Mapping[str, DetectorSettings]:
        """What each detector of the first run was set to, where all runs agree.

        A value on which the runs do not agree is refused (`ConflictError`) when it is read.
        """
        agreement = self._members.agreement

        def load(name: str) -> Array:
            agreement.check(name)
            return self.runs[0][name].read_stored()

        with open_file(self.runs[0].path, known=self.runs[0].infos) as file:
            return read_settings(file, load)

    def coordinates(self, name: str) -> tuple[Coordinate, ...]:
        """Return what is known of a field's axes, in all runs alike; refuses where they differ."""
        return self._having(name)[0].coordinates(name)

    def pixel_maps(self, name: str) -> tuple[PixelMap, ...]:
        """Return where the pixels of an image field lie; refuses where the runs differ."""
        return self._having(name)[0].pixel_maps(name)

    def ragged(self, name: str) -> Ragged:
        """Return data with another number of entries per event, the runs end to end."""
        parts = [run.ragged(name) for run in self.runs]
        for dataset in parts[0].datasets.values():
            self._members.agreement.check(dataset)
        return JoinedRagged(parts, self._names)

    def archived(self, name: str) -> Archived:
        """Return a slow variable from the archiver over all runs, in the order of time."""
        return join_archived([run.archived(name) for run in self.runs])

    def presence(self, *names: str) -> Table:
        """Count in how many events of each run fields were measured, missing, absent, damaged."""
        return self._by_run([run.presence(*names) for run in self.runs])

    @property
    def variants(self) -> Table:
        """All small-data files of each run, with site, label, date and hash of their config."""
        return self._by_run([run.variants for run in self.runs])

    def default_cuts(self, roles: Sequence[str] = TIME_TOOL_CUTS) -> Cut:
        """Return the usual cuts as an ordinary cut; refuses where they differ between the runs."""
        cuts = [run.default_cuts(roles) for run in self.runs]
        if any(one != cuts[0] for one in cuts):
            told = together([str(one) or "none" for one in cuts], self._names)
            raise InputError(
                f"{self._members.agreement.label}: the usual cuts are not the same in every run "
                f"({told}); take them run by run, or make the cuts yourself"
            )
        return cuts[0]

    def alignment(self) -> dict[int | str, Alignment]:
        """Measure shot lag, dark levels, saturation, flags and time tool, by run number.

        The cuts of its segments hold within that run.
        """
        named = zip(self._names, self.runs, strict=True)
        return {name if run.run is None else run.run: run.alignment() for name, run in named}

    def drop(self) -> None:
        """Free the columns kept in memory; they are read again when needed."""
        for run in self.runs:
            run.drop()

    def _having(self, name: str) -> list[Run]:
        self._members.agreement.check(name)
        having = [run for run in self.runs if name in run.infos]
        return having or [self.runs[0]]  # which says that it has no such field

    def _by_run(self, tables: Sequence[Table]) -> Table:
        rows = tuple(
            (name, *row)
            for name, table in zip(self._names, tables, strict=True)
            for row in table.rows
        )
        notes = zip(self._names, (table.notes for table in tables), strict=True)
        told = tuple(f"run {name}: {note}" for name, texts in notes for note in texts)
        return Table(
            ("run", *tables[0].columns), rows, caption=self._members.agreement.label, notes=told
        )


class JoinedRagged(Ragged):
    """Ragged data of several runs, end to end; events are counted over all of them.

    Parameters
    ----------
    parts
        The data of each run.
    names
        How messages name the runs.
    """

    def __init__(self, parts: Sequence[Ragged], names: Sequence[str]) -> None:
        first = parts[0]
        forms = [f"{part.scheme}: {', '.join(part.fields)}" for part in parts]
        if len(set(forms)) > 1:
            raise InputError(f"{first.name} is not stored alike: {together(forms, names)}")
        events = sum(len(part) for part in parts)
        super().__init__(first.path, first.name, first.scheme, first.datasets, events, first.fields)
        self.parts = tuple(parts)

    def stacks(self, rows: slice | None = None, size: int = STACK_EVENTS) -> Iterator[RaggedStack]:
        """Yield the entries of up to `size` events of one run at a time, run after run."""
        first, last, step = (rows or slice(None)).indices(self.n_events)
        if step != 1:
            raise InputError(f"{self.name}: rows must run one by one, not by {step}")
        ends = np.cumsum([len(part) for part in self.parts])
        for part, end in zip(self.parts, ends.tolist(), strict=True):
            start = end - len(part)
            low, high = max(first, start), min(last, end)
            if low < high:
                for stack in part.stacks(slice(low - start, high - start), size):
                    yield replace(stack, first=stack.first + start)

    def full(self) -> int:
        """Count events whose rectangle is full: their last entries may have been cut off."""
        return sum(part.full() for part in self.parts)

    def ambiguous(self) -> int:
        """Count events in which an entry could hide among the filling zeros."""
        return sum(part.ambiguous() for part in self.parts)
