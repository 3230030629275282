"""Kernels forked from a server that has imported what notebooks use, as a Jupyter provisioner."""

import atexit
import multiprocessing
import os
import random
import threading
from collections.abc import Mapping, Sequence
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import numpy as np
from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.provisioning.local_provisioner import LocalProvisioner

from workbench.core.local_workers import forked_process, start_server

MODULES = ("workbench.batch.warm",)


class ForkedProvisioner(LocalProvisioner):
    """Starts a kernel by a fork: what it would import first is in its memory already.

    The kernel has its own process group, folder, environment and random numbers, as one that was
    started from nothing, and ends when the process ends that started it.
    """

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
        """Fork a kernel with the arguments of the command after ``-m ipykernel_launcher``."""
        folder, log = str(kwargs["cwd"]), str(kwargs["stdout"].name)
        process = forked_process(_become_kernel, (cmd[3:], kwargs["env"], folder, log), MODULES)
        kernel = ForkedKernel(process)
        self.process = kernel  # type: ignore[assignment]  # all that is asked of a Popen
        self.pid = self.pgid = kernel.pid
        self.cwd = Path(folder)
        return self.connection_info


class ForkedKernel:
    """A forked process with the part of the interface of `subprocess.Popen` that Jupyter uses."""

    stdin = stdout = stderr = None

    def __init__(self, process: BaseProcess) -> None:
        assert process.pid is not None
        self.pid = process.pid
        self._process = process

    def poll(self) -> int | None:
        """Return the exit code; None while it runs."""
        return self._process.exitcode

    def wait(self) -> int | None:
        """Wait for the end; return the exit code."""
        self._process.join()
        return self.poll()

    def send_signal(self, number: int) -> None:
        """Send a signal to the kernel alone."""
        os.kill(self.pid, number)

    def kill(self) -> None:
        """End it at once."""
        self._process.kill()

    def terminate(self) -> None:
        """Ask it to end."""
        self._process.terminate()


def may_fork() -> bool:
    """Tell whether this process may have such children; a daemon of others, as Dask's, may not."""
    return not multiprocessing.current_process().daemon


def get_ready() -> None:
    """Start the server in the background; does nothing if it runs already."""
    if may_fork():
        start_server(MODULES)


def _become_kernel(
    arguments: Sequence[str], environment: Mapping[str, str], folder: str, log: str
) -> None:
    os.setsid()
    _redirect(log)
    from workbench.batch import warm  # no new import but where the server was another's before

    os.environ.clear()
    os.environ.update({"MPLBACKEND": warm.BACKEND, **environment})
    os.chdir(folder)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    np.random.seed()  # noqa: NPY002 - else all kernels would draw what the server would have drawn
    random.seed()
    from ipykernel.kernelapp import IPKernelApp

    try:
        IPKernelApp.launch_instance(argv=list(arguments))
    finally:
        atexit._run_exitfuncs()  # noqa: SLF001 - forked processes end without


def _redirect(log: str) -> None:
    with Path(log).open("ab") as out:
        for number in (1, 2):
            os.dup2(out.fileno(), number)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    wait([parent.sentinel])
    os._exit(1)
