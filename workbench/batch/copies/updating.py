"""Copied notebooks brought up to date with their templates: planned, shown, written."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import unified_diff
from enum import StrEnum
from pathlib import Path

from workbench.batch.catalogue import Template, find_template
from workbench.batch.copies.cells import PASSING, Cell, plain_cells, renamed
from workbench.batch.copies.merge import Merged, merge_cells
from workbench.batch.copies.origin import KEY, Origin, OriginError, origin_of
from workbench.batch.notebooks import (
    RECORD,
    NotANotebookError,
    Notebook,
    new_cell,
    notebook_text,
    read_notebook,
)
from workbench.core.errors import InputError, NotThereError, UnknownNameError
from workbench.core.shared import write_shared


class UpdateState(StrEnum):
    """What an update would do, or did, to one notebook."""

    CURRENT = "up to date"
    UPDATED = "updated"
    CONFLICTS = "updated, with conflicts"
    FOREIGN = "not a copy of a template"
    UNREADABLE = "not readable"
    NO_TEMPLATE = "its template is no more"


@dataclass(frozen=True)
class Update:
    """The update of one notebook.

    Parameters
    ----------
    path
        The notebook.
    state
        What is to be done.
    template
        Name of its template; empty where it has none.
    merged
        The outcome of the merge; None where there was none.
    text
        The notebook after the update; empty where nothing changes.
    mine
        The notebook's cells before the update.
    before
        The file's text when the update was planned.
    why
        What went wrong, for states that need it.
    """

    path: Path
    state: UpdateState
    template: str = ""
    merged: Merged | None = None
    text: str = ""
    mine: tuple[Cell, ...] = ()
    before: str = ""
    why: str = ""

    @property
    def skipped(self) -> bool:
        """Whether something was not brought up to date that should have been."""
        return self.state in {
            UpdateState.CONFLICTS, UpdateState.UNREADABLE, UpdateState.NO_TEMPLATE,
        }  # fmt: skip


def find_copies(folder: Path) -> list[Path]:
    """Return the notebooks below a folder, but none in hidden folders.

    Raises
    ------
    NotThereError
        Where there is no such folder.
    """
    if not folder.is_dir():
        raise NotThereError(f"no folder {folder}; name a notebook, a folder or an experiment")
    found = sorted(folder.rglob("*.ipynb"))
    return [path for path in found if not _hidden(path.relative_to(folder))]


def plan_update(path: Path, template: Template | None = None) -> Update:
    """Return what an update would do to one notebook; nothing is written.

    Parameters
    ----------
    path
        The notebook.
    template
        Its template of today; None: the one that the notebook notes.
    """
    try:
        before = path.read_text(encoding="utf-8")
        notebook = read_notebook(path)
        origin = None if RECORD in notebook.metadata else origin_of(notebook)  # a batch's product
    except (OSError, UnicodeDecodeError, NotANotebookError, OriginError) as error:
        return Update(path, UpdateState.UNREADABLE, why=str(error))
    if origin is None:
        return Update(path, UpdateState.FOREIGN)
    try:
        source = template or find_template(origin.template)
    except (UnknownNameError, NotThereError) as error:
        return Update(path, UpdateState.NO_TEMPLATE, origin.template, why=str(error))
    theirs = plain_cells(read_notebook(source.path))
    if theirs == origin.base:
        return Update(path, UpdateState.CURRENT, origin.template)
    mine = _own_cells(notebook, origin)
    merged = merge_cells(origin.base, mine, theirs)
    state = UpdateState.CONFLICTS if merged.conflicts else UpdateState.UPDATED
    text = notebook_text(_written(notebook, mine, merged, Origin(origin.template, theirs)))
    return Update(path, state, origin.template, merged, text, mine, before)


def write_update(update: Update) -> None:
    """Write what was planned, for the whole group.

    Raises `InputError` where the file changed since; `CannotWriteError` leaves it as it was.
    """
    if not update.text:
        return
    if update.path.read_text(encoding="utf-8") != update.before:
        raise InputError(f"{update.path} changed meanwhile; save and close it, then update again")
    write_shared(update.path, update.text)


def diff(update: Update) -> str:
    """Return what an update changes as a unified diff of the cells' text."""
    if not update.text or update.merged is None:
        return ""
    before = list(_lines(update.mine))
    after = list(_lines(update.merged.cells))
    name = str(update.path)
    return "".join(unified_diff(before, after, name, f"{name} (updated)"))


def _own_cells(notebook: Notebook, origin: Origin) -> tuple[Cell, ...]:
    cells = plain_cells(notebook)
    # Where a program dropped the ids, none of them is known: then cells are told by their text.
    known = {cell.id for cell in origin.base}
    return cells if any(cell.id in known for cell in cells) else renamed(cells, origin.base)


def _written(notebook: Notebook, mine: Sequence[Cell], merged: Merged, origin: Origin) -> Notebook:
    """Return the notebook with the merged cells; outputs stay with cells of unchanged text."""
    entries = {cell.id: entry for cell, entry in zip(mine, notebook.cells, strict=True)}
    cells = []
    for cell in merged.cells:
        entry = entries.get(cell.id)
        if entry is None or (entry.cell_type, entry.source) != cell.content:
            entry = new_cell(cell.kind, cell.source, cell.id, cell.metadata)
        else:
            passing = {key: entry.metadata[key] for key in PASSING if key in entry.metadata}
            entry.metadata.clear()
            entry.metadata.update({**passing, **cell.metadata})
            entry["id"] = cell.id
        cells.append(entry)
    notebook.cells = cells
    notebook.metadata[KEY] = origin.as_metadata()
    notebook.nbformat_minor = max(notebook.nbformat_minor, 5)  # the first that keeps ids
    return notebook


def _lines(cells: Sequence[Cell]) -> Iterator[str]:
    for cell in cells:
        yield f"[{cell.kind} cell {cell.id}]\n"
        yield from (f"{line}\n" for line in cell.source.split("\n"))


def _hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)
