"""Compiled loops that add the pixels of each frame up in bins; a pixel's bin is known beforehand.

Every event adds its pixels in the order of the frame, alone, whatever stack it is in.
"""

import numpy as np

from workbench.core.arrays import Array, Floats, Frames
from workbench.reductions.compiled import compiled

LANES = 4  # sums of one frame that grow side by side: none waits for the addition before


@compiled
def bin_sums(
    pixels: Frames,
    places: Array,
    bins: int,
    low: float,
    high: float,
    square: bool,
    leave_out: bool,
) -> Floats:
    """Return sums of the pixels of each bin, shape (event, bin).

    `pixels` is (event, pixel); `places` the bin of each pixel, `bins` for unused ones and for
    as many beyond the last as make its length a multiple of `LANES`. Values below `low` or above
    `high` count as 0; `square` adds squares. A NaN makes the sum of its bin NaN, with `leave_out`
    it is left out.
    """
    events, size = pixels.shape
    step = len(places) // LANES
    sums = np.zeros((events, bins + 1))
    parts = np.empty((LANES, bins + 1))
    for event in range(events):
        row = pixels[event]
        parts[:] = 0.0
        for first in range(step):
            for lane in range(LANES):
                pixel = first + lane * step
                value = np.float64(row[min(pixel, size - 1)])
                outside = (value < low) | (value > high) | (leave_out & (value != value))
                value = np.float64(0) if outside else value
                value = value * value if square else value
                parts[lane, places[pixel]] += value
        for lane in range(LANES):
            sums[event] += parts[lane]
    return sums[:, :bins]


@compiled
def bin_norms(
    pixels: Frames, places: Array, norm: Floats, bins: int
) -> tuple[Floats, Floats, Floats]:
    """Return sums of `norm` and of its squares, and numbers of pixels, leaving out NaN pixels."""
    events = pixels.shape[0]
    sums, squares = np.zeros((events, bins + 1)), np.zeros((events, bins + 1))
    counts = np.zeros((events, bins + 1))
    for event in range(events):
        for pixel in range(pixels.shape[1]):
            if pixels[event, pixel] == pixels[event, pixel]:
                place, weight = places[pixel], norm[pixel]
                sums[event, place] += weight
                squares[event, place] += weight * weight
                counts[event, place] += 1
    return sums[:, :bins], squares[:, :bins], counts[:, :bins]


@compiled
def bin_scatter(
    pixels: Frames,
    places: Array,
    norm: Floats,
    mean: Floats,
    low: float,
    high: float,
    square: bool,
) -> Floats:
    """Return sums of (value - norm * mean of its bin)^2, shape (event, bin), as in `bin_sums`."""
    events, bins = mean.shape
    sums = np.zeros((events, bins + 1))
    for event in range(events):
        for pixel in range(pixels.shape[1]):
            place = places[pixel]
            value = np.float64(pixels[event, pixel])
            value = np.float64(0) if (value < low) | (value > high) else value
            value = value * value if square else value
            if place == bins or value != value:
                continue
            rest = value - norm[pixel] * mean[event, place]
            sums[event, place] += rest * rest
    return sums[:, :bins]
