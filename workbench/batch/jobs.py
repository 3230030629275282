"""A batch: one template over one or more runs, here or in worker processes, item by item.

A template that asks for `runs` is run once, over all of them; any other once for each run.
"""

import datetime as dt
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from workbench.batch.catalogue import Template
from workbench.batch.inputs import experiment_of, input_file
from workbench.batch.parameters import ParameterError, Plain, check_values
from workbench.batch.results import Result
from workbench.core.atomic import leaving_none_empty
from workbench.core.errors import InputError, NotThereError, WorkbenchError
from workbench.core.executors import run_all
from workbench.core.extras import load
from workbench.core.run_numbers import runs_text
from workbench.core.shared import make_shared_folder
from workbench.core.workers import LostWorkerError

OURS = ("experiment", "run", "runs", "small_data")  # parameters that the batch fills
INDEX = "index.html"


@dataclass(frozen=True)
class BatchRequest:
    """What to run.

    Parameters
    ----------
    template
        From `find_template`.
    runs
        Run numbers, as in the names of the small-data files.
    output
        Folder for notebooks and reports; created.
    parameters
        Values for the template's parameters; checked when the request is made.
    experiment
        Name or folder of the experiment; empty: whatever `input` holds.
    input
        Folder with small-data files, or one file; None: where the experiment keeps them.
    workers
        Notebooks that run at the same time; 1 runs them one after the other in this process.

    Raises
    ------
    InputError
        Without runs.
    ParameterError
        For a parameter that the batch sets itself for each run.
    """

    template: Template
    runs: tuple[int, ...]
    output: Path
    parameters: Mapping[str, object] = field(default_factory=dict)
    experiment: str = ""
    input: Path | None = None
    workers: int = 1

    def __post_init__(self) -> None:
        if not self.runs:
            raise InputError("no runs given; name at least one")
        taken = [name for name in OURS if name in self.parameters]
        if taken:
            raise ParameterError(
                f"template {self.template.name}: {', '.join(taken)} is set for each run by the "
                "batch; use --runs, --experiment and --input"
            )
        checked = check_values(self.template.parameters, self.parameters, where=self.template.name)
        object.__setattr__(self, "parameters", checked)


@dataclass(frozen=True)
class BatchItem:
    """What became of one run: state "done" or "failed", its files, its results.

    Of a template over several runs `runs` names all of them, and `run` the first.
    """

    run: int
    state: str
    notebook: str = ""
    report: str = ""
    error: str = ""
    results: Mapping[str, Result] = field(default_factory=dict)
    runs: tuple[int, ...] = ()

    @property
    def label(self) -> str:
        """How messages name it: "run 3", "runs 1-20"."""
        return _label(self.runs or (self.run,))

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return asdict(self)


@dataclass(frozen=True)
class _Job:
    request: BatchRequest
    runs: tuple[int, ...]


def run_batch(
    request: BatchRequest, *, progress: Callable[[BatchItem], None] | None = None
) -> list[BatchItem]:
    """Run the template over all runs; one item per run, in the order of the request.

    A template over several runs gives one item. A run that cannot be read or whose notebook fails
    gives an item in state "failed" and stops no other. `progress` is told each item as it ends.
    Several items also get an index page. Where none could be begun nothing is written.
    """
    with leaving_none_empty(request.output):
        make_shared_folder(request.output)
        return _run_all(request, progress)


def _run_all(
    request: BatchRequest, progress: Callable[[BatchItem], None] | None
) -> list[BatchItem]:
    together = request.template.takes_runs
    groups = (request.runs,) if together else tuple((run,) for run in request.runs)
    jobs = [_Job(request, runs) for runs in groups]
    items: dict[tuple[int, ...], BatchItem] = {}
    try:
        for job, item in run_all(_work, jobs, workers=request.workers, name=_name):
            items[job.runs] = item
            if progress:
                progress(item)
    except LostWorkerError as error:
        for job in jobs:
            if job.runs not in items:
                items[job.runs] = _failed(job, error)
                if progress:
                    progress(items[job.runs])
    ordered = [items[runs] for runs in groups]
    if len(ordered) > 1 and any(item.notebook for item in ordered):
        from workbench.batch.index import write_index  # needs the items of this module

        place = request.experiment or str(request.input)
        write_index(request.template, ordered, request.output / INDEX, place)
    return ordered


