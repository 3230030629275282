"""The dark mean of a channel: its value without X-rays, subtracted before any ratio."""

from dataclasses import dataclass

import numpy as np

from workbench.core.arrays import Bools, Floats
from workbench.runs import Channel


@dataclass(frozen=True)
class DarkMean:
    """Mean of a channel over dark events, shape of one event's value.

    Parameters
    ----------
    mean
        0 where nothing is subtracted.
    error
        Standard error of the mean; common to all bins.
    count
        Dark events that hold a value.
    """

    mean: Floats
    error: Floats
    count: int


def dark_mean(channel: Channel, dark: Bools) -> DarkMean:
    """Average a channel over the dark events; zero with error zero where there are none."""
    shape = channel.shape[1:]
    total, squares, number = np.zeros(shape), np.zeros(shape), np.zeros(shape)
    first: Floats | None = None
    count = 0
    for _, values in channel.iter_stacks(where=dark):
        floats = values.astype(np.float64)
        there = np.isfinite(floats)
        if first is None:
            first = np.nan_to_num(floats[0])  # near the mean: the squares do not cancel
        shifted = np.where(there, floats - first, 0.0)
        total += shifted.sum(axis=0)
        squares += (shifted**2).sum(axis=0)
        number += there.sum(axis=0)
        count += int(there.reshape(len(there), -1).any(axis=1).sum())
    if first is None or not count:
        return DarkMean(np.zeros(shape), np.zeros(shape), 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = total / number
        variance = np.maximum(squares / number - mean**2, 0) / (number - 1)
    return DarkMean(
        np.where(number > 0, first + mean, 0.0),
        np.where(number > 1, np.sqrt(variance), np.nan),
        count,
    )
