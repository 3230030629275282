"""Templates run by hand in JupyterLab, slider and all, give what a batch gives, to the bit."""

import json
import re
from collections.abc import Iterator, Mapping
from concurrent.futures import Executor, ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.notebooks import close_in_front, open_beside, run_part
from tests.browser.servers import TOKEN, Server, cell_errors, run_all
from tests.browser.template_cases import CASES, Case
from workbench.batch import BatchRequest, find_template, run_batch, templates
from workbench.batch.results import Result, harvest

pytestmark = pytest.mark.browser

SAVE = "() => window.jupyterapp.shell.currentWidget.context.save()"


@pytest.fixture(scope="module")
def batches() -> Iterator[Executor]:
    """Return where templates run headless, beside the browser."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        yield pool


@pytest.fixture(scope="module")
def desk(lab: Server, browser: Browser) -> Iterator[Page]:
    """Return one JupyterLab for all templates: it takes longer to load than they take to run."""
    page = browser.new_page(viewport={"width": 1400, "height": 1000})
    page.set_default_timeout(120_000)
    page.goto(f"{lab.url}/lab?token={TOKEN}&reset", wait_until="domcontentloaded")
    yield page
    page.close()


def headless(case: Case, folder: Path, moved: Mapping[str, object]) -> dict[str, Result]:
    """Return what a batch publishes; two batches of a template follow each other in one folder."""
    template = find_template(case.name)
    runs = case.runs if template.takes_runs else case.runs[-1:]
    request = BatchRequest(template, runs, folder / "out", {**case.given, **moved}, input=folder)
    (item,) = run_batch(request)
    assert item.state == "done", item.error
    return dict(item.results)


def test_every_template_is_tried_by_hand() -> None:
    assert sorted(case.name for case in CASES) == [template.name for template in templates()]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_a_template_by_hand_and_headless_gives_the_same_results_also_when_its_slider_was_moved(
    lab: Server, desk: Page, batches: Executor, tmp_path: Path, pictures: Path, case: Case
) -> None:
    files = case.write(tmp_path)
    untouched = batches.submit(headless, case, tmp_path, {})
    by_hand = lab.folder / case.stem / f"{case.stem}.ipynb"
    by_hand.parent.mkdir()
    place = typed_in(case, files, by_hand)
    open_beside(desk, f"{case.stem}/{by_hand.name}")
    run_all(desk)
    first = published(desk, by_hand)

    notebook = desk.locator(".jp-NotebookPanel:not(.lm-mod-hidden) .jp-Notebook")
    cell = notebook.locator(".jp-Cell").nth(place)
    note = cell.get_by_text("to keep it, put it into the parameters")
    assert note.count() == 0
    handle = cell.get_by_role("slider")
    handle.focus()
    handle.press(case.key)
    note.wait_for()
    run_part(desk, "below", place + 1)
    moved = published(desk, by_hand)
    value = moved[case.slider]["value"]
    again = batches.submit(headless, case, tmp_path, {case.slider: value})
    cell.locator(".jp-OutputArea-output").first.scroll_into_view_if_needed()
    desk.screenshot(path=pictures / f"lab_{case.stem}.png")
    close_in_front(desk)

    assert len(first) >= 4
    assert first == untouched.result()
    assert value != first[case.slider]["value"]
    changed = {name for name in moved if moved[name] != first.get(name)}
    assert changed > {case.slider}
    assert moved == again.result()


def typed_in(case: Case, files: list[Path], target: Path) -> int:
    """Write a copy with its parameters cell filled in, as a person does; place of the slider."""
    template = find_template(case.name)
    content = json.loads(template.path.read_text())
    (cell,) = (one for one in content["cells"] if "parameters" in one["metadata"].get("tags", ()))
    values: dict[str, object] = {"small_data": str(files[-1]), "run": case.runs[-1]}
    if template.takes_runs:
        values = {"small_data": str(files[-1].parent), "runs": f"1-{case.runs[-1]}"}
    source = "".join(cell["source"])
    for name, value in {**values, **case.given}.items():
        source, times = re.subn(rf"(?m)^({name}: .+?) = .*?(  #|$)", rf"\1 = {value!r}\2", source)
        assert times == 1, name
    cell["source"] = source
    target.write_text(json.dumps(content))
    made = [
        n for n, one in enumerate(content["cells"]) if "widgets.slider(" in "".join(one["source"])
    ]
    assert len(made) == 1
    return made[0]


def published(page: Page, notebook: Path) -> dict[str, Result]:
    """Save the open notebook; return what it declares."""
    assert cell_errors(page) == []
    page.evaluate(SAVE)
    return harvest(json.loads(notebook.read_text()))
