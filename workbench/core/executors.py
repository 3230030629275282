"""One way to fan out work: a `concurrent.futures.Executor` made from a short text."""

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ThreadPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack, contextmanager
from typing import TypeVar

from workbench.core.ending import check_ended
from workbench.core.local_workers import local_pool, start_server
from workbench.core.workers import LostWorkerError, Team, Workers

Work = TypeVar("Work")
Result = TypeVar("Result")
CHECK_EVERY = 5.0  # s without a result, until it is asked whether there are workers at all


def get_ready(workers: Workers, modules: Sequence[str] = ()) -> None:
    """Start what takes its time before there is work; does nothing if that was done already.

    Under MPI only the first process comes back from here: the others work for it, and leave the
    program when it does.
    """
    if workers.kind == "mpi":
        from workbench.core.clusters import mpi_executor

        mpi_executor()
    elif workers.kind != "local":
        from workbench.core.clusters import check_cluster

        check_cluster(workers)
    elif not workers.alone:
        start_server(modules)


@contextmanager
def team_ahead(workers: Workers, modules: Sequence[str], most: int) -> Generator[Team | None]:
    """Start up to `most` workers here while it is found out what they will do, for `run_all`.

    They have ended when the block has. Gives None where the work is done in this process or by
    workers of others. `modules` as in `local_pool`.
    """
    if workers.kind != "local" or workers.alone:
        yield None
        return
    with ExitStack() as pools, ThreadPoolExecutor(1) as beside:
        pool = pools.enter_context(local_pool(workers.count, modules, needs_main=False))
        beside.submit(_start, pool, min(most, workers.count))  # what it raises, later work does too
        yield Team(pool, (BrokenProcessPool,), again=True, end=lambda: beside.submit(pools.close))


def run_all(
    task: Callable[[Work], Result],
    items: Iterable[Work],
    *,
    workers: int | Workers,
    name: Callable[[Work], str] = str,
    modules: Sequence[str] = (),
    ahead: Team | None = None,
) -> Generator[tuple[Work, Result]]:
    """Yield (item, task(item)) as they finish; in this process where one local worker is asked.

    A worker that dies (killed, out of memory) costs one retry of the items in flight; an item
    that loses its worker twice raises `LostWorkerError`. Errors of `task` itself are raised.
    `workers`: how many processes here, or `Workers`. `modules` as in `local_pool`. `ahead`: workers
    of `team_ahead`, which work for this call alone.
    """
    items = list(items)
    crew = Workers("local", workers) if isinstance(workers, int) else workers
    if crew.alone or not items:
        yield from ((item, task(item)) for item in items)
        return
    left = dict(enumerate(items))
    for last in (False, True):
        lent = None if last else ahead
        with _lent(lent) if lent else _team(crew, task, len(left), modules) as team:
            try:
                for index, result in _finished(team, task, left):
                    yield left.pop(index), result
            except team.lost:
                if last or not team.again:
                    names = ", ".join(name(item) for item in list(left.values())[:3])
                    raise LostWorkerError(
                        f"a worker process died twice ({crew}); unfinished: {names} "
                        "(out of memory? try fewer workers, or more memory for each)"
                    ) from None
        if not left:
            return


def _start(pool: Executor, count: int) -> None:
    """Start workers by work that is none: a pool starts one when none is idle."""
    for _ in range(count):
        pool.submit(_nothing)


def _nothing() -> None:
    pass


@contextmanager
def _lent(team: Team) -> Generator[Team]:
    try:
        yield team
    finally:
        team.end()


@contextmanager
def _team(
    crew: Workers, task: Callable[[Work], Result], most: int, modules: Sequence[str]
) -> Generator[Team]:
    if crew.kind == "local":
        needs_main = task.__module__ == "__main__"
        with local_pool(min(crew.count, most), modules, needs_main=needs_main) as pool:
            yield Team(pool, (BrokenProcessPool,), again=True)
        return
    from workbench.core.clusters import cluster_team

    with cluster_team(crew) as team:
        yield team


def _finished(
    team: Team, task: Callable[[Work], Result], left: dict[int, Work]
) -> Iterator[tuple[int, Result]]:
    futures: dict[Future[Result], int] = {
        team.executor.submit(task, item): index for index, item in left.items()
    }
    waiting = set(futures)
    try:
        while waiting:
            done, waiting = wait(waiting, timeout=CHECK_EVERY, return_when=FIRST_COMPLETED)
            if not done:
                check_ended()
                team.check()
            for future in done:
                check_ended()
                yield futures[future], future.result()
    finally:
        running = [future for future in waiting if not future.cancel()]
        if team.lasting:
            wait(running)
