"""Small tables that read well in a terminal and in a notebook."""

from dataclasses import dataclass
from html import escape
from itertools import pairwise

from workbench.core.rounding import rounded

Cell = str | int | float | bool | None
NO_ROWS = "none"


@dataclass(frozen=True)
class Table:
    """Named columns, rows of plain values, and a line that says what is shown.

    Numbers are shown in five digits; where a column "error" (or "error [unit]", "error in ...")
    follows, in as many as the error warrants. Pulls have two places. Without rows, it says "none".

    Parameters
    ----------
    columns
        Heading of each column.
    rows
        One tuple per row, as long as `columns`; None shows as an empty cell.
    caption
        One line above the table.
    notes
        Lines below it.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    caption: str = ""
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.rows)

    def __repr__(self) -> str:
        return str(self)

    def __str__(self) -> str:
        texts = [self.columns, *map(self._texts, self.rows)]
        widths = [max(len(row[column]) for row in texts) for column in range(len(self.columns))]
        right = [self._is_numeric(column) for column in range(len(self.columns))]
        lines = [_line(row, widths, right) for row in texts]
        lines.insert(1, "  ".join("-" * width for width in widths))
        lines.extend([] if self.rows else [NO_ROWS])
        head = [self.caption] if self.caption else []
        return "\n".join([*head, *lines, *self.notes])

    def _repr_html_(self) -> str:
        right = [self._is_numeric(column) for column in range(len(self.columns))]
        head = "".join(
            f'<th style="text-align: {"right" if to_right else "left"}">{escape(name)}</th>'
            for name, to_right in zip(self.columns, right, strict=True)
        )
        body = "".join(f"<tr>{_cells(self._texts(row), right)}</tr>" for row in self.rows)
        body = body or f'<tr><td colspan="{len(self.columns)}">{NO_ROWS}</td></tr>'
        caption = f"<caption>{escape(self.caption)}</caption>" if self.caption else ""
        notes = "".join(f"<p><small>{escape(note)}</small></p>" for note in self.notes)
        return f"<table>{caption}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{notes}"

    def as_dicts(self) -> list[dict[str, Cell]]:
        """Return the rows as plain dictionaries, for JSON."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]

    def _texts(self, row: tuple[Cell, ...]) -> tuple[str, ...]:
        texts = [_text(cell) for cell in row]
        for place, (value, error) in enumerate(pairwise(row)):
            heading = self.columns[place + 1].partition(" [")[0].partition(" in ")[0]
            if heading == "error" and isinstance(value, float) and isinstance(error, float):
                texts[place : place + 2] = rounded(value, error)
        for place, heading in enumerate(self.columns):
            if heading == "pull" and isinstance(number := row[place], float):
                texts[place] = f"{number:.2f}"
        return tuple(texts)

    def _is_numeric(self, column: int) -> bool:
        cells = [row[column] for row in self.rows if row[column] is not None]
        return bool(cells) and all(isinstance(cell, (int, float)) for cell in cells)


def _text(cell: Cell) -> str:
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    return f"{cell:.5g}" if isinstance(cell, float) else str(cell)


def _line(row: tuple[str, ...], widths: list[int], right: list[bool]) -> str:
    cells = (
        text.rjust(width) if to_right else text.ljust(width)
        for text, width, to_right in zip(row, widths, right, strict=True)
    )
    return "  ".join(cells).rstrip()


def _cells(row: tuple[str, ...], right: list[bool]) -> str:
    return "".join(
        f'<td style="text-align: {"right" if to_right else "left"}">{escape(text)}</td>'
        for text, to_right in zip(row, right, strict=True)
    )
