"""How a page is made: the notebook runs in a worker process, its report comes back as text."""

import signal
import time
from collections.abc import Callable, Generator
from concurrent.futures import ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from workbench.batch import BatchRequest, run_item
from workbench.core.atomic import CannotWriteError
from workbench.core.errors import WorkbenchError
from workbench.core.local_workers import local_pool, start_server
from workbench.core.shared import make_shared_folder

BEAT_EVERY = 0.5  # s
LONGEST = 1800.0  # s for one page
MODULES = ("workbench.batch.execution", "workbench.batch.report")


@dataclass(frozen=True)
class Job:
    """One page to make.

    Parameters
    ----------
    run, file
        Of which run, from which file.
    folder
        Where what is needed on the way may lie; removed afterwards.
    """

    run: int
    file: Path
    folder: Path


@dataclass(frozen=True)
class Made:
    """What came of it.

    Parameters
    ----------
    report
        The HTML text; empty where the notebook did not even begin.
    error
        Why it failed; empty where it did not.
    lost
        Whether a process was killed on the way: a second try may succeed.
    """

    report: str
    error: str = ""
    lost: bool = False


Make = Callable[[Job, Callable[[], None]], Made]


class NotebookMaker:
    """Makes reports from a template, one at a time, in a worker process that is kept warm."""

    def __init__(self, request: BatchRequest, longest: float = LONGEST) -> None:
        self._request = request
        self._longest = longest
        self._stack = ExitStack()
        self._pool: ProcessPoolExecutor | None = None

    def __call__(self, job: Job, beat: Callable[[], None]) -> Made:
        """Make the report of one run; `beat` is called twice a second and may raise to stop it."""
        make_shared_folder(job.folder)
        request = replace(self._request, runs=(job.run,), input=job.file, output=job.folder)
        end = time.monotonic() + self._longest
        try:
            future = self._workers().submit(_work, request)
            try:
                while not wait([future], timeout=BEAT_EVERY).done:
                    beat()
                    if time.monotonic() > end:
                        return Made("", f"the notebook did not finish within {self._longest:g} s")
            finally:
                if not future.done():
                    self.close()
            return future.result()
        except BrokenProcessPool:
            self.close()
            return Made("", "the process that made the page was killed (out of memory?)", lost=True)

    def get_ready(self) -> None:
        """Import in the background what takes its time, before the first run ends."""
        start_server(MODULES)

    def close(self) -> None:
        """End the worker process, whatever it does."""
        self._stack.close()
        self._pool = None

    def _workers(self) -> ProcessPoolExecutor:
        if self._pool is None:
            self._pool = self._stack.enter_context(local_pool(1, MODULES, needs_main=False))
        return self._pool


@contextmanager
def notebook_maker(request: BatchRequest) -> Generator[NotebookMaker]:
    """Give a `NotebookMaker` whose worker ends with the block."""
    maker = NotebookMaker(request)
    try:
        yield maker
    finally:
        maker.close()


def _work(request: BatchRequest) -> Made:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C ends the watcher, which ends this one
    try:
        item = run_item(request)
    except CannotWriteError:
        raise
    except WorkbenchError as error:
        return Made("", str(error))
    report = Path(item.report).read_text(encoding="utf-8")
    return Made(report, item.error, lost=item.error.startswith("the kernel"))
