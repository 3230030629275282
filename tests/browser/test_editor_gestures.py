"""Every shape, the keyboard and typed fields in the board; a config that may not be written."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests.browser.editor_page import FRAME, PAINTED, EditorPage
from tests.browser.servers import BIN, free_ports, jupyter_environment, started, until, wait_for
from workbench.synthetic import RawFiles

pytestmark = pytest.mark.browser

ANOTHER = 65534  # whose config it is
HELD = 500  # ms that a button is down before the pointer moves
# Root without the privilege to write everywhere is a user like any other.
LIKE_A_USER = ("setpriv", "--bounding-set=-dac_override,-dac_read_search")


@pytest.fixture(scope="module")
def served(
    raw: RawFiles, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, Path, Path]]:
    """Serve the board; the config is another user's. Yields address, config, file of the state."""
    own, theirs = tmp_path_factory.mktemp("own"), tmp_path_factory.mktemp("theirs")
    config = Path(shutil.copy(raw.config, theirs))
    theirs.chmod(0o755)
    config.chmod(0o644)
    for path in (config, theirs):
        os.chown(path, ANOTHER, ANOTHER)
    port, state = free_ports(1)[0], own / "regions.json"
    command = [
        *LIKE_A_USER, BIN / "python", "-m", "workbench", "app", "regions", raw.folder,
        "--config", config, "--state", state, "--port", port,
    ]  # fmt: skip
    with started(command, own, jupyter_environment(own)) as log:
        wait_for(f"http://127.0.0.1:{port}/regions", log)
        yield f"http://127.0.0.1:{port}/regions", config, state


@pytest.fixture
def editor(served: tuple[str, Path, Path], page: Page) -> EditorPage:
    address, _, state = served
    state.unlink(missing_ok=True)
    page.goto(address)
    made = EditorPage(page, state)
    made.wait()
    return made


def test_polygon_and_ring_are_drawn_moved_by_keys_deleted_and_brought_back(
    editor: EditorPage, pictures: Path
) -> None:
    page = editor.page
    editor.draw_with("Polygon")
    for corner in ((100, 100), (100, 300), (250, 300)):
        page.mouse.click(*editor.place(*corner))
    page.mouse.move(*editor.place(200, 200))
    page.keyboard.press("Enter")
    shape = editor.until(lambda kept: "ROI_0" in kept["regions"], "a polygon")["regions"]["ROI_0"]
    assert shape["shape"] == "polygon"
    for point, corner in zip(shape["points"], ((100, 100), (100, 300), (250, 300)), strict=True):
        assert point == pytest.approx(corner, abs=1.5)  # a picture pixel is less than one of screen
    editor.draw_with("Ring")
    editor.drag((500, 550), (560, 550))
    ring = editor.until(lambda kept: "ROI_1" in kept["regions"], "a ring")["regions"]["ROI_1"]
    assert ring == {
        "shape": "ring", "row": pytest.approx(500, abs=1.5), "col": pytest.approx(550, abs=1.5),
        "inner": pytest.approx(30, abs=1.5), "outer": pytest.approx(60, abs=1.5),
    }  # fmt: skip
    page.wait_for_timeout(500)
    page.screenshot(path=pictures / "shapes.png", full_page=True)
    page.mouse.move(*editor.place(650, 100))
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Shift+ArrowRight")
    moved = {**ring, "row": ring["row"] + 1, "col": ring["col"] + 10}
    editor.until(lambda kept: kept["regions"].get("ROI_1") == moved, "moved by arrows")
    page.keyboard.press("Delete")
    editor.until(lambda kept: "ROI_1" not in kept["regions"], "deleted")
    page.keyboard.press("Control+z")
    editor.until(lambda kept: kept["regions"].get("ROI_1") == moved, "brought back")
    page.keyboard.press("Control+z")
    page.keyboard.press("Control+z")
    editor.until(lambda kept: kept["regions"].get("ROI_1") == ring, "as it was drawn")


def test_a_button_that_is_held_still_for_a_while_draws_drags_and_clicks(
    editor: EditorPage,
) -> None:
    """Longer than what Bokeh takes for a gesture of its own, 300 ms; a busy page is as slow."""
    editor.drag((100, 100), (200, 250), still=HELD)
    kept = editor.until(lambda kept: "ROI_0" in kept["regions"], "drawn")
    box = {side: kept["regions"]["ROI_0"][side] for side in ("top", "bottom", "left", "right")}
    assert tuple(box.values()) == pytest.approx((100, 200, 100, 250), abs=1.5)
    editor.page.wait_for_timeout(PAINTED)
    editor.drag((150, 175), (250, 275), still=HELD)  # inside: all of it moves
    kept = editor.until(lambda kept: kept["regions"]["ROI_0"]["top"] != box["top"], "moved")
    moved = {side: kept["regions"]["ROI_0"][side] for side in box}
    assert tuple(moved.values()) == pytest.approx((200, 300, 200, 350), abs=2)
    editor.draw_with("Polygon")
    for corner in ((400, 100), (400, 300), (550, 300)):
        editor.page.mouse.click(*editor.place(*corner), delay=HELD)
    editor.page.keyboard.press("Enter")
    kept = editor.until(lambda kept: "ROI_1" in kept["regions"], "a polygon")
    assert len(kept["regions"]["ROI_1"]["points"]) == 3


