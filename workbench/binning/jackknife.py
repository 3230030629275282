"""Errors from contiguous blocks of time: they see drift, which the scatter of shots does not."""

from dataclasses import dataclass

import numpy as np

from workbench.binning.sums import Ratio
from workbench.core import clock
from workbench.core.arrays import Array, Floats, Ints, Times

BLOCK_SECONDS = 1.0  # s
ARRAYS = 6  # sums of `BlockSums` per bin and element, 8 bytes each


@dataclass(frozen=True)
class Blocks:
    """Blocks of time of the events of a run.

    Parameters
    ----------
    numbers
        Block of each event, shape (event,), from `time_blocks`.
    order
        Event numbers in the order of time; None where the events are in it already.
    """

    numbers: Ints
    order: Ints | None = None


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
    shape = int(blocks.max(initial=-1)) + 1, bins
    places, size = blocks * bins + numbers, shape[0] * bins
    total, weight, count = (
        np.bincount(places, terms, size).reshape(shape)
        for terms in (values, norm, np.ones_like(norm))
    )
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


class BlockSums:
    """Sums from which the jackknife error of arrays follows: curves, images, bin by bin.

    Only one block of each bin is open at a time, so events must come block after block; memory does
    not grow with their number. Of each block Σ(S - R0 I) and ΣI are kept until the next one begins,
    then their squares and product are added up: the residual for the final ratio R follows, as
    S - R I = (S - R0 I) - (R - R0) I, and near R the squares do not cancel.

    Parameters
    ----------
    bins
        Number of bins.
    provisional
        R0, shape of one event's value.
    """

    def __init__(self, bins: int, provisional: Array) -> None:
        self._provisional = np.nan_to_num(np.asarray(provisional, dtype=np.float64))
        self._shape = (bins, *self._provisional.shape)
        self._sums = np.zeros((ARRAYS, bins, self._provisional.size))
        self._open = np.full(bins, -1, dtype=np.int64)

    @staticmethod
    def nbytes(bins: int, elements: int) -> int:
        """Return the memory that the sums of so many bins and elements take [bytes]."""
        return 8 * ARRAYS * bins * elements

    def add(self, numbers: Ints, blocks: Ints, values: Array, norm: Floats) -> None:
        """Add events: bin and block of each, shape (event,), values (event, ...), I (event,)."""
        # Only arrays need the compiler, which takes a second to import.
        from workbench.binning.kernels import add_blocks

        closes = np.zeros(len(numbers), dtype=np.bool_)
        for event, (number, block) in enumerate(zip(numbers, blocks, strict=True)):
            closes[event] = self._open[number] not in {-1, block}
            self._open[number] = block
        frames = np.ascontiguousarray(values).reshape(len(values), -1)
        add_blocks(frames, numbers, closes, norm, self._provisional.reshape(-1), self._sums)

    def error(self, ratio: Ratio) -> Floats:
        """Return the jackknife error of the ratios, shape (bin, ...); NaN for less than 2 blocks.

        Parameters
        ----------
        ratio
            From the same events.
        """
        d, i, dd, di, ii, count = self._sums.reshape(ARRAYS, *self._shape)
        shift = ratio.value - self._provisional
        squares = dd + d**2 - 2 * shift * (di + d * i) + shift**2 * (ii + i**2)
        number = count + (i != 0)
        with np.errstate(invalid="ignore", divide="ignore"):
            bessel = np.where(number > 1, number / (number - 1), np.nan)
            return np.asarray(np.sqrt(bessel * np.maximum(squares, 0)) / np.abs(ratio.norm))
