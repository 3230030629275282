"""The region editor as a person uses it: in JupyterLab and in its own page."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests.browser.editor_page import RUN, EditorPage, copied, draw_and_write
from tests.browser.notebooks import opened
from tests.browser.servers import (
    BIN,
    Server,
    cell_errors,
    free_ports,
    jupyter_environment,
    started,
    until,
    wait_for,
)
from workbench.producer.editor import edit_config, set_roi
from workbench.synthetic import RawFiles

pytestmark = pytest.mark.browser

BOUNDS = "[low, high] per axis"  # of a region as the config has it
LARGER, LARGEST = [[330, 372], [180, 220]], [[330, 374], [180, 220]]
THEIRS, ELSEWHERE = [[320, 372], [180, 220]], [[330, 370], [270, 310]]


def shows(page: Page, label: str, value: str) -> None:
    """Wait until a field shows a value."""
    field = page.get_by_label(label, exact=True).first
    until(lambda: field.is_visible() and field.input_value() == value, f"{label} is {value}")


@pytest.fixture(scope="module")
def served(
    raw: RawFiles, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, Path, Path]]:
    """Serve the board by our command; yields its address, the config and the file of its state."""
    folder = tmp_path_factory.mktemp("board")
    config, state, port = copied(raw, folder), folder / "regions.json", free_ports(1)[0]
    command = [
        BIN / "python", "-m", "workbench", "app", "regions", raw.folder, "--config", config,
        "--state", state, "--port", port,
    ]  # fmt: skip
    with started(command, folder, jupyter_environment(folder)) as log:
        wait_for(f"http://127.0.0.1:{port}/regions", log)
        yield f"http://127.0.0.1:{port}/regions", config, state


@pytest.fixture
def board(raw: RawFiles, served: tuple[str, Path, Path], page: Page) -> tuple[EditorPage, Path]:
    """Open the board, nothing drawn, the config as it was; return it and the config."""
    address, config, state = served
    state.unlink(missing_ok=True)
    shutil.copy(raw.config, config)
    page.goto(address)
    return EditorPage(page, state), config


def test_what_is_drawn_in_the_board_is_what_the_config_says(
    board: tuple[EditorPage, Path], pictures: Path
) -> None:
    editor, config = board
    draw_and_write(editor, config, pictures, "board")


def moved_by_another(config: Path, name: str, place: list[list[int]]) -> str:
    """Change a region of a config as somebody else does, at another editor; return all of it."""
    with edit_config(config) as edit:
        edit.apply(set_roi("epix_1", name, place, from_run=RUN))
        edit.save()
    return config.read_text()


def regions_of(config: Path) -> dict[str, list[list[int]]]:
    """Return the regions that a config gives the camera."""
    with edit_config(config) as edit:
        return {one["name"]: one["ROI"] for one in edit.entries(RUN)["epix_1"]}


def test_a_config_that_somebody_else_changes_meanwhile_loses_neither_change(
    board: tuple[EditorPage, Path], pictures: Path
) -> None:
    editor, config = board
    page = editor.page
    editor.wait()
    page.get_by_label("Region", exact=True).first.select_option("signal")
    shows(page, BOUNDS, "[[330, 370], [180, 220]]")
    editor.fill(BOUNDS, str(LARGER))
    editor.until(lambda kept: kept["regions"]["signal"]["bounds"] == LARGER, "it is larger")
    editor.click("Show the changes")
    page.locator(".workbench-diff").wait_for()
    moved_by_another(config, "background", ELSEWHERE)
    editor.click("Write to the config")
    page.get_by_text("Changes that somebody else made meanwhile are kept.").wait_for()
    assert regions_of(config) == {"signal": LARGER, "background": ELSEWHERE}

    editor.fill(BOUNDS, str(LARGEST))
    editor.until(lambda kept: kept["regions"]["signal"]["bounds"] == LARGEST, "larger still")
    editor.click("Show the changes")
    page.locator(".workbench-diff").wait_for()
    theirs = moved_by_another(config, "signal", THEIRS)
    editor.click("Write to the config")
    alert = page.get_by_role("alert").filter(has_text="somebody else changed the same entries")
    alert.wait_for()
    assert str(THEIRS) in alert.inner_text()
    page.screenshot(path=pictures / "changed_meanwhile.png", full_page=True)
    assert config.read_text() == theirs
    editor.click("Show the changes")  # now on what they wrote
    page.locator(".workbench-diff", has_text=str(THEIRS)).wait_for()
    editor.click("Write to the config")
    page.get_by_text("Written: ").wait_for()
    assert regions_of(config) == {"signal": LARGEST, "background": ELSEWHERE}


def test_an_entry_that_only_a_mask_chooses_is_taken_out_by_its_name(
    board: tuple[EditorPage, Path], pictures: Path
) -> None:
    editor, config = board
    page = editor.page
    editor.wait()
    editor.draw_with("Ring")
    editor.drag((500, 550), (560, 550))
    editor.until(lambda kept: "ROI_0" in kept["regions"], "a ring")
    page.get_by_label("Write", exact=True).select_option("the selected region")
    editor.click("Show the changes")
    page.locator(".workbench-diff").wait_for()
    editor.click("Write to the config")
    page.get_by_text("Written: ").wait_for()
    assert set(regions_of(config)) == {"signal", "background", "ROI_0"}
    editor.click("Delete region")
    editor.until(lambda kept: "ROI_0" not in kept["regions"], "it is drawn no more")
    page.get_by_label("Write", exact=True).select_option("no more: an entry of the config")
    page.get_by_label("Entry", exact=True).select_option("ROI_0")
    editor.click("Show the changes")
    page.locator(".workbench-diff", has_text="ROI_0").wait_for()
    page.screenshot(path=pictures / "no_more.png", full_page=True)
    editor.click("Write to the config")
    page.get_by_text("Written: ").wait_for()
    assert set(regions_of(config)) == {"signal", "background"}


def test_what_is_drawn_in_jupyterlab_is_what_the_config_says(
    lab: Server, raw: RawFiles, page: Page, pictures: Path
) -> None:
    config, state = copied(raw, lab.folder), lab.folder / "drawn.json"
    make = f"region_editor({str(raw.folder)!r}, config={config.name!r}, state={state.name!r})"
    opened(page, lab, "draw", f"import workbench as wb\neditor = wb.{make}", "editor")
    draw_and_write(EditorPage(page, state), config, pictures, "jupyterlab")
    assert cell_errors(page) == []
