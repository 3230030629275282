"""Errors from contiguous blocks of time: they see drift, which the scatter of shots does not."""

import numpy as np

from workbench.core import clock
from workbench.core.arrays import Floats, Ints, Times

BLOCK_SECONDS = 1.0  # s


def time_blocks(
    timestamps: Times, runs: Ints | None = None, *, seconds: float = BLOCK_SECONDS
) -> Ints:
    """Return the block of each event, shape (event,): numbered from 0, `seconds` [s] long.

    No block holds events of two runs, where `runs` tells the run of each event.
    """
    since = clock.nanoseconds(timestamps)
    if not since.size:
        return since
    length = np.int64(round(seconds * 1e9))
    blocks = (since - since.min()) // length
    if runs is not None:
        blocks += runs * (blocks.max() + 1)
    return np.asarray(np.unique(blocks, return_inverse=True)[1])


def block_residuals(
    values: Floats, norm: Floats, numbers: Ints, blocks: Ints, *, bins: int
) -> Floats:
    """Return Σ(S - R I) / ΣI of every block and bin, shape (block, bin); NaN without events.

    It is by how much, to first order, the ratio of the bin would change without the block.

    Parameters
    ----------
    values, norm
        S and I of each event, finite, shape (event,).
    numbers, blocks
        Bin and block of each event.
    bins
        Number of bins.
    """
    sums = np.zeros((3, int(blocks.max(initial=-1)) + 1, bins))
    for target, terms in zip(sums, (values, norm, np.ones_like(norm)), strict=True):
        np.add.at(target, (blocks, numbers), terms)
    total, weight, count = sums
    with np.errstate(invalid="ignore", divide="ignore"):
        residuals = (total - total.sum(0) / weight.sum(0) * weight) / weight.sum(0)
    return np.where(count > 0, residuals, np.nan)


def block_jackknife(residuals: Floats) -> Floats:
    """Return the jackknife error of each bin from `block_residuals`, shape (bin,).

    This is the jackknife to first order, sqrt(B / (B - 1) Σ u²) over the B blocks that have
    events in the bin: with blocks of one event it is the error of the ratio of sums itself. NaN
    for fewer than two blocks.
    """
    number = np.isfinite(residuals).sum(axis=0)
    squares = np.nansum(residuals**2, axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.sqrt(np.where(number > 1, number / (number - 1), np.nan) * squares))
