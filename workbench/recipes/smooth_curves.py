"""Curves that noisy points allow: drawn from a Gaussian process, for numbers that no fit gives.

A curve is taken for a level plus a Gaussian process; how far it remembers itself, how much it
varies and how smooth it is are averaged over, each with the likelihood of the points. What noise
hides and what the curve may do between points are so in the spread of the drawn curves: C. E.
Rasmussen and C. K. I. Williams, *Gaussian Processes for Machine Learning*, MIT Press 2006,
chapters 2 and 5; the level is integrated out as in their section 2.7.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.linalg import solve_triangular

from workbench.core.arrays import Floats

FINE = 6  # places per step between points, of few points
MOST = 300  # points, and places between them; more points are averaged in groups
LENGTHS = 14  # correlation lengths that are tried
SHORTEST, LONGEST = 0.4, 0.5  # of them: of a step, of the whole profile
VARIANCES = (0.3, 1.0, 3.0, 10.0)  # of that of the points
RARE = 1e-6  # chance below which a process adds nothing to the mean of all curves
TINY = 1e-10  # of the variance: points without noise would make the matrix singular

Kernel = Callable[[Floats], Floats]


@dataclass(frozen=True)
class _Process:
    """A kernel, its correlation length and variance, and the level around which it varies."""

    kernel: Kernel
    length: float
    variance: float
    level: float

    def between(self, first: Floats, second: Floats) -> Floats:
        """Return the covariance of the curve at two lists of positions."""
        away = np.abs(first[:, None] - second) / self.length
        return np.asarray(self.variance * self.kernel(away))


def curves_through(
    x: Floats, y: Floats, error: Floats, *, draws: int = 0
) -> tuple[Floats, Floats, Floats]:
    """Return positions, the mean of all curves that the points allow, and some of these curves.

    Shapes (position,), (position,) and (draw, position).

    Parameters
    ----------
    x, y, error
        Position, value and standard error of each point, shape (point,); x rises.
    draws
        How many curves; the same points give the same curves.

    """
    x, y, error = _grouped(x, y, error)
    per = min(FINE, MOST // len(x))
    fine = np.interp(np.arange((len(x) - 1) * per + 1) / per, np.arange(len(x)), x)
    processes, chances = _processes(x, y, error)
    random = np.random.default_rng(1)
    counts = random.multinomial(draws, chances)
    mean, curves = np.zeros(len(fine)), [np.empty((0, len(fine)))]
    used = (counts > 0) | (chances > RARE)
    for one in np.flatnonzero(used):
        given, known = _given(processes[one], (x, y, error), fine)
        mean += chances[one] * given
        if counts[one]:
            normal = random.standard_normal((counts[one], len(fine)))
            curves.append(given + normal @ _spread(processes[one], fine, known).T)
    return fine, mean / chances[used].sum(), np.vstack(curves)


def _grouped(x: Floats, y: Floats, error: Floats) -> tuple[Floats, Floats, Floats]:
    """Return weighted means of neighbours where there are more than `MOST` points."""
    group = np.arange(len(x)) // -(-len(x) // MOST)
    weight = error**-2
    total = np.bincount(group, weight)
    places, values = (np.bincount(group, weight * one) / total for one in (x, y))
    return places, values, np.asarray(total**-0.5)


def _processes(x: Floats, y: Floats, error: Floats) -> tuple[list[_Process], Floats]:
    """Return processes and the chance of each, by the likelihood of the points."""
    away = np.abs(x[:, None] - x)
    lengths = np.geomspace(SHORTEST * np.median(np.diff(x)), LONGEST * np.ptp(x), LENGTHS)
    found, likelihood = [], []
    for kernel in (_once, _twice, _always):
        for length in lengths:
            size, axes = np.linalg.eigh(kernel(away / length) / np.outer(error, error))
            values, ones = axes.T @ (y / error), axes.T @ (1 / error)
            for share in VARIANCES:
                variance = share * float(y.var())
                weight = 1 / (variance * np.maximum(size, 0) + 1)
                total = float((weight * ones**2).sum())
                level = float((weight * ones * values).sum()) / total
                misfit = float((weight * (values - level * ones) ** 2).sum())
                likelihood.append((np.log(weight).sum() - np.log(total) - misfit) / 2)
                found.append(_Process(kernel, float(length), variance, level))
    chances = np.exp(np.array(likelihood) - max(likelihood))
    return found, chances / chances.sum()


def _given(
    process: _Process, points: tuple[Floats, Floats, Floats], fine: Floats
) -> tuple[Floats, Floats]:
    """Return the mean of a process through the points, and what they take off its covariance.

    Shapes (position,) and (point, position): the covariance taken off is known.T @ known.
    """
    x, y, error = points
    root = np.linalg.cholesky(process.between(x, x) + np.diag(error**2 + TINY * process.variance))
    known = solve_triangular(root, process.between(x, fine), lower=True)
    mean = process.level + known.T @ solve_triangular(root, y - process.level, lower=True)
    return np.asarray(mean), np.asarray(known)


def _spread(process: _Process, fine: Floats, known: Floats) -> Floats:
    """Return what turns standard normal numbers into deviations from the mean of a process."""
    size, axes = np.linalg.eigh(process.between(fine, fine) - known.T @ known)
    return np.asarray(axes * np.sqrt(np.maximum(size, 0)))


def _once(away: Floats) -> Floats:
    """Matern's kernel of order 3/2: curves with a slope everywhere, and kinks in the slope."""
    far = np.sqrt(3) * away
    return np.asarray((1 + far) * np.exp(-far))


def _twice(away: Floats) -> Floats:
    """Matern's kernel of order 5/2: curves with a curvature everywhere."""
    far = np.sqrt(5) * away
    return np.asarray((1 + far + far**2 / 3) * np.exp(-far))


def _always(away: Floats) -> Floats:
    """Gaussian kernel: curves as smooth as a Gaussian beam."""
    return np.asarray(np.exp(-(away**2) / 2))
