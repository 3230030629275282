"""Pulses of a waveform by a constant-fraction discriminator: found wherever, whatever their height.

D. A. Gedcke and W. J. McDonald, Nucl. Instrum. Methods 55, 377 (1967): a pulse minus a delayed
fraction of itself crosses zero at a time that does not depend on its height.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from workbench.core.arrays import Floats, Frames, Ints
from workbench.core.errors import InputError
from workbench.core.frames import MISSING_INTEGER, FrameSpec, Output, Setting, Values
from workbench.reductions.base import Reduction, reductions
from workbench.reductions.compiled import compiled

SIGMAS = 3.0  # half the length of the smoothing, in its standard deviations


@reductions.register("hits")
@dataclass(frozen=True)
class Hits(Reduction):
    """Number and places of pulses in one channel.

    The waveform, less its median and divided by its largest excursion (and so turned to point up),
    is smoothed by a Gaussian. In each run of samples above `threshold` standard deviations, the sum
    of the smoothed waveform and `fraction` of it `offset` samples later must go from negative to
    positive just once; the pulse is at the last sample before.

    Parameters
    ----------
    smoothing
        Samples of the Gaussian, six standard deviations long; 1 does not smooth.
    offset
        Delay of the inverted copy [sample].
    fraction
        Factor of the inverted copy, below 0.
    threshold
        In standard deviations of the waveform.
    most
        Pulses stored; their number counts all.

    Raises
    ------
    InputError
        For a count below 1, or a fraction that is not below 0.
    """

    smoothing: int = 35
    offset: int = 25
    fraction: float = -0.75
    threshold: float = 4.0
    most: int = 100

    def __post_init__(self) -> None:
        if min(self.smoothing, self.offset, self.most) < 1 or self.fraction >= 0:
            raise InputError(
                "smoothing, offset and the number of hits must be 1 or more, the fraction below 0"
            )

    def outputs(self, spec: FrameSpec) -> tuple[Output, ...]:
        """Declare number and places.

        Raises
        ------
        InputError
            For frames that are not one channel of enough samples.
        """
        if len(spec.shape) != 1 or spec.shape[0] <= max(self.offset, self.smoothing):
            raise InputError(
                f"hits are found in one channel of more than {max(self.offset, self.smoothing)} "
                f"samples, not in frames of shape {spec.shape}"
            )
        text = "sample before the crossing; zeros behind the last"
        return (
            Output("nHits", "1", (), "int64", "pulses found"),
            Output("hitIndices", "1", (self.most,), "int64", text),
        )

    def settings(self, spec: FrameSpec) -> Mapping[str, Setting]:  # noqa: ARG002 - as all
        """Return the numbers of the discriminator."""
        return {
            "convFilterLength": Setting(self.smoothing, "1", "samples of the smoothing"),
            "CFDOffset": Setting(self.offset, "1", "delay of the inverted copy, in samples"),
            "inverseMultiplier": Setting(self.fraction, "1", "factor of the inverted copy"),
            "threshold": Setting(self.threshold, "1", "in standard deviations of the waveform"),
            "nmax_hits": Setting(self.most, "1", "pulses stored of each event"),
        }

    def reduce_region(self, pixels: Frames, spec: FrameSpec) -> Values:
        """Return both, shape (event, ...); bad and NaN samples count as the median.

        Both are -99999, missing, in events without any other sample.
        """
        number = np.zeros(len(pixels), np.int64)
        places = np.zeros((len(pixels), self.most), np.int64)
        steps = np.linspace(-SIGMAS, SIGMAS, self.smoothing + 2)[1:-1]
        weights = np.exp(-(steps**2) / 2)
        weights /= weights.sum()
        for event, given in enumerate(pixels.astype(np.float64)):
            good = spec.good & ~np.isnan(given)
            if not good.any():
                number[event] = places[event] = MISSING_INTEGER
                continue
            wave = np.where(good, given - np.median(given[good]), 0.0)
            largest = wave.max() if wave.max() > -wave.min() else wave.min()
            if largest == 0:
                continue
            wave = wave / largest
            high = wave > self.threshold * wave.std()
            smooth = np.convolve(wave, weights, mode="same")
            compared = smooth[: -self.offset] + self.fraction * smooth[self.offset :]
            shift = round(self.offset * (1 + self.fraction))
            found = _crossings(compared, np.flatnonzero(high), shift)
            number[event] = len(found)
            places[event, : len(found)] = found[: self.most]
        return {"nHits": number, "hitIndices": places}


@compiled
def _crossings(compared: Floats, high: Ints, shift: int) -> Ints:
    """Return where each run of the samples `high` crosses zero upwards, once and not elsewhere."""
    found, count, start = np.empty(len(high), np.int64), 0, 0
    for place in range(len(high)):
        if place + 1 < len(high) and high[place + 1] == high[place] + 1:
            continue
        first, last = high[start] - shift, high[place] - shift
        start = place + 1
        if first < 0 or last >= len(compared) or first == last:
            continue
        low = first
        while low <= last and compared[low] < 0:
            low += 1
        top = last
        while top >= first and compared[top] > 0:
            top -= 1
        if first < low <= last and top + 1 == low:
            found[count] = top + shift
            count += 1
    return found[:count]
