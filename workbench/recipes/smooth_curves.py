"""Curves that noisy points allow around a fitted shape, for numbers that hold for other shapes too.

A curve is a sum of terms and of a deviation from them, which is a Gaussian process. The terms are
the fitted shape and its changes with the fitted numbers. Their factors are integrated out, and how
large the deviation is and how far it remembers itself are averaged over, each with the likelihood
of the points: C. E. Rasmussen and C. K. I. Williams, *Gaussian Processes for Machine Learning*, MIT
Press 2006, chapter 5 and section 2.7. Where the shape describes the points, curves are as sure as
the fit; where it does not, they follow the points, and are unsure between them.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.interpolate import CubicSpline
from scipy.linalg import cho_solve, cholesky

from workbench.core.arrays import Array, Floats

FINE = 6  # places per step between points, of few points, at which curves are drawn
FINEST = 10  # places between those, which a curve reaches smoothly
MOST = 300  # points, and places between them; more points are averaged in groups
LENGTHS = 5  # correlation lengths of the deviation that are tried
LONGEST = 0.5  # of them: of the whole profile
DEVIATIONS = (0.0, 0.003, 0.01, 0.03, 0.1, 0.3)  # standard deviations that are tried: of the size
RARE = 1e-6  # chance below which a process adds nothing to the mean of all curves
TINY = 1e-8  # of the variance: without it rounding makes the matrix of close places singular

Terms = Callable[[Floats], Array]


@dataclass(frozen=True)
class _Process:
    """Deviations of one length and variance, and what the points then say of the terms.

    `root` and `factors_root` are the lower triangular roots of the covariance of the points and of
    the factors, `likelihood` is a logarithm.
    """

    length: float
    variance: float
    root: Array
    factors: Floats
    factors_root: Array
    likelihood: float


def curves_through(
    points: tuple[Floats, Floats, Floats], terms: Terms, shortest: float, size: float, draws: int
) -> tuple[Floats, Array]:
    """Return positions, and curves at them: the mean of all that the points allow, then some.

    Shapes (position,) and (1 + draw, position). The same points give the same curves.

    Parameters
    ----------
    points
        Position, value and standard error of each, shape (point,); positions rise.
    terms
        Gives the terms at positions, shape (position, term); the points tell them apart.
    shortest
        Length below which a deviation does not change.
    size
        Height of the shape, of which deviations are a part.
    draws
        How many curves besides the mean.
    """
    x, y, error = _grouped(*points)
    fine = _divided(x, min(FINE, MOST // len(x)))
    known, wanted = terms(x), terms(fine)
    longest = max(shortest, LONGEST * float(np.ptp(x)))
    processes = [
        _process((x, y, error), known, float(length), (share * size) ** 2)
        for length in np.geomspace(shortest, longest, LENGTHS)
        for share in DEVIATIONS
    ]
    likelihood = np.array([one.likelihood for one in processes])
    chances = np.exp(likelihood - likelihood.max())
    chances /= chances.sum()
    random = np.random.default_rng(1)
    counts = random.multinomial(draws, chances)
    mean, curves = np.zeros(len(fine)), [np.empty((0, len(fine)))]
    for one in np.flatnonzero((counts > 0) | (chances > RARE)):
        process, number = processes[one], int(counts[one])
        across = process.variance * _kernel(x, fine, process.length)
        weights = cho_solve((process.root, True), across)
        by_terms = wanted.T - known.T @ weights
        mean += chances[one] * (y @ weights + process.factors @ by_terms)
        if number:
            normal = random.standard_normal((number, known.shape[1]))
            factors = process.factors + normal @ process.factors_root.T
            hidden = process.variance * _kernel(fine, fine, process.length) - across.T @ weights
            noise = random.standard_normal((number, len(fine))) @ _root(hidden, process.variance).T
            curves.append(y @ weights + factors @ by_terms + noise)
    finest = _divided(fine, FINEST)
    return finest, CubicSpline(fine, np.vstack([mean, *curves]), axis=1)(finest)


def _divided(x: Floats, parts: int) -> Floats:
    """Return positions with those that divide each distance between them into equal parts."""
    steps = np.arange((len(x) - 1) * parts + 1) / parts
    return np.asarray(np.interp(steps, np.arange(len(x)), x))


def _grouped(x: Floats, y: Floats, error: Floats) -> tuple[Floats, Floats, Floats]:
    """Return weighted means of neighbours where there are more than `MOST` points."""
    group = np.arange(len(x)) // -(-len(x) // MOST)
    weight = error**-2
    total = np.bincount(group, weight)
    places, values = (np.bincount(group, weight * one) / total for one in (x, y))
    return places, values, np.asarray(total**-0.5)


def _process(
    points: tuple[Floats, Floats, Floats], known: Array, length: float, variance: float
) -> _Process:
    """Return a process with its likelihood, the factors of the terms integrated out."""
    x, y, error = points
    root = cholesky(variance * _kernel(x, x, length) + np.diag(error**2), lower=True)
    weighted = cho_solve((root, True), known)
    precision = known.T @ weighted
    covariance = np.linalg.inv(precision)
    factors = covariance @ (weighted.T @ y)
    left = y - known @ factors
    misfit = float(left @ cho_solve((root, True), left)) / 2
    size = float(np.log(np.diag(root)).sum()) + float(np.linalg.slogdet(precision)[1]) / 2
    return _Process(length, variance, root, factors, _root(covariance, 0.0), -misfit - size)


def _kernel(first: Floats, second: Floats, length: float) -> Array:
    """Return Matern's kernel of order 5/2 between positions: curves with a curvature everywhere."""
    far = np.sqrt(5) * np.abs(first[:, None] - second) / length
    return np.asarray((1 + far + far**2 / 3) * np.exp(-far))


def _root(covariance: Array, variance: float) -> Array:
    """Return the lower triangular root of a covariance; 0 of a process that does not vary."""
    if not covariance.any():
        return covariance
    return np.asarray(cholesky(covariance + TINY * variance * np.eye(len(covariance)), lower=True))
