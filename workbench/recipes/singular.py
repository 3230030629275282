"""Singular value decomposition of dS(q, t): how many components stand out of the noise."""

from dataclasses import dataclass

import numpy as np

from workbench.core.arrays import Floats
from workbench.core.errors import InputError
from workbench.core.table import Table
from workbench.recipes.difference import Difference

DRAWS = 200  # matrices of noise alone, to tell how large a singular value it makes
SURE = 0.99  # part of them that a significant singular value exceeds
SHOWN = 6  # components kept at most
SEED = 2026


@dataclass(frozen=True)
class Components:
    """Components of difference curves: dS(t, q) = sum of courses(t) times curves(q).

    Each number is divided by its error before the decomposition, as far as errors are a product of
    one factor per delay and one per q; so no noisy q passes for a component.

    Parameters
    ----------
    values
        Singular values, in units of the noise of one number, shape (component,).
    noise
        What the largest singular value of noise alone stays below in 99 of 100 cases.
    significant
        How many leading ones exceed that.
    courses
        Shape (component, delay), 1 at its largest.
    curves
        Shape (component, q), in the unit of the difference; NaN at a q without values.
    smooth
        Correlation of each course with itself one bin later: near 1 for kinetics, near 0 for noise,
        shape (component,).
    delay, q
        [ps], [1/angstrom].
    unit
        Of the curves.
    """

    values: Floats
    noise: float
    significant: int
    courses: Floats
    curves: Floats
    smooth: Floats
    delay: Floats
    q: Floats
    unit: str

    @property
    def table(self) -> Table:
        """Each component: its value, that of noise, its smoothness, whether it stands out."""
        rows = tuple(
            (number + 1, float(value), self.noise, float(smooth), number < self.significant)
            for number, (value, smooth) in enumerate(zip(self.values, self.smooth, strict=True))
        )
        columns = ("component", "singular value", "of noise, below", "smoothness", "significant")
        return Table(columns, rows, f"{self.significant} components stand out of the noise")

    def __str__(self) -> str:
        return str(self.table)

    def _repr_html_(self) -> str:
        return self.table._repr_html_()


def components(difference: Difference, *, draws: int = DRAWS) -> Components:
    """Decompose difference curves, and compare the singular values with those of noise alone.

    The noise has the stated errors: independent ones bin by bin, and those of the laser-off shots
    that bins share, which make a component that is the same at all delays where they share all.

    Raises
    ------
    InputError
        With fewer than two bins of delay, or no q with values.
    """
    good = difference.good
    if not good.any() or len(difference.delay) < 2:
        raise InputError(
            f"{len(difference.delay)} bins of delay and {int(good.sum())} of q hold values: too "
            "few for components; take finer bins of delay or loosen the cuts"
        )
    value, error = difference.value[:, good], difference.error[:, good]
    rows, cols = _factors(error)
    scale = np.outer(rows, cols)
    u, values, v = np.linalg.svd(value / scale, full_matrices=False)
    own, common = error / scale, difference.common[:, good] / scale
    rng = np.random.default_rng(SEED)
    size, axes = np.linalg.eigh(difference.overlap)
    mix = axes * np.sqrt(np.maximum(size, 0))
    noise = [
        np.linalg.norm(own * first + common * (mix @ second), 2)
        for first, second in rng.standard_normal((draws, 2, *own.shape))
    ]
    level = float(np.quantile(noise, SURE))
    kept = min(SHOWN, len(values))
    courses = (u * rows[:, None]).T[:kept]
    peak = np.take_along_axis(courses, np.abs(courses).argmax(axis=1)[:, None], axis=1)
    curves = np.full((kept, len(difference.q)), np.nan)
    curves[:, good] = (values[:kept, None] * v[:kept] * cols) * peak
    return Components(
        values=values[:kept],
        noise=level,
        significant=int(np.argmin(np.append(values[:kept] > level, False))),
        courses=courses / peak,
        curves=curves,
        smooth=np.array([_smoothness(course) for course in u.T[:kept]]),
        delay=difference.delay,
        q=difference.q,
        unit=difference.unit,
    )


def _factors(error: Floats) -> tuple[Floats, Floats]:
    """Return the best product of one factor per delay and one per q, by logarithms."""
    logs = np.log(error)
    cols = logs.mean(axis=0)
    return np.exp(logs.mean(axis=1) - cols.mean()), np.exp(cols)


def _smoothness(course: Floats) -> float:
    """Return the part of a course's square that is the same one bin later."""
    return float((course[1:] * course[:-1]).sum() / (course**2).sum())
