"""A table that is made anew again and again and keeps what people wrote into its file."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from workbench.core.errors import InputError, WorkbenchError
from workbench.core.extras import load
from workbench.core.shared import write_shared
from workbench.core.table import Cell, Table
from workbench.recipes.shot_sheet import EXCEL, read_cells, whole_number

NOT_NOW = "not in this refresh"
GONE = "no longer there"


class ChangedMeanwhileError(WorkbenchError, OSError):
    """A table's file that somebody saved while it was being made anew."""


@dataclass(frozen=True)
class Kept:
    """What a table's file held before.

    Parameters
    ----------
    path
        The file.
    content
        Its bytes; None where there was none.
    columns
        Headings.
    rows
        Cells as text, by heading.
    """

    path: Path
    content: bytes | None = None
    columns: tuple[str, ...] = ()
    rows: tuple[dict[str, str], ...] = ()


def read_kept(path: Path, key: Sequence[str]) -> Kept:
    """Read what a table's file holds; `InputError` where it is no table with these keys."""
    path = Path(path)
    if path.suffix.lower() not in {".csv", *EXCEL}:
        raise InputError(f"the table {path} must end in .csv or .xlsx")
    if not path.exists():
        return Kept(path)
    content = path.read_bytes()
    cells = read_cells(path)
    head = tuple(cells[0]) if cells else ()
    lacking = [name for name in key if name not in head]
    if lacking:
        raise InputError(
            f"{path} has no column {lacking[0]!r} and is left alone: it is no table of this kind; "
            "choose another file name"
        )
    rows = [dict(zip(head, row, strict=False)) for row in cells[1:] if any(row)]
    return Kept(path, content, head, tuple(rows))


def refreshed(new: Table, kept: Kept, *, key: Sequence[str], scope: str = "run") -> Table:
    """Return the new table with all that people wrote into the file before.

    Columns that the new table does not have, and those of the new one that are empty there and
    whose heading begins with "notes", keep their text by key. Old rows of other runs stay as they
    were; rows that are gone stay where somebody wrote something into them. A heading of old that
    lacks only the unit ``name [unit]`` is that of the new table.

    Parameters
    ----------
    new
        With `key` and a column "state".
    kept
        From `read_kept`.
    key
        Columns that name a row.
    scope
        The key's column that says what the refresh was about.
    """
    kept = _with_units(kept, new.columns)
    theirs = [name for name in kept.columns if name and name not in new.columns]
    notes = [name for name in new.columns if name.lower().startswith("notes")]
    columns = (*new.columns, *theirs)
    written: dict[tuple[int | None, ...], dict[str, str]] = {}
    for row in kept.rows:
        entry = written.setdefault(_key(row, key), {})
        for name in (*notes, *theirs):
            text = row.get(name, "")
            if text and text not in entry.get(name, "").split(" | "):
                entry[name] = f"{entry[name]} | {text}" if entry.get(name) else text
    rows = []
    for cells in new.as_dicts():
        told = written.get(_key(cells, key), {})
        rows.append(tuple(told.get(name) or cells.get(name) for name in columns))
    there = {_key(cells, key) for cells in new.as_dicts()}
    asked = {_key(cells, [scope]) for cells in new.as_dicts()}
    old: dict[tuple[int | None, ...], tuple[Cell, ...]] = {}
    for row in kept.rows:
        own = _key(row, key)
        inside = _key(row, [scope]) in asked
        if own in there or own in old or (inside and not written[own]):
            continue
        state = GONE if inside else NOT_NOW
        whole: dict[str, Cell] = {**row, "state": state, **written[own]}
        whole |= dict(zip(key, own, strict=True))
        old[own] = tuple(whole.get(name) or None for name in columns)
    place = [columns.index(name) for name in key]
    every = sorted([*rows, *old.values()], key=lambda row: [_order(row[at]) for at in place])
    return replace(new, columns=columns, rows=tuple(every))


def _with_units(kept: Kept, columns: Sequence[str]) -> Kept:
    """Return an old table with the new one's headings where they differ by the unit only."""
    units = {name.rpartition(" [")[0]: name for name in columns if name.endswith("]")}
    there = kept.columns
    new = {old: name for old, name in units.items() if old in there and name not in there}
    if not new:
        return kept
    rows = tuple({new.get(name, name): cell for name, cell in row.items()} for row in kept.rows)
    return replace(kept, columns=tuple(new.get(name, name) for name in kept.columns), rows=rows)


def write_kept(table: Table, kept: Kept) -> Path:
    """Write the table into its file, for the group, whole or not at all.

    Raises `ChangedMeanwhileError` where somebody saved the file since it was read.
    """
    path = kept.path
    now = path.read_bytes() if path.exists() else None
    if now != kept.content:
        raise ChangedMeanwhileError(
            f"{path} was saved by somebody while the table was made; run the cells again"
        )
    write_shared(path, _excel(table) if path.suffix.lower() in EXCEL else _csv(table))
    return path


def _key(row: "dict[str, str] | dict[str, Cell]", key: Sequence[str]) -> tuple[int | None, ...]:
    cells = (row.get(name) for name in key)
    return tuple(None if cell is None else whole_number(str(cell)) for cell in cells)


def _order(cell: Cell) -> int:
    return -1 if cell is None else int(cell)


def _csv(table: Table) -> bytes:
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer)
    writer.writerow(table.columns)
    writer.writerows(["" if cell is None else cell for cell in row] for row in table.rows)
    return buffer.getvalue().encode("utf-8-sig")  # by its mark Excel knows that it is UTF-8


def _excel(table: Table) -> bytes:
    openpyxl = load("openpyxl", "writing an Excel sheet", "export")
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "shots"
    sheet.append(list(table.columns))
    for row in table.rows:
        sheet.append(list(row))
    for cell in sheet[1]:
        cell.font = openpyxl.styles.Font(bold=True)
    sheet.freeze_panes = "C2"
    sheet.auto_filter.ref = sheet.dimensions
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()
