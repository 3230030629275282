"""Checks of what decides the class of an event and its delay: beam flags and encoders."""

from collections.abc import Iterator

import numpy as np

from workbench.core.arrays import Array
from workbench.core.findings import Finding, Severity
from workbench.smalldata.missing import missing_rows
from workbench.smalldata.reader import SmallDataFile

STUCK_EVENTS = 240  # 2 s at 120 Hz
STUCK_PART = 0.1  # of the run


def check_status(file: SmallDataFile) -> Iterator[Finding]:
    """Check that X-ray and laser flags are known and of use."""
    for beam in ("xray", "laser"):
        name = f"lightStatus/{beam}"
        if name not in file or file.info(name).kind != "event" or len(file.info(name).shape) != 1:
            continue
        flags = file.read(name)
        unknown = int(np.count_nonzero((flags != 0) & (flags != 1)))
        if unknown:
            yield _unknown(name, beam, unknown, file.n_events)
        if unknown == file.n_events:
            continue
        if not (flags == 0).any():
            yield _never_off(name, beam, file.n_events)
        if not (flags == 1).any():
            yield _never_on(name, beam, file.n_events)


def check_encoders(file: SmallDataFile) -> Iterator[Finding]:
    """Check that the encoders of delay stages keep moving once they moved."""
    for name in file.names:
        if not name.startswith("enc/") or file.info(name).kind != "event":
            continue
        values = file.read(name)
        if values.ndim != 1 or values.dtype.kind not in "iuf":
            continue
        still = longest_stillness(values[~missing_rows(values)])
        if still:
            yield Finding(
                "encoder-stuck",
                Severity.WARNING,
                f"moved from event to event, but stayed exactly the same for {still} in a row: the "
                "delay of these events may be wrong; plot it against time and cut them away",
                field=name,
                count=still,
            )


def longest_stillness(values: Array) -> int:
    """Return how many events in a row a moving encoder stood exactly still; 0 for a sound one.

    A stage that stands still between the steps of a scan, or all the time, is sound.
    """
    if len(values) < STUCK_EVENTS:
        return 0
    changes = np.flatnonzero(np.diff(values) != 0)
    edges = np.concatenate([[-1], changes, [len(values) - 1]])
    longest = int(np.diff(edges).max())
    elsewhere = len(values) - longest
    moving = len(changes) > 0.5 * elsewhere > 0
    long = longest >= max(STUCK_EVENTS, STUCK_PART * len(values))
    return longest if moving and long else 0


def _unknown(name: str, beam: str, count: int, n_events: int) -> Finding:
    return Finding(
        "beam-state-unknown",
        Severity.WARNING if count > 0.01 * n_events else Severity.INFO,
        f"{count} of {n_events} events do not say whether the {beam} was on: they belong to no "
        "class of events; check the event codes of the run",
        field=name,
        count=count,
    )


def _never_off(name: str, beam: str, n_events: int) -> Finding:
    if beam == "xray":
        text = "no event without X-rays: there are no dropped shots to take the background from"
        return Finding("xray-never-off", Severity.INFO, text, field=name, count=n_events)
    return Finding(
        "laser-never-off",
        Severity.WARNING,
        "no event without laser: there is nothing to subtract; if shots were dropped, check the "
        "laser's event code in the hutch's rule",
        field=name,
        count=n_events,
    )


def _never_on(name: str, beam: str, n_events: int) -> Finding:
    if beam == "laser":
        text = "no event with laser, as in a run without pump"
        return Finding("laser-never-on", Severity.INFO, text, field=name, count=n_events)
    return Finding(
        "xray-never-on",
        Severity.WARNING,
        "no event with X-rays: every cut on beam leaves nothing; dark run, or check the X-ray's "
        "event code in the hutch's rule",
        field=name,
        count=n_events,
    )
