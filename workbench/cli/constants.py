"""``workbench constants``: calibration constants, from an experiment's tree or from dark runs."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from workbench.core.table import Cell
    from workbench.sources.constants import Validity

constants = typer.Typer(
    no_args_is_help=True,
    help="Calibration constants: import, show, measure in dark runs.",
)

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Output = Annotated[Path, typer.Option(help="The constants file (.h5); extended where it exists.")]
Detector = Annotated[str, typer.Option(help="Name of the detector in the raw runs.")]
COLUMNS = ("detector", "runs", "unit", "ranges", "holds", "bad pixels", "from")


@constants.command("import")
def import_(
    source: Annotated[str, typer.Option(help="Source there; wrong ones are answered by a list.")],
    detector: Detector,
    output: Output,
    calib: Annotated[Path | None, typer.Argument(help="The experiment's folder `calib`.")] = None,
    psana: Annotated[
        str, typer.Option(help="Experiment in psana's calibration store, instead of a folder.")
    ] = "",
    gain_unit: Annotated[
        str, typer.Option(help="What pixel_gain holds, ADU/keV or keV/ADU; asked where unclear.")
    ] = "",
    range_: Annotated[str, typer.Option("--range", help="Only this gain range, as G0.")] = "",
    json_: Json = False,
) -> None:
    """Take constants from a calibration tree or from psana's store, and say which serve which run.

    In psana's store the source is the detector's type and serial numbers (`wb.open_raw(...)`
    gives them as `serials`).
    """
    from workbench.core.errors import InputError
    from workbench.sources.calib_import import ImportRequest, import_constants
    from workbench.sources.constants import write_validities
    from workbench.sources.psana.store import store_constants

    if (calib is None) == (not psana):
        raise InputError("give the folder `calib` of an experiment, or --psana and an experiment")
    request = ImportRequest(
        psana if calib is None else calib, source, detector, gain_unit=gain_unit, only_range=range_
    )
    entries = store_constants(request) if calib is None else import_constants(request)
    write_validities(output, entries)
    _print(entries, str(output), json_=json_)


@constants.command("show")
def show(
    file: Annotated[Path, typer.Argument(help="A constants file.")],
    run: Annotated[int | None, typer.Option(help="Only what serves this run.")] = None,
    json_: Json = False,
) -> None:
    """List what a constants file holds, or what serves one run."""
    from workbench.core.errors import NotThereError
    from workbench.sources.constants import Validity, all_constants, detectors_in, read_constants

    entries = all_constants(file)
    if run is not None:
        found = (read_constants(file, detector, run) for detector in detectors_in(file))
        serving = [Validity(one, run, run) for one in found if one is not None]
        if entries and not serving:
            known = ", ".join(f"{one.constants.detector} in runs {one.runs}" for one in entries)
            raise NotThereError(f"{file} holds nothing for run {run}: it holds {known}")
        entries = serving
    _print(entries, str(file), json_=json_)


@constants.command("dark")
def dark(
    run: Annotated[list[int], typer.Option(help="Dark run; repeatable, one per gain range.")],
    xtc: Annotated[Path, typer.Option(help="Folder of the raw runs, or one of their files.")],
    detector: Detector,
    output: Output,
    from_run: Annotated[
        int | None, typer.Option(help="First run that gets them; left out: the first dark run.")
    ] = None,
    to_run: Annotated[
        int | None, typer.Option(help="Last run that gets them; left out: all later ones.")
    ] = None,
    sigmas: Annotated[
        float, typer.Option(min=1, help="Bad: further than this from the median of the tile.")
    ] = 6.0,
    source: Annotated[
        str, typer.Option(help="Who reads the raw runs: xtc2, our own reader, or psana.")
    ] = "xtc2",
    json_: Json = False,
) -> None:
    """Measure pedestal, noise and bad pixels in runs without X-rays; the gain stays."""
    from workbench.producer.darks import measure_darks
    from workbench.sources import open_raw
    from workbench.sources.constants import Validity, read_constants, write_validities

    first = min(run) if from_run is None else from_run
    before = read_constants(output, detector, first) if output.exists() else None
    raws = [open_raw(xtc, number, source=source) for number in run]
    result = measure_darks(raws, detector, before=before, sigmas=sigmas)
    entry = Validity(result.constants, first, to_run)
    write_validities(output, [entry])
    told: dict[str, Cell] = {"frames": result.frames, **result.reasons}
    if result.kept:
        told["kept from before"] = ", ".join(result.kept)
    if result.unknown:
        told["without constants"] = ", ".join(result.unknown)
    _print([entry], str(output), json_=json_, told=told)


def _row(entry: "Validity") -> "tuple[Cell, ...]":
    from workbench.sources.constants import FIELDS

    one = entry.constants
    held = [name for name in FIELDS if getattr(one, name) is not None]
    bad = None if one.good is None else int((~one.good).sum())
    ranges = ", ".join(one.ranges)
    return one.detector, entry.runs, one.unit, ranges, ", ".join(held), bad, one.origin


def _print(
    entries: "list[Validity]",
    caption: str,
    *,
    json_: bool,
    told: "dict[str, Cell] | None" = None,
) -> None:
    from workbench.core.table import Table

    notes = tuple(f"{name}: {value}" for name, value in (told or {}).items())
    table = Table(COLUMNS, tuple(_row(entry) for entry in entries), caption, notes)
    if json_:
        plain = {"file": caption, "constants": table.as_dicts(), **(told or {})}
        typer.echo(json.dumps(plain, indent=1))
    else:
        typer.echo(str(table))
