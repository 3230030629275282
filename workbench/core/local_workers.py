"""Pools of fresh Python processes on this machine, which end with the process that made them."""

import multiprocessing
import os
import sys
import threading
import time
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing, contextmanager
from multiprocessing import forkserver
from multiprocessing.connection import Connection
from multiprocessing.connection import wait as wait_for_any
from multiprocessing.context import (
    BaseContext,
    ForkServerContext,
    ForkServerProcess,
    SpawnContext,
    SpawnProcess,
)
from multiprocessing.process import BaseProcess
from types import ModuleType
from typing import Any

GRACE = 2.0  # s, for a worker to end by itself
MAIN = "__main__"


@contextmanager
def local_pool(
    workers: int, modules: Sequence[str] = (), *, needs_main: bool = True
) -> Generator[ProcessPoolExecutor]:
    """Give a pool of fresh Python processes: no state, lock or map of this one is inherited.

    With `modules`, workers are forked from a server that has imported them and nothing else, so
    that what is slow to import is imported once; without, they are spawned. Workers end with the
    block or with this process, whatever happens: one that was killed may have held the lock by
    which the others learn that there is no more work.

    Workers whose work is not defined in the program itself need not run it again (`needs_main`):
    then a script may fan out on its top level, without ``if __name__ == "__main__":``.
    """
    if modules:
        start_server(modules)
    context = _context(bool(modules), needs_main=needs_main)
    line, held = context.Pipe(duplex=False)
    with closing(line), closing(held):
        pool = ProcessPoolExecutor(
            workers, mp_context=context, initializer=_end_with, initargs=(line,)
        )
        try:
            yield pool
        finally:
            held.close()  # those that do not end by themselves end after `GRACE`
            pool.shutdown(wait=True, cancel_futures=True)


def start_server(modules: Sequence[str]) -> None:
    """Start the server of `local_pool` in the background; does nothing if it runs already."""
    multiprocessing.get_context("forkserver").set_forkserver_preload(list(modules))
    forkserver.ensure_running()


def forked_process(
    target: Callable[..., None], arguments: tuple[object, ...], modules: Sequence[str]
) -> BaseProcess:
    """Start one process from the server of `local_pool`, which does not run the program again."""
    start_server(modules)
    process = _ForkAlone().Process(target=target, args=arguments)
    process.start()
    return process


def available_cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0))


@contextmanager
def without_main() -> Generator[None]:
    """Hide the running program from `multiprocessing`, which would run it again in each worker."""
    main = sys.modules[MAIN]
    sys.modules[MAIN] = ModuleType(MAIN)
    try:
        yield
    finally:
        sys.modules[MAIN] = main


class _SpawnedAlone(SpawnProcess):
    """A spawned process that does not run the program of its parent again."""

    @staticmethod
    def _Popen(process_obj: BaseProcess) -> Any:  # noqa: N802 - the name that the base class calls
        with without_main():
            return SpawnProcess._Popen(process_obj)  # noqa: SLF001


class _ForkedAlone(ForkServerProcess):
    """A process from the fork server that does not run the program of its parent again."""

    @staticmethod
    def _Popen(process_obj: BaseProcess) -> Any:  # noqa: N802 - the name that the base class calls
        with without_main():
            return ForkServerProcess._Popen(process_obj)  # noqa: SLF001


class _SpawnAlone(SpawnContext):
    Process = _SpawnedAlone


class _ForkAlone(ForkServerContext):
    Process = _ForkedAlone


def _context(forked: bool, *, needs_main: bool) -> BaseContext:
    if needs_main:
        return multiprocessing.get_context("forkserver" if forked else "spawn")
    return _ForkAlone() if forked else _SpawnAlone()


def _end_with(line: Connection) -> None:
    """End this worker, with some time to do so by itself, when the other end of a line closes."""

    def watch() -> None:
        wait_for_any([line])
        time.sleep(GRACE)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
