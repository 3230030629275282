"""Centre and width at half maximum of an edge or a peak, also of another shape than the fitted one.

They are those of the curves that the points allow around the fit (`smooth_curves`): of their mean,
with the spread over them as error. Level and height are those of the fitted shape when it is fitted
to a curve, so the scan may end before the level is reached. Where the shape does not describe the
points they are those at the ends of the scan, and what this changes is added to the errors. Where
the points do not fix the numbers there are none, and a word says why.
"""

from dataclasses import dataclass
from math import sqrt

import numpy as np
from scipy.special import ndtr
from scipy.stats import chi2 as chi2_of

from workbench.core.arrays import Array, Floats
from workbench.recipes.smooth_curves import curves_through

FWHM = sqrt(8 * np.log(2))  # standard deviations
DRAWS = 100  # curves, for the errors
UNLIKELY = 0.01  # chance of so large a chi2, below which a fit does not describe the points
FEWEST_STEPS = 1.5  # in the width
FEWEST_OF_OTHERS = 3.0  # of a shape that is not the fitted one: nothing else bridges the steps
RESOLVED = 1e-4  # smallest share of a term that the others do not make up, at the points
NONE = (float("nan"), float("nan"))
REASONS = {
    "not fitted": "no fit fixes the shape of the curve",
    "too coarse": "too few steps in the width: scan in finer steps",
    "cut": "the scan ends before its level is seen: scan farther",
}


@dataclass(frozen=True)
class Half:
    """Centre and width, each with its error, and why there is none: a key of `REASONS`, or ""."""

    centre: tuple[float, float]
    width: tuple[float, float]
    state: str = ""


def half_maximum(
    kind: str,
    points: tuple[Floats, Floats, Floats],
    fitted: tuple[float, ...],
    chi2: float,
) -> Half:
    """Measure centre and width at half maximum.

    Parameters
    ----------
    kind
        "edge" or "peak".
    points
        Position, value and standard error of each, shape (point,); positions rise.
    fitted
        Level, height, centre and standard deviation of the error function or Gaussian; empty
        where no fit converged.
    chi2
        Of that fit.
    """
    x = points[0]
    if not fitted:
        return Half(NONE, NONE, "not fitted")
    _, height, centre, sigma = fitted

    def terms(at: Floats) -> Array:
        """Return the level, the shape, and its changes with centre and width."""
        away = (at - centre) / sigma
        bell = np.exp(-(away**2) / 2)
        edge = (ndtr(away), bell, away * bell)
        peak = (bell, away * bell, away**2 * bell)
        return np.stack([np.ones_like(at), *(edge if kind == "edge" else peak)], axis=1)

    step = float(np.diff(x).max())
    if np.linalg.matrix_rank(terms(x), rtol=RESOLVED) < len(fitted):
        return Half(NONE, NONE, "too coarse" if FWHM * sigma < FEWEST_STEPS * step else "cut")
    fine, curves = curves_through(points, terms, sigma, height, DRAWS)
    measure = _of_edge if kind == "edge" else _of_peak
    levels = curves @ np.linalg.pinv(terms(fine)).T  # of the shape, fitted to each curve
    found = np.array(
        [measure(fine, one, *level[:2]) for one, level in zip(curves, levels, strict=True)]
    )
    value, spread = found[0], found[1:].std(axis=0)
    other = bool(chi2_of.sf(chi2, len(x) - len(fitted)) < UNLIKELY)
    if other:
        found = np.array([measure(fine, one, *_seen(kind, fine, one, height)) for one in curves])
        value, spread = found[0], np.hypot(found[1:].std(axis=0), found[0] - value)
    if not np.isfinite([*value, *spread]).all():
        return Half(NONE, NONE, "cut")
    if value[1] < (FEWEST_OF_OTHERS if other else FEWEST_STEPS) * step:
        return Half(NONE, NONE, "too coarse")
    (middle, width), (middle_error, width_error) = value.tolist(), spread.tolist()
    return Half((middle, middle_error), (width, width_error))


def _seen(kind: str, x: Floats, y: Floats, height: float) -> tuple[Floats, float]:
    """Return level and height by the ends of a curve; the level of a peak is a line."""
    first, last = ends(y)
    if kind == "edge":
        return np.full(len(x), first), last - first
    return np.asarray(np.interp(x, [x[0], x[-1]], [first, last])), height


def ends(y: Floats) -> tuple[float, float]:
    """Return the mean of the outer tenth of the points at either end."""
    share = max(1, len(y) // 10)
    return float(y[:share].mean()), float(y[-share:].mean())


def _of_peak(x: Floats, y: Floats, level: Floats | float, height: float) -> tuple[float, float]:
    above = (y - level) * np.sign(height)
    tip = int(np.argmax(above))
    left = _crossing(x[tip::-1], above[tip::-1], above[tip] / 2)
    right = _crossing(x[tip:], above[tip:], above[tip] / 2)
    return (left + right) / 2, right - left


def _of_edge(x: Floats, y: Floats, level: Floats | float, height: float) -> tuple[float, float]:
    """Return where half of the height is reached, and from where to where a Gaussian has its FWHM.

    Each share of the height is reached at the mean of where it is first and where it is last
    crossed.
    """
    share = (y - level) / height
    middle, begin, end = (
        (_crossing(x, -share, -part) + _crossing(x[::-1], share[::-1], part)) / 2
        for part in (0.5, float(ndtr(-FWHM / 2)), float(ndtr(FWHM / 2)))
    )
    return middle, end - begin


def _crossing(x: Floats, y: Floats, level: float) -> float:
    """Return where y first falls below a level, by linear interpolation; NaN where it does not."""
    below = np.flatnonzero(y < level)
    if not below.size or below[0] == 0:
        return float("nan")
    after = int(below[0])
    share = (y[after - 1] - level) / (y[after - 1] - y[after])
    return float(x[after - 1] + share * (x[after] - x[after - 1]))
