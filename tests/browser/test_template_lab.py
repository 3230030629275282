"""A template run by hand in JupyterLab, slider and all, gives what a batch gives, to the bit."""

import json
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests.browser.notebooks import run_part
from tests.browser.servers import TOKEN, Server, cell_errors, open_notebook, run_all
from workbench.batch import BatchRequest, Template, find_template, run_batch
from workbench.batch.results import Result, harvest
from workbench.synthetic import PumpProbe, write_small_data
from workbench.synthetic.scenes import Scene, SplitAndDelay

pytestmark = pytest.mark.browser

SAVE = "() => window.jupyterapp.shell.currentWidget.context.save()"
EVERY_SHOT = {"camera_every": 1, "jungfrau_every": 1, "n_steps": 1, "camera_missing": 0.0}


@dataclass(frozen=True)
class Case:
    """One template with a slider, and the made-up run that it is tried on."""

    name: str
    slider: str  # the parameter on it
    key: str  # that moves it
    made: PumpProbe
    scene: Scene = field(default_factory=Scene)


CASES = (
    Case("xpp/delay_scan", "bin_width", "ArrowRight", PumpProbe(n_events=3000)),
    Case("common/i0_study", "i0_low", "End", PumpProbe(n_events=3000)),
    Case(
        "xcs/split_delay", "threshold", "ArrowLeft",
        PumpProbe(experiment="xcssyn0126", n_events=1500, n_steps=5), SplitAndDelay(),
    ),
    Case(
        "mec/tiff_browse", "shot", "ArrowRight",
        PumpProbe(experiment="mecsyn0126", n_events=6, **EVERY_SHOT),
    ),
)  # fmt: skip


@pytest.fixture(scope="module")
def batches() -> Iterator[Executor]:
    """Return where templates run headless, beside the browser."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        yield pool


def headless(name: str, file: Path, folder: Path, values: dict[str, object]) -> dict[str, Result]:
    """Return what a batch of one run publishes."""
    (item,) = run_batch(BatchRequest(find_template(name), (1,), folder, values, input=file))
    assert item.state == "done", item.error
    return dict(item.results)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name.partition("/")[2])
def test_a_template_by_hand_and_headless_gives_the_same_results_also_when_its_slider_was_moved(
    lab: Server, page: Page, batches: Executor, tmp_path: Path, pictures: Path, case: Case
) -> None:
    file = write_small_data(case.made, tmp_path, scene=case.scene)
    untouched = batches.submit(headless, case.name, file, tmp_path / "untouched", {})
    template = find_template(case.name)
    by_hand = lab.folder / template.path.name
    place = typed_in(template, file, by_hand, case.slider)
    page.set_default_timeout(120_000)
    open_notebook(page, f"{lab.url}/lab/tree/{by_hand.name}?token={TOKEN}&reset")
    run_all(page)
    first = published(page, by_hand)

    cell = page.locator(".jp-Notebook .jp-Cell").nth(place)
    note = cell.get_by_text("to keep it, put it into the parameters")
    assert note.count() == 0
    handle = cell.get_by_role("slider")
    handle.focus()
    handle.press(case.key)
    note.wait_for()
    run_part(page, "below", place + 1)
    moved = published(page, by_hand)
    value = moved[case.slider]["value"]
    again = batches.submit(headless, case.name, file, tmp_path / "moved", {case.slider: value})
    cell.locator(".jp-OutputArea-output").first.scroll_into_view_if_needed()
    page.screenshot(path=pictures / f"lab_{template.stem}.png")

    assert len(first) >= 4
    assert first == untouched.result()
    assert moved != first
    assert value != first[case.slider]["value"]
    assert moved == again.result()


def typed_in(template: Template, file: Path, target: Path, slider: str) -> int:
    """Write a copy with its parameters cell filled in, as a person does; place of the slider."""
    content = json.loads(template.path.read_text())
    (cell,) = (one for one in content["cells"] if "parameters" in one["metadata"].get("tags", ()))
    asked = "".join(cell["source"]).replace('small_data: str = ""', f'small_data: str = "{file}"')
    assert str(file) in asked
    cell["source"] = asked.replace("run: int = 0 ", "run: int = 1 ")
    target.write_text(json.dumps(content))
    made = [
        n for n, one in enumerate(content["cells"]) if "widgets.slider(" in "".join(one["source"])
    ]
    assert len(made) == 1
    assert f'"{slider}"' in "".join(content["cells"][made[0]]["source"])
    return made[0]


def published(page: Page, notebook: Path) -> dict[str, Result]:
    """Save the open notebook; return what it declares."""
    assert cell_errors(page) == []
    page.evaluate(SAVE)
    return harvest(json.loads(notebook.read_text()))
