"""One number per event from a channel that holds an array for each: sum, mean, largest, element."""

import numpy as np

from workbench.core.arrays import Array, Floats
from workbench.runs.answers import CutError, Reduce
from workbench.runs.channel import Channel


def reduced_values(channel: Channel, reduce: Reduce) -> Floats:
    """Return one number per event, NaN where nothing was measured; reads stack by stack.

    What was not measured of an array (NaN pixels) is left out of sum, mean and maximum.
    """
    if len(channel.shape) < 2 or channel.dtype.kind not in "biuf":
        raise CutError(
            f"cut on {channel.name}: it has shape {channel.shape} and type {channel.dtype}; "
            f"reduce={reduce!r} needs an array of numbers per event"
        )
    if isinstance(reduce, int) and (len(channel.shape) != 2 or reduce >= channel.shape[1]):
        raise CutError(
            f"cut on {channel.name}: no element {reduce} in shape {channel.shape}; an element can "
            f"be taken of a list per event, here {channel.shape[1]} long"
        )
    found = np.full(len(channel), np.nan)
    for events, values in channel.iter_stacks():
        found[events] = _reduced(values.reshape(len(values), -1), reduce)
    return found


def _reduced(rows: Array, reduce: Reduce) -> Floats:
    if isinstance(reduce, int):
        return np.asarray(rows[:, reduce], dtype=np.float64)
    floats = rows.astype(np.float64)
    there = ~np.isnan(floats)
    count = there.sum(axis=1)
    if reduce == "max":
        found = np.where(there, floats, -np.inf).max(axis=1, initial=-np.inf)
    else:
        found = np.where(there, floats, 0.0).sum(axis=1)
        if reduce == "mean":
            found = found / np.maximum(count, 1)
    return np.where(count > 0, found, np.nan)
