"""Events from several streams: equal time stamps belong together."""

from collections.abc import Sequence

import numpy as np

from workbench.core.arrays import Ints, Times


def build_events(streams: Sequence[Times]) -> tuple[Times, list[Ints]]:
    """Merge the time stamps of the streams' datagrams.

    Returns the time stamp of each event, and for each stream the event of each of its datagrams.
    A time stamp that one stream repeats makes as many events.
    """
    if not streams:
        return np.empty(0, np.uint64), []
    if len(streams) == 1 and _rising(streams[0]):
        return streams[0], [np.arange(len(streams[0]))]
    keys = np.empty(sum(map(len, streams)), [("time", np.uint64), ("repeat", np.int64)])
    keys["time"] = np.concatenate(streams)
    if all(_rising(times) for times in streams):
        unique, inverse = np.unique(keys["time"], return_inverse=True)
    else:
        keys["repeat"] = np.concatenate([_repeats(times) for times in streams])
        pairs, inverse = np.unique(keys, return_inverse=True)
        unique = pairs["time"].copy()
    bounds = np.cumsum([len(times) for times in streams])[:-1]
    return unique, np.split(inverse, bounds)


def disorder(times: Times) -> int:
    """Count the datagrams that are not later than the one before."""
    return int(np.count_nonzero(times[1:] <= times[:-1]))


def _rising(times: Times) -> bool:
    return disorder(times) == 0


def _repeats(times: Times) -> Ints:
    """Return for each time stamp how often it occurred before."""
    order = np.argsort(times, kind="stable")
    ordered = times[order]
    fresh = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
    counts = np.diff(np.append(fresh, len(times)))
    repeats = np.empty(len(times), np.int64)
    repeats[order] = np.arange(len(times)) - np.repeat(fresh, counts)
    return repeats
