"""Cells of notebooks as plain values: what a merge compares, and nothing that a run leaves."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from secrets import token_hex
from typing import Any

# What Jupyter notes in a cell's metadata while it is shown or run.
PASSING = frozenset({"execution", "papermill", "collapsed", "scrolled", "trusted", "ExecuteTime"})


@dataclass(frozen=True)
class Cell:
    """What a cell says, without outputs.

    Parameters
    ----------
    id
        Name of the cell within its notebook.
    kind
        "code", "markdown" or "raw".
    source
        Its text.
    metadata
        Tags and settings, without what a run leaves.
    """

    id: str
    kind: str
    source: str
    metadata: Mapping[str, Any] = field(default_factory=dict)

    @property
    def content(self) -> tuple[str, str]:
        """Kind and text."""
        return self.kind, self.source

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {"id": self.id, "kind": self.kind, "source": self.source, "metadata": self.metadata}


def plain_cells(notebook: Any) -> tuple[Cell, ...]:  # Any: nbformat's notebooks are untyped
    """Return the cells of a notebook; one without an id of its own gets a new one."""
    cells: list[Cell] = []
    used: set[str] = set()
    for entry in notebook.cells:
        name = entry.get("id", "")
        if not name or name in used:
            name = token_hex(4)
        used.add(name)
        metadata = {key: value for key, value in entry.metadata.items() if key not in PASSING}
        cells.append(Cell(name, entry.cell_type, entry.source, metadata))
    return tuple(cells)


def renamed(cells: Iterable[Cell], base: Iterable[Cell]) -> tuple[Cell, ...]:
    """Return the cells under the ids of the base's cells that they come from.

    For notebooks saved by a program that drops ids: cells of equal text are the same cell, and so
    are those in between, where there are as many on both sides.
    """
    mine, old = list(cells), list(base)
    matcher = SequenceMatcher(
        None, [cell.content for cell in old], [cell.content for cell in mine], autojunk=False
    )
    for tag, first, last, start, end in matcher.get_opcodes():
        if tag == "equal" or (tag == "replace" and last - first == end - start):
            for cell, place in zip(old[first:last], range(start, end), strict=True):
                if cell.kind == mine[place].kind:
                    mine[place] = Cell(cell.id, cell.kind, mine[place].source, mine[place].metadata)
    return tuple(mine)
