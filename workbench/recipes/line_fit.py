"""One line of a spectrum or pattern: a Gaussian on a straight line, with honest errors."""

from collections.abc import Sequence

import numpy as np
from scipy import optimize
from scipy.ndimage import gaussian_filter1d
from scipy.special import chdtrc

from workbench.core.arrays import Floats

FWHM = 2.3548200450309493  # of a Gaussian, in standard deviations
CHANCE = 0.01  # chance of a chi2, below which the errors grow to the scatter
SMOOTH = 2.0  # bins; peaks are looked for on what is left after this


def fit_line(
    x: Floats, y: Floats, error: Floats, start: Sequence[float], half_width: float
) -> tuple[Floats, Floats, float, int] | None:
    """Return parameters, their errors, chi squared and degrees of freedom; None: no fit.

    Where no Gaussian describes the line within its errors, weights by errors would let the many
    sure bins of the background decide: then all bins get one weight, and errors by the scatter.
    """
    bounds = (
        [-np.inf, x[0], 0.3 * (x[1] - x[0]), -np.inf, -np.inf],
        [np.inf, x[-1], 2 * half_width, np.inf, np.inf],
    )
    for spreads in (error, np.full_like(error, np.median(error))):
        try:
            found, covariance = optimize.curve_fit(
                gaussian_line, x, y, start, spreads, absolute_sigma=True, bounds=bounds
            )
        except (RuntimeError, ValueError):  # it did not converge; a start outside the bounds
            continue
        chi2 = float((((y - gaussian_line(x, *found)) / spreads) ** 2).sum())
        dof = len(x) - len(found)
        scale = scale_of(chi2, dof)
        if scale == 1 or spreads is not error:
            spread = np.sqrt(np.diag(covariance) * scale)
            return (found, spread, chi2, dof) if np.isfinite(spread).all() else None
    return None


def gaussian_line(
    x: Floats, height: float, place: float, sigma: float, level: float, slope: float
) -> Floats:
    """Return a Gaussian on a straight line; `level` is that of the line at the mean of x."""
    bell = height * np.exp(-((x - place) ** 2) / (2 * sigma**2))
    return np.asarray(bell + level + slope * (x - x.mean()))


def line_start(x: Floats, y: Floats, centre: float, half_width: float) -> list[float]:
    """Return height, place, width, level and slope to begin a fit with."""
    ends = max(2, len(x) // 6)
    level = float((y[:ends].mean() + y[-ends:].mean()) / 2)
    top = int(np.argmax(smoothed(y)))
    height = float(y[top] - level) or 1e-12
    above = float((y > level + height / 2).sum()) * float(x[1] - x[0])
    place = float(np.clip(x[top], x[0], x[-1])) if height > 0 else centre
    sigma = float(np.clip(above / FWHM, 0.6 * (x[1] - x[0]), half_width))
    return [height, place, sigma, level, 0.0]


def smoothed(values: Floats) -> Floats:
    """Return values averaged over a few neighbours."""
    return np.asarray(gaussian_filter1d(values, SMOOTH / 2))


def scale_of(chi2: float, dof: int) -> float:
    """Return by what squared errors grow: not for scatter as large as chance has it."""
    return chi2 / dof if dof > 0 and chdtrc(dof, chi2) < CHANCE else 1.0
