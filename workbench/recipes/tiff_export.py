"""Pictures of a run looked through shot by shot, and written as TIFF files that are read back."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from workbench.core.errors import InputError
from workbench.core.table import Cell, Table
from workbench.recipes.pictures import (
    NoPictureError,
    Pictures,
    picture_fields,
    pictures_of,
    read_pages,
)
from workbench.runs import Run
from workbench.smalldata.exports.imagej import readable
from workbench.smalldata.exports.tiffs import TiffResult, write_tiffs


@dataclass(frozen=True)
class Browsed:
    """Pictures of one shot of a run.

    Parameters
    ----------
    pictures
        One frame of each field that has one in this shot.
    table
        Every field with a picture: shape, unit, state in this shot.
    fields
        Those of the table, also where this shot has no picture.
    """

    pictures: tuple[Pictures, ...]
    table: Table
    fields: tuple[str, ...]


@dataclass(frozen=True)
class Exported:
    """TIFF files that were written and read back.

    Parameters
    ----------
    files
        In the order of the fields.
    table
        Field, file, pages, events without a picture, whether the pages are the run's pixels, and
        the type in which these are written, which for one of 64 bits is a rounded one.
    """

    files: tuple[Path, ...]
    table: Table

    @property
    def same(self) -> bool:
        """Whether every page holds the pixels of the run, bit for bit in the type written."""
        place = self.table.columns.index("same pixels")
        return all(bool(row[place]) for row in self.table.rows)


def browse_pictures(run: Run, fields: Sequence[str] = (), shot: int = 1) -> Browsed:
    """Return the pictures of one shot, and what there is of every field.

    Parameters
    ----------
    run
        The run.
    fields
        Fields with a picture per event; empty: all of the run.
    shot
        From 1, in the order of time.

    Raises
    ------
    NoPictureError
        For a run without events or without pictures per event.
    InputError
        For a shot that the run does not have.
    """
    known = picture_fields(run)
    if not run.n_events:
        raise NoPictureError(
            f"{run.label} has no events, so no pictures; look at run.check(), or take another"
        )
    if not 1 <= shot <= run.n_events:
        raise InputError(f"shot {shot}: {run.label} has shots 1 to {run.n_events}")
    named = fields or [name for name in known if run.infos[name].kind == "event"]
    if not named:
        raise NoPictureError(
            f"{run.label} holds no pictures per event; produce it with full frames (full_area), an "
            "image (img) or a region with its pixels (writeArea)"
        )
    found: list[Pictures] = []
    rows: list[tuple[Cell, ...]] = []
    for name in named:
        state = "shown"
        try:
            found.append(pictures_of(run, name, [shot]))
        except NoPictureError as error:
            if fields and name not in known:
                raise
            state = f"not in shot {shot}" if "not measured" in str(error) else str(error)
        shape = " x ".join(map(str, run.infos[name].shape[1:]))
        rows.append((name, shape, run.infos[name].unit or None, state))
    columns = ("field", "shape of a picture", "unit", f"in shot {shot}")
    caption = f"{run.label}: {run.n_events} shots"
    return Browsed(tuple(found), Table(columns, tuple(rows), caption=caption), tuple(named))


def export_pictures(
    run: Run, fields: Sequence[str], folder: Path, *, pack: bool = True
) -> Exported:
    """Write pictures of all shots as TIFF files, read them back and compare.

    Parameters
    ----------
    run
        The run.
    fields
        Fields with a picture per event.
    folder
        Is made where it is not there; what would break a results folder's quota is refused.
    pack
        One file of many pages for each field; else one file for each shot.
    """
    rows: list[tuple[Cell, ...]] = []
    files: list[Path] = []
    for name in fields:
        result = write_tiffs(run.path, [name], folder, pack=pack)
        pages, same = _read_back(run, name, result)
        kept = np.dtype(run.infos[name].dtype)
        stored = readable(np.empty(0, kept)).dtype
        kind = f"{stored}" if stored == kept else f"{stored} of {kept}"
        rows.append((name, _named(result.files), pages, result.missing[name], same, kind))
        files += result.files
    columns = ("field", "file", "pages", "shots without a picture", "same pixels", "type")
    return Exported(tuple(files), Table(columns, tuple(rows), caption=f"written to {folder}"))


def _named(files: Sequence[Path]) -> str:
    if len(files) > 1:
        return f"{len(files)} files"
    return files[0].name if files else "none"


def _read_back(run: Run, name: str, result: TiffResult) -> tuple[int, bool]:
    """Return the number of pages, and whether they hold the run's pixels in the type of TIFFs."""
    stored = readable(run[name].read_stored()[~run[name].missing])
    pages = [page for path in result.files for page in read_pages(path)]
    if not pages:
        return 0, not len(stored)
    read = np.stack(pages)
    flat = stored.reshape(-1, *stored.shape[-2:])
    # By bytes: a NaN equals no NaN.
    return len(pages), read.shape == flat.shape and read.tobytes() == flat.tobytes()
