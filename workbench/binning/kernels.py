"""Compiled loops that add frames to the sums of their bins, and of blocks of time in them."""

import math

import numpy as np

from workbench.core.arrays import Bools, Floats, Frames, Ints
from workbench.reductions.compiled import compiled

BLOCK = 2048  # pixels whose sums stay in the fastest memory while all frames pass


@compiled
def add_frames(
    frames: Frames,
    numbers: Ints,
    norm: Floats,
    provisional: Floats,
    d: Floats,
    dd: Floats,
    di: Floats,
) -> None:
    """Add D = S - R0 I, D² and D I of frames (event, pixel) to sums (bin, pixel); skip NaN.

    Events of one pixel are added in their order: any split of the events gives the same bits.
    """
    for first in range(0, frames.shape[1], BLOCK):
        last = min(first + BLOCK, frames.shape[1])
        for event in range(frames.shape[0]):
            number, weight = numbers[event], norm[event]
            for pixel in range(first, last):
                value = frames[event, pixel] - provisional[pixel] * weight
                if value == value:  # not NaN
                    d[number, pixel] += value
                    dd[number, pixel] += value * value
                    di[number, pixel] += value * weight


@compiled
def add_blocks(
    frames: Frames,
    numbers: Ints,
    closes: Bools,
    norm: Floats,
    provisional: Floats,
    sums: Floats,
) -> None:
    """Add D = S - R0 I and I of frames (event, pixel) to the open block of their bin; skip NaN.

    `sums` (6, bin, pixel) holds ΣD and ΣI of the open blocks; of those before them ΣD², ΣDI, ΣI²
    and how many there were. `closes` tells events with which a new block of their bin begins.
    """
    for first in range(0, frames.shape[1], BLOCK):
        last = min(first + BLOCK, frames.shape[1])
        for event in range(frames.shape[0]):
            number, weight = numbers[event], norm[event]
            if closes[event]:
                for pixel in range(first, last):
                    d, i = sums[0, number, pixel], sums[1, number, pixel]
                    if i != 0:
                        sums[2, number, pixel] += d * d
                        sums[3, number, pixel] += d * i
                        sums[4, number, pixel] += i * i
                        sums[5, number, pixel] += 1
                        sums[0, number, pixel] = 0
                        sums[1, number, pixel] = 0
            for pixel in range(first, last):
                value = frames[event, pixel] - provisional[pixel] * weight
                if value == value:  # not NaN
                    sums[0, number, pixel] += value
                    sums[1, number, pixel] += weight


@compiled
def add_deviations(
    frames: Frames, numbers: Ints, norm: Floats, ratio: Floats, total: Floats, opened: Floats
) -> None:
    """Add (S - R I) / ΣI of frames (event, pixel) to their bins (bin, pixel), NaN until then.

    Events with bin -1 are left out, and pixels that are NaN.
    """
    for event in range(frames.shape[0]):
        number, weight = numbers[event], norm[event]
        if number < 0:
            continue
        for pixel in range(frames.shape[1]):
            value = (frames[event, pixel] - ratio[number, pixel] * weight) / total[number, pixel]
            if value == value:
                before = opened[number, pixel]
                opened[number, pixel] = value if before != before else before + value


@compiled
def add_shares(
    frames: Frames,
    first: Ints,
    last: Ints,
    numbers: Ints,
    weights: Floats,
    norm: Floats,
    ratio: Floats,
    total: Floats,
    opened: Floats,
    crossed: Floats,
) -> None:
    """Add w (S - R I) / ΣwI of frames (event, pixel) to every bin that refers to them.

    `first` and `last` tell which of the entries `numbers` (bin) and `weights` are an event's. To
    `crossed` (bin, pixel) goes the product of the event's share in a bin and in all others.
    """
    pixels = frames.shape[1]
    for event in range(frames.shape[0]):
        whole = np.zeros(pixels)
        for entry in range(first[event], last[event]):
            number, weight = numbers[entry], weights[entry]
            for pixel in range(pixels):
                deviation = frames[event, pixel] - ratio[number, pixel] * norm[event]
                whole[pixel] += weight * deviation / total[number, pixel]
        for entry in range(first[event], last[event]):
            number, weight = numbers[entry], weights[entry]
            for pixel in range(pixels):
                deviation = frames[event, pixel] - ratio[number, pixel] * norm[event]
                share = weight * deviation / total[number, pixel]
                if share == share:
                    before = opened[number, pixel]
                    opened[number, pixel] = share if before != before else before + share
                    crossed[number, pixel] += share * (whole[pixel] - share)


@compiled
def close_blocks(lit: Floats, unlit: Floats, of_on: Floats, of_off: Floats) -> None:
    """Add squares and products of the open block to the sums, and begin the next one.

    Parameters
    ----------
    lit, unlit
        Deviations u (bin, pixel) and v, whose first axis is 1 long where all bins share it.
    of_on, of_off
        Σu², Σuv and number of blocks (3, bin, pixel); Σv² and number (2, bin, pixel).
    """
    shared = unlit.shape[0] != lit.shape[0]
    for number in range(lit.shape[0]):
        other = 0 if shared else number
        for pixel in range(lit.shape[1]):
            u = lit[number, pixel]
            if u == u:
                v = unlit[other, pixel]
                of_on[0, number, pixel] += u * u
                of_on[1, number, pixel] += u * v if v == v else 0.0
                of_on[2, number, pixel] += 1
                lit[number, pixel] = math.nan
    for number in range(unlit.shape[0]):
        for pixel in range(unlit.shape[1]):
            v = unlit[number, pixel]
            if v == v:
                of_off[0, number, pixel] += v * v
                of_off[1, number, pixel] += 1
                unlit[number, pixel] = math.nan
