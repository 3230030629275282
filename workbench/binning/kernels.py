"""Compiled loops that add frames to the sums of their bins, and of blocks of time in them."""

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
