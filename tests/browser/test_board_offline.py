"""Where there is no way to the internet: board and editor ask their own server only."""

from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page

from tests.browser.editor_page import EditorPage
from tests.browser.notebooks import opened
from tests.browser.servers import (
    BIN,
    Server,
    free_ports,
    jupyter_environment,
    started,
    wait_for,
)
from workbench.synthetic import RawFiles

pytestmark = pytest.mark.browser

SOURCE = "Small-data file, or folder of raw data"


@pytest.mark.parametrize(("prefix", "told"), [("", "cdn"), ("/user/somebody", "server")])
def test_the_board_asks_no_host_but_its_own(
    raw: RawFiles, page: Page, tmp_path: Path, prefix: str, told: str
) -> None:
    environment = {**jupyter_environment(tmp_path), "BOKEH_RESOURCES": told}
    port, state = free_ports(1)[0], tmp_path / "regions.json"
    command = [
        BIN / "python", "-m", "workbench", "app", "regions", "--state", state, "--config",
        raw.config, "--port", port, "--prefix", prefix,
    ]  # fmt: skip
    asked = asked_by(page)
    with started(command, tmp_path, environment) as log:
        wait_for(f"http://127.0.0.1:{port}{prefix}/regions", log)
        page.goto(f"http://127.0.0.1:{port}{prefix}/regions")
        editor = EditorPage(page, state)
        editor.fill(SOURCE, str(raw.folder))  # what comes now was not in the page that was loaded
        editor.click("Open")
        editor.wait()
        editor.fill("New region, typed", "[[10, 60], [20, 90]]")
        editor.click("Add")
        editor.until_regions(
            {"ROI_0": {"shape": "rectangle", "top": 10, "bottom": 60, "left": 20, "right": 90}}
        )
    assert hosts(asked) == {f"127.0.0.1:{port}"}
    assert [url for url in asked if urlsplit(url).path.endswith(".css")]


def test_the_editor_in_jupyterlab_asks_no_host_but_its_own(lab: Server, page: Page) -> None:
    state = lab.folder / "offline.json"
    asked = asked_by(page)
    opened(
        page, lab, "offline",
        "import numpy as np\nimport workbench as wb\npicture = np.ones((300, 400))",
        "wb.region_editor(picture, detector='epix_1', state='offline.json')",
    )  # fmt: skip
    editor = EditorPage(page, state)
    editor.wait()
    editor.fill("New region, typed", "[[10, 60], [20, 90]]")
    editor.click("Add")
    editor.until_regions(
        {"ROI_0": {"shape": "rectangle", "top": 10, "bottom": 60, "left": 20, "right": 90}}
    )
    assert hosts(asked) == {urlsplit(lab.url).netloc}


def asked_by(page: Page) -> list[str]:
    """Return a list that gets the address of all that a page asks for from now on."""
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("websocket", lambda socket: asked.append(socket.url))
    return asked


def hosts(asked: list[str]) -> set[str]:
    """Return the hosts of addresses, without those that hold their content themselves."""
    return {part.netloc for part in map(urlsplit, asked) if part.scheme not in {"data", "blob"}}
