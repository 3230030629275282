"""The compiled loop that adds frames to the sums of their bins."""

from workbench.core.arrays import Floats, Frames, Ints
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
