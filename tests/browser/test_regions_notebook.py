"""The notebook of regions in JupyterLab: what the mouse drew is in the config and in the file."""

import json
import re
import shutil
from pathlib import Path

import pytest
from playwright.sync_api import Page

import workbench as wb
from tests.browser.editor_page import EditorPage
from tests.browser.notebooks import outputs, run_part
from tests.browser.servers import TOKEN, Server, open_notebook, until
from workbench.producer.editor import edit_config

pytestmark = pytest.mark.browser

NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "regions.ipynb"
DETECTOR, RUN = "jungfrau1M", 3
NEAR = 2  # pixels of the picture: a pixel of the screen shows that many


def test_the_notebook_of_regions_writes_and_produces_what_the_mouse_drew(
    lab: Server, page: Page, pictures: Path
) -> None:
    shutil.copy(NOTEBOOK, lab.folder)
    cells = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    (shown,) = (n for n, one in enumerate(cells) if "".join(one["source"]).endswith("\neditor"))
    work = lab.folder / "regions-work"
    editor = EditorPage(page, work / "regions.json", DETECTOR)
    open_notebook(page, f"{lab.url}/lab/tree/{NOTEBOOK.name}?token={TOKEN}&reset")
    run_part(page, "above", shown + 1)
    editor.wait()
    page.locator(".bk-Figure").first.scroll_into_view_if_needed()
    page.get_by_text("In the config for this run: ring").wait_for()
    editor.drag((150, 60), (210, 125))
    state = editor.until(lambda kept: "ROI_0" in kept["regions"], "a region is drawn")
    near(state["regions"]["ROI_0"], (150, 210, 60, 125))
    drawn = state["regions"]["ROI_0"]
    page.wait_for_timeout(500)
    editor.drag((drawn["bottom"], drawn["right"]), (222, 135))  # its corner
    state = editor.until(lambda kept: kept["regions"]["ROI_0"] != drawn, "it is resized")
    near(state["regions"]["ROI_0"], (150, 222, 60, 135))
    drawn = {**state["regions"]["ROI_0"], "bottom": 214}
    page.wait_for_timeout(500)
    editor.fill("Name", "spot")
    editor.until(lambda kept: "spot" in kept["regions"], "it is renamed")
    editor.fill("rows to", "214")
    editor.until_regions({"spot": drawn})
    (config,) = work.glob("xtc/prod_config_*.py")
    before = config.read_text()
    editor.click("Show the changes")
    page.locator(".workbench-diff").wait_for()
    page.screenshot(path=pictures / "regions_notebook.png")
    assert config.read_text() == before
    editor.click("Write to the config")
    until(lambda: config.read_text() != before, "the config is written")
    pairs = [[drawn["top"], 214], [drawn["left"], drawn["right"]]]
    assert entry(config, "spot")["ROI"] == [[0, 1], *pairs]
    assert entry(config, "ring") == entry_of(before, config, "ring")
    run_part(page, "below", shown + 1)
    assert entry(config, "spot")["ROI"] == [[0, 1], *pairs]
    told = outputs(page)
    for row in (r"spot +pixels", r"spot +sum", r"arc +sum", r"ring_2 +sum", r"azav +azav"):
        assert re.search(rf"^{row} .* yes *$", told, re.MULTILINE), row
    run = wb.open_run(next((work / "hdf5").glob("*_Run0003.h5")))
    bounds = run.settings[DETECTOR].functions["spot"].bounds
    assert bounds is not None
    assert [list(pair) for pair in zip(bounds.low, bounds.high, strict=True)][1:] == pairs
    assert run[f"{DETECTOR}/azav_azav"].shape[0] == run[f"{DETECTOR}/spot_sum"].shape[0]
    page.screenshot(path=pictures / "regions_notebook_end.png")


def near(region: dict[str, int], wanted: tuple[int, int, int, int]) -> None:
    """Check that a rectangle lies where the pointer drew it, to a pixel of the screen."""
    for side, value in zip(("top", "bottom", "left", "right"), wanted, strict=True):
        assert abs(region[side] - value) <= NEAR, (side, region, wanted)


def entry(config: Path, name: str) -> dict[str, object]:
    """Return one region of the config."""
    with edit_config(config) as edit:
        (found,) = (one for one in edit.entries(RUN)[DETECTOR] if one["name"] == name)
    return dict(found)


def entry_of(text: str, beside: Path, name: str) -> dict[str, object]:
    """Return one region that a text of a config gives."""
    path = beside.with_name("before.py")
    path.write_text(text)
    return entry(path, name)
