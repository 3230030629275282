"""``workbench tiffs``, and the TIFF files beside a production: which pictures, where, how many."""

import json
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from workbench.producer import ProduceRequest

WHOLE = "full_area"  # dataset of a detector's whole frames
HDF5 = {".h5", ".hdf5"}
ASSEMBLED = "img"  # asks for whole frames with their tiles in their places
TOO_BIG = "{} is a BigTIFF, as it can exceed 4 GB: ImageJ reads it by its plugin Bio-Formats alone"

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

tiffs = typer.Typer(
    no_args_is_help=True,
    help="Pictures of small-data files as TIFF files, and many TIFF files packed into one.",
)


@dataclass(frozen=True)
class _Wish:
    """What is to be written: datasets as they are, and datasets to be assembled."""

    plain: tuple[str, ...]
    drawn: tuple[str, ...]

    @classmethod
    def of(cls, words: list[str], known: Collection[str] = ()) -> "_Wish":
        """Read ``DET``, ``DET:img``, ``DET:FIELD`` and ``DET/FIELD``.

        Where the file holds ``DET/img`` and no whole frames, ``DET:img`` is that dataset.
        """
        plain, drawn = [], []
        for detector, colon, field in (word.partition(":") for word in words):
            whole = f"{detector}/{WHOLE}"
            stored = f"{detector}/{ASSEMBLED}" in known and whole not in known
            if not colon and "/" in detector:
                plain.append(detector)
            elif field == ASSEMBLED and not stored:
                drawn.append(whole)
            else:
                plain.append(f"{detector}/{field or WHOLE}")
        return cls(tuple(plain), tuple(drawn))


@tiffs.command("write")
def write(
    file: Annotated[Path, typer.Argument(help="A small-data file (.h5) of either generation.")],
    field: Annotated[
        list[str] | None,
        typer.Argument(
            help="DET: whole frames; DET:img: assembled ones; DET:FIELD or DET/FIELD: a dataset, "
            "as Sums/cam_calib. Without any, those that the file holds are listed."
        ),
    ] = None,
    folder: TiffFolder = None,
    pack: Annotated[bool, typer.Option("--pack", help="One file of many pages for each.")] = False,
    tables: Annotated[bool, typer.Option(help="Tables of all numbers beside them.")] = True,
    json_: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Write pictures of a small-data file as TIFF files, one per event."""
    from workbench.core.errors import InputError
    from workbench.smalldata import open_file
    from workbench.smalldata.exports import holds_pictures

    with open_file(file) as opened:
        experiment, run, known = opened.experiment, opened.run, opened.names
        pictures = [
            name
            for name in known
            if not name.startswith("UserDataCfg/") and holds_pictures(opened.info(name))
        ]
    if not field:
        for name in pictures:
            typer.echo(name)
        raise InputError(
            f"name pictures of {file} to write"
            + (", such as those above" if pictures else ": it holds none")
        )
    if folder is None and not experiment:
        raise InputError(f"{file} does not name its experiment: give --folder")
    place = folder if folder is not None else _scratch(experiment or "", run)
    told = _write(file, _Wish.of(field, known), place, pack=pack, tables=tables)
    if json_:
        typer.echo(json.dumps(told, indent=1))


@tiffs.command("pack")
def pack_(
    target: Annotated[
        Path,
        typer.Argument(
            help="The file to write: a TIFF file of many pages, or HDF5 where it ends in .h5."
        ),
    ],
    files: Annotated[list[Path], typer.Argument(help="TIFF files, in the order of the pages.")],
) -> None:
    """Pack many TIFF files, whoever wrote them, into one, without loss."""
    from workbench.smalldata.exports import pack_hdf5, pack_tiffs

    if target.suffix in HDF5:
        pages = pack_hdf5(files, target)
        typer.echo(f"{len(files)} files in {target}, {pages} pictures")
        return
    packed = pack_tiffs(files, target)
    typer.echo(f"{len(files)} files in {target}")
    if packed.kinds > 1:
        typer.echo(
            f"ImageJ shows the first page only: the pages are of {packed.kinds} sizes or types; "
            "pack those of one detector at a time",
            err=True,
        )
    if packed.big:
        typer.echo(TOO_BIG.format(target), err=True)


def with_whole_frames(detectors: list[str] | None, tiffs: list[str] | None) -> tuple[str, ...]:
    """Return the detectors whose whole frames are stored: those of TIFF files among them."""
    words = (word.partition(":") for word in tiffs or [])
    whole = (name for name, _, field in words if field in {"", ASSEMBLED})
    return tuple(dict.fromkeys([*(detectors or []), *whole]))


def is_finished(request: "ProduceRequest") -> bool:
    """Tell whether the file of a run that is to be resumed is finished and current; say so.

    Its production was stopped in a later run, or when it wrote TIFF files.
    """
    from workbench.producer.status import CURRENT, file_status

    if not (request.resume and request.target.is_file()):
        return False
    status = file_status(
        request.target, request.run, config=request.config, constants=request.constants
    )
    if status.state != CURRENT:
        return False
    typer.echo(f"{request.target} is finished", err=True)
    return True


def write_pictures(
    experiment: str,
    outputs: Iterable[Path],
    tiffs: list[str] | None,
    folder: Path | None,
    *,
    pack: bool,
) -> None:
    """Write the TIFF files of each produced run; say before how many there will be."""
    from workbench.smalldata import open_file

    for output in outputs if tiffs else []:
        with open_file(output) as file:
            run = file.run
        place = folder if folder is not None else _scratch(experiment, run)
        _write(output, _Wish.of(tiffs or []), place, pack=pack, tables=True)


def _scratch(experiment: str, run: int | None) -> Path:
    from workbench.facility import small_data_folder

    return small_data_folder(experiment).parents[2] / "scratch" / f"run{run}"


def _write(
    source: Path, wish: _Wish, place: Path, *, pack: bool, tables: bool
) -> dict[str, object]:
    from workbench.smalldata.exports import forecast_tiffs, write_tables, write_tiffs

    forecast = forecast_tiffs(source, [*wish.plain, *wish.drawn], place, pack=pack)
    typer.echo(f"{forecast} into {place}", err=True)
    missing: dict[str, int] = {}
    files: list[Path] = []
    for fields, assembled in ((wish.plain, False), (wish.drawn, True)):
        written = write_tiffs(source, fields, place, pack=pack, assembled=assembled)
        missing |= written.missing
        files += written.files
        for name in written.rounded:
            typer.echo(f"{name}: 64 bits rounded to the 32 that ImageJ reads", err=True)
        for path in written.big:
            typer.echo(TOO_BIG.format(path), err=True)
    told = ", ".join(f"{name}: {number}" for name, number in missing.items() if number)
    lacking = f"; events without a picture: {told}" if told else ""
    typer.echo(f"{len(files)} TIFF files{lacking}", err=True)
    beside = write_tables(source, place) if tables else ()
    if beside:
        typer.echo(f"tables beside them: {', '.join(path.name for path in beside)}", err=True)
    texts: Iterator[str] = map(str, files)
    return {"files": list(texts), "missing": missing, "tables": list(map(str, beside))}
