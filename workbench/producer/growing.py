"""Units of a run that grows: worked in the order of events, their rows shown as they come."""

from collections.abc import Collection
from contextlib import ExitStack
from dataclasses import replace
from itertools import islice
from pathlib import Path
from types import TracebackType

import numpy as np

from workbench.core.arrays import Times
from workbench.core.ending import check_ended
from workbench.core.executors import run_all
from workbench.producer.assemble import attributes_of
from workbench.producer.loop import WORKER_MODULES
from workbench.producer.once import settings, whole_constants
from workbench.producer.plan import Job, Plan
from workbench.producer.ranges import unit_ranges
from workbench.producer.request import ProduceRequest
from workbench.producer.unit import Unit, UnitResult, UnitWork, save_plan, work_unit
from workbench.smalldata import Part, create_live, create_part, live_name, part_times
from workbench.sources import RawRun


class GrowingWork:
    """What is made of a growing run under one plan, with its live file; a context manager.

    Parameters
    ----------
    request, job, plan
        What is asked for, and what it comes to.
    units
        Folder of the units' results, kept when the production is stopped.
    place
        Folder in which the live file is begun.
    """

    def __init__(
        self, request: ProduceRequest, job: Job, plan: Plan, *, units: Path, place: Path
    ) -> None:
        self.plan = plan
        self.done = 0
        self._request = request
        self._place = units / "plan.pickle"
        self._live = create_live(
            live_name(request.target),
            plan.specs,
            place=place,
            attributes=attributes_of(request),
            once=settings(plan, job, whole_constants(plan, job)),
        )
        self._number = 0
        self._stamps: Times = np.empty(0, np.uint64)
        self._open: tuple[Unit, UnitWork, Part] | None = None
        self._part, self._stack = ExitStack(), ExitStack()

    def __enter__(self) -> "GrowingWork":
        self._file = self._stack.enter_context(self._live)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._open is not None:  # a unit that is not whole: its part is thrown away
            self._part.__exit__(GeneratorExit, GeneratorExit(), None)
        self._stack.__exit__(kind, error, trace)

    def resume(self, complete: int) -> None:
        """Show the rows that a production which was stopped had finished."""
        done = keep_done(self.plan, complete, self._place.parent, run=self._request.run)
        for number, unit in enumerate(done):
            if unit.number == number:
                self._show(unit)
        self._stamps = self.plan.raw.timestamps[: self.done]

    def goes_on_in(self, raw: RawRun) -> bool:
        """Tell whether the events that are done are still the first ones of the run."""
        return np.array_equal(raw.timestamps[: self.done], self._stamps)

    def advance(self, raw: RawRun, complete: int) -> None:
        """Work the events before `complete`; whole units at once where others work for us."""
        self.plan = replace(self.plan, raw=raw)
        if self._open is None and not self._request.crew.alone:
            self._by_crew(complete)
        while self.done < complete:
            unit, work, part = self._open or self._open_unit()
            for values in work.rows(raw, self.done, min(complete, unit.stop)):
                check_ended()
                part.append(values)
                self.done += self._file.append(values)
            if self.done == unit.stop:
                self.close_unit(unit.stop)
        self._stamps = raw.timestamps[: self.done]

    def close_unit(self, stop: int) -> None:
        """Finish the unit at hand, if there is one, which ends at this event."""
        if self._open is None:
            return
        unit, work, _ = self._open
        self._open = None
        self._part.close()
        self._number += 1
        if not work.failed:  # which rows a failure costs depends on what is worked together
            work.save(replace(unit, stop=stop))

    def _open_unit(self) -> tuple[Unit, UnitWork, Part]:
        unit = self._unit(self._number)
        part = self._part.enter_context(create_part(unit.part, self.plan.part_specs))
        self._open = unit, UnitWork(self.plan), part
        return self._open

    def _by_crew(self, complete: int) -> None:
        units: list[Unit] = []
        while (unit := self._unit(self._number + len(units))).stop <= complete:
            units.append(unit)
        if len(units) < 2:  # the newest events are worked here, as they come
            return
        save_plan(self._place, self.plan)
        for _ in run_all(work_unit, units, workers=self._request.crew, modules=WORKER_MODULES):
            pass
        for unit in units:
            self._show(unit)

    def _show(self, unit: Unit) -> None:
        self._file.append_part(unit.part)
        self.done, self._number = unit.stop, unit.number + 1

    def _unit(self, number: int) -> Unit:
        span = next(islice(unit_ranges(), number, None))
        return Unit(self._place, self._request.run, number, *span)


def keep_done(plan: Plan, n_events: int, folder: Path, *, run: int) -> list[Unit]:
    """Return the units of the first events of a run that are done; all others are forgotten.

    A unit counts where its rows have the time stamps that the run has at that place.
    """
    found: list[Unit] = []
    for number, (start, end) in enumerate(unit_ranges()):
        if start >= n_events:
            break
        stop = min(end, n_events)
        unit = Unit(folder / "plan.pickle", run, number, start, stop)
        if UnitResult.of(unit, len(plan.areas)) is not None:
            stamps = part_times(unit.part, plan.specs)
            if np.array_equal(stamps, plan.raw.timestamps[start:stop]):
                found.append(unit)
    forget(folder, but={unit.done for unit in found})
    return found


def forget(folder: Path, but: Collection[Path] = ()) -> None:
    """Forget that the units in a folder are done, but for some: they are worked again."""
    for path in folder.glob("*.done"):
        if path not in but:
            path.unlink()
