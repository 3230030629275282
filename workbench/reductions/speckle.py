"""Photon statistics of speckle: how often a pixel counts k photons, and the contrast behind it.

For M modes, P(k) = Γ(k + M) / (Γ(M) k!) (1 + M/kbar)^-k (1 + kbar/M)^-M, contrast beta = 1/M
(Li et al., J. Synchrotron Rad. 21, 1288 (2014)). Errors come from frames drawn with replacement,
not from pixels: pixels of one frame share the shot.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from math import prod
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike

from workbench.core.arrays import Array, Bools, Floats, Ints
from workbench.core.errors import InputError

Method = Literal["ratio", "likelihood"]
HIGHEST = 8  # photons counted apart; pixels with this many or more are counted together
SINGULAR = 0.02  # |kbar - 1| below which P1 and P2 hardly depend on the contrast
SUM_TOLERANCE = 1e-9  # by which P(k) may miss a sum of 1: rounding
RESAMPLED = 200  # bootstrap samples
FEWEST = 2  # frames
_GRID = np.linspace(0.0, 1.1, 441)  # square roots of the contrasts tried


class SpeckleError(InputError):
    """Photon counts that no statistics can be made of; the text says what is wrong."""


@dataclass(frozen=True)
class PhotonStatistics:
    """Pixels per number of photons, frame by frame, of one region.

    Parameters
    ----------
    pixels
        Pixels that counted 0, 1, 2, ... photons; the last column counts those with more, shape
        (frame, k).
    kbar
        Mean photons per pixel of each frame, shape (frame,).
    """

    pixels: Ints
    kbar: Floats

    def __len__(self) -> int:
        return len(self.kbar)

    @property
    def measured(self) -> Ints:
        """Good pixels of each frame, shape (frame,)."""
        return np.asarray(self.pixels.sum(axis=1))

    @property
    def probability(self) -> Floats:
        """P(k) of each frame, shape (frame, k); NaN for a frame without good pixels."""
        with np.errstate(invalid="ignore"):
            return np.asarray(self.pixels / self.measured[:, None])

    @property
    def pooled(self) -> Floats:
        """P(k) over all pixels of all frames, shape (k,)."""
        return np.asarray(self.pixels.sum(axis=0) / self.measured.sum())


@dataclass(frozen=True)
class Contrast:
    """Contrast of one region.

    Parameters
    ----------
    beta, error
        1 / M, and its standard error by bootstrap over frames; NaN where not determined.
    kbar
        Mean photons per pixel and frame.
    drift, drift_error
        By how much kbar of the second half of the frames exceeds that of the first, over kbar.
    frames
        Frames with good pixels.
    method
        "ratio" or "likelihood".
    note
        Why there is no number; empty where there is one.
    """

    beta: float
    error: float
    kbar: float
    drift: float
    drift_error: float
    frames: int
    method: Method
    note: str = ""


def photon_probability(highest: int, kbar: ArrayLike, modes: ArrayLike) -> Floats:
    """Return P(0) to P(`highest`) for mean `kbar` and M modes, shape (..., highest + 1).

    Infinitely many modes give the Poisson distribution.
    """
    mean, m = np.broadcast_arrays(np.asarray(kbar, np.float64), np.asarray(modes, np.float64))
    found = np.empty((*mean.shape, highest + 1))
    poisson = np.isinf(m)
    finite = np.where(poisson, 1.0, m)
    found[..., 0] = np.where(poisson, np.exp(-mean), np.exp(-finite * np.log1p(mean / finite)))
    for k in range(highest):
        more = np.where(poisson, 1.0, (finite + k) / (finite + mean))
        found[..., k + 1] = found[..., k] * more * mean / (k + 1)
    return found


def photon_statistics(
    photons: Array, good: Bools | None = None, *, highest: int = HIGHEST
) -> PhotonStatistics:
    """Count the pixels of each frame by their number of photons.

    Parameters
    ----------
    photons
        Whole photons per pixel, shape (frame, ...); NaN where a pixel was not measured.
    good
        Pixels to use, shape of one frame; by default all.
    highest
        Pixels with this many photons or more are counted together.
    """
    rows = np.asarray(photons)
    rows = rows.reshape(len(rows), prod(rows.shape[1:]))
    use = np.ones(rows.shape, np.bool_) if rows.dtype.kind != "f" else ~np.isnan(rows)
    if good is not None:
        use &= np.asarray(good).reshape(-1)
    counted = np.where(use, rows, 0)
    if (counted < 0).any() or (counted != np.floor(counted)).any():
        raise SpeckleError("photons per pixel must be whole numbers, not negative: convert first")
    measured = use.sum(axis=1)
    with np.errstate(invalid="ignore"):
        kbar = counted.sum(axis=1, dtype=np.float64) / measured
    bounded = np.minimum(counted, highest).astype(np.int64)
    place = bounded + np.arange(len(rows))[:, None] * (highest + 1)
    pixels = np.bincount(place[use], minlength=len(rows) * (highest + 1))
    return PhotonStatistics(pixels.reshape(len(rows), highest + 1), kbar)


def join(parts: Iterable[PhotonStatistics]) -> PhotonStatistics:
    """Return the statistics of several stacks of frames as one."""
    listed = list(parts)
    if not listed:
        return PhotonStatistics(np.zeros((0, HIGHEST + 1), np.int64), np.zeros(0))
    return PhotonStatistics(
        np.concatenate([part.pixels for part in listed]),
        np.concatenate([part.kbar for part in listed]),
    )


def check_probability(probability: ArrayLike, regions: Iterable[str]) -> None:
    """Refuse P(k) that do not add up to 1 in every region, naming those regions.

    Parameters
    ----------
    probability
        P(k) of each region with all k that occur, shape (region, k).
    regions
        Name of each region.
    """
    sums = np.asarray(probability, np.float64).sum(axis=-1)
    wrong = [
        f"{name}: {total:.6g}"
        for name, total in zip(regions, sums, strict=True)
        if not abs(total - 1) <= SUM_TOLERANCE
    ]
    if wrong:
        raise SpeckleError(
            f"P(k) does not add up to 1 ({', '.join(wrong)}): pixels were counted that are not in "
            "the region, or the highest k are left out"
        )


def contrast_of_ratio(p1: ArrayLike, p2: ArrayLike, kbar: ArrayLike) -> Floats:
    """Return beta = (2 P2 - kbar P1) / (kbar (P1 - 2 P2)); NaN near kbar = 1.

    There P2 / P1 is 1/2 whatever the contrast: the formula is 0 / 0.
    """
    one, two, mean = (np.asarray(x, dtype=np.float64) for x in (p1, p2, kbar))
    with np.errstate(invalid="ignore", divide="ignore"):
        beta = (2 * two - mean * one) / (mean * (one - 2 * two))
    return np.where(np.abs(mean - 1) < SINGULAR, np.nan, beta)


def contrast(
    statistics: PhotonStatistics,
    *,
    method: Method = "ratio",
    samples: int = RESAMPLED,
    seed: int = 0,
) -> Contrast:
    """Estimate the contrast over all frames, each with its own mean kbar.

    Parameters
    ----------
    statistics
        From `photon_statistics`, of one region.
    method
        "ratio": sum over frames of (2 P2 - kbar P1) over that of kbar (P1 - 2 P2), from pixels
        with one and two photons; not determined near kbar = 1. "likelihood": the beta for which
        the counts of all k are most likely; for any kbar.
    samples, seed
        Bootstrap samples of frames.
    """
    if method not in get_args(Method):
        raise SpeckleError(f"method {method!r}: use one of {', '.join(get_args(Method))}")
    there = (statistics.measured > 0) & (statistics.kbar > 0)
    used = PhotonStatistics(statistics.pixels[there], statistics.kbar[there])
    if len(used) < FEWEST:
        raise SpeckleError(f"{len(used)} frames hold photons: at least {FEWEST} are needed")
    drift, drift_error = _drift(used.kbar)
    kbar = float((used.kbar * used.measured).sum() / used.measured.sum())
    result = Contrast(np.nan, np.nan, kbar, drift, drift_error, len(used), method)
    if method == "ratio" and abs(kbar - 1) < SINGULAR:
        note = f"kbar {kbar:.3g} is too near 1: P1 and P2 do not tell the contrast"
        return replace(result, note=f"{note}; use method='likelihood'")
    draw = np.random.default_rng(seed)
    weights = draw.multinomial(len(used), np.full(len(used), 1 / len(used)), size=samples)
    weights = np.concatenate([np.ones((1, len(used)), weights.dtype), weights])
    betas = _by_ratio(used, weights) if method == "ratio" else _by_likelihood(used, weights)
    return replace(result, beta=float(betas[0]), error=float(betas[1:].std(ddof=1)))


def _by_ratio(used: PhotonStatistics, weights: Ints) -> Floats:
    """Return beta per sample, with kbar taken from the other pixels of the frame.

    kbar and P(k) of the same pixels are not independent: with kbar of all of them the contrast
    would be too low by about one over the photons in a frame.
    """
    one, two = used.pixels[:, 1], used.pixels[:, 2]
    photons, others = used.kbar * used.measured, np.maximum(used.measured - 1, 1)
    by_one, by_two = one * (photons - 1) / others, two * (photons - 2) / others
    above = weights @ (2 * two - by_one)
    below = weights @ (by_one - 2 * by_two)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(above / below)


def _by_likelihood(used: PhotonStatistics, weights: Ints) -> Floats:
    with np.errstate(divide="ignore"):
        modes = 1 / _GRID**2
    highest = used.pixels.shape[1] - 1
    per_frame = np.empty((len(used), len(_GRID)))
    for place, (pixels, kbar) in enumerate(zip(used.pixels, used.kbar, strict=True)):
        p = photon_probability(highest, kbar, modes)
        p[:, -1] = np.maximum(1 - p[:, :-1].sum(axis=1), 1e-300)  # that many photons or more
        per_frame[place] = np.log(np.maximum(p, 1e-300)) @ pixels
    total = weights @ per_frame
    best = np.clip(total.argmax(axis=1), 1, len(_GRID) - 2)
    rows = np.arange(len(total))
    left, middle, right = (total[rows, best + step] for step in (-1, 0, 1))
    curvature = left - 2 * middle + right
    shift = np.where(curvature < 0, 0.5 * (left - right) / np.minimum(curvature, -1e-300), 0.0)
    root = _GRID[best] + np.clip(shift, -1, 1) * (_GRID[1] - _GRID[0])
    return np.asarray(root**2)


def _drift(kbar: Floats) -> tuple[float, float]:
    first, second = np.array_split(kbar, 2)
    if min(len(first), len(second)) < FEWEST:
        return np.nan, np.nan
    errors = (half.std(ddof=1) / np.sqrt(len(half)) for half in (first, second))
    change = float(second.mean() - first.mean())
    return change / float(kbar.mean()), float(np.hypot(*errors)) / float(kbar.mean())
