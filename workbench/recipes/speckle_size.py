"""Speckles that reach from one patch of pixels into the next: by how much errors grow for it.

Errors of g2 come from patches left out, as if patches knew nothing of each other. What a pixel adds
to g2 at long lags, dI(t) dI(t'), is shared with a pixel beside it by r(d)², r the correlation of
their intensities. The variance of the sum over all pixels is thus larger than that from patches by
the sum of r² over all pairs of pixels over that over pairs within patches.
"""

import numpy as np
from scipy import fft

from workbench.core.arrays import Floats, Ints

SEEN = 0.1  # correlation of two pixels, below which it is noise
CLEAR = 5.0  # standard deviations of noise, that a correlation must exceed
NORMAL = 0.6745  # median of the absolute value of a normal deviate
STACK = 64  # frames at a time


def stretch_of(values: Floats, index: Ints, place: Ints, patch: Ints) -> float:
    """Return the factor on errors from patches, at least 1.

    Intensities are compared between a frame and the next one, where counting noise shares nothing.
    1 where the pattern is another one in each frame: then nothing is seen of its size.

    Parameters
    ----------
    values
        Shape (frame, pixel).
    index
        Place of each frame on an even grid of times, shape (frame,).
    place
        Row and column of each pixel, shape (2, pixel).
    patch
        Patch of each pixel, shape (pixel,).
    """
    next_ones = np.flatnonzero(np.diff(index) == 1)
    mean, total = values.mean(axis=1), values.mean(axis=0)
    if len(next_ones) < 2 or not (mean[next_ones] * mean[next_ones + 1] > 0).all():
        next_ones = next_ones[(mean[next_ones] > 0) & (mean[next_ones + 1] > 0)]
    if len(next_ones) < 2 or not total.mean() > 0:
        return 1.0
    away = values / np.where(mean > 0, mean, np.inf)[:, None] - total / total.mean()
    shape = tuple(int(2 * place[axis].max() + 2) for axis in (0, 1))
    shared = np.zeros(shape)
    for begin in range(0, len(next_ones), STACK):
        some = next_ones[begin : begin + STACK]
        first, second = (_spectra(away[frames], place, shape) for frames in (some, some + 1))
        shared += fft.irfft2((first.conj() * second).sum(axis=0).real, shape)
    ones = np.ones(place.shape[1])
    pairs = _pairs(ones[None], place, shape)
    same = _pairs((patch == np.arange(patch.max() + 1)[:, None]).astype(float), place, shape)
    own = (away[next_ones] * away[next_ones + 1]).mean(axis=1)
    if not own.mean() > CLEAR * own.std() / np.sqrt(len(own)):
        return 1.0
    alike = np.where(pairs > 0.5, shared / np.maximum(pairs, 1), 0.0)
    alike /= alike[0, 0]
    # Most distances lie farther than a speckle: what is seen there is noise.
    noise = np.median(np.abs(alike[pairs > 0.5]) * np.sqrt(pairs[pairs > 0.5])) / NORMAL
    seen = alike * np.sqrt(np.maximum(pairs, 1)) > CLEAR * noise
    weight = np.where(seen & (alike > SEEN), alike, 0.0) ** 2
    return float(max(1.0, np.sqrt((weight * pairs).sum() / (weight * same).sum())))


def _spectra(values: Floats, place: Ints, shape: tuple[int, ...]) -> Floats:
    pictures = np.zeros((len(values), *shape))
    pictures[:, place[0], place[1]] = values
    return np.asarray(fft.rfft2(pictures, axes=(1, 2)))


def _pairs(members: Floats, place: Ints, shape: tuple[int, ...]) -> Floats:
    """Return the pairs of pixels at each distance, of those that belong together."""
    power = (np.abs(_spectra(members, place, shape)) ** 2).sum(axis=0)
    return np.asarray(np.rint(fft.irfft2(power, shape)))
