"""The group's shot sheet, CSV or Excel: lines by run and shot, and the lines that name no run."""

import csv
import datetime as dt
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from workbench.core.errors import InputError, NotThereError, UnknownNameError
from workbench.core.extras import load

EXCEL = (".xlsx", ".xlsm")
SEPARATORS = ",;\t"
RUN_NAMES = ("run", "runnumber", "runno", "runnr")  # headings of the run's column, letters only
TITLE_LINES = 20  # of a sheet, in which its headings are looked for
_NUMBER = re.compile(r"(?:run|r|shot|s)?[\s_#]*0*(\d{1,9})(?:[.,]0*)?", re.IGNORECASE)


class SheetError(InputError):
    """A shot sheet that cannot be read; the text names file and line or column."""


@dataclass(frozen=True)
class SheetLine:
    """One line of a shot sheet.

    Parameters
    ----------
    line
        Number in the file, from 1.
    run, shot
        What it is about; `shot` None where the sheet has no column of shots, or the line no number
        in it.
    values
        All its cells by heading, empty ones left out.
    """

    line: int
    run: int
    shot: int | None
    values: Mapping[str, str]


@dataclass(frozen=True)
class ShotSheet:
    """What a group wrote down.

    Parameters
    ----------
    path
        The file.
    columns
        Headings as they stand there, those of run and shot left out; a repeated one is numbered.
    lines
        In the order of the file.
    unread
        Line number and text of lines that name no run.
    """

    path: Path
    columns: tuple[str, ...]
    lines: tuple[SheetLine, ...]
    unread: tuple[tuple[int, str], ...] = ()


def read_shot_sheet(path: Path, *, run: str = "", shot: str = "", sheet: str = "") -> ShotSheet:
    """Read a shot sheet; titles above the headings are passed over.

    A shot is counted within its run, which a group's own count of shots is not: so its column is
    never guessed.

    Parameters
    ----------
    path
        CSV (comma, semicolon or tab; UTF-8 or Windows) or ``.xlsx``.
    run
        Heading of the column with the run; empty: one of `RUN_NAMES`.
    shot
        Heading of the column with the shot within its run; empty: lines are about whole runs.
    sheet
        Name of the sheet of an Excel file; empty: the first.

    Raises
    ------
    NotThereError
        Where there is no such file.
    """
    path = Path(path)
    if not path.is_file():
        raise NotThereError(f"no shot sheet {path}; name a .csv or .xlsx file")
    rows = read_cells(path, sheet)
    head = _heading(rows, run, path)
    columns = _unique(rows[head])
    places = [_place(columns, run or _run_heading(columns), path)]
    places += [_place(columns, shot, path)] if shot else []
    lines: list[SheetLine] = []
    unread: list[tuple[int, str]] = []
    for number, row in enumerate(rows[head + 1 :], head + 2):
        if not any(row):
            continue
        cells = dict(zip(columns, row, strict=False))
        numbers = [whole_number(row[place]) if place < len(row) else None for place in places]
        if numbers[0] is None:
            unread.append((number, ", ".join(cell for cell in row if cell)))
            continue
        values = {name: cell for name, cell in cells.items() if cell}
        lines.append(SheetLine(number, numbers[0], numbers[1] if shot else None, values))
    keys = {columns[place] for place in places}
    kept = tuple(name for name in columns if name and name not in keys)
    return ShotSheet(path, kept, tuple(lines), tuple(unread))


def read_cells(path: Path, sheet: str = "") -> list[list[str]]:
    """Return all cells of a CSV or Excel file as text without blanks around it."""
    if path.suffix.lower() in EXCEL:
        return _excel(path, sheet)
    data = path.read_bytes()
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("cp1252", "replace")  # as Excel saves "CSV" on Windows
    best = max(SEPARATORS, key=text.count)
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=best, strict=True))
    except csv.Error as error:
        raise SheetError(f"{path} is no CSV: {error}; save it again as CSV or .xlsx") from None
    return [[cell.strip() for cell in row] for row in rows]


def whole_number(text: str) -> int | None:
    """Return the number of a run or shot: "12", "12.0", "r0012", "Run 12"; None for other texts."""
    match = _NUMBER.fullmatch(text.strip())
    return int(match[1]) if match else None


def _excel(path: Path, sheet: str) -> list[list[str]]:
    openpyxl = load("openpyxl", "reading an Excel sheet", "export")
    from zipfile import BadZipFile

    try:
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    except (BadZipFile, KeyError, ValueError) as error:
        raise SheetError(f"{path} is no Excel file ({error}); save it again as .xlsx") from None
    try:
        if sheet and sheet not in book.sheetnames:
            raise UnknownNameError("sheet", sheet, book.sheetnames, str(path))
        rows = book[sheet or book.sheetnames[0]].iter_rows(values_only=True)
        return [[_cell(value) for value in row] for row in rows]
    finally:
        book.close()


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, dt.datetime) and value.time() == dt.time():
        return value.date().isoformat()
    return str(value).strip()


def _heading(rows: Sequence[Sequence[str]], run: str, path: Path) -> int:
    """Return which row holds the headings: the first with one of the run's column."""
    for number, row in enumerate(rows[:TITLE_LINES]):
        if run in row if run else _run_heading(row):
            return number
    wanted = f"called {run!r}" if run else f"of the run ({', '.join(RUN_NAMES)})"
    first = next((row for row in rows if any(row)), [])
    raise SheetError(
        f"{path}: no column {wanted} in its first {TITLE_LINES} lines; it begins with "
        f"{', '.join(cell for cell in first if cell) or 'nothing'}: name the column of the run"
    )


def _run_heading(row: Iterable[str]) -> str:
    return next(
        (cell for cell in row if re.sub("[^a-z]", "", cell.lower()) in RUN_NAMES),
        "",
    )


def _place(columns: Sequence[str], name: str, path: Path) -> int:
    if name not in columns:
        raise UnknownNameError("column", name, [one for one in columns if one], str(path))
    return list(columns).index(name)


def _unique(row: Sequence[str]) -> list[str]:
    columns: list[str] = []
    for name in row:
        repeat, given = 1, name
        while name and given in columns:
            repeat += 1
            given = f"{name} ({repeat})"
        columns.append(given)
    return columns