def test_what_the_mouse_does_can_be_typed(editor: EditorPage) -> None:
    editor.fill("New region, typed", "[[10, 60], [20, 90]]")
    editor.click("Add")
    typed = {"shape": "rectangle", "top": 10, "bottom": 60, "left": 20, "right": 90}
    editor.until(lambda kept: kept["regions"].get("ROI_0") == typed, "typed")
    editor.click("Down")
    editor.until(lambda kept: kept["regions"]["ROI_0"]["top"] == 11, "moved by the button")
    editor.click("Delete region")
    editor.until(lambda kept: "ROI_0" not in kept["regions"], "deleted by the button")
    editor.page.get_by_text("Centre", exact=True).first.click()
    editor.fill("Beam row", "355.5")
    editor.fill("Beam column", "386.25")
    editor.until(lambda kept: kept["centre"] == [355.5, 386.25], "a typed centre")
    editor.fill("Points on a ring: (row, column), ...", "(10, 20), (30, 40)")
    editor.until(lambda kept: kept["points"] == [[10, 20], [30, 40]], "typed points")


def test_two_fingers_on_a_touchpad_zoom_about_the_pointer(editor: EditorPage) -> None:
    """Browsers tell scrolling as a wheel, pinching as a wheel with Control."""
    page, before = editor.page, editor.page.evaluate(FRAME)
    at = editor.place(300, 300)
    page.mouse.move(*at)

    def width() -> float:
        seen = page.evaluate(FRAME)
        return float(seen["right"] - seen["left"])

    full = width()
    page.mouse.wheel(0, -240)
    until(lambda: width() < 0.95 * full, "scrolling zooms in")
    assert editor.place(300, 300) == pytest.approx(at, abs=2)
    closer = width()
    page.keyboard.down("Control")
    page.mouse.wheel(0, -240)
    page.keyboard.up("Control")
    until(lambda: width() < 0.95 * closer, "pinching zooms in")
    assert page.evaluate(FRAME)["width"] == before["width"]  # the picture, not the page
    editor.click("Whole picture")
    until(lambda: abs(width() - full) < 0.02 * full, "all of it is shown again")


NAMELESS = """() => {
    const found = [];
    const walk = (root) => {
        for (const one of root.querySelectorAll("*")) {
            if (one.shadowRoot) walk(one.shadowRoot);
            if (!["INPUT", "SELECT", "BUTTON", "TEXTAREA"].includes(one.tagName)) continue;
            if (!one.checkVisibility()) continue;
            // Bokeh's two small buttons in a field of numbers: the arrow keys do the same.
            if (one.classList.contains("bk-spin-btn")) continue;
            const text = one.getAttribute("aria-label") || one.textContent
                || [...(one.labels || [])].map((label) => label.textContent).join("");
            if (!text.trim()) found.push(one.outerHTML.slice(0, 300));
        }
    };
    walk(document);
    return found;
}"""
TABS = {  # below the picture -> one of the controls in it
    "Mask": "Read mask", "Centre": "Find rings", "Other runs": "Add pictures",
    "Signal over events": "Signal over events", "Colours": "Show this part",
    "Write to the config": "Show the changes",
}  # fmt: skip


def test_every_control_is_reached_by_keyboard_and_has_a_name(editor: EditorPage) -> None:
    """Names as a screen reader gets them, tab by tab."""
    page = editor.page
    assert page.evaluate(NAMELESS) == []
    for name, control in TABS.items():
        page.locator(".bk-tab").get_by_text(name, exact=True).focus()
        page.keyboard.press("Enter")
        page.get_by_role("button", name=control, exact=True).last.wait_for()
        assert page.evaluate(NAMELESS) == [], name


def test_the_picture_takes_keys_when_it_has_the_focus(editor: EditorPage) -> None:
    page = editor.page
    editor.fill("New region, typed", "[[10, 60], [20, 90]]")
    editor.click("Add")
    field = page.get_by_label("rows to", exact=True).first
    until(lambda: field.is_visible() and field.input_value() == "60", "it is selected")
    page.wait_for_timeout(PAINTED)
    page.mouse.move(5, 5)
    page.locator(".bk-Figure .bk-events").first.focus()
    page.keyboard.press("ArrowDown")
    editor.until(lambda kept: kept["regions"]["ROI_0"]["top"] == 11, "moved by a key")
    page.keyboard.press("Delete")
    editor.until(lambda kept: "ROI_0" not in kept["regions"], "deleted by a key")
    page.keyboard.press("Control+z")
    back = {"shape": "rectangle", "top": 11, "bottom": 61, "left": 20, "right": 90}
    editor.until(lambda kept: kept["regions"].get("ROI_0") == back, "brought back by a key")


def test_a_config_that_may_not_be_written_says_so_and_stays(
    editor: EditorPage, served: tuple[str, Path, Path], pictures: Path
) -> None:
    config = served[1]
    before = config.read_bytes()
    editor.fill("New region, typed", "[[10, 60], [20, 90]]")
    editor.click("Add")
    editor.until(lambda kept: "ROI_0" in kept["regions"], "typed")
    editor.click("Show the changes")
    editor.page.locator(".workbench-diff").wait_for(timeout=60_000)
    editor.click("Write to the config")
    alert = editor.page.locator("[role=alert]").first
    alert.wait_for(timeout=60_000)
    editor.page.screenshot(path=pictures / "read_only.png", full_page=True)
    assert str(config.parent) in alert.inner_text()
    assert "Traceback" not in alert.inner_text()
    assert config.read_bytes() == before
    assert list(config.parent.iterdir()) == [config]
