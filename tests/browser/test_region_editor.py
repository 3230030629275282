"""The region editor as a person uses it: in JupyterLab, in its own page, behind JupyterHub."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests.browser.editor_page import EditorPage
from tests.browser.notebooks import opened
from tests.browser.servers import (
    BIN,
    Server,
    cell_errors,
    free_ports,
    jupyter_environment,
    sign_in,
    started,
    until,
    wait_for,
)
from workbench.producer.editor import edit_config
from workbench.synthetic import PumpProbe, RawFiles, write_raw_run

pytestmark = pytest.mark.browser

RUN = 1


@pytest.fixture(scope="session")
def raw(tmp_path_factory: pytest.TempPathFactory) -> RawFiles:
    return write_raw_run(PumpProbe(n_events=30), tmp_path_factory.mktemp("raw"))


def copied(raw: RawFiles, folder: Path) -> Path:
    """Return a copy of the producer config, to be written to."""
    return Path(shutil.copy(raw.config, folder))


def draw_and_write(editor: EditorPage, config: Path, pictures: Path, name: str) -> None:
    """Draw, resize, rename, type and write, as a person does; compare with what was drawn."""
    editor.wait()
    editor.drag((250.2, 180.3), (310.4, 245.2))
    drawn = {"shape": "rectangle", "top": 250, "bottom": 310, "left": 180, "right": 245}
    editor.until_regions({"ROI_0": drawn})
    editor.drag((310, 245), (320.3, 249.8))  # the corner, where a handle is
    larger = {**drawn, "bottom": 320, "right": 250}
    editor.until_regions({"ROI_0": larger})
    editor.fill("Name", "spot")
    editor.until_regions({"spot": larger})
    editor.fill("rows to", "314")
    typed = {**larger, "bottom": 314}
    editor.until_regions({"spot": typed})
    before = config.read_text()
    editor.click("Show the changes")
    editor.page.locator(".workbench-diff").wait_for()
    assert config.read_text() == before
    editor.page.screenshot(path=pictures / f"{name}.png", full_page=True)
    editor.click("Write to the config")
    until(lambda: config.read_text() != before, "the config is written")
    with edit_config(config) as edit:
        entries = {one["name"]: one["ROI"] for one in edit.entries(RUN)["epix_1"]}
    assert entries["spot"] == [[250, 314], [180, 250]]
    assert entries["signal"] == [[330, 370], [180, 220]]  # as it was
    editor.page.get_by_text("Written: ").wait_for()


@pytest.fixture
def served(raw: RawFiles, tmp_path: Path) -> Iterator[tuple[str, Path, Path]]:
    """Serve the board by our command; yields its address, the config and the file of its state."""
    config, state, port = copied(raw, tmp_path), tmp_path / "regions.json", free_ports(1)[0]
    command = [
        BIN / "python", "-m", "workbench", "app", "regions", raw.folder, "--config", config,
        "--state", state, "--port", port,
    ]  # fmt: skip
    with started(command, tmp_path, jupyter_environment(tmp_path)) as log:
        wait_for(f"http://127.0.0.1:{port}/regions", log)
        yield f"http://127.0.0.1:{port}/regions", config, state


def test_what_is_drawn_in_the_board_is_what_the_config_says(
    served: tuple[str, Path, Path], page: Page, pictures: Path
) -> None:
    address, config, state = served
    page.goto(address)
    draw_and_write(EditorPage(page, state), config, pictures, "board")


def test_what_is_drawn_in_jupyterlab_is_what_the_config_says(
    lab: Server, raw: RawFiles, page: Page, pictures: Path
) -> None:
    config, state = copied(raw, lab.folder), lab.folder / "drawn.json"
    make = f"region_editor({str(raw.folder)!r}, config={config.name!r}, state={state.name!r})"
    opened(page, lab, "draw", f"import workbench as wb\neditor = wb.{make}", "editor")
    draw_and_write(EditorPage(page, state), config, pictures, "jupyterlab")
    assert cell_errors(page) == []


def test_what_is_drawn_behind_jupyterhub_is_what_the_config_says(
    hub: Server, raw: RawFiles, page: Page, pictures: Path
) -> None:
    """From the card in JupyterLab's launcher, through the hub's proxy, below a prefix."""
    config = copied(raw, hub.folder)
    sign_in(page, hub)
    page.goto(f"{hub.url}/user/alice/lab?reset", wait_until="domcontentloaded")
    card = page.locator(".jp-LauncherCard", has_text="Regions").first
    card.wait_for(timeout=60_000)
    with page.context.expect_page() as opened:
        card.click()
    board = opened.value
    board.set_viewport_size({"width": 1400, "height": 1000})
    assert "/beamline/user/alice/" in board.url
    editor = EditorPage(board, hub.folder / "regions.json")
    source = board.get_by_label("Small-data file, or folder of raw data")
    source.wait_for(timeout=90_000)
    editor.fill("Small-data file, or folder of raw data", str(raw.folder))
    editor.fill("Producer config", config.name)
    editor.click("Open")
    draw_and_write(editor, config, pictures, "jupyterhub")
