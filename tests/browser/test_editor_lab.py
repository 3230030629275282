"""The editor in JupyterLab when something is amiss; its other views; how fast and small it is."""

import json
from pathlib import Path

import pytest
from playwright.sync_api import Page, WebSocket

from tests.browser.editor_page import FRAME, EditorPage
from tests.browser.notebooks import kill_kernel, opened
from tests.browser.servers import Server, cell_errors, drag, run_all, until

pytestmark = pytest.mark.browser

PICTURE = """\
import numpy as np
rows, cols = np.indices((300, 400))
picture = np.random.default_rng(1).poisson(4.0 + 30.0 * np.exp(-((rows - 120)**2 + (cols - 150)**2)
                                           / 800)) * 1.0"""
LARGE = """\
import numpy as np
from workbench.widgets.models import EdgeStep
picture = np.random.default_rng(1).poisson(4.0, (2048, 2048)) * 1.0"""
ZOOM = """(span) => new Promise((resolve) => {
    const models = Bokeh.documents.flatMap(one => [...one._all_models.values()]);
    const figures = models.filter(one => one.type === "Figure" && one.tags.length);
    const figure = figures[figures.length - 1];
    const image = figure.renderers.find(one => one.glyph.type === "Image").data_source;
    const start = performance.now();
    const seen = () => requestAnimationFrame(() => requestAnimationFrame(() => {
        image.properties.data.change.disconnect(seen);
        resolve(performance.now() - start);
    }));
    image.properties.data.change.connect(seen);
    figure.x_range.setv({start: span[0], end: span[1]});
})"""
IDLE = "() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.status === 'idle'"
REFRESHES = 5


def test_a_lost_kernel_is_told_and_a_new_one_shows_what_was_drawn(
    lab: Server, page: Page, pictures: Path
) -> None:
    state = lab.folder / "lost.json"
    editor = EditorPage(page, state)
    make = "wb.region_editor(picture, detector='epix_1', state='lost.json')"
    opened(page, lab, "lost", f"import workbench as wb\n{PICTURE}", make)
    editor.wait()
    editor.drag((50, 60), (110, 140))
    drawn = {"shape": "rectangle", "top": 50, "bottom": 110, "left": 60, "right": 140}
    editor.until_regions({"ROI_0": drawn})
    kill_kernel(page)
    editor.drag((200, 60), (250, 140))
    lost = page.get_by_text("Python does not answer.").first
    lost.wait_for(timeout=30_000)
    assert "lost.json" in lost.locator("xpath=..").inner_text()
    page.screenshot(path=pictures / "lost_kernel.png", full_page=True)
    run_all(page)
    editor.wait()
    editor.until_regions({"ROI_0": drawn})  # what came when nobody listened is not there
    field = page.get_by_label("Region", exact=True).last
    until(lambda: "ROI_0" in field.inner_text(), "the region is in the list again")
    editor.drag((110, 140), (120, 150))  # the handle of its corner
    editor.until_regions({"ROI_0": {**drawn, "bottom": 120, "right": 150}})


def test_views_without_panel_draw_and_type_the_same_regions(
    lab: Server, page: Page, pictures: Path
) -> None:
    """Where Panel cannot be loaded there are typed fields; matplotlib's view on request."""
    opened(
        page, lab, "others",
        f"import sys\nsys.modules['panel'] = None\nimport workbench as wb\n{PICTURE}",
        "wb.region_editor(picture, detector='epix_1', state='typed.json')",
        "wb.region_editor(picture, detector='epix_1', state='mpl.json', view='matplotlib')",
    )  # fmt: skip
    typed, drawn = (EditorPage(page, lab.folder / name) for name in ("typed.json", "mpl.json"))
    outputs = page.locator(".jp-Cell")
    first, second = outputs.nth(1), outputs.nth(2)
    first.locator("img").wait_for(timeout=60_000)
    first.get_by_label("New region").fill("[[10, 60], [20, 90]]")
    first.get_by_role("button", name="Add", exact=True).click()
    box = {"shape": "rectangle", "top": 10, "bottom": 60, "left": 20, "right": 90}
    typed.until_regions({"ROI_0": box})
    field = first.get_by_label("rows to")
    until(lambda: field.input_value() == "60", "the new region is in the fields")
    page.wait_for_function(IDLE)
    page.wait_for_timeout(2000)  # what is typed while older values still arrive is overwritten
    field.click(click_count=3)
    page.keyboard.type("70")
    page.keyboard.press("Tab")
    typed.until_regions({"ROI_0": {**box, "bottom": 70}})
    first.screenshot(path=pictures / "typed_view.png")
    canvas = second.locator("canvas").last
    canvas.wait_for(timeout=60_000)
    canvas.scroll_into_view_if_needed()
    page.wait_for_timeout(1500)
    place = canvas.bounding_box()
    assert place is not None
    start = place["x"] + 0.3 * place["width"], place["y"] + 0.3 * place["height"]
    drag(page, start, (start[0] + 90, start[1] + 70))
    kept = drawn.until(lambda state: "ROI_0" in state["regions"], "drawn in matplotlib")
    region = kept["regions"]["ROI_0"]
    assert region["bottom"] - region["top"] > 20
    assert region["right"] - region["left"] > 20
    page.wait_for_timeout(1500)
    second.screenshot(path=pictures / "matplotlib_view.png")
    assert cell_errors(page) == []


def test_a_refresh_of_4_megapixels_sends_less_than_a_megabyte(
    lab: Server, page: Page, pictures: Path
) -> None:
    """The time from a change of the view to the new picture on the screen goes into a file."""
    sizes: list[int] = []

    def listen(socket: WebSocket) -> None:
        if "/channels" in socket.url:
            socket.on("framereceived", lambda data: sizes.append(len(data)))

    page.on("websocket", listen)
    opened(
        page, lab, "large", f"import workbench as wb\n{LARGE}",
        "editor = wb.region_editor(picture, detector='epix_1', state='large.json')\n"
        "editor.model.add_mask_step(EdgeStep(2))\neditor",
    )  # fmt: skip
    EditorPage(page, lab.folder / "large.json").wait()
    page.wait_for_timeout(2000)
    times, sent = [], []
    for number in range(REFRESHES):
        sizes.clear()
        before = page.evaluate(FRAME)
        middle = (before["left"] + before["right"]) / 2
        half = (0.95**number) * (before["right"] - before["left"]) / 2
        times.append(page.evaluate(ZOOM, [middle - half, middle + half - 1]))
        page.wait_for_timeout(1000)
        sent.append(sum(sizes))
    told = {"milliseconds": [round(one, 1) for one in times], "bytes": sent}
    (pictures / "refresh.json").write_text(json.dumps(told))
    assert 200_000 < max(sent) <= 1 << 20
