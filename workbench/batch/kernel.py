"""One private kernel per notebook: this Python, forked where possible, local sockets, no TCP."""

import os
import shutil
import sys
import tempfile
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from jupyter_client.provisioning.factory import KernelProvisionerFactory
from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import Engine, papermill_engines

import workbench
from workbench.batch.forked import ForkedProvisioner, may_fork
from workbench.core.errors import WorkbenchError

ENGINE = "workbench-private-kernel"
FORKED = "workbench-forked"  # name of the provisioner
LONGEST_SOCKET = 100  # bytes; the system allows 107 for the path of a socket
_SOCKET = "s"
# A crash of the interpreter tells its reason in the log, past the kernel's own streams.
_FAULTS = "--IPKernelApp.exec_lines=__import__('faulthandler').enable()"


class KernelFolderError(WorkbenchError, OSError):
    """No folder with a path short enough for a kernel's sockets."""


@dataclass(frozen=True)
class KernelPlace:
    """Where one kernel lives: a private folder for its sockets, profile and log."""

    folder: Path

    @property
    def log(self) -> Path:
        """What the kernel's process itself wrote (crashes, foreign libraries)."""
        return self.folder / "kernel.log"


class ThisPython(KernelSpecManager):
    """Gives every notebook the running interpreter, whatever kernels the user has installed."""

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
        """Return a kernel of this interpreter under any name."""
        return KernelSpec(
            argv=[sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}", _FAULTS],
            display_name=kernel_name,
            language="python",
            metadata={"kernel_provisioner": {"provisioner_name": FORKED}} if may_fork() else {},
        )


class PrivateKernelEngine(Engine):  # type: ignore[misc]  # the base class is untyped
    """Papermill engine that starts the kernel in a `KernelPlace`."""

    @classmethod
    def execute_managed_notebook(
        cls,
        nb_man: Any,  # papermill's notebook manager, untyped
        kernel_name: str,
        *,
        place: KernelPlace,
        cwd_of_kernel: Path,
        start_timeout: int = 60,
        **_unused: Any,  # papermill hands every engine its display options
    ) -> None:
        """Run all cells; the kernel is gone when this returns."""
        manager = AsyncKernelManager(
            kernel_name=kernel_name,
            kernel_spec_manager=ThisPython(),
            connection_file=str(place.folder / "kernel.json"),
            transport="ipc",
            ip=str(place.folder / _SOCKET),
        )
        client = PapermillNotebookClient(
            nb_man,
            km=manager,
            kernel_name=kernel_name,
            timeout=None,
            startup_timeout=start_timeout,
            store_widget_state=False,
            resources={"metadata": {"path": str(cwd_of_kernel)}},
        )
        with place.log.open("wb") as log:
            client.execute(cleanup_kc=True, env=_environment(place.folder), stdout=log, stderr=log)


papermill_engines.register(ENGINE, PrivateKernelEngine)
KernelProvisionerFactory.provisioners[FORKED] = EntryPoint(
    FORKED, f"{ForkedProvisioner.__module__}:{ForkedProvisioner.__name__}",
    KernelProvisionerFactory.GROUP_NAME,
)  # fmt: skip


@contextmanager
def private_folder() -> Generator[KernelPlace]:
    """Give a new folder that only this user may enter, removed with all it holds at the end."""
    for parent in (None, "/tmp"):  # noqa: S108  fallback where TMPDIR is too deep for a socket
        folder = Path(tempfile.mkdtemp(prefix="workbench-", dir=parent)).resolve()
        if len(os.fsencode(folder)) + len(_SOCKET) + 3 <= LONGEST_SOCKET:
            break
        folder.rmdir()
    else:
        raise KernelFolderError(
            f"the path of {tempfile.gettempdir()} is too long for a kernel's sockets "
            f"(more than {LONGEST_SOCKET} bytes); set TMPDIR to a shorter one"
        )
    try:
        yield KernelPlace(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _environment(folder: Path) -> Mapping[str, str]:
    environment = {
        **os.environ,
        "WORKBENCH_BATCH": "1",
        "IPYTHONDIR": str(folder / "ipython"),  # no start-up file of the user changes a result
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
    }
    home = Path(workbench.__file__).parent.parent
    if home.name not in {"site-packages", "dist-packages"}:
        # A checkout that is not installed: the kernel imports the workbench that started it.
        rest = environment.get("PYTHONPATH")
        environment["PYTHONPATH"] = f"{home}{os.pathsep}{rest}" if rest else str(home)
    return environment
