"""A run that is still being taken, opened again each time that its files have grown."""

import time
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

from workbench.core.ending import check_ended
from workbench.core.errors import InputError, NotThereError, WorkbenchError
from workbench.sources.run_files import find_files
from workbench.sources.xtc2.errors import Xtc2Error
from workbench.sources.xtc2.folder import open_groups
from workbench.sources.xtc2.growth import Growth
from workbench.sources.xtc2.run import Xtc2Run

POLL = 0.5  # s between looks at the names and sizes of the files
CLOSING = 10.0  # s after the last EndRun for the DAQ to give its files their names
OPENING_SHARE = 3  # opening a run takes at most one part in so many of the time


class RunStalledError(WorkbenchError, TimeoutError):
    """A run whose files have not grown for a long time, and which has not ended."""

    def __init__(self, text: str, waits_for: Path | None = None) -> None:
        super().__init__(text)
        self.waits_for = waits_for


@dataclass(frozen=True)
class Look:
    """A growing run at one moment.

    Parameters
    ----------
    raw
        The run as far as its files go.
    growth
        How far that is.
    noticed
        When its files were seen to have grown, by `time.monotonic` [s].
    """

    raw: Xtc2Run
    growth: Growth
    noticed: float


def watch(folder: Path, run: int, *, patience: float) -> Generator[Look]:
    """Yield a run each time that its files have grown; end when the run is over.

    It is over when every stream has its EndRun and its final name, or when no file is in progress
    and none has grown for `patience` seconds. Raises `RunStalledError` where a file is still in
    progress then, or where there is no run to be read at all.

    Raises
    ------
    InputError
        For a file: it gets another name when it is finished.
    """
    if folder.is_file():
        raise InputError(
            f"{folder} is one file, which gets another name when it is finished: give the folder "
            "of the run that is being taken"
        )
    known: list[tuple[Path, int]] = []
    look: Look | None = None
    problem: WorkbenchError | None = None
    changed = time.monotonic()
    while True:
        check_ended()
        began = time.monotonic()
        files = _files(folder, run)
        if files != known:
            known, changed = files, began
            try:
                raw = _opened(folder, run)
            except (Xtc2Error, NotThereError) as error:  # half a datagram, or renamed just now
                problem = error
            else:
                look, problem = Look(raw, raw.growth, began), None
                opening = time.monotonic() - began
                yield look
                time.sleep(max(0.0, opening * OPENING_SHARE - (time.monotonic() - began)))
        idle = time.monotonic() - changed
        if look is not None and problem is None and _is_over(look.growth, idle, patience):
            return
        if idle > patience:
            raise _stalled(folder, run, look, problem, patience) from problem
        time.sleep(max(0.0, POLL - (time.monotonic() - began)))


def _opened(folder: Path, run: int) -> Xtc2Run:
    named = [group for group in find_files(folder) if group.number == run and group.firsts]
    runs = open_groups(folder, named) if named else []
    found = runs if len(runs) == 1 else [raw for raw in runs if raw.number == run]
    if len(found) != 1:
        raise NotThereError(f"{len(found)} runs {run} in files named so in {folder}")
    return found[0]


def _is_over(growth: Growth, idle: float, patience: float) -> bool:
    if growth.ended:
        return not growth.in_progress or idle > CLOSING
    return not growth.in_progress and idle > patience


def _stalled(
    folder: Path, run: int, look: Look | None, problem: WorkbenchError | None, patience: float
) -> RunStalledError:
    begun = f"run {run} in {folder}: nothing new for {patience:.0f} s"
    if look is None:
        why = f": {problem}" if problem else ", there is no file of it"
        return RunStalledError(f"{begun}{why}; check folder and run number")
    waits_for = look.growth.waits_for
    return RunStalledError(
        f"{begun} and no EndRun; waiting for {waits_for.name if waits_for else 'files'}. If the "
        "run goes on, add --live --resume; if the DAQ has stopped, produce it without --live",
        waits_for,
    )


def _files(folder: Path, run: int) -> list[tuple[Path, int]]:
    """Return the data files of a run with their sizes; those renamed just now are left out."""
    try:
        groups = find_files(folder)
    except NotThereError:
        return []
    found = []
    for group in groups:
        if group.number == run:
            for path in (*group.firsts, *group.later):
                try:
                    found.append((path, path.stat().st_size))
                except FileNotFoundError:
                    continue
    return found
