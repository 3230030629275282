"""``workbench produce``: a raw run and a config to one small-data file."""

import dataclasses
import json
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from workbench.cli.tiffs import (
    Tiff,
    TiffFolder,
    TiffPack,
    is_finished,
    with_whole_frames,
    write_pictures,
)
from workbench.core.ending import check_ended, ended_by_sigterm
from workbench.core.errors import WorkbenchError
from workbench.core.workers import LostWorkerError

if TYPE_CHECKING:
    from rich.console import Console

    from workbench.producer import LiveState, ProduceRequest, ProduceResult

FAILED = 1  # exit code: refused or failed, with a reason
DONE_WITH_GAPS = 3  # exit code: done, but parts were skipped, each named
SHOWN = 5  # findings in the summary; all of them are in the file
PATIENCE = 2.0  # s, before a progress bar appears
LIVE_EVERY = 10.0  # s between lines on a run that is followed, where there is no terminal

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
Naming = Annotated[
    str, typer.Option(help="Names of the datasets: lcls2, or lcls1 for older analysis code.")
]
Detector = Annotated[
    list[str] | None, typer.Option(help="Store this detector's whole frames; repeatable.")
]
Source = Annotated[str, typer.Option(help="Who reads the raw run: xtc2, our own reader, or psana.")]
Archiver = Annotated[
    str | None,
    typer.Option(
        help="Address of the EPICS archiver to ask for `epicsPV`, or none; default: that of "
        "experiment.toml, else the facility's, for data in its folders."
    ),
]
Strict = Annotated[bool, typer.Option("--strict", help="Refuse instead of skipping bad entries.")]
Replace = Annotated[
    bool, typer.Option("--replace", help="Replace what an earlier production wrote.")
]
Live = Annotated[
    bool,
    typer.Option(
        "--live",
        help="Follow a run that is being taken: rows can be read in NAME.live.h5 as they come.",
    ),
]
Patience = Annotated[
    float, typer.Option(help="How long a followed run may stand still before it is given up [s].")
]


