"""One way to fan out work: a `concurrent.futures.Executor` made from a short text."""

import multiprocessing
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import forkserver
from typing import TypeVar

from workbench.core.errors import WorkbenchError

Work = TypeVar("Work")
Result = TypeVar("Result")


class LostWorkerError(WorkbenchError, RuntimeError):
    """A work unit whose worker died twice; the text names the unit."""


def local_pool(workers: int, modules: Sequence[str] = ()) -> ProcessPoolExecutor:
    """Return a pool of fresh Python processes: no state, lock or map of this one is inherited.

    With `modules`, workers are forked from a server that has imported them and nothing else, so
    that what is slow to import is imported once; without, they are spawned.
    """
    if modules:
        start_server(modules)
    context = multiprocessing.get_context("forkserver" if modules else "spawn")
    return ProcessPoolExecutor(workers, mp_context=context)


def start_server(modules: Sequence[str]) -> None:
    """Start the server of `local_pool` in the background; does nothing if it runs already."""
    multiprocessing.get_context("forkserver").set_forkserver_preload(list(modules))
    forkserver.ensure_running()


def available_cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0))


def run_all(
    task: Callable[[Work], Result],
    items: Iterable[Work],
    *,
    workers: int,
    name: Callable[[Work], str] = str,
    modules: Sequence[str] = (),
) -> Iterator[tuple[Work, Result]]:
    """Yield (item, task(item)) as they finish; in this process when `workers` is 1 or less.

    A worker that dies (killed, out of memory) costs one retry of the items in flight; an item
    that loses its worker twice raises `LostWorkerError`. Errors of `task` itself are raised.
    `modules` as in `local_pool`.
    """
    items = list(items)
    if workers <= 1 or not items:
        yield from ((item, task(item)) for item in items)
        return
    left = dict(enumerate(items))
    for attempt in (1, 2):
        with local_pool(min(workers, len(left)), modules) as pool:
            try:
                for index, result in _finished(pool, task, left):
                    yield left.pop(index), result
            except BrokenProcessPool:
                if attempt == 2:
                    names = ", ".join(name(item) for item in list(left.values())[:3])
                    raise LostWorkerError(
                        f"a worker process died twice; unfinished: {names} "
                        "(out of memory? try fewer workers)"
                    ) from None
        if not left:
            return


def _finished(
    pool: Executor, task: Callable[[Work], Result], left: dict[int, Work]
) -> Iterator[tuple[int, Result]]:
    futures: dict[Future[Result], int] = {
        pool.submit(task, item): index for index, item in left.items()
    }
    waiting = set(futures)
    try:
        while waiting:
            done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
            for future in done:
                yield futures[future], future.result()
    finally:
        for future in waiting:
            future.cancel()
