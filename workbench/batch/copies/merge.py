"""Three-way merge of notebooks by cell: the user's cells are never lost, clashes are marked.

The base is the template as it was copied, "mine" the user's notebook, "theirs" the template of
today. A cell that the user changed stays as the user has it; where the template changed the same
lines, its version follows in a raw cell of its own, which does not run.
"""

import ast
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any

from workbench.batch.copies.cells import Cell
from workbench.batch.copies.lines import merge_text

CONFLICT = "template-conflict"  # tag of a cell that shows what the template has instead
NOTE = "# The template has this here; your cell above was kept. Take over what you want, then\n" \
       "# delete this cell.\n"  # fmt: skip


@dataclass(frozen=True)
class Merged:
    """The outcome of a merge.

    Parameters
    ----------
    cells
        Of the notebook after the update.
    changed, added, removed
        Ids of cells that got the template's text, are new, or left with the template.
    conflicts
        Ids of the user's cells that clash with the template, and were kept.
    outlived
        Ids of cells that the template gave up and the user had changed: kept.
    declined
        Ids of cells that the template changed and the user had deleted: not brought back.
    """

    cells: tuple[Cell, ...]
    changed: tuple[str, ...] = ()
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    conflicts: tuple[str, ...] = ()
    outlived: tuple[str, ...] = ()
    declined: tuple[str, ...] = ()


def merge_cells(base: Sequence[Cell], mine: Sequence[Cell], theirs: Sequence[Cell]) -> Merged:
    """Merge; every cell that the user wrote or changed is in the outcome, with its text."""
    old, new, own = _by_id(base), _by_id(theirs), _by_id(mine)
    kept = [cell for cell in mine if cell.id in new or not _untouched(cell, old)]
    merged = {
        cell.id: _merge_cell(old.get(cell.id), cell, new[cell.id])
        for cell in mine
        if cell.id in new
    }
    cells = [merged.get(cell.id) or cell for cell in kept]
    added = [cell for cell in theirs if cell.id not in own and cell.id not in old]
    whole = _with_new(_ordered(base, mine, theirs, cells), theirs, added)
    conflicts = [name for name, cell in merged.items() if cell is None]
    return Merged(
        tuple(_with_marks(whole, {name: _mark(new[name]) for name in conflicts})),
        changed=tuple(
            name for name, cell in merged.items() if cell and cell.content != own[name].content
        ),
        added=tuple(cell.id for cell in added),
        removed=tuple(cell.id for cell in mine if cell.id not in new and _untouched(cell, old)),
        conflicts=tuple(conflicts),
        outlived=tuple(cell.id for cell in kept if cell.id in old and cell.id not in new),
        declined=tuple(
            cell.id
            for cell in theirs
            if cell.id in old and cell.id not in own and cell.content != old[cell.id].content
        ),
    )


def _untouched(cell: Cell, base: Mapping[str, Cell]) -> bool:
    return cell.id in base and cell.content == base[cell.id].content


def _merge_cell(base: Cell | None, mine: Cell, theirs: Cell) -> Cell | None:
    """Return the merged cell under the user's id; None where both changed the same lines."""
    metadata = _merge_metadata(base.metadata if base else {}, mine.metadata, theirs.metadata)
    if mine.content == theirs.content:
        return replace(mine, metadata=metadata)
    if base is None:  # both sides have a new cell of this id
        return None
    if base.content == mine.content:
        return replace(theirs, metadata=metadata)
    if base.content == theirs.content:
        return replace(mine, metadata=metadata)
    if {mine.kind, theirs.kind} != {base.kind}:
        return None
    source = merge_text(base.source, mine.source, theirs.source)
    if source is None or _breaks(source, mine, theirs):
        return None
    return replace(mine, source=source, metadata=metadata)


def _breaks(source: str, mine: Cell, theirs: Cell) -> bool:
    """Tell whether merged code is no longer Python, though that of both sides is."""
    if mine.kind != "code":
        return False
    return _is_python(mine.source) and _is_python(theirs.source) and not _is_python(source)


def _is_python(source: str) -> bool:
    try:
        ast.parse(source)
    except (SyntaxError, ValueError):  # ValueError: null bytes
        return False
    return True


def _merge_metadata(
    base: Mapping[str, Any], mine: Mapping[str, Any], theirs: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the user's metadata with what the template changed and the user did not."""
    merged = dict(mine)
    for key in {*base, *theirs}:
        if mine.get(key) == base.get(key):
            merged.pop(key, None)
            if key in theirs:
                merged[key] = theirs[key]
    return merged


def _ordered(
    base: Sequence[Cell], mine: Sequence[Cell], theirs: Sequence[Cell], kept: Sequence[Cell]
) -> list[Cell]:
    """Return the kept cells in the user's order; in the template's where the user moved none."""
    new = [cell.id for cell in theirs]
    shared = {cell.id for cell in mine} & {cell.id for cell in base} & set(new)
    if _order(base, shared) != _order(mine, shared):
        return list(kept)
    groups: list[list[Cell]] = [[]]  # a cell that both have, and the user's own behind it
    for cell in kept:
        if cell.id in shared:
            groups.append([])
        groups[-1].append(cell)
    first, *rest = groups
    rest.sort(key=lambda group: new.index(group[0].id))
    return [*first, *(cell for group in rest for cell in group)]


def _with_new(cells: Sequence[Cell], theirs: Sequence[Cell], added: Sequence[Cell]) -> list[Cell]:
    """Return the cells with the template's new ones, each behind the cell it follows there."""
    result = list(cells)
    names = {cell.id for cell in added}
    place = 0
    for cell in theirs:
        if cell.id in names:
            result.insert(place, cell)
            place += 1
        else:
            found = [k for k, one in enumerate(result) if one.id == cell.id]
            place = found[0] + 1 if found else place
    return result


def _with_marks(cells: Iterable[Cell], marks: Mapping[str, Cell]) -> Iterable[Cell]:
    whole = list(cells)
    there = {cell.id for cell in whole}
    for cell in whole:
        yield cell
        mark = marks.get(cell.id)
        if mark is not None and mark.id not in there:
            yield mark


def _mark(theirs: Cell) -> Cell:
    # Named by what it says: the same clash met again is the same cell.
    name = sha256(repr((theirs.id, theirs.content)).encode()).hexdigest()[:12]
    return Cell(f"template-{name}", "raw", NOTE + theirs.source, {"tags": [CONFLICT]})


def _order(cells: Iterable[Cell], names: set[str]) -> list[str]:
    return [cell.id for cell in cells if cell.id in names]


def _by_id(cells: Iterable[Cell]) -> dict[str, Cell]:
    return {cell.id: cell for cell in cells}
