"""Whether a Jupyter session can do what we need: links, kernel, widgets, proxy and room."""

import json
import os
import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import Request, urlopen

from workbench.automation import check_room
from workbench.boards.kernel import misplaced
from workbench.core.atomic import CannotWriteError
from workbench.core.extras import MissingToolError, load
from workbench.facility import (
    ExperimentPlaces,
    LinkState,
    QuotaState,
    looked_at,
    plan_links,
    results_quota,
)

BOARD = "workbench-regions"
TIME_LIMIT = 60.0  # s for a kernel to start, or a Python to import the workbench
ANSWER_LIMIT = 15.0  # s for the Jupyter server
WIDGETS = {  # what JupyterLab's page must load -> what is not there without it
    "@jupyter-widgets/jupyterlab-manager": "widgets of any kind",
    "@bokeh/jupyter_bokeh": "the region editor (only its typed fields)",
    "jupyter-matplotlib": "figures that can be zoomed, and the matplotlib view of the editor",
}
INSTALL = "pip install 'lcls-workbench[widgets]' in the environment of JupyterLab, then restart it"
_PAGE_CONFIG = re.compile(r'id="jupyter-config-data"[^>]*>(.*?)</script>', re.DOTALL)
_VERSION = "import ipykernel, workbench; print(workbench.__version__)"


class Health(StrEnum):
    """How it stands with one thing."""

    FINE = "fine"
    UNKNOWN = "not checked"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True)
class Diagnosis:
    """One thing that was looked at.

    Parameters
    ----------
    what
        "links", "kernel", "widgets", "proxy" or "room".
    health
        How it stands.
    text
        What was found, and what to do.
    """

    what: str
    health: Health
    text: str


@dataclass(frozen=True)
class JupyterServer:
    """The Jupyter server of this session.

    Parameters
    ----------
    url
        Where it answers, with a slash at the end.
    token
        What lets its own user in.
    """

    url: str
    token: str

    def ask(self, path: str) -> str:
        """Return what it answers; raises `OSError` where it does not."""
        request = Request(  # noqa: S310 - the address is that of the user's own server
            self.url + path, headers={"Authorization": f"token {self.token}"}
        )
        with urlopen(request, timeout=ANSWER_LIMIT) as answer:  # noqa: S310 - as above
            text: str = answer.read().decode()
            return text


def diagnose(places: ExperimentPlaces | None, home: Path) -> Iterator[Diagnosis]:
    """Look at a session, one thing after the other; nothing is changed.

    Parameters
    ----------
    places
        Of the experiment whose links and quota are looked at; None: they are not.
    home
        The user's home folder.
    """
    if places is None:
        yield Diagnosis("links", Health.UNKNOWN, "name an experiment to have its links checked")
    else:
        yield from check_links(places, home)
    yield from check_kernel()
    server = find_server()
    yield from check_widgets(server)
    yield check_proxy(server)
    yield from check_rooms(places, home)


def check_links(places: ExperimentPlaces, home: Path) -> Iterator[Diagnosis]:
    """Say whether JupyterHub, which shows the home folder only, reaches an experiment."""
    for link in plan_links(places, home, looked_at()):
        cure = f"workbench link {places.experiment}"
        if link.state is LinkState.THERE and not link.why:
            yield Diagnosis("links", Health.FINE, f"{link.path} leads to {link.target}")
        elif link.state is LinkState.MAKE:
            yield Diagnosis("links", Health.WARNING, f"{link.path} is not there: {cure}")
        elif link.changes:
            yield Diagnosis("links", Health.ERROR, f"{link.path}: {link.why}: {cure}")
        else:
            yield Diagnosis("links", Health.WARNING, f"{link.path}: {link.why}")


def check_kernel() -> Iterator[Diagnosis]:
    """Say which kernels of Jupyter have the workbench, and start the first of them."""
    try:
        specs = load("jupyter_client.kernelspec", "a kernel").KernelSpecManager().get_all_specs()
    except MissingToolError as error:
        yield Diagnosis("kernel", Health.ERROR, str(error))
        return
    usable: list[str] = []
    for name, found in sorted(specs.items()):
        text, has = _workbench_in(found["spec"]["argv"])
        usable += [name] if has else []
        health = Health.FINE if has else Health.UNKNOWN
        why = misplaced(Path(found["spec"]["argv"][0])) if has else ""
        if why:
            health, text = Health.ERROR, f"{text}; {why}"
        yield Diagnosis("kernel", health, f"{found['spec']['display_name']} ({name}): {text}")
    if not usable:
        yield Diagnosis(
            "kernel",
            Health.ERROR,
            "no kernel of Jupyter has the workbench, so JupyterLab's launcher has no card for it: "
            "in an environment that has it, call workbench kernel",
        )
    else:
        yield _started(usable[0])


def check_widgets(server: JupyterServer | None) -> Iterator[Diagnosis]:
    """Say whether the page of JupyterLab loads what shows our widgets."""
    where = "JupyterLab's page"
    try:
        loaded = _in_page(server) if server else None
    except (OSError, ValueError) as error:
        yield Diagnosis("widgets", Health.UNKNOWN, f"{server and server.url} does not say: {error}")
        loaded = None
    if loaded is None:
        loaded, where = _installed(), "this environment (no page of JupyterLab could be asked)"
    for name, lost in WIDGETS.items():
        if name in loaded:
            yield Diagnosis("widgets", Health.FINE, f"{where} has {name}")
        else:
            text = f"{where} lacks {name}: {lost} will not show; {INSTALL}"
            yield Diagnosis("widgets", Health.WARNING, text)


