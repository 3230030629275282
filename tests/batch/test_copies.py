"""Copied templates: made, updated, never overwritten."""

import json
import shutil
import warnings
from pathlib import Path
from tempfile import TemporaryDirectory

import nbformat
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from workbench.batch import Template, find_template
from workbench.batch.catalogue import read_template
from workbench.batch.copies import (
    UpdateState,
    copied_notebook,
    copy_template,
    diff,
    find_copies,
    plan_update,
    write_update,
)
from workbench.batch.copies.copying import with_defaults
from workbench.batch.notebooks import Notebook, notebook_text, read_notebook
from workbench.core.errors import InputError, NotThereError


@pytest.fixture
def template(tmp_path: Path) -> Template:
    """A template of the group's own, which a test may change."""
    folder = tmp_path / "templates"
    folder.mkdir()
    path = Path(shutil.copy(find_template("delay_scan").path, folder))
    return read_template(path, folder)


def change(path: Path, cell: str, old: str, new: str) -> Notebook:
    notebook = read_notebook(path)
    found = next(one for one in notebook.cells if one.id == cell)
    assert old in found.source
    found.source = found.source.replace(old, new)
    path.write_text(notebook_text(notebook))
    return notebook


def test_a_copy_has_the_experiment_filled_in_and_is_a_template_itself(tmp_path: Path) -> None:
    path = copy_template(find_template("delay_scan"), tmp_path, {"experiment": "xpplx1234"})
    original = find_template("delay_scan")
    copy = find_template(path)
    defaults = {one.name: one.default for one in copy.parameters}
    assert defaults == {one.name: one.default for one in original.parameters} | {
        "experiment": "xpplx1234"
    }
    assert [one.meaning for one in copy.parameters] == [one.meaning for one in original.parameters]
    assert plan_update(path).state is UpdateState.CURRENT
    with pytest.raises(InputError, match="workbench update"):
        copy_template(original, tmp_path)


def test_only_the_values_of_parameters_change() -> None:
    source = (
        'name: str = ""  # who\nlimit: float | None = None  # [mm] λ, range 0..10\nrun: int = 0'
    )
    assert with_defaults(source, {"limit": 2.5, "name": "x"}) == source.replace(
        '""', '"x"'
    ).replace("= None", "= 2.5")


def test_an_update_merges_parameters_and_keeps_outputs_of_unchanged_cells(
    tmp_path: Path, template: Template
) -> None:
    path = copy_template(template, tmp_path, {"experiment": "xpplx1234"})
    notebook = change(path, "open-run", "norm = i0", "norm = 'ipm2/sum' or i0")
    for cell in notebook.cells:
        if cell.id in {"open-run", "cuts"}:
            cell.outputs = [nbformat.v4.new_output("stream", text=f"of {cell.id}")]
            cell.execution_count = 3
    path.write_text(notebook_text(notebook))
    change(template.path, "parameters", "bin_width", "extra: int = 1  # [1] new\nbin_width")
    change(template.path, "cuts", "data.tally(cuts)", "data.tally(cuts).table")
    planned = plan_update(path)
    assert (planned.state, planned.merged and planned.merged.changed) == (
        UpdateState.UPDATED,
        ("parameters", "cuts"),
    )
    shown = diff(planned)
    assert "+extra: int = 1  # [1] new" in shown
    assert "-data.tally(cuts)\n+data.tally(cuts).table" in shown
    write_update(planned)
    cells = {cell.id: cell for cell in read_notebook(path).cells}
    assert '"xpplx1234"' in cells["parameters"].source
    assert "extra: int" in cells["parameters"].source
    assert "ipm2/sum" in cells["open-run"].source
    assert cells["open-run"].outputs[0].text == "of open-run"
    assert cells["cuts"].outputs == []
    before = path.stat()
    again = plan_update(path)
    write_update(again)
    assert again.state is UpdateState.CURRENT
    assert (path.stat().st_mtime_ns, path.stat().st_ino) == (before.st_mtime_ns, before.st_ino)


def test_a_clash_shows_the_template_below_the_users_cell(
    tmp_path: Path, template: Template
) -> None:
    path = copy_template(template, tmp_path)
    change(path, "cuts", "data.tally(cuts)", "mine")
    change(template.path, "cuts", "data.tally(cuts)", "theirs")
    planned = plan_update(path)
    write_update(planned)
    assert planned.state is UpdateState.CONFLICTS
    cells = read_notebook(path).cells
    place = next(k for k, cell in enumerate(cells) if cell.id == "cuts")
    assert cells[place].source.endswith("mine")
    assert cells[place + 1].cell_type == "raw"
    assert cells[place + 1].source.endswith("theirs")
    nbformat.validate(read_notebook(path))
    assert plan_update(path).state is UpdateState.CURRENT


