"""Compiled loops that share the pixels of each frame out among bins, by parts known beforehand.

There is an entry for each bin that a pixel reaches into, in the order of the pixels. Slots, groups
of frames and tiles are those of `bin_kernels`; every event is added up in the same order, whatever
stack it is in.
"""

import numpy as np

from workbench.core.arrays import Array, Floats, Frames
from workbench.reductions.abreast import ABREAST
from workbench.reductions.bin_kernels import TILE, fold, groups, keep
from workbench.reductions.compiled import compiled

Entries = tuple[Array, Array, Array, Array]
# first entry of each tile, and their number; pixel, slot and weight of each entry


def entries_of(pixels: Array, slots: Array, weights: Array, size: int) -> Entries:
    """Return the entries of a frame of `size` pixels; `pixels` must rise."""
    firsts = np.searchsorted(pixels, np.arange(0, size + TILE, TILE))
    return firsts, pixels.astype(np.int32), slots, weights


@compiled
def share_sums(
    pixels: Frames,
    entries: Entries,
    shape: tuple[int, int],
    low: float,
    high: float,
    square: bool,
    leave_out: bool,
) -> Floats:
    """Return sums of weight * pixel in each bin, shape (event, bin); see `bin_kernels.bin_sums`."""
    sums = np.empty((len(pixels), shape[0]))
    plain = low == -np.inf and high == np.inf and not square and not leave_out
    kept = np.empty((ABREAST, TILE))
    for first, last in groups(len(pixels), shape):
        group = pixels[first:last]
        slotted = np.zeros((shape[0] * shape[1], len(group)))
        if plain:
            _share(group, 0, len(entries[1]), 0, entries, slotted)
        else:
            for tile in range(len(entries[0]) - 1):
                start = TILE * tile
                for event in range(len(group)):
                    part = group[event, start : start + TILE]
                    keep(part, low, high, square, leave_out, kept[event])
                ends = entries[0][tile], entries[0][tile + 1]
                _share(kept[: len(group)], *ends, start, entries, slotted)
        fold(slotted, shape[1], sums[first:last])
    return sums


@compiled
def share_scatter(
    pixels: Frames,
    entries: Entries,
    shape: tuple[int, int],
    norm: Floats,
    mean: Floats,
    low: float,
    high: float,
    square: bool,
) -> Floats:
    """Return sums of (weight * (value - norm * mean of its bin))^2, NaN pixels left out."""
    _, places, slots, weights = entries
    sums = np.zeros((len(pixels), shape[0]))
    kept = np.empty(pixels.shape[1])
    for event in range(len(pixels)):
        keep(pixels[event], low, high, square, False, kept)
        for entry in range(len(places)):
            pixel, place = places[entry], slots[entry] // shape[1]
            if kept[pixel] == kept[pixel]:
                rest = kept[pixel] - norm[pixel] * mean[event, place]
                rest *= np.float64(weights[entry])
                sums[event, place] += rest * rest
    return sums


@compiled
def share_norms(
    pixels: Frames, entries: Entries, shape: tuple[int, int], norm: Floats
) -> tuple[Floats, Floats, Floats, Floats]:
    """Return sums of weight * norm, its squares, weight, and its squares, without NaN pixels."""
    _, places, slots, weights = entries
    sums = np.zeros((4, len(pixels), shape[0]))
    for event in range(len(pixels)):
        for entry in range(len(places)):
            pixel, place = places[entry], slots[entry] // shape[1]
            if pixels[event, pixel] == pixels[event, pixel]:
                weight = np.float64(weights[entry])
                light = weight * norm[pixel]
                sums[0, event, place] += light
                sums[1, event, place] += light * light
                sums[2, event, place] += weight
                sums[3, event, place] += weight * weight
    return sums[0], sums[1], sums[2], sums[3]


@compiled
def _share(
    frames: Frames, first: int, last: int, start: int, entries: Entries, sums: Floats
) -> None:
    """Add entries of `ABREAST` frames to sums, shape (slot, frame), or of one, with the same bits.

    The frames begin at pixel `start`.
    """
    _, places, slots, weights = entries
    if len(frames) < ABREAST:
        frame, total = frames[0], sums.reshape(sums.size)
        for entry in range(first, last):
            total[slots[entry]] += np.float64(weights[entry]) * frame[places[entry] - start]
        return
    one, two, three, four = frames[0], frames[1], frames[2], frames[3]
    for entry in range(first, last):
        pixel, slot = places[entry] - start, slots[entry]
        weight = np.float64(weights[entry])
        # All is read before anything is written: the compiler then adds for four frames at once.
        at_one = sums[slot, 0] + weight * one[pixel]
        at_two = sums[slot, 1] + weight * two[pixel]
        at_three = sums[slot, 2] + weight * three[pixel]
        at_four = sums[slot, 3] + weight * four[pixel]
        sums[slot, 0], sums[slot, 1] = at_one, at_two
        sums[slot, 2], sums[slot, 3] = at_three, at_four