def check_proxy(server: JupyterServer | None) -> Diagnosis:
    """Say whether the boards can be reached through the Jupyter server."""
    if server is None:
        return Diagnosis("proxy", Health.UNKNOWN, "no Jupyter server of yours runs here")
    try:
        told = json.loads(server.ask("server-proxy/servers-info"))
        known = {one["name"]: one["launcher_entry"] for one in told["server_processes"]}
    except (URLError, OSError, ValueError, KeyError, TypeError) as error:
        return Diagnosis(
            "proxy", Health.WARNING, f"{server.url} has no proxy for boards ({error}): {INSTALL}"
        )
    if BOARD not in known:
        text = f"{server.url} does not know the board of regions: {INSTALL}"
        return Diagnosis("proxy", Health.WARNING, text)
    where = f"the board of regions is at {server.url}{BOARD}"
    if not known[BOARD]["enabled"]:
        text = f"{where}, but its card in JupyterLab's launcher was switched off"
        return Diagnosis("proxy", Health.WARNING, text)
    return Diagnosis("proxy", Health.FINE, f"{where}; launcher: {known[BOARD]['title']}")


def check_rooms(places: ExperimentPlaces | None, home: Path) -> Iterator[Diagnosis]:
    """Say whether files can be written where Jupyter needs to, and what the quota says."""
    folders = {"home": home}
    try:
        paths = load("jupyter_core.paths", "Jupyter")
        folders["Jupyter's runtime folder"] = Path(paths.jupyter_runtime_dir())
    except MissingToolError:  # told as a lack of kernels already
        pass
    for name, folder in folders.items():
        there = next(one for one in (folder, *folder.parents) if one.is_dir())
        try:
            check_room(there)
        except CannotWriteError as error:
            text = f"{name}: {error}; without room there, no kernel starts"
            yield Diagnosis("room", Health.ERROR, text)
        else:
            yield Diagnosis("room", Health.FINE, f"{name}: {there} can be written")
    if places is not None:
        quota = results_quota(places.results)
        states = {QuotaState.FINE: Health.FINE, QuotaState.WARNING: Health.WARNING}
        health = states.get(quota.state, Health.ERROR)
        more = "" if health is Health.FINE else f": workbench quota {places.experiment} says where"
        yield Diagnosis("room", health, f"{places.results}: {quota}{more}")


def find_server(environment: Mapping[str, str] = os.environ) -> JupyterServer | None:
    """Return the Jupyter server that this session belongs to; None where none is found."""
    url = environment.get("JUPYTERHUB_SERVICE_URL")
    if url:
        inside = re.sub(r"//(0\.0\.0\.0|\[::\])?(?=[:/])", "//127.0.0.1", url, count=1)
        return JupyterServer(_slash(inside), environment.get("JUPYTERHUB_API_TOKEN", ""))
    try:
        running = load("jupyter_server.serverapp", "Jupyter").list_running_servers()
        found = next(iter(running), None)
    except MissingToolError:
        return None
    return JupyterServer(_slash(found["url"]), found["token"]) if found else None


def _slash(url: str) -> str:
    return url if url.endswith("/") else f"{url}/"


def _in_page(server: JupyterServer) -> set[str]:
    config = _PAGE_CONFIG.search(server.ask("lab"))
    if not config:
        raise ValueError("its page is not that of JupyterLab")
    return {one["name"] for one in json.loads(config[1])["federated_extensions"]}


def _installed() -> set[str]:
    try:
        places = load("jupyter_core.paths", "Jupyter").jupyter_path("labextensions")
    except MissingToolError:
        return set()
    return {name for place in places for name in WIDGETS if (Path(place) / name).is_dir()}


def _workbench_in(argv: Sequence[str]) -> tuple[str, bool]:
    """Return what a kernel's program says of the workbench, and whether it has it."""
    if "python" not in Path(argv[0]).name:
        return "not Python", False
    try:
        done = subprocess.run(  # noqa: S603 - what Jupyter itself would start
            [argv[0], "-c", _VERSION], capture_output=True, text=True, timeout=TIME_LIMIT,
            check=False,
        )  # fmt: skip
    except FileNotFoundError:
        return f"{argv[0]} is no more; jupyter kernelspec remove takes it off the list", False
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"{argv[0]} cannot be run ({error})", False
    if done.returncode:
        last = done.stderr.strip().rpartition("\n")[2]
        return f"{argv[0]} has no workbench ({last})", False
    return f"{argv[0]} has workbench {done.stdout.strip()}", True


def _started(name: str) -> Diagnosis:
    manager: Any  # jupyter_client's, which is loaded only here
    manager = load("jupyter_client.manager", "a kernel").KernelManager(kernel_name=name)
    try:
        manager.start_kernel(stderr=subprocess.DEVNULL)
        client = manager.client()
        client.start_channels()
        try:
            client.wait_for_ready(timeout=TIME_LIMIT)
        finally:
            client.stop_channels()
    except (RuntimeError, OSError) as error:
        text = f"{name} does not start: {error}; is there room in your home folder?"
        return Diagnosis("kernel", Health.ERROR, text)
    finally:
        if manager.has_kernel:
            manager.shutdown_kernel(now=True)
    return Diagnosis("kernel", Health.FINE, f"{name} starts and answers")
