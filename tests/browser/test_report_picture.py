"""Reports looked at as a reader sees them: rendered by a browser, 1200 pixels wide, offline."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from workbench.batch import BatchRequest, find_template, run_batch
from workbench.synthetic import PumpProbe
from workbench.synthetic.small_data import write_small_data

pytestmark = pytest.mark.browser

WIDTH = 1200  # pixels
TEMPLATES = ("run_summary", "delay_scan")


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("reports")
    file = write_small_data(PumpProbe(n_events=3000), folder)
    made = {}
    for name in TEMPLATES:
        (item,) = run_batch(BatchRequest(find_template(name), (1,), folder / "out", input=file))
        assert item.state == "done", item.error
        made[name] = Path(item.report)
    return made


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    opened = browser.new_page(viewport={"width": WIDTH, "height": 900})
    yield opened
    opened.close()


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_report_renders_whole_and_quiet_at_1200_pixels(
    reports: dict[str, Path], page: Page, name: str, tmp_path: Path
) -> None:
    said: list[str] = []
    asked: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(reports[name].as_uri())
    # Where a person may look at the pictures afterwards.
    folder = Path(os.environ.get("WORKBENCH_PICTURES", tmp_path))
    folder.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=folder / f"{name}.png", full_page=True)
    assert said == []
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
    images = page.locator("img").evaluate_all(
        "all => all.map(one => [one.complete, one.naturalWidth, one.clientWidth, one.alt])"
    )
    assert len(images) >= 2
    for complete, natural, shown, alt in images:
        assert complete
        assert natural > 0
        assert shown > 0.9 * natural, "shrunk: its fonts get too small"
        assert alt
    assert page.evaluate("document.documentElement.scrollWidth") <= WIDTH
    assert page.locator(".output_stderr, .output_error").count() == 0
    text = page.locator("main").inner_text()
    assert "Warning" not in text
    assert "Traceback" not in text


@pytest.mark.parametrize("name", TEMPLATES)
def test_code_is_folded_away_and_opens_on_a_click(
    reports: dict[str, Path], page: Page, name: str
) -> None:
    page.goto(reports[name].as_uri())
    code = page.locator("details.code")
    assert code.count() >= 5
    assert not any(code.evaluate_all("all => all.map(one => one.open)"))
    first = code.filter(has_text="import workbench as wb").first
    assert not first.locator("pre").is_visible()
    first.locator("summary").click()
    assert first.locator("pre").is_visible()


@pytest.mark.parametrize("name", TEMPLATES)
def test_no_text_is_too_small_to_read(reports: dict[str, Path], page: Page, name: str) -> None:
    page.goto(reports[name].as_uri())
    smallest = page.evaluate(
        """() => Math.min(...[...document.querySelectorAll("main *")]
            .filter(one => one.childNodes.length && one.innerText && one.offsetHeight)
            .map(one => parseFloat(getComputedStyle(one).fontSize)))"""
    )
    assert smallest >= 12
