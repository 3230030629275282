"""``workbench watch``: a page for each finished run of an experiment, by itself."""

import json
import signal
from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from workbench.cli.places import SKIPPED, Experiment, Json, Root, SiteKey

if TYPE_CHECKING:
    from workbench.automation import Event, Stop, Task, Watcher
    from workbench.batch import BatchRequest


def watch(
    experiment: Experiment,
    template: Annotated[
        str, typer.Option(help="Name of a template, or a notebook.")
    ] = "run_summary",
    title: Annotated[
        str, typer.Option(help="Name of the pages' folder; left out: that of the template.")
    ] = "",
    parameter: Annotated[
        list[str] | None,
        typer.Option("--parameter", "-p", help="name=value; may be given several times."),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(help="Folder for the pages; left out: stats/summary of the experiment."),
    ] = None,
    live: Annotated[bool, typer.Option("--live", help="Also runs still being taken.")] = False,
    once: Annotated[bool, typer.Option("--once", help="Make what is due, then end.")] = False,
    from_run: Annotated[int, typer.Option(min=1, help="First run that gets a page.")] = 1,
    every: Annotated[float, typer.Option(min=0.1, help="Seconds between two looks.")] = 3.0,
    settle: Annotated[
        float, typer.Option(min=0.1, help="Seconds a file must not have changed.")
    ] = 10.0,
    patience: Annotated[
        float, typer.Option(min=1, help="Seconds until an unreadable file counts as broken.")
    ] = 300.0,
    site: SiteKey = "",
    root: Root = None,
    json_: Json = False,
) -> None:
    """Make a page for each run as soon as its small data are finished; until interrupted.

    Works under your own account; several may watch the same experiment, each run gets one page.
    """
    from workbench.automation import Pages, Task
    from workbench.batch import BatchRequest, find_template, parse_values
    from workbench.core.errors import InputError
    from workbench.facility import find_experiment

    places = find_experiment(experiment, site, root)
    found = find_template(template)
    if found.takes_runs:
        raise InputError(f"template {found.name} is of several runs; use workbench batch")
    usual = "".join(word.capitalize() for word in found.stem.split("_"))
    pages = Pages(output or places.summaries, title or usual)
    values = parse_values(found.parameters, parameter or (), where=found.name)
    request = BatchRequest(found, (from_run,), pages.folder, values, experiment)
    task = Task(experiment, pages, found.name, found.title, root, from_run, live, settle, patience)
    watcher = _watched(task, request, every=None if once else every, as_json=json_)
    if once and (watcher.failed or watcher.waiting or watcher.paused):
        raise typer.Exit(SKIPPED)


def _watched(
    task: "Task", request: "BatchRequest", *, every: float | None, as_json: bool
) -> "Watcher":
    """Watch until a signal, or once; return the watcher as it then is."""
    from workbench.automation import Judge, Watcher, notebook_maker

    def tell(event: "Event") -> None:
        if as_json:
            typer.echo(json.dumps({"run": event.run, "state": event.state, "text": event.text}))
        else:
            what = "" if event.run is None else f"run {event.run}: "
            typer.echo(f"{what}{event.state}{f': {event.text}' if event.text else ''}")

    with notebook_maker(request) as maker:
        watcher = Watcher(task, maker, Judge(task.settle, task.patience), tell)
        with _ended_by_signals(watcher.stop):
            watcher.check()
            if every is None:
                watcher.once()
            else:
                maker.get_ready()
                watcher.run(every)
    if not as_json:
        typer.echo(_end(watcher, stopped=watcher.stop.requested))
    return watcher


@contextmanager
def _ended_by_signals(stop: "Stop") -> Generator[None]:
    before = {one: signal.signal(one, stop) for one in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)


def _end(watcher: "Watcher", *, stopped: bool) -> str:
    counted = Counter(watcher.waiting.values())
    waits = ", ".join(f"{count} {state}" for state, count in counted.items())
    failed = ", ".join(str(run) for run in sorted(watcher.failed))
    texts = ["stopped" if stopped else "done"]
    texts += [f"waited for: {waits}"] if waits else []
    texts += [f"without a report: run {failed}"] if failed else []
    return "; ".join(texts)
