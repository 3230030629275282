"""Running medians in the order of time, over events before or around each, never over gaps."""

import numpy as np

from workbench.core import clock
from workbench.core.arrays import Array, Bools, Floats, Ints, Times

FEWEST = 5  # measured events; a median of fewer says too little
GAP = 10.0  # s without any event: beam was lost, or a run begins
BLOCK = 4096  # windows sorted at a time


def running_median(
    values: Array,
    timestamps: Times,
    *,
    events: int,
    base: Bools | None = None,
    centred: bool = False,
    gap: float = GAP,
) -> Floats:
    """Return for each event the median of the base events near it in time, shape (event,).

    NaN where fewer than 5 of them were measured.

    Parameters
    ----------
    values
        One per event, NaN where not measured; rows may be in any order of time.
    timestamps
        Of every event.
    events
        Length of the window: that many measured base events before the event, without itself; or,
        if `centred`, half of them before and half after, and itself.
    base
        Events that the medians are made of; by default all.
    centred
        Look to both sides.
    gap
        The window ends where no event came for longer than this [s].
    """
    since = clock.nanoseconds(timestamps)
    order = np.argsort(since, kind="stable")
    ordered = np.asarray(values, dtype=np.float64)[order]
    usable = np.isfinite(ordered)
    if base is not None:
        usable &= base[order]
    before = np.concatenate([[0], np.cumsum(usable)])  # usable events before each event
    first, last = _stretches(since[order], gap)
    start, stop = _windows(before[:-1], usable, events, centred=centred)
    start = np.maximum(start, before[first])
    stop = np.minimum(stop, before[last])
    medians = np.empty(len(ordered))
    medians[order] = _medians(ordered[usable], start, stop)
    return medians


def _windows(before: Ints, usable: Bools, events: int, *, centred: bool) -> tuple[Ints, Ints]:
    if not centred:
        return before - events, before
    half = events // 2
    return before - half, before + usable + half


def _stretches(since: Ints, gap: float) -> tuple[Ints, Ints]:
    """Return for each event, in order of time, the first and one past the last of its stretch."""
    breaks = np.flatnonzero(np.diff(since) > gap * 1e9) + 1
    starts = np.concatenate([[0], breaks])
    ends = np.concatenate([breaks, [len(since)]])
    number = np.searchsorted(breaks, np.arange(len(since)), side="right")
    return starts[number], ends[number]


def _medians(values: Floats, start: Ints, stop: Ints) -> Floats:
    """Return the median of each half-open range of `values`; NaN for fewer than 5."""
    found = np.full(len(start), np.nan)
    long = np.flatnonzero(stop - start >= FEWEST)
    if not long.size:
        return found
    longest = int((stop - start)[long].max())
    padded = np.concatenate([values, np.full(longest, np.nan)])
    for low in range(0, len(long), BLOCK):
        chosen = long[low : low + BLOCK]
        count = (stop - start)[chosen]
        window = padded[start[chosen][:, None] + np.arange(longest)]
        window[np.arange(longest) >= count[:, None]] = np.inf
        window.sort(axis=1)
        rows = np.arange(len(chosen))
        found[chosen] = (window[rows, (count - 1) // 2] + window[rows, count // 2]) / 2
    return found
