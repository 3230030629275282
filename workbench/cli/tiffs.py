"""TIFF files beside a production: of which pictures, in which folder, how many."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from workbench.producer import ProduceRequest, ProduceResult

WHOLE = "full_area"  # dataset of a detector's whole frames
ASSEMBLED = "img"  # asks for whole frames with their tiles in their places

Tiff = Annotated[
    list[str] | None,
    typer.Option(
        help="Write this detector's pictures as TIFF files, one per event, and tables of all "
        "numbers beside them: DET for whole frames, DET:img for assembled ones, DET:FIELD for what "
        "the config stores, as cam:ROI_0_area; repeatable."
    ),
]
TiffFolder = Annotated[
    Path | None, typer.Option(help="Folder for them; default: the experiment's scratch/run<N>.")
]
TiffPack = Annotated[
    bool, typer.Option("--tiff-pack", help="One TIFF file of many pages for each, instead.")
]


def with_whole_frames(detectors: list[str] | None, tiffs: list[str] | None) -> tuple[str, ...]:
    """Return the detectors whose whole frames are stored: those of TIFF files among them."""
    whole = (name for name, _, field in _split(tiffs or []) if field in {"", ASSEMBLED})
    wanted = [*(detectors or []), *whole]
    return tuple(dict.fromkeys(wanted))


def write_pictures(
    request: "ProduceRequest",
    results: "list[ProduceResult]",
    tiffs: list[str] | None,
    folder: Path | None,
    *,
    pack: bool,
) -> None:
    """Write the TIFF files of each produced run; say before how many there will be."""
    from workbench.facility import small_data_folder
    from workbench.smalldata import open_file
    from workbench.smalldata.exports import forecast_tiffs, write_tables, write_tiffs

    for result in results if tiffs else []:
        names = _split(tiffs or [])
        drawn = [f"{det}/{WHOLE}" for det, _, field in names if field == ASSEMBLED]
        plain = [f"{det}/{field or WHOLE}" for det, _, field in names if field != ASSEMBLED]
        with open_file(result.output) as file:
            run = file.run
        place = folder
        if place is None:
            experiment = small_data_folder(request.experiment).parents[2]
            place = experiment / "scratch" / f"run{run}"
        forecast = forecast_tiffs(result.output, [*plain, *drawn], place, pack=pack)
        typer.echo(f"{forecast} into {place}", err=True)
        missing: dict[str, int] = {}
        count = 0
        for fields, assembled in ((plain, False), (drawn, True)):
            written = write_tiffs(result.output, fields, place, pack=pack, assembled=assembled)
            missing |= written.missing
            count += len(written.files)
        told = ", ".join(f"{name}: {number}" for name, number in missing.items() if number)
        lacking = f"; events without a picture: {told}" if told else ""
        typer.echo(f"{count} TIFF files{lacking}", err=True)
        tables = write_tables(result.output, place)
        typer.echo(f"tables beside them: {', '.join(path.name for path in tables)}", err=True)


def _split(tiffs: list[str]) -> list[tuple[str, str, str]]:
    return [name.partition(":") for name in tiffs]
