"""The live picture in a cell of JupyterLab: a run that another process writes, to its end."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page

from tests.binning.test_live import Growing
from tests.browser.notebooks import execute, opened
from tests.browser.servers import Server, cell_errors, run_all, until
from workbench.runs import Run, open_run
from workbench.synthetic import PumpProbe, write_small_data

pytestmark = pytest.mark.browser

EVENTS, LAST, APPENDED = 3600, 900, 40
WATCH = """\
import numpy as np
import workbench as wb
from workbench.widgets import live_view
run = wb.open_run({folder!r}, 1, live=True)
edges = np.arange(-1, 3.05, 0.2)
live_view(run, {{"delay": edges}}, "epix_1/signal_sum", last={last}, every=0.3)"""
COUNT = """(picture) => {
    window.drawn = 0;
    new MutationObserver(() => { window.drawn += 1; })
        .observe(picture, {attributes: true, attributeFilter: ["src"]});
}"""


@pytest.fixture
def growing(tmp_path: Path) -> Iterator[Growing]:
    (tmp_path / "live").mkdir()
    finished: Run = open_run(write_small_data(PumpProbe(n_events=EVENTS, n_steps=21), tmp_path))
    one = Growing(finished)
    yield one
    one.process.communicate()


def shots(cell: Locator) -> int:
    """Return how many shots the picture says that it shows."""
    found = re.search(r"([\d,]+) shots", cell.inner_text())
    return int(found[1].replace(",", "")) if found else 0


def test_the_live_cell_follows_a_run_drops_pictures_instead_of_falling_behind_and_ends_with_it(
    growing: Growing, lab: Server, page: Page, pictures: Path
) -> None:
    growing.up_to(400)
    opened(page, lab, "live", WATCH.format(folder=str(growing.folder), last=LAST))
    cell = page.locator(".jp-Notebook .jp-Cell").first
    picture = cell.locator("img").first
    until(lambda: shots(cell) == 400, "the run so far is shown", seconds=60)
    first = picture.get_attribute("src")
    growing.up_to(2000)
    until(lambda: shots(cell) == 2000, "new shots are shown", seconds=60)
    assert picture.get_attribute("src") != first
    assert picture.evaluate("one => one.naturalWidth") > 1000

    picture.evaluate(COUNT)
    busy = execute(page, "import time; time.sleep(2)", wait=False)
    for number in range(APPENDED):
        growing.up_to(2000 + 40 * (number + 1))
    busy()
    until(lambda: shots(cell) == EVENTS, "it is up to date at once", seconds=60)
    assert 1 <= page.evaluate("window.drawn") < APPENDED / 2
    page.screenshot(path=pictures / "live_cell.png")

    growing.up_to("end")
    ended = "the run has ended: this is all of it"
    until(lambda: ended in cell.inner_text(), "it ends with the run", seconds=60)
    page.screenshot(path=pictures / "live_cell_ended.png")
    run_all(page)
    page.wait_for_function("() => document.querySelectorAll('.jp-RenderedImage img').length === 1")
    still = page.locator(".jp-RenderedImage img")
    assert still.get_attribute("alt") or still.evaluate("one => one.naturalWidth") > 1000
    assert cell_errors(page) == []
    page.screenshot(path=pictures / "live_cell_again.png")
