"""The event loop: units of work to workers, their sums merged in the order of the run."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

from workbench.core.executors import run_all
from workbench.core.workers import Team, Workers
from workbench.producer.plan import Plan
from workbench.producer.request import Progress
from workbench.producer.run_sums import RunSums
from workbench.producer.unit import Unit, UnitResult, plan_here, save_plan, work_unit

WORKER_MODULES = ("workbench.producer.rehearsal",)


@dataclass
class Collected:
    """What the workers gave.

    Parameters
    ----------
    parts
        Part files in the order of the run.
    sums
        Run sums by detector.
    counts
        Events by detector and state, beyond presence.
    messages
        First error by detector and reduction.
    resumed
        Events that were done already.
    """

    parts: list[Path] = field(default_factory=list)
    sums: dict[str, RunSums] = field(default_factory=dict)
    counts: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    messages: dict[str, dict[str, str]] = field(default_factory=lambda: defaultdict(dict))
    resumed: int = 0


def make_units(plan: Plan, *, run: int, folder: Path, workers: Workers) -> list[Unit]:
    """Cut a run into units of work; where other processes will work, write down the plan."""
    place = folder / "plan.pickle"
    if not workers.alone:
        save_plan(place, plan)
    return [Unit(place, run, number, *span) for number, span in enumerate(plan.units())]


def run_units(
    plan: Plan,
    units: Sequence[Unit],
    *,
    workers: Workers,
    progress: Progress,
    ahead: Team | None = None,
) -> Collected:
    """Work all units that are not done; the result does not depend on who works.

    `ahead`: workers that were started before the plan was made.
    """
    collected = Collected(parts=[unit.part for unit in units])
    collected.sums = {
        area.name: RunSums(area.sums, area.spec, area.by_segment) for area in plan.areas
    }
    waiting: dict[int, tuple[Unit, UnitResult]] = {}
    done = merged = 0
    there = [(unit, result) for unit in units if (result := UnitResult.of(unit, len(plan.areas)))]
    collected.resumed = sum(result.n_events for _, result in there)
    left = [unit for unit in units if unit.number not in {unit.number for unit, _ in there}]
    with (
        plan_here(units, plan),
        closing(
            run_all(work_unit, left, workers=workers, modules=WORKER_MODULES, ahead=ahead)
        ) as working,
    ):
        for unit, result in chain(there, working):
            waiting[unit.number] = unit, result
            done += result.n_events
            progress(done, plan.raw.n_events)
            while merged in waiting:  # sums of floats depend on their order
                _merge(collected, plan, *waiting.pop(merged))
                merged += 1
    return collected


def _merge(collected: Collected, plan: Plan, unit: Unit, result: UnitResult) -> None:
    for number, area in enumerate(plan.areas):
        collected.sums[area.name].merge(unit.sums(number))
        for reduction, message in result.messages[area.name].items():
            collected.messages[area.name].setdefault(reduction, message)
    for name, counts in result.counts.items():
        collected.counts[name].update(counts)
