"""Dark frames to pedestal, noise and usable pixels, for each gain range that the frames show.

Mean and standard deviation per pixel from sums of readings minus a first guess, which keeps them
exact in double precision (shifted data, Chan, Golub, LeVeque, Am. Stat. 37, 242 (1983)).
"""

from dataclasses import dataclass

import numpy as np

from workbench.core.arrays import Array, Bools, Floats, Ints
from workbench.core.errors import InputError
from workbench.reductions.ranges import GainBits
from workbench.regions.masks import propose

FEWEST = 10  # frames of a gain range in a pixel, for a mean and a standard deviation


@dataclass(frozen=True, eq=False)
class DarkSums:
    """Sums over dark frames, one set per gain range; the frames are (event, *frame).

    Parameters
    ----------
    count, total, square
        Readings, their sum and sum of squares, less `guess` [ADU], shape (range, *frame).
    guess
        Subtracted from every reading [ADU], shape (range, *frame).
    """

    count: Ints
    total: Floats
    square: Floats
    guess: Floats


@dataclass(frozen=True, eq=False)
class Darks:
    """What dark frames tell.

    Parameters
    ----------
    pedestal, noise
        Mean and standard deviation [ADU], shape (range, *frame); NaN in too few frames.
    count
        Readings behind each, shape (range, *frame).
    good
        True = use, shape of a frame: judged in every range that most pixels have shown.
    reasons
        Reason -> number of pixels that it takes out.
    """

    pedestal: Floats
    noise: Floats
    count: Ints
    good: Bools
    reasons: dict[str, int]

    @property
    def seen(self) -> tuple[int, ...]:
        """Gain ranges that most pixels have shown often enough."""
        enough = (self.count >= FEWEST).reshape(len(self.count), -1).mean(axis=1)
        return tuple(int(place) for place in np.flatnonzero(enough > 0.5))


def start(shape: tuple[int, ...], bits: GainBits) -> DarkSums:
    """Return empty sums for frames of a shape."""
    whole = (bits.n_ranges, *shape)
    zeros = np.zeros(whole)
    return DarkSums(np.zeros(whole, np.int64), zeros, zeros.copy(), zeros.copy())


def add(sums: DarkSums, frames: Array, bits: GainBits) -> DarkSums:
    """Return the sums with more frames, shape (event, *frame); those given stay as they are."""
    count, total, square = sums.count.copy(), sums.total.copy(), sums.square.copy()
    guess = sums.guess.copy()
    readings, place = bits.split(frames)
    for number in range(bits.n_ranges):
        here = place == number
        first = (count[number] == 0) & here.any(axis=0)
        earliest = np.take_along_axis(readings, here.argmax(axis=0)[np.newaxis], axis=0)[0]
        guess[number][first] = earliest[first]
        away = np.where(here, readings - guess[number], 0.0)
        count[number] += here.sum(axis=0)
        total[number] += away.sum(axis=0)
        square[number] += (away**2).sum(axis=0)
    return DarkSums(count, total, square, guess)


def finish(sums: DarkSums, *, sigmas: float) -> Darks:
    """Return pedestal, noise and usable pixels.

    Parameters
    ----------
    sigmas
        Pixels whose level or noise is further than this from the median of their tile are bad.

    Raises `InputError` where no gain range was seen often enough.
    """
    enough = sums.count >= FEWEST
    number = np.where(enough, sums.count, 2)
    mean = sums.total / number
    spread = np.sqrt(np.maximum(sums.square - number * mean**2, 0) / (number - 1))
    pedestal = np.where(enough, sums.guess + mean, np.nan)
    noise = np.where(enough, spread, np.nan)
    darks = Darks(pedestal, noise, sums.count, np.ones(pedestal.shape[1:], np.bool_), {})
    if not darks.seen:
        raise InputError(
            f"at most {int(sums.count.max(initial=0))} dark frames in a pixel: a pedestal needs "
            f"{FEWEST}; give a longer dark run"
        )
    good, reasons = darks.good, dict[str, int]()
    for place in darks.seen:
        proposal = propose(pedestal[place], noise[place], sigmas=sigmas)
        good = good & proposal.good
        for reason, lost in proposal.counts().items():
            reasons[reason] = reasons.get(reason, 0) + lost
    return Darks(pedestal, noise, sums.count, good, reasons)
