"""The board when something is amiss: no display library, no frames, regions without a pixel."""

import re
from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np
import pytest
from playwright.sync_api import Page

from tests.browser.editor_page import EditorPage
from tests.browser.servers import BIN, free_ports, jupyter_environment, started, until, wait_for
from workbench.sources.xtc2_writer import Names, Xtc2Writer
from workbench.synthetic import PumpProbe, RawFiles, write_raw_run

pytestmark = pytest.mark.browser

SCRIPTS = re.compile(r"\.js(\?|$)")
SOURCE, TYPED = "Small-data file, or folder of raw data", "New region, typed"


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> RawFiles:
    return write_raw_run(PumpProbe(n_events=3), tmp_path_factory.mktemp("raw"))


@pytest.fixture(scope="module")
def served(
    raw: RawFiles, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, Path, Path]]:
    """Serve the board; yields its address, the file of its state, and a folder for other files."""
    folder, port = tmp_path_factory.mktemp("board"), free_ports(1)[0]
    state = folder / "regions.json"
    command = [
        BIN / "python", "-m", "workbench", "app", "regions", raw.folder, "--state", state,
        "--port", port,
    ]  # fmt: skip
    with started(command, folder, jupyter_environment(folder)) as log:
        wait_for(f"http://127.0.0.1:{port}/regions", log)
        yield f"http://127.0.0.1:{port}/regions", state, folder


def test_a_board_whose_scripts_cannot_be_loaded_shows_a_picture_and_says_what_to_do(
    served: tuple[str, Path, Path], page: Page, pictures: Path
) -> None:
    address, state, _ = served
    page.goto(address)
    EditorPage(page, state).wait()
    still = page.get_by_alt_text("The detector and its regions")
    assert still.count() == 0  # it goes when the editor comes
    page.route(SCRIPTS, lambda route: route.abort())
    page.goto(address)
    still.wait_for()
    assert still.evaluate("one => one.naturalWidth") > 400
    told = page.get_by_role("status").inner_text()
    assert 'view="typed"' in told
    assert "workbench config set-roi" in told
    page.screenshot(path=pictures / "board_no_script.png")


def without_frames(folder: Path) -> Path:
    """Return the folder of a run whose camera is in none of its events."""
    folder.mkdir()
    start, camera = (
        1_100_000_000 << 32,
        Names("cam", "epix100", "raw", fields={"raw": ("uint16", 2)}),
    )
    with Xtc2Writer(folder / "xpplx1234-r0007-s000-c000.xtc2", [camera]) as stream:
        stream.configure(start)
        stream.begin_run(start + 1, experiment="xpplx1234", run=7)
        stream.begin_step(start + 2)
        stream.enable(start + 3)
        stream.event(start + 4, {})
        stream.end_run(start + 5)
    return folder


def without_values(path: Path) -> Path:
    """Return a small-data file whose sum of frames is not a number anywhere."""
    with h5py.File(path, "w") as file:
        file["timestamp"] = np.arange(5, dtype=np.uint64)
        file["Sums/cam_calib"] = np.full((80, 80), np.nan)
        file["UserDataCfg/cam/calib__n_events"] = 5
    return path


def test_no_frames_and_regions_without_a_pixel_are_told_in_the_board_and_nothing_is_lost(
    served: tuple[str, Path, Path], page: Page, pictures: Path
) -> None:
    address, state, folder = served
    page.goto(address)
    editor = EditorPage(page, state)
    editor.wait()
    alert = page.get_by_role("alert")
    editor.fill(TYPED, "[[10, 60], [20, 90]]")
    editor.click("Add")
    drawn = {"ROI_0": {"shape": "rectangle", "top": 10, "bottom": 60, "left": 20, "right": 90}}
    editor.until_regions(drawn)
    before = state.read_bytes()
    typed, bottom = (page.get_by_label(name, exact=True).first for name in (TYPED, "rows to"))
    until(lambda: typed.input_value() == "", "the page knows that it was added")

    editor.fill(TYPED, "[[100, 100], [20, 90]]")
    editor.click("Add")
    alert.filter(has_text="rows 100 to 100 and columns 20 to 90 is empty").wait_for()
    assert typed.input_value() == "[[100, 100], [20, 90]]"  # to be corrected
    editor.fill("rows to", "10")
    alert.filter(has_text="rows 10 to 10 and columns 20 to 90 is empty").wait_for()
    until(lambda: bottom.input_value() == "60", "the field is as it was")
    editor.drag((300.5, 300.5), (300.5, 420.5))  # within one row of pixels
    alert.filter(has_text="draw it larger").filter(has_not_text="rows 10 to").wait_for()
    page.screenshot(path=pictures / "no_pixel.png", full_page=True)
    assert state.read_bytes() == before

    for source, says in (
        (without_frames(folder / "empty"), "cam is in none of the 1 events of xpplx1234 run 7"),
        (without_values(folder / "nothing_Run0003.h5"), "no pixel was measured"),
    ):
        editor.fill(SOURCE, str(source))
        editor.click("Open")
        alert.filter(has_text=says).wait_for()
        page.screenshot(path=pictures / f"{source.stem}.png", full_page=True)
        assert state.read_bytes() == before
    editor.fill("rows to", "70")  # what was shown is still there, and works
    drawn["ROI_0"]["bottom"] = 70
    editor.until_regions(drawn)
