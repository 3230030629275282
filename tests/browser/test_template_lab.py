"""A template run by hand in JupyterLab gives the results that a batch gives, to the last bit."""

import json
from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests.browser.servers import TOKEN, Server, cell_errors, open_notebook, run_all
from workbench.batch import BatchRequest, find_template, run_batch
from workbench.batch.results import harvest
from workbench.synthetic import PumpProbe, write_small_data

pytestmark = pytest.mark.browser

SAVE = "() => window.jupyterapp.shell.currentWidget.context.save()"


@pytest.mark.parametrize("name", ["delay_scan", "i0_study"])
def test_a_template_by_hand_and_headless_gives_the_same_results(
    lab: Server, page: Page, tmp_path: Path, pictures: Path, name: str
) -> None:
    file = write_small_data(PumpProbe(n_events=3000), tmp_path)
    template = find_template(name)
    by_hand = lab.folder / f"{name}.ipynb"
    content = json.loads(template.path.read_text())
    (cell,) = (one for one in content["cells"] if "parameters" in one["metadata"].get("tags", ()))
    asked = "".join(cell["source"]).replace('small_data: str = ""', f'small_data: str = "{file}"')
    assert str(file) in asked
    cell["source"] = asked.replace("run: int = 0 ", "run: int = 1 ")
    by_hand.write_text(json.dumps(content))
    open_notebook(page, f"{lab.url}/lab/tree/{by_hand.name}?token={TOKEN}&reset")
    page.set_default_timeout(120_000)
    run_all(page)
    assert cell_errors(page) == []
    page.locator(".jp-OutputArea img").first.scroll_into_view_if_needed()
    page.screenshot(path=pictures / f"lab_{name}.png")
    page.evaluate(SAVE)
    (headless,) = run_batch(BatchRequest(template, (1,), tmp_path / "out", input=file))
    found = harvest(json.loads(by_hand.read_text()))
    assert len(found) >= 4
    assert found == headless.results