def run_item(request: BatchRequest) -> BatchItem:
    """Run the template once, over the run or runs of a request, in this process.

    A notebook that fails is an item; what keeps it from being run or written raises.
    """
    return _run_one(_Job(request, request.runs))


def _work(job: _Job) -> BatchItem:
    try:
        return _run_one(job)
    except WorkbenchError as error:
        return _failed(job, error)


def _failed(job: _Job, error: Exception) -> BatchItem:
    return BatchItem(job.runs[0], "failed", error=str(error), runs=_several(job))


def _several(job: _Job) -> tuple[int, ...]:
    return job.runs if job.request.template.takes_runs else ()


def _run_one(job: _Job) -> BatchItem:
    # The notebook machinery takes half a second to import: only where a notebook runs.
    load("ipykernel", "a batch")
    from workbench.batch.forked import get_ready

    get_ready()  # the kernel's imports begin beside those of this process
    for package in ("nbconvert", "papermill"):
        load(package, "a batch")
    from workbench.batch.execution import execute
    from workbench.batch.report import write_report

    request, template = job.request, job.request.template
    files = _files(job)
    experiment = experiment_of(files[0])
    place = files[0] if not template.takes_runs else request.input
    given = {
        "experiment": experiment if place else request.experiment,
        "run": job.runs[0],
        "runs": runs_text(job.runs),
        "small_data": str(place.resolve()) if place else "",
    }
    parameters = {
        **request.parameters,
        **{name: given[name] for name in OURS if template.declares(name)},
    }
    stem = f"{template.stem}_{experiment}_Run{job.runs[0]:04d}"
    stem += f"-{job.runs[-1]:04d}" if len(job.runs) > 1 else ""
    notebook = (request.output / f"{stem}.ipynb").resolve()
    checked = check_values(template.parameters, parameters, where=template.name)
    executed = execute(
        template,
        notebook,
        parameters=checked,
        record=_record(template, files, experiment, job.runs, checked),
    )
    item = BatchItem(
        job.runs[0],
        "failed" if executed.error else "done",
        notebook=str(notebook),
        error=executed.error,
        results=executed.results,
        runs=_several(job),
    )
    return replace(item, report=str(write_report(notebook, notebook.with_suffix(".html"))))


def _files(job: _Job) -> list[Path]:
    """Return the small-data files of a job's runs; a template over several may lack some."""
    found: list[Path] = []
    lacking: list[NotThereError] = []
    for run in job.runs:
        try:
            file = input_file(run, folder=job.request.input, experiment=job.request.experiment)
            found.append(file.resolve())
        except NotThereError as error:
            lacking.append(error)
    if not found:
        raise lacking[0]
    return found


def _record(
    template: Template,
    files: Sequence[Path],
    experiment: str,
    runs: Sequence[int],
    given: Mapping[str, Plain],
) -> dict[str, Any]:
    from workbench.smalldata import open_file

    states = [file.stat() for file in files]
    changed = dt.datetime.fromtimestamp(max(state.st_mtime for state in states), dt.UTC)
    made = {}
    if not template.takes_runs:
        with open_file(files[0]) as small_data:
            made = dict(small_data.provenance)
    return {
        "experiment": experiment,
        "run": runs[0],
        "runs": runs_text(runs),
        "template": {
            "name": template.name,
            "title": template.title,
            "path": os.fspath(template.path),
            "sha256": template.sha256,
        },
        "parameters": [
            {
                "name": parameter.name,
                "value": given.get(parameter.name, parameter.default),
                "given": parameter.name in given,
                "unit": parameter.unit,
                "meaning": parameter.meaning,
            }
            for parameter in template.parameters
        ],
        "input": {
            "path": ", ".join(map(str, files)),
            "size": sum(state.st_size for state in states),
            "changed": changed.isoformat(timespec="seconds"),
        },
        "small_data": made,
    }


def _label(runs: Sequence[int]) -> str:
    return f"run{'s' if len(runs) > 1 else ''} {runs_text(runs)}"


def _name(job: _Job) -> str:
    return _label(job.runs)
