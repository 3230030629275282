"""``workbench produce``: a raw run and a config to one small-data file."""

import json
import signal
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from workbench.producer import ProduceResult

DONE_WITH_GAPS = 3  # exit code: done, but parts were skipped, each named
SHOWN = 5  # findings in the summary; all of them are in the file
PATIENCE = 2.0  # s, before a progress bar appears

Executor = Annotated[
    str,
    typer.Option(
        help="Who works, instead of processes here: local:N, dask:ADDRESS, dask:local:N, mpi "
        "(under mpiexec), or slurm:workers=N,partition=NAME,account=NAME,time=HH:MM:SS,memory=4GB."
    ),
]
Resume = Annotated[
    bool, typer.Option("--resume", help="Go on from what a stopped production has finished.")
]


def produce(
    experiment: Annotated[str, typer.Option(help="Experiment, such as xpplx1234.")],
    run: Annotated[int, typer.Option(min=0, help="Run number, as in the file names.")],
    xtc: Annotated[Path, typer.Option(help="Folder of the raw run, or one of its files.")],
    config: Annotated[Path | None, typer.Option(help="Producer config (Python file).")] = None,
    output: Annotated[
        Path | None, typer.Option(help="Folder for the file; default: the experiment's own.")
    ] = None,
    workers: Annotated[int, typer.Option(min=1, help="Processes here.")] = 1,
    executor: Executor = "",
    resume: Resume = False,
    constants: Annotated[
        Path | None, typer.Option(help="File of calibration constants; else frames stay in ADU.")
    ] = None,
    detector: Annotated[
        list[str] | None, typer.Option(help="Store this detector's whole frames; repeatable.")
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Refuse instead of skipping bad entries.")
    ] = False,
    replace: Annotated[
        bool, typer.Option("--replace", help="Replace what an earlier production wrote.")
    ] = False,
    json_: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Produce the small-data file of one run."""
    from rich.console import Console

    from workbench.facility import small_data_folder
    from workbench.producer import ProduceRequest
    from workbench.producer import produce as make

    request = ProduceRequest(
        experiment,
        run,
        xtc,
        output if output is not None else small_data_folder(experiment),
        config=config,
        constants=constants,
        detectors=tuple(detector or ()),
        workers=workers,
        executor=executor,
        resume=resume,
        strict=strict,
        replace=replace,
        command=" ".join(["workbench", *sys.argv[1:]]),
    )
    console = Console(stderr=True)
    with (
        _stopping(),
        _Bar(console, f"run {run}", shown=console.is_terminal and not json_) as bar,
    ):
        result = make(request, bar.tell)
    if json_:
        typer.echo(json.dumps(result.as_dict(), indent=1))
    else:
        _summarise(result)
    if result.skipped:
        raise typer.Exit(DONE_WITH_GAPS)


@contextmanager
def _stopping() -> Generator[None]:
    """End in good order on SIGTERM, as batch systems send it, and say how to go on."""
    from workbench.core.workers import LostWorkerError

    def end(number: int, _: object) -> None:
        raise SystemExit(128 + number)

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    except (KeyboardInterrupt, SystemExit, LostWorkerError) as stop:
        if not isinstance(stop, SystemExit) or stop.code:
            typer.echo("workbench: stopped; add --resume to go on from what is finished", err=True)
        raise
    finally:
        signal.signal(signal.SIGTERM, before)


class _Bar:
    """A progress bar with rate and time left, for anything that takes longer than a moment."""

    def __init__(self, console: "Console", label: str, *, shown: bool) -> None:
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeRemainingColumn,
        )

        columns = (
            TextColumn(label),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]:.0f} events/s"),
            TimeRemainingColumn(),
        )
        self._progress = Progress(*columns, console=console, transient=True)
        self._shown = shown
        self._began = time.monotonic()
        self._task = self._progress.add_task(label, total=None, rate=0.0)

    def __enter__(self) -> "_Bar":
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def tell(self, done: int, total: int) -> None:
        """Take the number of events done."""
        spent = time.monotonic() - self._began
        if self._shown and spent > PATIENCE:
            self._progress.start()
        self._progress.update(self._task, completed=done, total=total, rate=done / max(spent, 0.01))


def _summarise(result: "ProduceResult") -> None:
    typer.echo(f"{result.output}")
    typer.echo(
        f"{result.n_events} events in {result.seconds:.1f} s ({result.events_per_s:.0f} events/s)"
    )
    if result.resumed:
        typer.echo(f"{result.resumed} of them were finished by a production that was stopped")
    for name, counts in sorted(result.failures.items()):
        missing = {state: count for state, count in counts.items() if state != "present"}
        if missing:
            states = ", ".join(f"{count} {state}" for state, count in missing.items())
            typer.echo(f"  {name}: {counts['present']} present, {states}")
    for finding in result.findings[:SHOWN]:
        typer.echo(str(finding))
    if len(result.findings) > SHOWN:
        typer.echo(
            f"and {len(result.findings) - SHOWN} more findings, all in the file's provenance"
        )
    for entry in result.skipped:
        place = f" ({entry.file}:{entry.line})" if entry.line else ""
        typer.echo(f"skipped: {entry.entry}{place}")
