"""Compiled loops that add frames up pixel by pixel, each frame in its turn."""

from typing import Any

import numpy as np

from workbench.core.arrays import Array, Bools, Floats, Frames, Ints
from workbench.reductions.compiled import compiled

HITS, SQUARE, MAXIMUM = 1, 2, 4  # what a sum does with each value
ABREAST = 4  # frames that pass while a pixel's sum is in a register
BLOCK = 1 << 16  # pixels whose sums and constants stay in the cache while all frames pass


@compiled
def add_frames(
    totals: Floats,
    frames: tuple[Array, ...],
    count: int,
    pedestal: Frames,
    gain: Frames,
    good: Bools,
    limit: float,
    reachable: bool,
    lows: Floats,
    flags: Ints,
    missing: Bools,
) -> None:
    """Add the first `count` frames (pixel,) to each of `totals` (sum, pixel) in order.

    NaN and infinite pixels and readings of `limit` or above are left out; `reachable` tells whether
    there can be any. Values below the sum's `lows` count as 0; its `flags` are `HITS` (count values
    above 0 as 1), `SQUARE` and `MAXIMUM` (keep the largest instead of adding). `missing` becomes
    True for frames that are left out in a `good` pixel.
    """
    top = pedestal.dtype.type(limit)
    for start in range(0, len(pedestal), BLOCK):
        stop = min(start + BLOCK, len(pedestal))
        offset, scale, used = pedestal[start:stop], gain[start:stop], good[start:stop]
        for first in range(0, count, ABREAST):
            last = min(first + ABREAST, count)
            over = False
            if reachable:
                for place in range(first, last):
                    outside, lacking = _beyond(frames[place][start:stop], used, top)
                    missing[place] |= lacking
                    over |= outside
            for number in range(len(totals)):
                part, low, flag = totals[number, start:stop], lows[number], flags[number]
                if flag == 0 and last == first + ABREAST and not over:
                    _add_four(
                        part,
                        frames[first][start:stop],
                        frames[first + 1][start:stop],
                        frames[first + 2][start:stop],
                        frames[first + 3][start:stop],
                        offset,
                        scale,
                        low,
                    )
                    continue
                for place in range(first, last):
                    _add_one(part, frames[place][start:stop], offset, scale, top, low, flag)


@compiled
def _beyond(readings: Array, good: Bools, top: np.floating[Any]) -> tuple[bool, bool]:
    """Tell whether any reading is outside, and whether any good one is, or is NaN.

    Outside is `top` or above, and minus infinity.
    """
    beyond = lacking = False
    for pixel in range(len(readings)):
        reading = type(top)(readings[pixel])
        outside = (reading >= top) | (reading == -np.inf)
        beyond |= outside
        lacking |= good[pixel] & (outside | (reading != reading))
    return beyond, lacking


@compiled
def _add_four(
    part: Floats,
    first: Array,
    second: Array,
    third: Array,
    fourth: Array,
    offset: Frames,
    scale: Frames,
    low: float,
) -> None:
    """Add four frames to a plain sum, one after the other."""
    real = offset.dtype.type
    bottom = real(low)
    for pixel in range(len(part)):
        dark, divisor, total = offset[pixel], scale[pixel], part[pixel]
        value = (real(first[pixel]) - dark) / divisor
        total += np.float64(value) if value >= bottom else 0.0
        value = (real(second[pixel]) - dark) / divisor
        total += np.float64(value) if value >= bottom else 0.0
        value = (real(third[pixel]) - dark) / divisor
        total += np.float64(value) if value >= bottom else 0.0
        value = (real(fourth[pixel]) - dark) / divisor
        total += np.float64(value) if value >= bottom else 0.0
        part[pixel] = total


@compiled
def _add_one(
    part: Floats,
    readings: Array,
    offset: Frames,
    scale: Frames,
    top: np.floating[Any],
    low: float,
    flag: int,
) -> None:
    """Add one frame to a sum of any kind."""
    real = offset.dtype.type
    bottom, missing = real(low), real(np.nan)
    for pixel in range(len(part)):
        reading = real(readings[pixel])
        value = (reading - offset[pixel]) / scale[pixel]
        value = value if (reading < top) & (abs(value) < np.inf) else missing
        wide = np.float64(0 if value < bottom else value)
        wide = np.float64(1) if flag & HITS and wide > 0 else wide
        wide = wide * wide if flag & SQUARE else wide
        if flag & MAXIMUM:
            part[pixel] = wide if wide > part[pixel] else part[pixel]
        else:
            part[pixel] += wide if wide == wide else 0.0
