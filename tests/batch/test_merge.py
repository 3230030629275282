"""Merging a user's notebook with a new version of its template."""

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from workbench.batch.copies.cells import Cell
from workbench.batch.copies.lines import merge_text
from workbench.batch.copies.merge import CONFLICT, merge_cells

Cells = tuple[Cell, ...]
WORDS = ("a = 1", "b = a", "plot(a)", "# why", "", "print(b)", "c = [")
TEXTS = st.lists(st.sampled_from(WORDS), max_size=5).map("\n".join)
KINDS = st.sampled_from(["code", "code", "markdown", "raw"])
TAGS = st.sampled_from([{}, {"tags": ["parameters"]}, {"tags": ["mine"]}, {"editable": False}])


@st.composite
def bases(draw: st.DrawFn) -> Cells:
    number = draw(st.integers(0, 6))
    return tuple(Cell(f"t{k}", draw(KINDS), draw(TEXTS), draw(TAGS)) for k in range(number))


@st.composite
def edited(draw: st.DrawFn, base: Cells, prefix: str) -> Cells:
    """Edit, insert, delete, move and retag cells at random."""
    cells = list(base)
    for step in range(draw(st.integers(0, 6))):
        action = draw(st.sampled_from(["edit", "insert", "delete", "move", "line", "tag", "kind"]))
        place = draw(st.integers(0, len(cells)))
        if action == "insert":
            # Both sides may come upon the same name for a new cell.
            name = draw(st.sampled_from([f"{prefix}{step}", f"new{step}"]))
            if name not in {cell.id for cell in cells}:
                cells.insert(place, Cell(name, draw(KINDS), draw(TEXTS), draw(TAGS)))
        if place == len(cells) or action == "insert":
            continue
        cell = cells[place]
        if action == "edit":
            cells[place] = replace(cell, source=draw(TEXTS))
        elif action == "line":
            lines = cell.source.split("\n")
            lines.insert(draw(st.integers(0, len(lines))), f"{prefix} = {step}")
            cells[place] = replace(cell, source="\n".join(lines))
        elif action == "tag":
            cells[place] = replace(cell, metadata=draw(TAGS))
        elif action == "kind":
            cells[place] = replace(cell, kind=draw(KINDS))
        else:
            del cells[place]
            if action == "move":
                cells.insert(draw(st.integers(0, len(cells))), cell)
    return tuple(cells)


@st.composite
def histories(draw: st.DrawFn) -> tuple[Cells, Cells, Cells]:
    base = draw(bases())
    return base, draw(edited(base, "user")), draw(edited(base, "template"))


def check(history: tuple[Cells, Cells, Cells]) -> None:
    base, mine, theirs = history
    merged = merge_cells(base, mine, theirs)
    found = {cell.id: cell for cell in merged.cells}
    old = {cell.id: cell for cell in base}
    assert len(found) == len(merged.cells)
    for cell in mine:
        before = old.get(cell.id)
        if before is not None and cell.content == before.content:
            continue
        kept = found[cell.id]  # a cell that the user wrote or changed is there
        if cell.id in merged.conflicts or cell.id not in {one.id for one in theirs}:
            assert kept.content == cell.content
        new = set(cell.source.split("\n")) - set(before.source.split("\n") if before else ())
        assert new <= set(kept.source.split("\n"))  # with every line of the user's
    # What the template gained is there: merged, or beside the user's cell.
    for name in merged.conflicts:
        source = next(cell.source for cell in theirs if cell.id == name)
        shown = [cell for cell in merged.cells if CONFLICT in cell.metadata.get("tags", ())]
        assert any(cell.source.endswith(source) and cell.kind == "raw" for cell in shown)
    assert {cell.id for cell in theirs} - set(old) <= set(found)
    again = merge_cells(theirs, merged.cells, theirs)
    assert again.cells == merged.cells
    assert not (again.changed)
    assert not (again.added)
    assert not (again.removed)
    assert not (again.conflicts)
    # A notebook that the user left alone becomes the template; without news nothing changes.
    assert merge_cells(base, base, theirs).cells == theirs
    assert merge_cells(base, mine, base).cells == mine


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(histories())
def test_no_cell_of_the_user_is_ever_lost(history: tuple[Cells, Cells, Cells]) -> None:
    check(history)


@pytest.mark.long
@settings(max_examples=5000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(histories())
def test_no_cell_of_the_user_is_ever_lost_in_thousands_of_cases(
    history: tuple[Cells, Cells, Cells],
) -> None:
    check(history)


def test_changes_of_different_lines_are_both_taken() -> None:
    base = "run = 0\nsignal = 1\nwidth = 2\nlow = 3"
    mine = "run = 14\nsignal = 1\nwidth = 2\nlow = 3"
    theirs = "run = 0\nsignal = 1\nwidth = 2\nlow = 3\nhigh = 4"
    assert merge_text(base, mine, theirs) == f"{mine}\nhigh = 4"
    assert merge_text(base, mine, base.replace("run = 0", "run = 1")) is None


def test_a_new_cell_of_the_template_follows_the_one_it_follows_there() -> None:
    a, b, new = (Cell(name, "code", name) for name in ("a", "b", "new"))
    own = Cell("own", "code", "mine")
    merged = merge_cells((a, b), (b, own, a), (a, new, b))
    assert [cell.id for cell in merged.cells] == ["b", "own", "a", "new"]  # the user's order
    merged = merge_cells((a, b), (a, own, b), (b, new, a))
    assert [cell.id for cell in merged.cells] == ["b", "new", "a", "own"]  # the template's


def test_merged_lines_that_are_no_longer_python_are_a_conflict() -> None:
    base = Cell("c", "code", "x = (\n1\n)\ny = 2\nz = 3")
    mine = replace(base, source="x = 1\ny = 2\nz = 3")
    theirs = replace(base, source="x = (\n1 +\n2\n)\ny = 2\nz = 3")
    merged = merge_cells((base,), (mine,), (theirs,))
    assert merged.conflicts == ("c",)
    assert [cell.kind for cell in merged.cells] == ["code", "raw"]
