"""The event loop: units of work to workers, their sums merged in the order of the run."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from workbench.core.arrays import Array
from workbench.core.executors import run_all
from workbench.producer.plan import Job, Plan
from workbench.producer.request import Progress
from workbench.producer.unit import Unit, UnitResult, plan_here, work_unit

WORKER_MODULES = ("workbench.producer.rehearsal",)


@dataclass
class Collected:
    """What the workers gave.

    Parameters
    ----------
    parts
        Part files in the order of the run.
    sums
        Run sums by detector and algorithm, not finished.
    counts
        Events by detector and state, beyond presence.
    messages
        First error by detector and reduction.
    """

    parts: list[Path] = field(default_factory=list)
    sums: dict[str, dict[str, Array]] = field(default_factory=dict)
    counts: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    messages: dict[str, dict[str, str]] = field(default_factory=lambda: defaultdict(dict))


def run_units(job: Job, plan: Plan, *, workers: int, progress: Progress) -> Collected:
    """Work all units; the result does not depend on the number of workers."""
    units = [Unit(job, number, *span) for number, span in enumerate(plan.units())]
    collected = Collected(parts=[unit.part for unit in units])
    collected.sums = {
        area.name: {entry.sum.name: entry.sum.start(area.spec) for entry in area.sums}
        for area in plan.areas
    }
    waiting: dict[int, UnitResult] = {}
    done = merged = 0
    with plan_here(job, plan):
        working = run_all(
            work_unit, units, workers=min(workers, len(units)), modules=WORKER_MODULES
        )
        for unit, result in working:
            waiting[unit.number] = result
            done += result.n_events
            progress(done, plan.raw.n_events)
            while merged in waiting:  # sums of floats depend on their order
                _merge(collected, plan, waiting.pop(merged))
                merged += 1
    return collected


def _merge(collected: Collected, plan: Plan, result: UnitResult) -> None:
    for area in plan.areas:
        sums = collected.sums[area.name]
        for entry in area.sums:
            name = entry.sum.name
            sums[name] = entry.sum.merge(sums[name], result.sums[area.name][name])
        collected.counts[area.name].update(result.counts[area.name])
        for reduction, message in result.messages[area.name].items():
            collected.messages[area.name].setdefault(reduction, message)
