"""Compiled loops that add the pixels of each frame up in bins; a pixel's bin is known beforehand.

Every event adds its pixels in the order of the frame, alone, whatever stack it is in. A bin may
have several slots, which the pixels take in turn: neighbours are often of one bin, and its sum
would be wanted again before it is there. The slots of a bin lie beside each other.
"""

import numpy as np

from workbench.core.arrays import Array, Floats, Frames
from workbench.reductions.abreast import ABREAST, add_four_by_four
from workbench.reductions.compiled import compiled

TURNS = 4  # slots of a bin
MANY = 2048  # bins; where there are more, each has one slot, so that all stay near the processor
MOST_ABREAST = 1 << 15  # slots; with more, events are added up one at a time
TILE = 496  # pixels that are looked at together before they are added


def turns_of(bins: int) -> int:
    """Return how many slots each of so many bins has."""
    return TURNS if bins <= MANY else 1


def slots_of(places: Array, bins: int) -> Array:
    """Return the slot of each pixel; `places` is its bin, `bins` for unused ones."""
    turns = turns_of(bins)
    return (places * turns + np.arange(places.size) % turns).astype(np.int32)


def floating(pixels: Array) -> Frames:
    """Return pixels as the loops take them: float32 or float64, in the processor's byte order."""
    native = pixels.dtype in (np.float32, np.float64)
    return pixels if native else pixels.astype(np.float64)


@compiled
def bin_sums(
    pixels: Frames,
    slots: Array,
    shape: tuple[int, int],
    low: float,
    high: float,
    square: bool,
    leave_out: bool,
) -> Floats:
    """Return sums of the pixels of each bin, shape (event, bin).

    `pixels` is (event, pixel); `shape` the numbers of bins and of the slots of each. Values below
    `low` or above `high` count as 0; `square` adds squares. A NaN makes the sum of its bin NaN,
    with `leave_out` it is left out.
    """
    sums = np.empty((len(pixels), shape[0]))
    plain = low == -np.inf and high == np.inf and not square and not leave_out
    kept = np.empty((ABREAST, TILE))
    for first, last in groups(len(pixels), shape):
        group = pixels[first:last]
        slotted = np.zeros(((shape[0] + 1) * shape[1], len(group)))
        if plain:
            _add(group, slots, slotted)
        else:
            for start in range(0, len(slots), TILE):
                tile = slice(start, start + TILE)
                for event in range(len(group)):
                    keep(group[event, tile], low, high, square, leave_out, kept[event])
                _add(kept[: len(group)], slots[tile], slotted)
        fold(slotted, shape[1], sums[first:last])
    return sums


@compiled
def bin_scatter(
    pixels: Frames,
    slots: Array,
    shape: tuple[int, int],
    norm: Floats,
    mean: Floats,
    low: float,
    high: float,
    square: bool,
) -> Floats:
    """Return sums of (value - norm * mean of its bin)^2, shape (event, bin), as in `bin_sums`."""
    sums = np.empty((len(pixels), shape[0]))
    kept = np.empty((ABREAST, TILE))
    for first, last in groups(len(pixels), shape):
        group = pixels[first:last]
        slotted = np.zeros(((shape[0] + 1) * shape[1], len(group)))
        means = np.zeros((len(group), len(slotted)))  # of each slot; 0 for unused pixels
        for event in range(len(group)):
            for slot in range(shape[0] * shape[1]):
                means[event, slot] = mean[first + event, slot // shape[1]]
        for start in range(0, len(slots), TILE):
            tile = slice(start, start + TILE)
            for event in range(len(group)):
                keep(group[event, tile], low, high, square, False, kept[event])
                _scatter(kept[event], norm[tile], means[event], slots[tile])
            _add(kept[: len(group)], slots[tile], slotted)
        fold(slotted, shape[1], sums[first:last])
    return sums


@compiled
def bin_norms(
    pixels: Frames, slots: Array, shape: tuple[int, int], norm: Floats
) -> tuple[Floats, Floats, Floats]:
    """Return sums of `norm` and of its squares, and numbers of pixels, leaving out NaN pixels."""
    sums = np.empty((3, len(pixels), shape[0]))
    for event in range(len(pixels)):
        slotted = np.zeros(((shape[0] + 1) * shape[1], 3))
        for pixel in range(len(slots)):
            if pixels[event, pixel] == pixels[event, pixel]:
                total, weight = slotted[slots[pixel]], norm[pixel]
                total[0] += weight
                total[1] += weight * weight
                total[2] += 1
        fold(slotted, shape[1], sums[:, event])
    return sums[0], sums[1], sums[2]


@compiled
def groups(events: int, shape: tuple[int, int]) -> list[tuple[int, int]]:
    """Return which events are added up together: `ABREAST`, or one."""
    together = (shape[0] + 1) * shape[1] <= MOST_ABREAST
    whole = events // ABREAST * ABREAST if together else 0
    groups = [(first, first + ABREAST) for first in range(0, whole, ABREAST)]
    return groups + [(event, event + 1) for event in range(whole, events)]


@compiled
def keep(
    pixels: Frames, low: float, high: float, square: bool, leave_out: bool, kept: Floats
) -> None:
    """Fill `kept` with what each pixel of one frame adds to its bin."""
    for pixel in range(len(pixels)):
        value = np.float64(pixels[pixel])
        outside = (value < low) | (value > high) | (leave_out & (value != value))
        value = np.float64(0) if outside else value
        kept[pixel] = value * value if square else value


@compiled
def _scatter(kept: Floats, norm: Floats, means: Floats, slots: Array) -> None:
    """Replace each value by the square of its distance from the mean of its bin, NaN by 0."""
    for pixel in range(len(slots)):
        rest = kept[pixel] - norm[pixel] * means[slots[pixel]]
        kept[pixel] = np.float64(0) if kept[pixel] != kept[pixel] else rest * rest


@compiled
def _add(pixels: Frames, slots: Array, sums: Floats) -> None:
    """Add `ABREAST` frames to sums, shape (slot, frame), or one, which gets the same bits."""
    if len(pixels) < ABREAST:
        frame, total = pixels[0], sums.reshape(sums.size)
        for pixel in range(len(slots)):
            total[slots[pixel]] += np.float64(frame[pixel])
        return
    whole = len(slots) // ABREAST
    for block in range(whole):
        add_four_by_four(sums, pixels, slots, ABREAST * block)
    for pixel in range(ABREAST * whole, len(slots)):
        for event in range(ABREAST):
            sums[slots[pixel], event] += np.float64(pixels[event, pixel])


@compiled
def fold(slotted: Floats, turns: int, sums: Floats) -> None:
    """Fill sums, shape (frame, bin), from those of the slots of each bin."""
    for row in range(len(sums)):
        for place in range(sums.shape[1]):
            total = slotted[place * turns, row]
            for turn in range(1, turns):
                total += slotted[place * turns + turn, row]
            sums[row, place] = total