def produce(
    experiment: Annotated[str, typer.Option(help="Experiment, such as xpplx1234.")],
    run: Annotated[str, typer.Option(help="Run, as in the file names; or runs, as 14-20,23.")],
    xtc: Annotated[Path, typer.Option(help="Folder of the raw runs, or a file of one.")],
    config: Annotated[Path | None, typer.Option(help="Producer config (Python file).")] = None,
    output: Annotated[
        Path | None, typer.Option(help="Folder for the file; default: the experiment's own.")
    ] = None,
    workers: Annotated[int, typer.Option(min=1, help="Processes here.")] = 1,
    executor: Executor = "",
    resume: Resume = False,
    live: Live = False,
    patience: Patience = 300.0,
    constants: Annotated[
        Path | None, typer.Option(help="File of calibration constants; else frames stay in ADU.")
    ] = None,
    detector: Detector = None,
    tiff: Tiff = None,
    tiff_folder: TiffFolder = None,
    tiff_pack: TiffPack = False,
    strict: Strict = False,
    replace: Replace = False,
    source: Source = "xtc2",
    archiver: Archiver = None,
    naming: Naming = "lcls2",
    json_: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Produce the small-data file of a run, or of several."""
    from workbench.facility import small_data_folder
    from workbench.producer import ProduceRequest

    numbers = _runs(run)
    request = ProduceRequest(
        experiment,
        numbers[0],
        xtc,
        output if output is not None else small_data_folder(experiment),
        config=config,
        constants=constants,
        detectors=with_whole_frames(detector, tiff),
        workers=workers,
        executor=executor,
        resume=resume,
        naming=naming,
        strict=strict,
        replace=replace,
        live=live,
        patience=patience,
        command=" ".join(["workbench", *sys.argv[1:]]),
        source=source,
    )
    request = dataclasses.replace(request, archiver=_archiver(archiver, request))
    requests = [dataclasses.replace(request, run=number) for number in numbers]
    finished = [one for one in requests if is_finished(one)]
    with _stopping():
        results = _produced([one for one in requests if one not in finished], json_)
        outputs = [*(one.target for one in finished), *(result.output for result in results)]
        write_pictures(experiment, outputs, tiff, tiff_folder, pack=tiff_pack)
    _end(results, len(requests) - len(finished), json_)


def _archiver(given: str | None, request: "ProduceRequest") -> str | None:
    """Return the archiver to ask: that of the option, the environment or ``experiment.toml``.

    None leaves it to where the raw data are.
    """
    from workbench.facility.sites import NoAccessError
    from workbench.runs import find_archiver

    if given is not None:
        return given
    try:
        return find_archiver(request.target, request.experiment)
    except NoAccessError as error:  # automatic jobs have no rights that are given by an ACL
        typer.echo(f"workbench: no archiver by experiment.toml: {error}", err=True)
        return None


def _end(results: "list[ProduceResult]", asked: int, json_: bool) -> None:
    if json_:
        told = [result.as_dict() for result in results]
        typer.echo(json.dumps(told[0] if asked == 1 else told, indent=1))
    if len(results) < asked:
        raise typer.Exit(FAILED)
    if any(result.skipped for result in results):
        raise typer.Exit(DONE_WITH_GAPS)


def _runs(text: str) -> tuple[int, ...]:
    from workbench.batch import parse_runs

    return (int(text),) if text.isdecimal() else parse_runs(text)


def _produced(requests: "list[ProduceRequest]", json_: bool) -> "list[ProduceResult]":
    """Produce run after run; of several, one that fails is told and stops no other."""
    from rich.console import Console

    from workbench.producer import produce as make

    console = Console(stderr=True)
    results = []
    with _Bar(console, len(requests), shown=sys.stderr.isatty() and not json_) as bar:
        for request in requests:
            check_ended()
            bar.begin(f"run {request.run}")
            try:
                result = make(request, bar.tell, bar.follow)
            except WorkbenchError as error:
                if len(requests) == 1 or isinstance(error, LostWorkerError):
                    raise
                typer.echo(f"workbench: run {request.run}: {error}", err=True)
                continue
            results.append(result)
            if not json_:
                _summarise(result)
    return results


@contextmanager
def _stopping() -> Generator[None]:
    """End in good order on SIGTERM, as batch systems send it, and say how to go on."""
    try:
        with ended_by_sigterm():
            yield
    except (KeyboardInterrupt, SystemExit, LostWorkerError) as stop:
        if not isinstance(stop, SystemExit) or stop.code:
            typer.echo("workbench: stopped; add --resume to go on from what is finished", err=True)
        raise


class _Bar:
    """A progress bar over runs, with rate and time left, for what takes longer than a moment.

    Runs that were not looked at yet count as many events as those before them.
    """

    def __init__(self, console: "Console", runs: int, *, shown: bool) -> None:
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeRemainingColumn,
        )

        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]:.0f} events/s"),
            TimeRemainingColumn(),
        )
        self._progress = Progress(*columns, console=console, transient=True)
        self._shown = shown
        self._began = time.monotonic()
        self._runs, self._sizes = runs, [0]  # events of each run so far
        self._task = self._progress.add_task("", total=None, rate=0.0)
        self._label, self._told = "", 0.0

    def __enter__(self) -> "_Bar":
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def begin(self, label: str) -> None:
        """Take the name of the run that comes next."""
        if self._sizes[-1]:
            self._sizes.append(0)
        self._label = label
        self._progress.update(self._task, description=label)

    def follow(self, state: "LiveState") -> None:
        """Take how far a run that is being taken has come."""
        text = f"{self._label} live, {state.behind:.1f} s behind"
        if state.waits_for:
            text += f", last: {state.waits_for}"
        self._progress.update(self._task, description=text)
        self.tell(state.n_events, state.seen)
        now = time.monotonic()
        if not self._shown and now - self._told > LIVE_EVERY:
            self._told = now
            typer.echo(f"{text}: {state.n_events} of {state.seen} events", err=True)

    def tell(self, done: int, total: int) -> None:
        """Take the number of events of this run that are done, and that it has."""
        self._sizes[-1] = total
        done += sum(self._sizes[:-1])
        total = sum(self._sizes) * self._runs // len(self._sizes)
        spent = time.monotonic() - self._began
        if self._shown and spent > PATIENCE:
            self._progress.start()
        self._progress.update(self._task, completed=done, total=total, rate=done / max(spent, 0.01))


def _summarise(result: "ProduceResult") -> None:
    typer.echo(f"{result.output}")
    typer.echo(
        f"{result.n_events} events in {result.seconds:.1f} s ({result.events_per_s:.0f} events/s)"
    )
    if result.live is not None:
        typer.echo(
            f"{result.live.n_events} of them could be read along, {result.live.mean_behind:.1f} s "
            f"behind (at worst {result.live.worst_behind:.1f} s)"
        )
    elif result.resumed:
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
