"""Checks of the events themselves: how many, in which order, each one once."""

from collections.abc import Iterator

import numpy as np

from workbench.core.findings import Finding, Severity
from workbench.smalldata.identity import whole_of
from workbench.smalldata.reader import SmallDataFile


def check_count(file: SmallDataFile) -> Iterator[Finding]:
    """Check that there are events to analyse."""
    if file.n_events == 0:
        yield Finding(
            "no-events",
            Severity.ERROR,
            "the file holds no events: nothing can be analysed; look for a run that was stopped "
            "at once, or for a production that found no raw data",
        )
    if file.n_events == 1:
        yield Finding(
            "one-event",
            Severity.WARNING,
            "the file holds a single event: no spread, no error, no correlation can be computed; "
            "expected for a single laser shot, otherwise look for a run that was stopped",
        )


def check_part(file: SmallDataFile) -> Iterator[Finding]:
    """Check that this is the file of a run, not one of the parts that such a file joins."""
    whole = None if file.ours else whole_of(file.path)
    if whole is not None:
        there = "" if whole.exists() else ", which is not beside it: ask for it, or produce the run"
        yield Finding(
            "part-of-run",
            Severity.WARNING,
            f"{file.path.name} is one of several part files: it holds only some of the run's "
            f"events; open {whole.name} instead{there}",
            count=file.n_events,
        )


def check_order(file: SmallDataFile) -> Iterator[Finding]:
    """Check that rows follow the time and that no event is there twice."""
    stamps = file.timestamps
    backward = int(np.count_nonzero(stamps[1:] < stamps[:-1]))
    if backward:
        # The facility's LCLS-II files lie part after part: expected there, wrong in ours.
        usual = file.generation == "lcls2" and not file.ours
        severity = Severity.INFO if usual else Severity.ERROR if file.ours else Severity.WARNING
        yield Finding(
            "unsorted",
            severity,
            f"{backward} rows lie before their predecessor in time: neighbours in the file are not "
            "neighbours in time; sort by the time stamp before anything that uses the order",
            field="timestamp",
            count=backward,
        )
    repeated = _repeated(file)
    if repeated:
        yield Finding(
            "duplicate-events",
            Severity.WARNING,
            f"{repeated} events have the same identity as another: they count twice in every sum; "
            "drop one of each pair, and tell who produced the file",
            field="timestamp",
            count=repeated,
        )


def _repeated(file: SmallDataFile) -> int:
    if file.fiducials is None:
        return file.n_events - len(np.unique(file.timestamps))
    pairs = np.rec.fromarrays([file.timestamps, file.fiducials])
    return file.n_events - len(np.unique(pairs))
