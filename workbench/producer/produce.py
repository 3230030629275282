"""One production from request to result: config and run read, then parts worked and assembled."""

import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from datetime import UTC, datetime
from functools import cache

from workbench.core.errors import NotThereError, WorkbenchError
from workbench.core.executors import get_ready, team_ahead
from workbench.core.workers import Team
from workbench.producer.assemble import Begun, assemble, refuse
from workbench.producer.config import ProducerConfig
from workbench.producer.identity import facts_of
from workbench.producer.live import produce_live
from workbench.producer.loop import WORKER_MODULES
from workbench.producer.plan import shapes_of
from workbench.producer.ranges import UNITS
from workbench.producer.regions import Shapes
from workbench.producer.request import LiveState, ProduceRequest, ProduceResult, Progress
from workbench.producer.workspace import parts_folder
from workbench.smalldata import open_file
from workbench.sources import RawRun, open_raw


class OutputExistsError(WorkbenchError, FileExistsError):
    """The small-data file is there already and may not be replaced."""


def produce(
    request: ProduceRequest,
    progress: Progress | None = None,
    live: Callable[[LiveState], None] | None = None,
) -> ProduceResult:
    """Produce the small-data file of one run.

    Bad entries of the config are skipped and named in the result and in the file; everything
    else is produced. The file appears whole, by a rename, or not at all. Where the request is to
    follow a run that is still being taken, its rows can be read in the live file until then.

    Parameters
    ----------
    progress
        Told how many events are done, and how many the run has.
    live
        Told how far the live file has come.
    """
    begun = Begun(datetime.now(UTC), time.perf_counter())
    tell = progress or (lambda _done, _all: None)
    get_ready(request.crew, WORKER_MODULES)  # while the config and the run are read
    _check_target(request)
    if request.live:
        return produce_live(request, begun, tell, live or (lambda _state: None))
    with ExitStack() as stack:

        @cache
        def opened() -> tuple[RawRun, Team | None]:  # while the config is evaluated
            ahead = stack.enter_context(team_ahead(request.crew, WORKER_MODULES, UNITS))
            return open_raw(request.xtc, request.run, source=request.source), ahead

        config = _config(request, lambda: shapes_of(opened()[0]))
        raw, ahead = opened()
        if request.strict:
            refuse(config.skipped)
        facts = facts_of(request, config, raw)
        folder = stack.enter_context(parts_folder(request.target, facts, resume=request.resume))
        return assemble(request, begun, config, raw, place=folder, progress=tell, ahead=ahead)


def _config(request: ProduceRequest, shapes: Callable[[], Shapes]) -> ProducerConfig:
    """Return the request's config, checked against the run; empty without one."""
    if request.constants is not None and not request.constants.is_file():
        raise NotThereError(f"no constants file {request.constants}; name another or leave it out")
    if request.config is None:
        return ProducerConfig(run=request.run)
    return ProducerConfig.load(request.config, request.run, shapes=shapes)


def _check_target(request: ProduceRequest) -> None:
    """Refuse before anything is read what could not be written at the end."""
    target = request.target
    if not target.exists():
        return
    ours = False
    with suppress(WorkbenchError), open_file(target) as file:  # damaged: not known to be ours
        ours = file.ours
    if not ours:
        raise OutputExistsError(
            f"{target} was not written by the workbench and is never replaced; move it away or "
            "choose another output folder"
        )
    if not request.replace:
        raise OutputExistsError(
            f"{target} is there already; add --replace, or choose another output folder"
        )
