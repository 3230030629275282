"""Change points of a series with errors: where its level jumps.

Binary segmentation: the step with the largest significance splits the series, then each part is
searched in turn, until no step is left beyond the threshold. For a few hundred blocks and steps
that are large against their errors this finds what an optimal search does (Fryzlewicz, Annals of
Statistics 42, 2243 (2014)), in twenty lines and without a further dependency.
"""

import numpy as np

from workbench.core.arrays import Floats, Ints
from workbench.runs.alignment.estimators import SURE, jitter_spread

SHORTEST = 2  # points of a segment


def change_points(values: Floats, errors: Floats) -> list[int]:
    """Return the first point of each new level, in order; NaN are skipped.

    A step counts beyond sqrt(`SURE`^2 + 2 ln n) errors: the second term is the height that the
    largest of n steps of pure noise reaches. Errors smaller than the scatter from point to point
    are raised to it.
    """
    known = np.flatnonzero(np.isfinite(values) & np.isfinite(errors))
    if len(known) < 2 * SHORTEST:
        return []
    scatter = jitter_spread(values[known])
    widened = np.maximum(errors[known], scatter)
    if not widened.all():
        widened = np.maximum(
            widened, np.finfo(np.float64).eps * np.abs(values[known]).max() + 1e-300
        )
    height = float(np.sqrt(SURE**2 + 2 * np.log(len(known))))
    found: list[int] = []
    _split(values[known], widened, 0, height, found)
    return [int(known[point]) for point in sorted(found)]


def _split(values: Floats, errors: Floats, offset: int, height: float, found: list[int]) -> None:
    if len(values) < 2 * SHORTEST:
        return
    significance = _steps(values, errors)
    best = int(np.argmax(significance)) + SHORTEST
    if significance[best - SHORTEST] <= height:
        return
    found.append(offset + best)
    _split(values[:best], errors[:best], offset, height, found)
    _split(values[best:], errors[best:], offset + best, height, found)


def _steps(values: Floats, errors: Floats) -> Floats:
    """Return the significance of a step before each point that leaves both sides long enough."""
    weights = errors**-2
    before = np.cumsum(weights)
    sums = np.cumsum(weights * values)
    left, right = before[:-1], before[-1] - before[:-1]
    step = (sums[-1] - sums[:-1]) / right - sums[:-1] / left
    significance: Floats = np.abs(step) / np.sqrt(1 / left + 1 / right)
    return significance[SHORTEST - 1 : len(values) - SHORTEST]


def places(points: list[int], length: int) -> Ints:
    """Return the segment of each point, 0 first, shape (length,)."""
    marks = np.zeros(length, dtype=np.int64)
    marks[points] = 1
    return np.cumsum(marks)
