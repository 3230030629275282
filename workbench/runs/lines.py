"""A straight line through shots: least squares, or one that outliers do not move."""

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from workbench.core.arrays import Floats
from workbench.core.errors import InputError

Method = Literal["linear", "robust"]
MAD_TO_SIGMA = 1.482602218505602  # of a Gaussian: 1 / (sqrt 2 erfinv(1/2))
TUKEY = 4.685  # sigma beyond which a shot has no weight; 95 % efficient for Gaussian scatter
ROUNDS = 30
CLOSE = 1e-10  # of the scatter: the line has come to rest
FEWEST = 10  # shots


@dataclass(frozen=True)
class StraightLine:
    """y = intercept + slope x, and how far shots lie from it.

    Parameters
    ----------
    intercept, slope
        In the units of y and y / x.
    sigma
        1.4826 times the median distance of the residuals from their median: outliers do not
        widen it.
    count
        Shots fitted.
    """

    intercept: float
    slope: float
    sigma: float
    count: int

    def residuals(self, x: Floats, y: Floats) -> Floats:
        """Return how far each shot lies above the line."""
        return np.asarray(y - self.intercept - self.slope * x)


def fit_line(x: Floats, y: Floats, method: Method) -> StraightLine:
    """Fit a line to finite shots; `InputError` where they determine none.

    "linear" is least squares. "robust" starts from the median of the slopes of pairs, one of the
    lower and one of the upper half in x (Theil 1950, incomplete), and refines it with Tukey's
    biweight: up to a quarter of the shots may be far off.
    """
    if method not in get_args(Method):
        raise InputError(f"line fit {method!r}: use one of {', '.join(get_args(Method))}")
    if len(x) < FEWEST or np.ptp(x) == 0:
        raise InputError(
            f"a line needs at least {FEWEST} shots that differ in intensity, not {len(x)}"
        )
    centre = float(np.median(x))
    intercept, slope = _robust(x - centre, y) if method == "robust" else _weighted(x - centre, y)
    line = StraightLine(intercept - slope * centre, slope, 0.0, len(x))
    return StraightLine(line.intercept, line.slope, mad_sigma(line.residuals(x, y)), len(x))


def mad_sigma(values: Floats) -> float:
    """Return the scatter of values as 1.4826 times their median distance from the median."""
    return float(MAD_TO_SIGMA * np.median(np.abs(values - np.median(values))))


def _weighted(x: Floats, y: Floats, weight: Floats | None = None) -> tuple[float, float]:
    weight = np.ones_like(x) if weight is None else weight
    mean_x, mean_y = np.average(x, weights=weight), np.average(y, weights=weight)
    arm = weight * (x - mean_x)
    slope = float((arm * (y - mean_y)).sum() / (arm * (x - mean_x)).sum())
    return float(mean_y - slope * mean_x), slope


def _robust(x: Floats, y: Floats) -> tuple[float, float]:
    order = np.argsort(x, kind="stable")
    half = len(x) // 2
    low, high = order[:half], order[-half:]
    apart = x[high] > x[low]
    slope = float(np.median((y[high] - y[low])[apart] / (x[high] - x[low])[apart]))
    intercept = float(np.median(y - slope * x))
    sigma = mad_sigma(y - intercept - slope * x)
    if sigma == 0:
        return intercept, slope
    for _ in range(ROUNDS):
        distance = (y - intercept - slope * x) / (TUKEY * sigma)
        weight = np.where(np.abs(distance) < 1, (1 - distance**2) ** 2, 0.0)
        last = intercept, slope
        intercept, slope = _weighted(x, y, weight)
        moved = abs(intercept - last[0]) + abs(slope - last[1]) * float(np.std(x))
        if moved < CLOSE * sigma:
            break
    return intercept, slope
