"""One unit of work: a range of events, read, reduced and written to a part file."""

import os
import threading
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import parent_process
from multiprocessing.connection import wait
from pathlib import Path

from workbench.core.arrays import Array
from workbench.producer.area_detector import AreaWork
from workbench.producer.plan import Job, Plan, make_plan
from workbench.smalldata import create_part


@dataclass(frozen=True)
class Unit:
    """A range of events of a job."""

    job: Job
    number: int
    start: int
    stop: int

    def __str__(self) -> str:
        return f"events {self.start} to {self.stop} of run {self.job.run}"

    @property
    def part(self) -> Path:
        """The part file."""
        return self.job.folder / f"unit_{self.number:05d}.h5"


@dataclass(frozen=True)
class UnitResult:
    """What a worker reports of a unit.

    Parameters
    ----------
    n_events
        Events written.
    sums
        Partial run sums by detector and algorithm.
    counts
        Events by detector and state, beyond presence.
    messages
        First error of each reduction by detector and name.
    """

    n_events: int
    sums: Mapping[str, Mapping[str, Array]]
    counts: Mapping[str, Mapping[str, int]]
    messages: Mapping[str, Mapping[str, str]]


def work_unit(unit: Unit) -> UnitResult:
    """Write the part file of one unit."""
    plan = _plan_of(unit.job)
    works = {area.name: AreaWork(area) for area in plan.areas}
    stacks = plan.raw.stacks(plan.sources, size=plan.block_events, start=unit.start, stop=unit.stop)
    with create_part(unit.part, plan.specs) as part:
        for stack in stacks:
            values: dict[str, Array] = {}
            for column in plan.columns:
                values.update(column.values(stack, plan.raw))
            for work in works.values():
                values.update(work.reduce(plan.raw, stack, values.get("lightStatus/xray")))
            part.append(values)
    return UnitResult(
        unit.stop - unit.start,
        {name: work.sums for name, work in works.items()},
        {name: dict(work.counts) for name, work in works.items()},
        {name: work.messages for name, work in works.items()},
    )


_PLANS: dict[str, Plan] = {}  # one per process: opening a run costs more than a unit of it


@contextmanager
def plan_here(job: Job, plan: Plan) -> Generator[None]:
    """Let units that are worked in this process use a plan made already."""
    _PLANS[job.key] = plan
    try:
        yield
    finally:
        _PLANS.pop(job.key)


def _plan_of(job: Job) -> Plan:
    if job.key not in _PLANS:
        _end_with_parent()
        _PLANS[job.key] = make_plan(job)
    return _PLANS[job.key]


def _end_with_parent() -> None:
    """End this worker when its parent is killed: nobody would collect its work."""
    parent = parent_process()
    if parent is None:
        return

    def watch() -> None:
        wait([parent.sentinel])
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
