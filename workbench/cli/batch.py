"""``workbench batch``: run a template notebook over one or more runs."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from workbench.batch import BatchItem, BatchRequest


def batch(
    template: Annotated[
        str, typer.Argument(help="Name of a template, such as delay_scan, or a notebook.")
    ],
    runs: Annotated[str, typer.Option(help="Run numbers: 14, 1-3 or 1,4-6.")],
    output: Annotated[
        Path | None,
        typer.Option(help="Folder for notebooks and reports; left out: the experiment's scratch."),
    ] = None,
    parameter: Annotated[
        list[str] | None,
        typer.Option("--parameter", "-p", help="name=value; may be given several times."),
    ] = None,
    experiment: Annotated[str, typer.Option(help="Name or folder of the experiment.")] = "",
    input_: Annotated[
        Path | None, typer.Option("--input", help="Folder with small data, or one file.")
    ] = None,
    workers: Annotated[int, typer.Option(min=1, help="Notebooks at the same time.")] = 1,
    json_: Annotated[bool, typer.Option("--json", help="Print the items as JSON.")] = False,
) -> None:
    """Run a template over runs; write a notebook and a report for each.

    A template that asks for `runs`, such as a table over runs, gives one for all of them.
    """
    from workbench.batch import BatchRequest, find_template, parse_runs, parse_values

    found = find_template(template)
    request = BatchRequest(
        template=found,
        runs=parse_runs(runs),
        output=output or _scratch(experiment, found.stem),
        parameters=parse_values(found.parameters, parameter or (), where=found.name),
        experiment=experiment,
        input=input_,
        workers=workers,
    )
    items = _run(request)
    if json_:
        typer.echo(json.dumps({"items": [item.as_dict() for item in items]}, indent=1))
    if any(item.state == "failed" for item in items):
        raise typer.Exit(1)


def _scratch(experiment: str, stem: str) -> Path:
    """Return where the reports of a template belong: many files, so not into results."""
    from workbench.core.errors import InputError
    from workbench.facility import find_experiment

    if not experiment or Path(experiment).is_dir():
        raise InputError("say where the reports go: --output FOLDER, or --experiment NAME")
    return find_experiment(experiment).scratch / "workbench" / "reports" / stem


def _run(request: "BatchRequest") -> list["BatchItem"]:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    from workbench.batch import run_batch

    name = request.template.name
    console = Console(stderr=True)
    columns = (
        TextColumn(name),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        total = 1 if request.template.takes_runs else len(request.runs)
        task = bar.add_task(name, total=total)

        def tell(item: "BatchItem") -> None:
            bar.advance(task)
            outcome = item.report if item.state == "done" else item.error
            console.print(f"{item.label}: {item.state}: {outcome}", markup=False, soft_wrap=True)

        return run_batch(request, progress=tell)
