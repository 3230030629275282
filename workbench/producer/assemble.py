"""From a plan to the small-data file: units worked, parts merged, all of it recorded."""

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np

from workbench.core.constants import Constants
from workbench.core.errors import InputError
from workbench.core.findings import Finding, worst_first
from workbench.core.workers import Team
from workbench.producer.accounts import count_failures, findings_of, mismatches, skipped_of
from workbench.producer.archive import ask_for_variables
from workbench.producer.config import ProducerConfig
from workbench.producer.entries import Skipped
from workbench.producer.identity import constants_hash
from workbench.producer.loop import make_units, run_units
from workbench.producer.once import run_sums, settings, whole_constants
from workbench.producer.plan import Job, Plan, make_plan
from workbench.producer.provenance import provenance
from workbench.producer.request import ProduceRequest, ProduceResult, Progress
from workbench.smalldata import Assembly, create_small_data
from workbench.sources import RawRun


class ConfigRefusedError(InputError):
    """A config with entries that cannot be produced, where the user asked to refuse it."""


@dataclass(frozen=True)
class Begun:
    """When a production was begun: as a date, and by `time.perf_counter` [s]."""

    date: datetime
    clock: float


def assemble(
    request: ProduceRequest,
    begun: Begun,
    config: ProducerConfig,
    raw: RawRun,
    *,
    place: Path,
    progress: Progress,
    units: Path | None = None,
    findings: Sequence[Finding] = (),
    ahead: Team | None = None,
) -> ProduceResult:
    """Work all units of a run that are not done, and write its small-data file.

    Parameters
    ----------
    place
        Folder in which the file is put together.
    units
        Folder of the units' results; the same where it is not given.
    findings
        What was found before.
    ahead
        Workers that were started before.
    """
    job = job_of(request, config)
    plan = make_plan(job, raw)
    found = [*findings, *config.findings, *plan.findings, *raw.findings, *mismatches(request, plan)]
    skipped = [*config.skipped, *plan.skipped]
    _judge(request, skipped)
    with (
        create_small_data(request.target, attributes_of(request), place=place) as file,
        ThreadPoolExecutor(2) as beside,  # one of them asks, the other one writes
    ):
        asked = beside.submit(ask_for_variables, plan, job)
        _judge(request, asked.result().skipped if request.strict else ())
        started = beside.submit(_begin, file, plan, job)  # while workers work
        work = make_units(plan, run=request.run, folder=units or place, workers=request.crew)
        collected = run_units(plan, work, workers=request.crew, progress=progress, ahead=ahead)
        hashes = beside.submit(_hashes, started.result())  # while columns are merged
        failures = count_failures(plan, collected)
        failed = findings_of(failures, collected)
        found = [*found, *asked.result().findings, *failed]
        skipped = [*skipped, *asked.result().skipped, *skipped_of(failed)]
        with file.merging(collected.parts, plan.specs, plan.frames) as merged:
            file.keep({**run_sums(plan, collected.sums, collected.counts), **asked.result().values})
            file.sync()
            n_events = merged()
        if plan.integration is not None:
            plan.integration.write(file, plan.times)
        record = provenance(
            request, config, plan, started=begun.date, findings=found, skipped=skipped,
            constants=hashes.result(),
        )  # fmt: skip
        file.record(record, failures)
    seconds = time.perf_counter() - begun.clock
    told, left_out = tuple(worst_first(found)), tuple(skipped)
    return ProduceResult(
        request.target, n_events, seconds, failures, told, left_out, collected.resumed
    )


def _judge(request: ProduceRequest, skipped: Sequence[Skipped]) -> None:
    if request.strict:
        refuse(skipped)


def job_of(request: ProduceRequest, config: ProducerConfig) -> Job:
    """Return what the plan of a request is made from."""
    return Job(
        request.run,
        request.experiment,
        config,
        request.constants,
        request.detectors,
        request.naming,
        request.asked,
    )


def refuse(skipped: Sequence[Skipped]) -> None:
    """Raise `ConfigRefusedError` where anything would be skipped."""
    if not skipped:
        return
    lines = "; ".join(
        f"{entry.file}:{entry.line}: {entry.entry}: {entry.reason}" for entry in skipped[:5]
    )
    raise ConfigRefusedError(f"refused, {len(skipped)} entries cannot be produced: {lines}")


def attributes_of(request: ProduceRequest) -> dict[str, str | int]:
    """Return the root attributes of a file."""
    return {
        "experiment": request.experiment,
        "run": request.run,
        "generation": request.naming,
    }


def _begin(file: Assembly, plan: Plan, job: Job) -> dict[str, Constants]:
    """Write what is known before any event is read; return the constants of each detector."""
    constants = whole_constants(plan, job)
    file.keep(settings(plan, job, constants))
    present = {
        spec.name: int(np.count_nonzero(plan.raw.present(area.name)))
        for area in plan.areas
        if not area.integrating
        for spec in area.specs
    }
    file.declare(plan.specs, plan.raw.n_events, present)
    file.sync()
    return constants


def _hashes(constants: Mapping[str, Constants]) -> dict[str, str]:
    return {name: constants_hash(one) for name, one in constants.items()}
