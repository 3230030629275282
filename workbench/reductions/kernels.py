"""Compiled loops over stacks of frames; every event is worked alone, in a fixed order.

No fast-math and no threads: workers are processes, and the same event must give the same bits in
any stack. Loops run along columns into column sums, which the compiler turns into vector code
without changing the order of additions.
"""

import numpy as np

from workbench.core.arrays import Array, Bools, Floats, Frames, Ints
from workbench.reductions.compiled import compiled

LANES = 8  # independent partial sums of one long row


@compiled
def calibrate(raw: Array, pedestal: Frames, gain: Frames, limit: float, out: Frames) -> None:
    """Fill `out` with (raw - pedestal) / gain, shape (event, pixel).

    NaN for readings of `limit` and above, and where that is no finite number.
    """
    top, missing = pedestal.dtype.type(limit), pedestal.dtype.type(np.nan)
    for event in range(raw.shape[0]):
        for pixel in range(raw.shape[1]):
            reading = pedestal.dtype.type(raw[event, pixel])
            value = (reading - pedestal[pixel]) / gain[pixel]
            known = (reading < top) & (abs(value) < np.inf)
            out[event, pixel] = value if known else missing


@compiled
def calibrate_ranges(
    raw: Array, pedestals: Frames, gains: Frames, bits: int, ranges: Ints, out: Frames
) -> None:
    """Fill `out` with (reading - pedestal) / gain of the range that each pixel used.

    `raw` and `out` are (event, pixel), `pedestals` and `gains` (range, pixel); the range is
    ``ranges[raw >> bits]``, the reading the bits below. Ranges below 0 give NaN.
    """
    below = (1 << bits) - 1
    for event in range(raw.shape[0]):
        for pixel in range(raw.shape[1]):
            value = np.int64(raw[event, pixel])
            place = ranges[value >> bits]
            if place < 0:
                out[event, pixel] = np.nan
                continue
            reading = pedestals.dtype.type(value & below)
            out[event, pixel] = (reading - pedestals[place, pixel]) / gains[place, pixel]


@compiled
def lacking(pixels: Frames, good: Bools) -> Bools:
    """Tell which frames have a good pixel that is NaN, shape (event,).

    `pixels` is (event, pixel), `good` (pixel,).
    """
    found = np.zeros(len(pixels), np.bool_)
    for event in range(len(pixels)):
        some = False
        for pixel in range(len(good)):
            some |= good[pixel] & (pixels[event, pixel] != pixels[event, pixel])
        found[event] = some
    return found


@compiled
def clip(pixels: Frames, low: float, high: float) -> Frames:
    """Return a copy with 0 below `low` and above `high`, shape (event, pixel)."""
    out = np.empty_like(pixels)
    zero = pixels.dtype.type(0)
    for event in range(pixels.shape[0]):
        for pixel in range(pixels.shape[1]):
            value = pixels[event, pixel]
            out[event, pixel] = zero if (value < low) | (value > high) else value
    return out


@compiled
def moments(
    pixels: Frames, good: Bools, low: float, high: float
) -> tuple[Floats, Floats, Floats, Floats]:
    """Return sum, brightest pixel and sums weighted by row and by column, each shape (event,).

    `pixels` is (event, row, col), `good` (row, col); bad pixels and those below `low` or above
    `high` count as 0.
    """
    events, rows, cols = pixels.shape
    total, brightest = np.empty(events), np.empty(events)
    by_row, by_col = np.empty(events), np.empty(events)
    column, weighted, top = np.empty(cols), np.empty(cols), np.empty(cols)
    for event in range(events):
        column[:] = 0.0
        weighted[:] = 0.0
        top[:] = -np.inf
        for row in range(rows):
            for col in range(cols):
                value = pixels[event, row, col]
                outside = (value < low) | (value > high) | (not good[row, col])
                kept = 0.0 if outside else np.float64(value)
                column[col] += kept
                weighted[col] += row * kept
                top[col] = kept if kept > top[col] else top[col]
        total[event] = column.sum()
        by_row[event] = weighted.sum()
        by_col[event] = (column * np.arange(cols)).sum()
        brightest[event] = top.max()
    return total, brightest, by_row, by_col


@compiled
def project(pixels: Frames, good: Bools, low: float, high: float, single: bool) -> Floats:
    """Return sums of used pixels along the middle axis, shape (event, outer, inner).

    `pixels` is (event, outer, along, inner), `good` (outer, along, inner). Bad and NaN pixels are
    left out; others below `low` or above `high` count as 0; `single` counts values above 0 as 1.
    """
    events, outer, along, inner = pixels.shape
    sums = np.zeros((events, outer, inner))
    lanes = np.empty(LANES)
    for event in range(events):
        for first in range(outer):
            lanes[:] = 0.0
            for index in range(along):
                for last in range(inner):
                    value = pixels[event, first, index, last]
                    used = good[first, index, last] & (value >= low) & (value <= high)
                    kept = float(value) if used else 0.0
                    kept = 1.0 if single and kept > 0 else kept
                    if inner == 1:
                        lanes[index % LANES] += kept
                    else:
                        sums[event, first, last] += kept
            if inner == 1:
                sums[event, first, 0] = lanes.sum()
    return sums


@compiled
def count_used(pixels: Frames, good: Bools) -> Floats:
    """Return numbers of good pixels that are not NaN along the middle axis, as in `project`."""
    events, outer, along, inner = pixels.shape
    counts = np.zeros((events, outer, inner))
    for event in range(events):
        for first in range(outer):
            for index in range(along):
                for last in range(inner):
                    value = pixels[event, first, index, last]
                    counts[event, first, last] += good[first, index, last] & (value == value)
    return counts


@compiled
def add_darks(
    raw: Array,
    bits: int,
    ranges: Ints,
    count: Ints,
    guess: Floats,
    total: Floats,
    square: Floats,
) -> None:
    """Add readings less a guess, and their squares, to the sums of the range of each pixel.

    `raw` is (event, pixel), the sums (range, pixel); a pixel's first reading in a range becomes its
    guess. The range is ``ranges[raw >> bits]``, below 0 for none.
    """
    below = (1 << bits) - 1
    for event in range(raw.shape[0]):
        for pixel in range(raw.shape[1]):
            value = np.int64(raw[event, pixel])
            place = ranges[value >> bits]
            if place < 0:
                continue
            reading = np.float64(value & below)
            if count[place, pixel] == 0:
                guess[place, pixel] = reading
            away = reading - guess[place, pixel]
            count[place, pixel] += 1
            total[place, pixel] += away
            square[place, pixel] += away * away
