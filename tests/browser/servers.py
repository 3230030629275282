"""Servers of browser tests: started, waited for, ended; and what is done in their pages."""

import json
import os
import random
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
from playwright.sync_api import Locator, Page

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-extensions",
    "--no-first-run",
    "--no-proxy-server",
]
BIN = Path(sys.executable).parent
TOKEN = "test"
UP = 90  # seconds for a server
PORTS = range(20_000, 32_000)  # below those that the system hands out meanwhile, to kernels too
QUIET = {  # no pop-up over the corner, every cell in the page, nothing saved behind our back
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
    "notebook-extension/tracker": {"windowingMode": "none"},
    "docmanager-extension/plugin": {"autosaveInterval": 3600},
}
LAB_OPTIONS = (
    "--allow-root",
    "--LabApp.expose_app_in_browser=True",
    "--LabApp.news_url=",
    "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
)


@dataclass(frozen=True)
class Server:
    """Where a server answers, and the folder that it shows."""

    url: str
    folder: Path


def configurable_http_proxy() -> str:
    """Return JupyterHub's proxy: WORKBENCH_HUB_PROXY names it, else it is on the path."""
    found = os.environ.get("WORKBENCH_HUB_PROXY") or shutil.which("configurable-http-proxy")
    if found and Path(found).exists():
        return found
    reason = (
        "needs JupyterHub's proxy: npm install --prefix DIR configurable-http-proxy@5.3.0, and set "
        "WORKBENCH_HUB_PROXY=DIR/node_modules/.bin/configurable-http-proxy"
    )
    if os.environ.get("WORKBENCH_REQUIRE_DATA") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


@contextmanager
def started(command: Sequence[object], folder: Path, environment: dict[str, str]) -> Iterator[Path]:
    """Run a server for the length of a ``with`` block; yields its log, beside it is a .pid file."""
    log = folder / "server.log"
    with log.open("wb") as out:
        server = subprocess.Popen(
            [str(part) for part in command], cwd=folder, env=environment, stdout=out, stderr=out
        )
    log.with_suffix(".pid").write_text(str(server.pid))
    try:
        yield log
    finally:
        end(server)


def end(server: subprocess.Popen[bytes]) -> None:
    """End a server and all that it started: JupyterHub's servers, their kernels and boards.

    They are sessions of their own, which would outlive it.
    """
    others = psutil.Process(server.pid).children(recursive=True) if server.poll() is None else []
    server.terminate()
    try:
        server.wait(20)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()
    for ask in (psutil.Process.terminate, psutil.Process.kill):
        for one in others:
            with suppress(psutil.NoSuchProcess):
                ask(one)
        _, others = psutil.wait_procs(others, timeout=10)
    assert not others, f"processes that do not end: {others}"


NOT_YET = (404, 503)  # what a proxy answers for a server that is not there yet


def wait_for(url: str, log: Path) -> None:
    """Wait until a server answers."""
    end = time.monotonic() + UP
    while time.monotonic() < end:
        try:
            urllib.request.urlopen(url, timeout=30).read()
        except urllib.error.HTTPError as error:
            if error.code not in NOT_YET:
                return
            time.sleep(0.1)
        except OSError:
            time.sleep(0.1)
        else:
            return
    pytest.fail(f"{url} did not answer within {UP} s:\n{log.read_text()[-3000:]}")


def free_ports(count: int) -> list[int]:
    """Return ports of the loopback interface that nobody uses."""
    found: list[int] = []
    for port in random.SystemRandom().sample(PORTS, len(PORTS)):
        with socket.socket() as tried, suppress(OSError):
            tried.bind(("127.0.0.1", port))
            found.append(port)
        if len(found) == count:
            return found
    pytest.fail(f"of the ports {PORTS} fewer than {count} are free")


def jupyter_environment(home: Path) -> dict[str, str]:
    """Return an environment in which Jupyter keeps its settings below a folder."""
    settings = home / "config" / "lab" / "user-settings"
    for name, values in QUIET.items():
        file = settings / "@jupyterlab" / f"{name}.jupyterlab-settings"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(values))
    return {
        **os.environ,
        "PATH": f"{BIN}:{os.environ['PATH']}",
        "JUPYTER_CONFIG_DIR": str(home / "config"),
        "JUPYTERLAB_SETTINGS_DIR": str(settings),
        "JUPYTERLAB_WORKSPACES_DIR": str(home / "workspaces"),
        "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
    }


def open_notebook(page: Page, url: str) -> None:
    """Open a notebook in JupyterLab and wait for its kernel."""
    page.goto(url, wait_until="domcontentloaded")
    wait_for_kernel(page)


def wait_for_kernel(page: Page) -> None:
    """Wait until the notebook in front has a kernel, which has nothing to do."""
    page.wait_for_selector(".jp-NotebookPanel:not(.lm-mod-hidden) .jp-Notebook", timeout=60_000)
    page.wait_for_function(
        """() => window.jupyterapp?.shell.currentWidget?.sessionContext?.session?.kernel?.status
            === 'idle'""",
        timeout=60_000,
    )


def sign_in(page: Page, hub: Server) -> None:
    """Sign in to JupyterHub as its one user, and wait for JupyterLab."""
    page.goto(f"{hub.url}/hub/login")
    page.fill("#username_input", "alice")
    page.fill("#password_input", "hutch")
    page.click("#login_submit")
    page.wait_for_url("**/user/alice/lab**", timeout=90_000)


def run_all(page: Page) -> None:
    """Run all cells of the open notebook; a cell that failed fails the test."""
    page.evaluate("() => window.jupyterapp.commands.execute('notebook:run-all-cells')")
    page.wait_for_function(
        "() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.status"
        " === 'idle'"
    )
    errors = cell_errors(page)
    assert not errors, errors


def cell_errors(page: Page) -> list[str]:
    """Return the errors that stand in the outputs of the open notebook."""
    errors: list[str] = page.evaluate(
        """() => [...window.jupyterapp.shell.currentWidget.content.model.cells]
            .flatMap(cell => (cell.toJSON().outputs || [])
            .filter(one => one.output_type === 'error')
            .map(one => one.ename + ': ' + one.evalue))"""
    )
    return errors


PAINT = "() => new Promise(requestAnimationFrame)"


def drag(
    page: Page, start: tuple[float, float], stop: tuple[float, float], *, still: float = 0
) -> None:
    """Press at one place of the page, move to another in steps, release.

    Parameters
    ----------
    page
        Where it is.
    start, stop
        Across, down [pixel of the screen].
    still
        How long the button is held before the pointer moves [ms].
    """
    page.mouse.move(*start)
    page.mouse.down()
    page.wait_for_timeout(still)
    for part in (0.25, 0.5, 0.75, 1.0):
        page.mouse.move(*(a + (b - a) * part for a, b in zip(start, stop, strict=True)))
        page.evaluate(PAINT)  # or it makes one move of all
    page.mouse.up()


def until(check: Callable[[], bool], what: str, *, seconds: float = 15) -> None:
    """Wait until something holds."""
    end = time.monotonic() + seconds
    while not check():
        if time.monotonic() > end:
            pytest.fail(f"not within {seconds:g} s: {what}")
        time.sleep(0.05)


def figure_frame(page: Page) -> Locator:
    """Return the picture's figure."""
    return page.locator(".bk-Figure .bk-events").first
