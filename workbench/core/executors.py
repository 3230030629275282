"""One way to fan out work: a `concurrent.futures.Executor` made from a short text."""

import multiprocessing
import os
import threading
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing, contextmanager
from multiprocessing import forkserver
from multiprocessing.connection import Connection
from multiprocessing.connection import wait as wait_for_any
from typing import TypeVar

from workbench.core.errors import WorkbenchError

Work = TypeVar("Work")
Result = TypeVar("Result")
GRACE = 2.0  # s, for a worker to end by itself


class LostWorkerError(WorkbenchError, RuntimeError):
    """A work unit whose worker died twice; the text names the unit."""


@contextmanager
def local_pool(workers: int, modules: Sequence[str] = ()) -> Generator[ProcessPoolExecutor]:
    """Give a pool of fresh Python processes: no state, lock or map of this one is inherited.

    With `modules`, workers are forked from a server that has imported them and nothing else, so
    that what is slow to import is imported once; without, they are spawned. Workers end with the
    block or with this process, whatever happens: one that was killed may have held the lock by
    which the others learn that there is no more work.
    """
    if modules:
        start_server(modules)
    context = multiprocessing.get_context("forkserver" if modules else "spawn")
    line, held = context.Pipe(duplex=False)
    with closing(line), closing(held):
        pool = ProcessPoolExecutor(
            workers, mp_context=context, initializer=_end_with, initargs=(line,)
        )
        try:
            yield pool
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
            held.close()
            pool.shutdown(wait=True)


def _end_with(line: Connection) -> None:
    """End this worker, with some time to do so by itself, when the other end of a line closes."""

    def watch() -> None:
        wait_for_any([line])
        time.sleep(GRACE)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


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
        wait([future for future in waiting if not future.cancel()])
