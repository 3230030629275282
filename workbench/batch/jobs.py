"""A batch: one template over one or more runs, here or in worker processes, item by item."""

import datetime as dt
import os
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from workbench.batch.catalogue import Template
from workbench.batch.inputs import experiment_of, input_file
from workbench.batch.parameters import ParameterError, Plain, check_values
from workbench.batch.results import Result
from workbench.core.errors import InputError, WorkbenchError
from workbench.core.executors import run_all
from workbench.core.extras import load
from workbench.core.shared import make_shared_folder
from workbench.core.workers import LostWorkerError

OURS = ("experiment", "run", "small_data")  # parameters that the batch fills for each run
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
    """What became of one run: state "done" or "failed", its files, its results."""

    run: int
    state: str
    notebook: str = ""
    report: str = ""
    error: str = ""
    results: Mapping[str, Result] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return asdict(self)


@dataclass(frozen=True)
class _Job:
    request: BatchRequest
    run: int


def run_batch(
    request: BatchRequest, *, progress: Callable[[BatchItem], None] | None = None
) -> list[BatchItem]:
    """Run the template over all runs; one item per run, in the order of the request.

    A run that cannot be read or whose notebook fails gives an item in state "failed" and stops
    no other. `progress` is told each item as it ends. Several runs also get an index page.
    """
    make_shared_folder(request.output)
    jobs = [_Job(request, run) for run in request.runs]
    items: dict[int, BatchItem] = {}
    try:
        for job, item in run_all(_work, jobs, workers=request.workers, name=_name):
            items[job.run] = item
            if progress:
                progress(item)
    except LostWorkerError as error:
        for run in request.runs:
            if run not in items:
                items[run] = BatchItem(run, "failed", error=str(error))
                if progress:
                    progress(items[run])
    ordered = [items[run] for run in request.runs]
    if len(ordered) > 1:
        from workbench.batch.index import write_index  # needs the items of this module

        write_index(request.template, ordered, request.output / INDEX)
    return ordered


def _work(job: _Job) -> BatchItem:
    try:
        return _run_one(job.request, job.run)
    except WorkbenchError as error:
        return BatchItem(job.run, "failed", error=str(error))


def _run_one(request: BatchRequest, run: int) -> BatchItem:
    # The notebook machinery takes half a second to import: only where a notebook runs.
    for package in ("ipykernel", "nbconvert", "papermill"):
        load(package, "a batch")
    from workbench.batch.execution import execute
    from workbench.batch.report import write_report

    template = request.template
    file = input_file(run, folder=request.input, experiment=request.experiment).resolve()
    experiment = experiment_of(file)
    parameters = {
        **request.parameters,
        **{
            name: value
            for name, value in zip(OURS, (experiment, run, str(file)), strict=True)
            if template.declares(name)
        },
    }
    stem = f"{template.stem}_{experiment}_Run{run:04d}"
    notebook = (request.output / f"{stem}.ipynb").resolve()
    checked = check_values(template.parameters, parameters, where=template.name)
    executed = execute(
        template,
        notebook,
        parameters=checked,
        record=_record(template, file, experiment, run, checked),
    )
    item = BatchItem(
        run,
        "failed" if executed.error else "done",
        notebook=str(notebook),
        error=executed.error,
        results=executed.results,
    )
    return replace(item, report=str(write_report(notebook, notebook.with_suffix(".html"))))


def _record(
    template: Template, file: Path, experiment: str, run: int, given: Mapping[str, Plain]
) -> dict[str, Any]:
    from workbench.smalldata import open_file

    status = file.stat()
    changed = dt.datetime.fromtimestamp(status.st_mtime, dt.UTC)
    with open_file(file) as small_data:
        provenance = small_data.provenance
    return {
        "experiment": experiment,
        "run": run,
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
            "path": str(file),
            "size": status.st_size,
            "changed": changed.isoformat(timespec="seconds"),
        },
        "small_data": provenance,
    }


def _name(job: _Job) -> str:
    return f"run {job.run}"
