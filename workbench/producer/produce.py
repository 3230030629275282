"""One production from request to result: plan, event loop, merge, record."""

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime

import numpy as np

from workbench.core.errors import InputError, NotThereError, WorkbenchError
from workbench.core.executors import get_ready, team_ahead
from workbench.core.findings import worst_first
from workbench.producer.accounts import count_failures, findings_of, mismatches, skipped_of
from workbench.producer.config import ProducerConfig
from workbench.producer.entries import Skipped
from workbench.producer.identity import constants_hash, facts_of
from workbench.producer.loop import WORKER_MODULES, make_units, run_units
from workbench.producer.once import run_sums, settings
from workbench.producer.plan import UNITS, Job, Plan, make_plan, shapes_of
from workbench.producer.provenance import provenance
from workbench.producer.request import ProduceRequest, ProduceResult, Progress
from workbench.producer.workspace import parts_folder
from workbench.smalldata import Assembly, create_small_data, open_file
from workbench.sources import RawRun, open_raw


class OutputExistsError(WorkbenchError, FileExistsError):
    """The small-data file is there already and may not be replaced."""


class ConfigRefusedError(InputError):
    """A config with entries that cannot be produced, where the user asked to refuse it."""


def produce(request: ProduceRequest, progress: Progress | None = None) -> ProduceResult:
    """Produce the small-data file of one run.

    Bad entries of the config are skipped and named in the result and in the file; everything
    else is produced. The file appears whole, by a rename, or not at all.
    """
    started, clock = datetime.now(UTC), time.perf_counter()
    crew = request.crew
    get_ready(crew, WORKER_MODULES)  # while the config and the run are read
    _check_target(request)
    with team_ahead(crew, WORKER_MODULES, UNITS) as ahead:
        config, raw = load_config(request)
        if request.strict:
            _refuse(config.skipped)
        facts = facts_of(request, config, raw)
        with parts_folder(request.target, facts, resume=request.resume) as folder:
            job = _job(request, config)
            plan = make_plan(job, raw)
            findings = [*config.findings, *plan.findings, *raw.findings, *mismatches(request, plan)]
            skipped = [*config.skipped, *plan.skipped]
            if request.strict:
                _refuse(skipped)
            with (
                create_small_data(request.target, _attributes(request), place=folder) as file,
                ThreadPoolExecutor(1) as beside,
            ):
                units = make_units(plan, run=request.run, folder=folder, workers=crew)
                begun = beside.submit(_begin, file, plan, job)  # while workers work
                hashed = beside.submit(_hashes, plan, job)
                told = progress or (lambda _done, _all: None)
                collected = run_units(plan, units, workers=crew, progress=told, ahead=ahead)
                begun.result()
                failures = count_failures(plan, collected)
                found = findings_of(failures, collected)
                findings, skipped = [*findings, *found], [*skipped, *skipped_of(found)]
                file.keep(run_sums(plan, collected.sums, collected.counts))
                written = beside.submit(file.sync)  # while columns are merged
                n_events = file.merge(collected.parts, plan.specs, plan.frames)
                if plan.integration is not None:
                    plan.integration.write(file, plan.times)
                record = provenance(
                    request,
                    config,
                    plan,
                    started=started,
                    findings=findings,
                    skipped=skipped,
                    constants=hashed.result(),
                )
                file.record(record, failures)
                written.result()
        return ProduceResult(
            request.target,
            n_events,
            time.perf_counter() - clock,
            failures,
            tuple(worst_first(findings)),
            tuple(skipped),
            collected.resumed,
        )


def _job(request: ProduceRequest, config: ProducerConfig) -> Job:
    return Job(
        request.run,
        request.experiment,
        config,
        request.constants,
        request.detectors,
        request.naming,
    )


def _begin(file: Assembly, plan: Plan, job: Job) -> None:
    """Write what is known before any event is read."""
    file.keep(settings(plan, job))
    present = {
        spec.name: int(np.count_nonzero(plan.raw.present(area.name)))
        for area in plan.areas
        if not area.integrating
        for spec in area.specs
    }
    file.declare(plan.specs, plan.raw.n_events, present)
    file.sync()


def _hashes(plan: Plan, job: Job) -> dict[str, str]:
    """Return the hash of the constants of each detector."""
    if job.constants is None:
        return {}
    return {area.name: constants_hash(job.constants, area.name, job.run) for area in plan.areas}


def load_config(request: ProduceRequest) -> tuple[ProducerConfig, RawRun]:
    """Return the request's config, checked against the run, and the run; empty without one."""
    if request.constants is not None and not request.constants.is_file():
        raise NotThereError(f"no constants file {request.constants}; name another or leave it out")
    with ThreadPoolExecutor(1) as beside:  # a config is evaluated in a process of its own
        opened = beside.submit(open_raw, request.xtc, request.run, source=request.source)
        if request.config is None:
            config = ProducerConfig(run=request.run)
        else:
            config = ProducerConfig.load(
                request.config, request.run, shapes=lambda: shapes_of(opened.result())
            )
        return config, opened.result()


def _check_target(request: ProduceRequest) -> None:
    """Refuse before anything is read what could not be written at the end."""
    target = request.target
    if not target.exists():
        return
    ours = False
    with suppress(WorkbenchError), open_file(target) as file:  # damaged: not known to be ours
        ours = file.ours
    if not ours:
        raise OutputExistsError(
            f"{target} was not written by the workbench and is never replaced; move it away or "
            "choose another output folder"
        )
    if not request.replace:
        raise OutputExistsError(
            f"{target} is there already; add --replace, or choose another output folder"
        )


def _refuse(skipped: Sequence[Skipped]) -> None:
    if not skipped:
        return
    lines = "; ".join(
        f"{entry.file}:{entry.line}: {entry.entry}: {entry.reason}" for entry in skipped[:5]
    )
    raise ConfigRefusedError(f"refused, {len(skipped)} entries cannot be produced: {lines}")


def _attributes(request: ProduceRequest) -> dict[str, str | int]:
    return {
        "experiment": request.experiment,
        "run": request.run,
        "generation": request.naming,
    }
