"""A headless Chromium, and the servers that it looks at: JupyterLab, JupyterHub, our own boards."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.servers import (
    ARGUMENTS,
    BIN,
    LAB_OPTIONS,
    TOKEN,
    Server,
    configurable_http_proxy,
    free_ports,
    jupyter_environment,
    started,
    wait_for,
)
from workbench.synthetic import PumpProbe, RawFiles, write_raw_run


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as play:
        started = play.chromium.launch(executable_path="/usr/bin/chromium", args=ARGUMENTS)
        yield started
        started.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    opened = browser.new_page(viewport={"width": 1400, "height": 1000})
    opened.set_default_timeout(30_000)
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return where screenshots are kept for a person to look at."""
    default = tmp_path_factory.mktemp("pictures")
    folder = Path(os.environ.get("WORKBENCH_PICTURES", default))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def raw(tmp_path_factory: pytest.TempPathFactory) -> RawFiles:
    """Return a made-up raw run with its producer config."""
    return write_raw_run(PumpProbe(n_events=30), tmp_path_factory.mktemp("raw"))


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Start JupyterLab over an empty folder."""
    folder, home = tmp_path_factory.mktemp("lab"), tmp_path_factory.mktemp("lab-home")
    port = free_ports(1)[0]
    command = [
        BIN / "jupyter-lab", "--no-browser", "--ip=127.0.0.1", f"--port={port}",
        "--ServerApp.port_retries=0", f"--IdentityProvider.token={TOKEN}",
        f"--ServerApp.root_dir={folder}", *LAB_OPTIONS,
    ]  # fmt: skip
    with started(command, home, jupyter_environment(home)) as log:
        url = f"http://127.0.0.1:{port}"
        wait_for(f"{url}/api?token={TOKEN}", log)
        yield Server(url, folder)


@pytest.fixture(scope="session")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Start JupyterHub below a prefix, for one user; the folder is that user's home."""
    home = tmp_path_factory.mktemp("hub")
    ports = dict(zip(("HUB_PORT", "HUB_API_PORT", "HUB_PROXY_PORT"), free_ports(3), strict=True))
    environment = {
        **jupyter_environment(home),
        **{name: str(port) for name, port in ports.items()},
        "HUB_DIR": str(home),
        "HUB_PROXY": configurable_http_proxy(),
    }
    (home / "home" / "alice").mkdir(parents=True)
    config = Path(__file__).with_name("hub_config.py")
    with started([BIN / "jupyterhub", "-f", config], home, environment) as log:
        url = f"http://127.0.0.1:{ports['HUB_PORT']}/beamline"
        wait_for(f"{url}/hub/login", log)
        yield Server(url, home / "home" / "alice")
