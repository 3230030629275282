"""Compiled loops that add the pixels of each frame up in bins; a pixel's bin is known beforehand.

Every event adds its pixels in the order of the frame, alone, whatever stack it is in.
"""

import numpy as np

from workbench.core.arrays import Array, Floats, Frames
from workbench.reductions.compiled import compiled

ABREAST = 4  # events that share one pass over the bins of the pixels


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

    `pixels` is (event, pixel); `places` the bin of each pixel, `bins` for unused ones. Values below
    `low` or above `high` count as 0; `square` adds squares. A NaN makes the sum of its bin NaN,
    with `leave_out` it is left out.
    """
    events, size = pixels.shape
    sums = np.zeros((events, bins + 1))
    plain = low == -np.inf and high == np.inf and not square and not leave_out
    kept = np.empty((1 if plain else ABREAST, size))
    for first in range(0, events, ABREAST):
        last = min(first + ABREAST, events)
        if plain:
            _add(pixels[first:last], places, sums[first:last])
            continue
        for event in range(first, last):
            _keep(pixels[event], low, high, square, leave_out, kept[event - first])
        _add(kept[: last - first], places, sums[first:last])
    return sums[:, :bins]


@compiled
def _keep(
    pixels: Frames, low: float, high: float, square: bool, leave_out: bool, kept: Floats
) -> None:
    """Fill `kept` with what each pixel of one frame adds to its bin."""
    for pixel in range(len(pixels)):
        value = np.float64(pixels[pixel])
        outside = (value < low) | (value > high) | (leave_out & (value != value))
        value = np.float64(0) if outside else value
        kept[pixel] = value * value if square else value


@compiled
def _add(pixels: Frames, places: Array, sums: Floats) -> None:
    """Add up to `ABREAST` frames; one that is not among so many gets the same bits."""
    if len(pixels) < ABREAST:
        for event in range(len(pixels)):
            frame, total = pixels[event], sums[event]
            for pixel in range(len(frame)):
                total[places[pixel]] += np.float64(frame[pixel])
        return
    one, two, three, four = pixels[0], pixels[1], pixels[2], pixels[3]
    first, second, third, fourth = sums[0], sums[1], sums[2], sums[3]
    # Two pixels at a time: neighbours are often of one bin, whose sums then move only once.
    for pair in range(len(one) // 2):
        pixel, after = 2 * pair, 2 * pair + 1
        place, other = places[pixel], places[after]
        if place == other:
            first[place] = (first[place] + np.float64(one[pixel])) + np.float64(one[after])
            second[place] = (second[place] + np.float64(two[pixel])) + np.float64(two[after])
            third[place] = (third[place] + np.float64(three[pixel])) + np.float64(three[after])
            fourth[place] = (fourth[place] + np.float64(four[pixel])) + np.float64(four[after])
        else:
            first[place] += np.float64(one[pixel])
            second[place] += np.float64(two[pixel])
            third[place] += np.float64(three[pixel])
            fourth[place] += np.float64(four[pixel])
            first[other] += np.float64(one[after])
            second[other] += np.float64(two[after])
            third[other] += np.float64(three[after])
            fourth[other] += np.float64(four[after])
    for pixel in range(len(one) // 2 * 2, len(one)):
        place = places[pixel]
        first[place] += np.float64(one[pixel])
        second[place] += np.float64(two[pixel])
        third[place] += np.float64(three[pixel])
        fourth[place] += np.float64(four[pixel])


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
