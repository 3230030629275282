"""The editor where all cells were run at once, and a later one keeps Python busy."""

from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests.browser.editor_page import EditorPage
from tests.browser.notebooks import opened
from tests.browser.servers import Server, until

pytestmark = pytest.mark.browser

EDITOR = """\
import time
import numpy as np
import workbench as wb
from workbench.regions import Ring
editor = wb.region_editor(np.ones((300, 400)), detector='epix_1', state='busy.json')"""
BUSY = """\
time.sleep(3)
editor.model.put("arc", Ring(60, 120, 20, 30))
time.sleep(5)
editor.model.put("ring_2", Ring(150, 250, 40, 60))"""
ARC = {"shape": "ring", "row": 60, "col": 120, "inner": 20, "outer": 30}
RING = {"shape": "ring", "row": 150, "col": 250, "inner": 40, "outer": 60}
BOX = {"shape": "rectangle", "top": 130, "bottom": 190, "left": 40, "right": 120}
PATIENCE = 6000  # ms: after 5 s without an answer the page says so


def test_an_editor_that_met_a_busy_kernel_shows_the_latest_and_draws(
    lab: Server, page: Page, pictures: Path
) -> None:
    """The kernel opens its end of the channel when the last cell is done."""
    page.set_default_timeout(90_000)
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda line: errors.append(line.text) if "reference" in line.text else None)
    opened(page, lab, "busy", EDITOR, "editor", BUSY)
    editor = EditorPage(page, lab.folder / "busy.json")
    editor.wait()
    page.wait_for_timeout(PATIENCE)
    assert not page.get_by_text("Python does not answer.").first.is_visible()
    field = page.get_by_label("outer radius", exact=True).first
    until(lambda: field.input_value() == "60", "what was put last is shown")
    page.locator(".bk-Figure").first.scroll_into_view_if_needed()
    page.wait_for_timeout(1000)
    editor.drag((130, 40), (190, 120))
    editor.until_regions({"arc": ARC, "ring_2": RING, "ROI_0": BOX})
    lower = page.get_by_label("rows to", exact=True).first
    until(lambda: lower.is_visible() and lower.input_value() == "190", "it is on the page")
    page.screenshot(path=pictures / "busy.png", full_page=True)
    assert not page.get_by_text("Python does not answer.").first.is_visible()
    assert errors == []
