"""Dark frames to pedestal, noise and usable pixels, for each gain range that the frames show.

Mean and standard deviation per pixel from sums of readings less their first one, which keeps the
differences small (shifted data; Chan, Golub, LeVeque, Am. Stat. 37, 242 (1983)).
"""

from dataclasses import dataclass

import numpy as np

from workbench.core.arrays import Array, Bools, Floats, Ints
from workbench.core.errors import InputError
from workbench.reductions import kernels
from workbench.reductions.ranges import GainBits
from workbench.regions.masks import propose

FEWEST = 10  # frames of a gain range in a pixel, for a mean and a standard deviation


@dataclass(frozen=True, eq=False)
class Darks:
    """What dark frames tell.

    Parameters
    ----------
    pedestal, noise
        Mean and standard deviation [ADU], shape (range, *frame); NaN where there were too few.
    count
        Readings behind each, shape (range, *frame).
    good
        True = use, shape of a frame: judged in every gain range that most pixels have shown.
    reasons
        Reason -> how many pixels it takes out.
    """

    pedestal: Floats
    noise: Floats
    count: Ints
    good: Bools
    reasons: dict[str, int]


class DarkSums:
    """Sums over dark frames, added stack by stack.

    Parameters
    ----------
    shape
        Of a frame.
    bits
        How raw values tell the gain range.
    """

    def __init__(self, shape: tuple[int, ...], bits: GainBits) -> None:
        self._shape, self._bits = shape, bits
        whole = (bits.n_ranges, int(np.prod(shape)))
        self._count = np.zeros(whole, np.int64)
        self._guess, self._total, self._square = (np.zeros(whole) for _ in range(3))

    def add(self, frames: Array) -> None:
        """Add raw frames, shape (event, *frame)."""
        kernels.add_darks(
            np.ascontiguousarray(frames).reshape(len(frames), -1),
            self._bits.bits,
            np.array(self._bits.ranges, np.int64),
            self._count,
            self._guess,
            self._total,
            self._square,
        )

    def finish(self, *, sigmas: float) -> Darks:
        """Return pedestal, noise and usable pixels.

        Parameters
        ----------
        sigmas
            Pixels whose level or noise is further than this from their tile's median are bad.

        Raises `InputError` where no gain range was seen often enough.
        """
        enough = self._count >= FEWEST
        number = np.where(enough, self._count, FEWEST)
        mean = self._total / number
        variance = np.maximum(self._square - number * mean**2, 0) / (number - 1)
        whole = (len(enough), *self._shape)
        pedestal = np.where(enough, self._guess + mean, np.nan).reshape(whole)
        noise = np.where(enough, np.sqrt(variance), np.nan).reshape(whole)
        seen = np.flatnonzero(enough.mean(axis=1) > 0.5)
        if not len(seen):
            raise InputError(
                f"at most {int(self._count.max(initial=0))} dark readings of a pixel: a pedestal "
                f"needs {FEWEST}; give a longer dark run"
            )
        proposals = [propose(pedestal[place], noise[place], sigmas=sigmas) for place in seen]
        for place in set(range(len(enough))) - set(seen.tolist()):
            pedestal[place], noise[place] = np.nan, np.nan
        reasons: dict[str, int] = {}
        for proposal in proposals:
            for reason, lost in proposal.counts().items():
                reasons[reason] = reasons.get(reason, 0) + lost
        good = np.logical_and.reduce([proposal.good for proposal in proposals])
        return Darks(pedestal, noise, self._count.reshape(whole), good, reasons)