def test_a_notebook_whose_ids_were_dropped_is_still_merged(
    tmp_path: Path, template: Template
) -> None:
    path = copy_template(template, tmp_path)
    change(path, "cuts", "data.tally(cuts)", "data.tally(cuts)\nmine = 1")
    plain = json.loads(path.read_text())
    for cell in plain["cells"]:
        del cell["id"]
    plain["nbformat_minor"] = 4  # as older programs save
    path.write_text(json.dumps(plain))
    change(template.path, "bins", "edges", "borders")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        planned = plan_update(path)
        write_update(planned)
    assert planned.merged is not None
    assert planned.merged.changed == ("bins",)
    cells = {cell.id: cell.source for cell in read_notebook(path).cells}
    assert cells["cuts"].endswith("mine = 1")
    assert "borders" in cells["bins"]


def test_what_cannot_be_updated_is_named_and_left(tmp_path: Path, template: Template) -> None:
    foreign = tmp_path / "own.ipynb"
    foreign.write_text(notebook_text(nbformat.v4.new_notebook()))
    broken = tmp_path / "broken.ipynb"
    broken.write_text("{")
    damaged = tmp_path / "damaged.ipynb"
    notebook = copied_notebook(template)
    del notebook.metadata.workbench_template["base"]
    damaged.write_text(notebook_text(notebook))
    orphan = copy_template(template, tmp_path / "orphan.ipynb")
    template.path.unlink()
    (tmp_path / ".ipynb_checkpoints").mkdir()
    shutil.copy(foreign, tmp_path / ".ipynb_checkpoints")
    updates = {path.stem: plan_update(path) for path in find_copies(tmp_path)}
    assert {name: one.state for name, one in updates.items()} == {
        "own": UpdateState.FOREIGN,
        "broken": UpdateState.UNREADABLE,
        "damaged": UpdateState.UNREADABLE,
        "orphan": UpdateState.NO_TEMPLATE,
    }
    assert "metadata.workbench_template" in updates["damaged"].why
    assert orphan.is_file()
    with pytest.raises(NotThereError, match="no folder"):
        find_copies(tmp_path / "none")


def test_what_a_batch_made_of_a_copy_is_not_updated(tmp_path: Path, template: Template) -> None:
    path = copy_template(template, tmp_path)
    notebook = read_notebook(path)
    notebook.metadata["workbench"] = {"state": "done"}  # the batch's record
    path.write_text(notebook_text(notebook))
    change(template.path, "cuts", "data.tally(cuts)", "theirs")
    assert plan_update(path).state is UpdateState.FOREIGN


def test_a_notebook_that_was_saved_meanwhile_is_not_replaced(
    tmp_path: Path, template: Template
) -> None:
    path = copy_template(template, tmp_path)
    change(template.path, "cuts", "data.tally(cuts)", "theirs")
    planned = plan_update(path)
    change(path, "title", "# Delay scan", "# Mine")
    with pytest.raises(InputError, match="changed meanwhile"):
        write_update(planned)
    assert "# Mine" in path.read_text()


EDITS = st.lists(
    st.tuples(st.sampled_from(["edit", "insert", "delete", "move"]), st.integers(0, 99)), max_size=6
)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(mine=EDITS, theirs=EDITS)
def test_whatever_both_sides_do_to_a_notebook_no_cell_of_the_user_is_lost(
    mine: list[tuple[str, int]], theirs: list[tuple[str, int]]
) -> None:
    with TemporaryDirectory() as folder:
        original = Path(shutil.copy(find_template("delay_scan").path, folder))
        path = copy_template(read_template(original, Path(folder)), Path(folder) / "mine.ipynb")
        written = edited(path, mine, "mine")
        edited(original, theirs, "theirs")
        write_update(plan_update(path))
        cells = read_notebook(path).cells
        lines = {line for cell in cells for line in cell.source.split("\n")}
        assert written <= lines
        nbformat.validate(read_notebook(path))
        before = path.read_bytes()
        again = plan_update(path)
        write_update(again)
        assert again.state is UpdateState.CURRENT
        assert path.read_bytes() == before


def edited(path: Path, edits: list[tuple[str, int]], who: str) -> set[str]:
    """Edit a notebook as Jupyter would; return the lines of `who` that are in it afterwards."""
    notebook = read_notebook(path)
    cells = notebook.cells
    for step, (action, number) in enumerate(edits):
        place = number % max(len(cells), 1)
        line = f"# {who} {step}"
        if action == "insert":
            cells.insert(place, nbformat.v4.new_code_cell(line))
        elif not cells:
            continue
        elif action == "edit":
            cells[place].source += f"\n{line}"
        elif who == "mine" or cells[place].id != "parameters":  # without it it is no template
            cell = cells.pop(place)
            if action == "move":
                cells.insert(number % (len(cells) + 1), cell)
    path.write_text(notebook_text(notebook))
    lines = {line for cell in cells for line in cell.source.split("\n")}
    return {line for line in lines if line.startswith(f"# {who}")}
