"""``workbench config check|show|status``: what a config says, and which files are of another."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from workbench.cli.places import SKIPPED

if TYPE_CHECKING:
    from workbench.producer import ProducerConfig

REFUSED = 1  # exit code: the config has errors
File = Annotated[Path, typer.Argument(help="The producer config (.py).")]
Run = Annotated[int, typer.Option("--run", min=0, help="Run in which it is to be looked at.")]
Against = Annotated[
    Path | None,
    typer.Option(help="Folder or file of the raw run, to compare regions with its detectors."),
]
Source = Annotated[str, typer.Option(help="Who reads the raw run: xtc2, our own reader, or psana.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def check_config(
    file: File, run: Run, against: Against = None, source: Source = "xtc2", json_: Json = False
) -> None:
    """List every problem of a config in one run, with its line and what to do."""
    from workbench.core.findings import has_errors
    from workbench.producer.shown import all_findings

    findings = all_findings(_load(file, run, against, source))
    if json_:
        told = [finding.as_dict() for finding in findings]
        typer.echo(json.dumps({"file": str(file), "run": run, "findings": told}, indent=1))
    else:
        for finding in findings:
            typer.echo(str(finding))
        if not findings:
            typer.echo(f"{file}: no problem in run {run}")
        if against is None:
            typer.echo("regions were not compared with detectors: give the raw run, --against")
    if has_errors(findings):
        raise typer.Exit(REFUSED)


def show_config(
    file: File, run: Run, against: Against = None, source: Source = "xtc2", json_: Json = False
) -> None:
    """Show what is understood of a config in one run: every entry with its type."""
    from workbench.producer.shown import as_plain, as_text, shown

    config = _load(file, run, against, source)
    if json_:
        typer.echo(json.dumps(shown(config), indent=1))
        return
    typer.echo(f"{file} in run {run}: detectors {', '.join(config.detectors) or 'none'}")
    if config.left_out:
        typer.echo(f"  left out: {', '.join(config.left_out)}")
    for entry in config.reductions:
        typer.echo(f"  line {entry.line}: {entry}: {as_text(as_plain(entry.reduction))}")
    for summed in config.sums:
        typer.echo(f"  line {summed.line}: Sums/{summed.detector}_{summed.sum.name}")
    for kind in ("epics", "epics_once", "epics_archiver"):
        for variable in getattr(config, kind):
            typer.echo(f"  line {variable.line}: {kind} {variable.pv} as {variable.alias}")
    for skipped in config.skipped:
        typer.echo(f"  line {skipped.line}: skipped: {skipped.entry}: {skipped.reason}")
    if config.skipped:
        raise typer.Exit(SKIPPED)


def config_status(
    experiment: Annotated[str, typer.Argument(help="Experiment, or a folder with its files.")],
    config: Annotated[
        Path | None, typer.Option(help="Config to compare with; default: that of each file.")
    ] = None,
    constants: Annotated[
        Path | None, typer.Option(help="Constants to compare with; default: those of each file.")
    ] = None,
    json_: Json = False,
) -> None:
    """List runs whose file was made with another config or other constants, and what to type."""
    from workbench.core.errors import NotThereError
    from workbench.facility import experiment_folders, runs_in, small_data_in
    from workbench.producer.status import commands, file_status

    given = Path(experiment)
    if "/" in experiment and not given.is_dir():
        raise NotThereError(f"no folder {given}; name one with small-data files, or an experiment")
    folders = [given] if given.is_dir() else [path for _, path in experiment_folders(experiment)]
    found = [
        file_status(candidate.path, run, config=config, constants=constants)
        for folder in folders
        if folder.is_dir()
        for run in runs_in([folder])
        for candidate in small_data_in(folder, run)
    ]
    if not found:
        looked = ", ".join(map(str, folders))
        raise NotThereError(f"no small-data files of {experiment} in {looked}; name their folder")
    again = commands(found)
    if json_:
        told = {"files": [file.as_dict() for file in found], "commands": again}
        typer.echo(json.dumps(told, indent=1))
        return
    for file in found:
        typer.echo(f"run {file.run}: {file.state}  ({file.path})")
    for command in again:
        typer.echo(f"to produce them again: {command}")


def _load(file: Path, run: int, against: Path | None, source: str) -> "ProducerConfig":
    from workbench.producer import ProducerConfig
    from workbench.producer.plan import shapes_of
    from workbench.sources import open_raw

    raw = open_raw(against, run=run, source=source) if against is not None else None
    return ProducerConfig.load(file, run, shapes=shapes_of(raw) if raw is not None else None)
