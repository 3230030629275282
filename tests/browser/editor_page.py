"""The region editor in a browser, as tests use it: places in the picture, fields, what is drawn."""

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

from tests.browser.servers import drag, until
from workbench.producer.editor import edit_config
from workbench.synthetic import RawFiles

RUN = 1  # whose config the editor writes
PAINTED = 500  # ms from what is kept to what is on the screen, on a busy machine
FRAME = """() => {
    const models = Bokeh.documents.flatMap(one => [...one._all_models.values()]);
    const figures = models.filter(one => one.type === "Figure" && one.tags.length);
    const seen = figures.map(one => [one, Bokeh.index.find_one(one)]).filter(two => two[1]);
    const [figure, view] = seen[seen.length - 1];
    const box = view.frame.bbox, page = view.el.getBoundingClientRect();
    return {x: page.x + box.left, y: page.y + box.top, width: box.width, height: box.height,
            left: figure.x_range.start, right: figure.x_range.end,
            top: figure.y_range.end, bottom: figure.y_range.start};
}"""

DRAWS = """() => Bokeh.documents.flatMap(one => [...one._all_models.values()])
    .filter(one => one.type === "Figure" && one.tags.length).pop().tags[0]"""


@dataclass(frozen=True)
class EditorPage:
    """One open editor.

    Parameters
    ----------
    page
        Where it is.
    state
        File in which it keeps what is drawn.
    detector
        That is shown.
    """

    page: Page
    state: Path
    detector: str = "epix_1"

    def wait(self) -> None:
        """Wait until the picture stands still on the screen."""
        self.page.locator(".bk-Figure .bk-events").first.wait_for(timeout=60_000)
        self._settle()

    def _settle(self) -> None:
        before: list[dict[str, float]] = []

        def settled() -> bool:
            before.append(self.page.evaluate(FRAME))
            return len(before) > 5 and before[-1] == before[-5] and before[-1]["height"] > 100

        until(settled, "the picture settles", seconds=60)

    def place(self, row: float, col: float) -> tuple[float, float]:
        """Return where a place of the picture is on the page."""
        frame = self.page.evaluate(FRAME)
        across = (col - frame["left"]) / (frame["right"] - frame["left"])
        down = (row - frame["top"]) / (frame["bottom"] - frame["top"])
        return frame["x"] + across * frame["width"], frame["y"] + down * frame["height"]

    def drag(
        self, start: tuple[float, float], stop: tuple[float, float], *, still: float = 0
    ) -> None:
        """Drag from one (row, col) of the picture to another, once it stands still.

        The button may be held for a while [ms] before the pointer moves.
        """
        self._settle()
        drag(self.page, self.place(*start), self.place(*stop), still=still)

    def fill(self, label: str, text: str) -> None:
        """Type into a field and leave it by Enter."""
        field = self.page.get_by_label(label, exact=True).first
        field.fill(text)
        field.press("Enter")

    def click(self, name: str) -> None:
        """Click a button."""
        self.page.get_by_role("button", name=name, exact=True).first.click()

    def draw_with(self, name: str) -> None:
        """Choose what the pointer draws; wait until the picture knows."""
        self.click(name)
        until(lambda: self.page.evaluate(DRAWS) == name.lower(), f"it draws a {name}", seconds=30)

    def stored(self) -> dict[str, Any]:
        """Return what the editor has kept of the detector."""
        if not self.state.exists():
            return {"regions": {}, "mask": [], "centre": None}
        kept = json.loads(self.state.read_text())["detectors"]
        found: dict[str, Any] = kept[self.detector]
        return found

    def until(self, check: Callable[[dict[str, Any]], bool], what: str) -> dict[str, Any]:
        """Wait until what is kept fulfils something; return it."""
        until(lambda: check(self.stored()), f"{what}; kept: {self.stored()}", seconds=20)
        return self.stored()

    def until_regions(self, regions: dict[str, dict[str, Any]]) -> None:
        """Wait until exactly these are kept, besides those that the config had."""

        def kept(state: dict[str, Any]) -> bool:
            return {
                name: one for name, one in state["regions"].items() if one["shape"] != "box"
            } == regions

        self.until(kept, f"regions become {regions}")
        self.page.wait_for_timeout(PAINTED)


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
