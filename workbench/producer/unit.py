"""One unit of work: a range of events, read, reduced and written to a part file."""

import pickle
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from workbench.core.arrays import Array
from workbench.core.atomic import appearing
from workbench.producer.area_detector import AreaWork
from workbench.producer.plan import Plan
from workbench.smalldata import Rows, create_part


@dataclass(frozen=True)
class Unit:
    """A range of events to work, and the file with the plan for it."""

    plan: Path
    run: int
    number: int
    start: int
    stop: int

    def __str__(self) -> str:
        return f"events {self.start} to {self.stop} of run {self.run}"

    @property
    def part(self) -> Path:
        """The part file."""
        return self.plan.with_name(f"unit_{self.number:05d}.part")

    def sums(self, area: int) -> Path:
        """Name the file of partial run sums of one detector, by its place in the plan."""
        return self.part.with_suffix(f".sums{area}")


@dataclass(frozen=True)
class UnitResult:
    """What a worker reports of a unit, beyond its files.

    Parameters
    ----------
    n_events
        Events written.
    counts
        Events by detector and state, beyond presence.
    messages
        First error of each reduction by detector and name.
    """

    n_events: int
    counts: Mapping[str, Mapping[str, int]]
    messages: Mapping[str, Mapping[str, str]]


def work_unit(unit: Unit) -> UnitResult:
    """Write the part file and the partial sums of one unit."""
    plan = _plan_of(unit.plan)
    works = {area.name: AreaWork(area) for area in plan.areas}
    stacks = plan.raw.stacks(plan.sources, size=plan.block_events, start=unit.start, stop=unit.stop)
    with create_part(unit.part, plan.specs) as part:
        for stack in stacks:
            scalars: dict[str, Array] = {}
            for column in plan.columns:
                scalars.update(column.values(stack, plan.raw))
            values: dict[str, Rows] = {**scalars}
            for work in works.values():
                values.update(work.reduce(plan.raw, stack, scalars.get("lightStatus/xray")))
            part.append(values)
    for number, work in enumerate(works.values()):
        work.sums.save(unit.sums(number))
    return UnitResult(
        unit.stop - unit.start,
        {name: dict(work.counts) for name, work in works.items()},
        {name: work.messages for name, work in works.items()},
    )


_PLANS: dict[Path, Plan] = {}  # one per process: it holds constants and the index of the run


@contextmanager
def plan_here(units: Sequence[Unit], plan: Plan) -> Generator[None]:
    """Let units that are worked in this process use a plan that is in memory already."""
    paths = {unit.plan for unit in units}
    _PLANS.update(dict.fromkeys(paths, plan))
    try:
        yield
    finally:
        for path in paths:
            _PLANS.pop(path)


def save_plan(path: Path, plan: Plan) -> None:
    """Write a plan for the workers."""
    with appearing(path) as place, place.open("wb") as file:
        pickle.dump(plan, file, pickle.HIGHEST_PROTOCOL)


def _plan_of(path: Path) -> Plan:
    if path not in _PLANS:
        with path.open("rb") as file:
            _PLANS[path] = pickle.load(file)  # noqa: S301 - our own file, in a folder of our own
    return _PLANS[path]
