"""What is typed while Python is busy arrives at the region that it was typed for, or nowhere."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.browser.editor_page import EditorPage
from tests.browser.notebooks import execute, opened
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
from workbench.synthetic import PumpProbe, write_raw_run

pytestmark = pytest.mark.browser

PICTURE = """\
import os
from pathlib import Path
import numpy as np
import workbench as wb
from workbench.regions import Ring
Path("late.pid").write_text(str(os.getpid()))
editor = wb.region_editor(np.ones((300, 400)), detector='epix_1', state='late.json')"""
OTHERS = """\
for _ in range(3):
    editor.model.put("arc", Ring(100, 120, 20, 30))
    editor.model.put("ring_2", Ring(200, 250, 40, 60))"""
ARC = {"shape": "ring", "row": 100, "col": 120, "inner": 20, "outer": 30}
RING = {"shape": "ring", "row": 200, "col": 250, "inner": 40, "outer": 60}


def shows(page: Page, label: str, value: str) -> None:
    """Wait until a field shows a value."""
    field = page.get_by_label(label, exact=True).first
    until(lambda: field.is_visible() and field.input_value() == value, f"{label} is {value}")


@contextmanager
def halted(process: int) -> Iterator[None]:
    """Let a process stand still for the length of a ``with`` block."""
    os.kill(process, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(process, signal.SIGCONT)


def test_a_busy_kernel_hears_late_what_was_typed_and_changes_no_other_region(
    lab: Server, page: Page, pictures: Path
) -> None:
    opened(page, lab, "late", PICTURE, "editor")
    editor = EditorPage(page, lab.folder / "late.json")
    editor.wait()
    execute(page, OTHERS)
    shows(page, "outer radius", "60")
    page.wait_for_timeout(1500)
    editor.until_regions({"arc": ARC, "ring_2": RING})  # nothing of it was taken for typed

    page.get_by_label("Region", exact=True).first.select_option("arc")
    shows(page, "outer radius", "30")
    with halted(int((lab.folder / "late.pid").read_text())):
        waiting = execute(page, "editor.model.select('ring_2')", wait=False)
        editor.fill("outer radius", "35")
    waiting()
    editor.until_regions({"arc": {**ARC, "outer": 35}, "ring_2": RING})
    execute(page, "editor.model.select('ring_2')")
    shows(page, "outer radius", "60")

    field = page.get_by_label("outer radius", exact=True).first
    field.fill("66")  # not yet left
    execute(page, "editor.model.select('arc')")
    shows(page, "inner radius", "20")
    assert field.input_value() == "66"
    field.press("Enter")
    editor.until_regions({"arc": {**ARC, "outer": 35}, "ring_2": {**RING, "outer": 66}})
    page.get_by_text("ring_2: outer radius 66").first.wait_for()
    shows(page, "outer radius", "35")
    page.screenshot(path=pictures / "late.png", full_page=True)
    assert cell_errors(page) == []


@pytest.fixture
def board(tmp_path: Path) -> Iterator[tuple[str, Path, int]]:
    """Serve the board; yields its address, the file of its state and the server's process."""
    raw = write_raw_run(PumpProbe(n_events=3), tmp_path / "raw")
    state, port = tmp_path / "regions.json", free_ports(1)[0]
    command = [
        BIN / "python", "-m", "workbench", "app", "regions", raw.folder, "--state", state,
        "--port", port,
    ]  # fmt: skip
    with started(command, tmp_path, jupyter_environment(tmp_path)) as log:
        wait_for(f"http://127.0.0.1:{port}/regions", log)
        process = int(log.with_suffix(".pid").read_text())
        yield f"http://127.0.0.1:{port}/regions", state, process


def test_a_busy_board_hears_late_what_was_typed_and_changes_no_other_region(
    board: tuple[str, Path, int], page: Page, pictures: Path
) -> None:
    address, state, process = board
    page.goto(address)
    editor = EditorPage(page, state)
    editor.wait()
    regions: dict[str, dict[str, Any]] = {}
    for name, box in {"ROI_0": (10, 60, 20, 90), "ROI_1": (110, 160, 120, 190)}.items():
        top, bottom, left, right = box
        editor.fill("New region, typed", f"[[{top}, {bottom}], [{left}, {right}]]")
        editor.click("Add")
        sides = {"top": top, "bottom": bottom, "left": left, "right": right}
        regions[name] = {"shape": "rectangle", **sides}
        editor.until_regions(regions)
        shows(page, "rows to", str(bottom))
    editor.draw_with("Ring")
    editor.drag((400, 400), (440, 400))
    ring = editor.until(lambda kept: "ROI_2" in kept["regions"], "a ring")["regions"]["ROI_2"]
    shows(page, "outer radius", f"{ring['outer']:g}")  # other fields than a rectangle's
    page.get_by_label("Region", exact=True).first.select_option("ROI_1")
    shows(page, "rows to", "160")
    with halted(process):
        page.get_by_label("Region", exact=True).first.select_option("ROI_0")
        editor.fill("rows to", "170")  # the field still shows the other region's
    regions["ROI_1"]["bottom"] = 170
    editor.until_regions({**regions, "ROI_2": ring})
    shows(page, "rows to", "60")
    page.screenshot(path=pictures / "late_board.png", full_page=True)
