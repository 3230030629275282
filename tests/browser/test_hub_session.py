"""A session of JupyterHub: an experiment linked into it, a template, the launcher, the board."""

import json
import os
import subprocess
from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests.browser.editor_page import EditorPage, copied, draw_and_write
from tests.browser.notebooks import cells, execute, outputs
from tests.browser.servers import (
    BIN,
    Server,
    cell_errors,
    open_notebook,
    run_all,
    sign_in,
    until,
    wait_for_kernel,
)
from workbench.synthetic import RawFiles

pytestmark = pytest.mark.browser

EXPERIMENT = "xppsyn0126"


@pytest.fixture(scope="module")
def linked(hub: Server, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Set an experiment with a made-up run up, link it into the home folder, offer the kernel."""
    root = tmp_path_factory.mktemp("site")
    place = ("--site", "local", "--root", root)
    environment = {**os.environ, "HOME": str(hub.folder)}
    for words in (("new", EXPERIMENT, *place, "--made-up"),
                  ("link", EXPERIMENT, *place), ("kernel",)):  # fmt: skip
        command = [BIN / "python", "-m", "workbench", *words]
        subprocess.run([*map(str, command)], check=True, capture_output=True, env=environment)
    return root


def test_a_template_runs_in_the_linked_folder_and_the_board_opens_behind_the_prefix(
    hub: Server, linked: Path, page: Page, pictures: Path
) -> None:
    folder = hub.folder / EXPERIMENT
    assert folder.is_symlink()
    notebook = folder / "results" / "workbench" / "notebooks" / "run_summary.ipynb"
    (data,) = (folder / "hdf5" / "smalldata").rglob(f"{EXPERIMENT}_Run0001.h5")
    type_in(notebook, data)
    lab = f"{hub.url}/user/alice/lab/tree"
    sign_in(page, hub)
    open_notebook(page, f"{lab}/{notebook.relative_to(hub.folder)}?reset")
    page.set_default_timeout(120_000)
    run_all(page)
    assert cell_errors(page) == []
    assert "events_on = " in outputs(page)
    page.locator(".jp-OutputArea img").first.scroll_into_view_if_needed()
    page.screenshot(path=pictures / "hub_template.png")
    page.goto(f"{hub.url}/user/alice/workbench-regions/regions")
    page.get_by_label("Small-data file, or folder of raw data").wait_for(timeout=90_000)
    assert "/beamline/user/alice/workbench-regions/" in page.url


def test_the_launcher_has_cards_for_a_notebook_with_the_workbench_and_for_the_board(
    hub: Server, linked: Path, page: Page, pictures: Path
) -> None:
    """The kernel's card: here it opens a notebook. That of the board: below."""
    sign_in(page, hub)
    page.goto(f"{hub.url}/user/alice/lab?reset", wait_until="domcontentloaded")
    section = page.locator(".jp-Launcher-section", has_text="Notebook").first
    notebook, board = (section.locator(".jp-LauncherCard", has_text=text)
                       for text in ("Workbench", "Regions"))  # fmt: skip
    for icon in (notebook.locator("img"), board.locator("img")):
        icon.wait_for(timeout=60_000)
        until(lambda icon=icon: icon.evaluate("one => one.naturalWidth > 0"), "its picture")
    page.screenshot(path=pictures / "launcher.png")
    notebook.click()
    wait_for_kernel(page)
    kernel = page.evaluate(
        "() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.name"
    )
    assert kernel == "workbench"
    execute(page, "import workbench")


def type_in(notebook: Path, data: Path) -> None:
    """Fill the parameters cell in: run 1, and its file."""
    content = json.loads(notebook.read_text())
    (cell,) = (one for one in content["cells"] if "parameters" in one["metadata"].get("tags", ()))
    text = "".join(cell["source"]).replace("run: int = 0 ", "run: int = 1 ")
    cell["source"] = text.replace('small_data: str = ""', f'small_data: str = "{data}"')
    assert str(data) in cell["source"]
    notebook.write_text(json.dumps(content))


def test_the_check_of_a_session_finds_links_kernel_widgets_proxy_and_room_in_order(
    hub: Server, linked: Path, page: Page
) -> None:
    words = ["hub-check", EXPERIMENT, "--site", "local", "--root", str(linked), "--json"]
    asked = (
        "import subprocess, sys\n"
        f"done = subprocess.run([sys.executable, '-m', 'workbench', *{words}],\n"
        "                      capture_output=True, text=True)\nprint(done.stdout or done.stderr)"
    )
    (hub.folder / "check.ipynb").write_text(cells(asked))
    sign_in(page, hub)
    open_notebook(page, f"{hub.url}/user/alice/lab/tree/check.ipynb?reset")
    page.set_default_timeout(120_000)
    run_all(page)
    rows = json.loads(outputs(page))
    assert {row["what"] for row in rows} == {"links", "kernel", "widgets", "proxy", "room"}
    assert [row for row in rows if row["health"] != "fine"] == []
    assert any("JupyterLab's page has @bokeh/jupyter_bokeh" in row["text"] for row in rows)
    assert any("/beamline/user/alice/workbench-regions" in row["text"] for row in rows)
    assert any("launcher: Regions" in row["text"] for row in rows)
    assert any(row["text"].startswith("Workbench (workbench): ") for row in rows)


def test_what_is_drawn_behind_jupyterhub_is_what_the_config_says(
    hub: Server, raw: RawFiles, page: Page, pictures: Path
) -> None:
    """From the card in JupyterLab's launcher, through the hub's proxy, below a prefix."""
    config = copied(raw, hub.folder)
    sign_in(page, hub)
    page.goto(f"{hub.url}/user/alice/lab?reset", wait_until="domcontentloaded")
    card = page.locator(".jp-LauncherCard", has_text="Regions").first
    card.wait_for(timeout=60_000)
    with page.context.expect_page() as opened:
        card.click()
    board = opened.value
    board.set_viewport_size({"width": 1400, "height": 1000})
    assert "/beamline/user/alice/" in board.url
    editor = EditorPage(board, hub.folder / "regions.json")
    source = board.get_by_label("Small-data file, or folder of raw data")
    source.wait_for(timeout=90_000)
    editor.fill("Small-data file, or folder of raw data", str(raw.folder))
    editor.fill("Producer config", config.name)
    editor.click("Open")
    draw_and_write(editor, config, pictures, "jupyterhub")
