"""Edge or peak in a measured profile: error function, Gaussian, half maximum, centre of mass.

Widths of all of them are full widths at half maximum (FWHM): of the peak, or of the derivative of
the edge. For a Gaussian of standard deviation sigma it is sqrt(8 ln 2) sigma; a knife edge through
a Gaussian beam rises from 11.9 % to 88.1 % over the beam's FWHM.
"""

import warnings
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from math import sqrt

import numpy as np
from scipy.integrate import trapezoid
from scipy.interpolate import Akima1DInterpolator
from scipy.optimize import OptimizeWarning, curve_fit
from scipy.special import erf, ndtr

from workbench.binning import Parameter
from workbench.core.arrays import Floats
from workbench.core.errors import InputError

FWHM = sqrt(8 * np.log(2))  # standard deviations
FEWEST = 6  # points, for four numbers with errors
BETTER = 20.0  # of chi2, by which a feature must beat a straight line
FINE = 20  # places per point, to find where a level is crossed
DRAWS = 100  # repetitions with noise for the errors of what is not fitted
METHODS = ("edge", "gaussian", "half_maximum", "centre_of_mass")
NONE = float("nan")

Model = Callable[..., Floats]
Between = Callable[[Floats, Floats], tuple[Floats, Floats]]


@dataclass(frozen=True)
class Shape:
    """Centre and width by one method.

    Parameters
    ----------
    centre, width
        Position, and full width at half maximum; NaN where the method gives none.
    chi2, dof
        Of a fit; NaN and 0 for methods that fit nothing.
    terms
        Fitted numbers: baseline, height, centre, standard deviation; empty without a fit.
    """

    centre: Parameter
    width: Parameter
    chi2: float = NONE
    dof: int = 0
    terms: tuple[float, ...] = ()


@dataclass(frozen=True)
class Feature:
    """What a profile shows.

    Parameters
    ----------
    kind
        "edge", "peak" or "none": a straight line describes it as well.
    shapes
        By method, in the order of `METHODS`.
    slope
        Of a straight line through all points.
    line_chi2
        Of that line.
    """

    kind: str
    shapes: Mapping[str, Shape]
    slope: Parameter
    line_chi2: float

    @property
    def fit(self) -> Shape:
        """The fit that belongs to the kind."""
        return self.shapes["edge" if self.kind == "edge" else "gaussian"]

    def curve(self, x: Floats) -> Floats:
        """Return the fitted curve at positions."""
        return _MODELS["edge" if self.kind == "edge" else "gaussian"](x, *self.fit.terms)


def fits_quietly() -> AbstractContextManager[object]:
    """Turn the warning of a fit without errors into an exception, inside a ``with`` block."""
    return warnings.catch_warnings(action="error", category=OptimizeWarning)


def find_feature(
    x: Floats, y: Floats, error: Floats, *, unit: str = "", y_unit: str = "", kind: str = ""
) -> Feature:
    """Fit and measure the edge or peak of a profile; dips are peaks of negative height.

    Parameters
    ----------
    x, y, error
        Position, value and standard error of each point, shape (point,); x rises.
    unit, y_unit
        Units of x and y.
    kind
        "edge" or "peak"; empty: the fit with the smaller chi2, or "none" where a straight line
        is as good (chi2 larger by less than 20).

    Raises `InputError` for fewer than 6 points with errors.
    """
    good = np.isfinite(x) & np.isfinite(y) & (error > 0)
    if np.count_nonzero(good) < FEWEST:
        raise InputError(
            f"only {np.count_nonzero(good)} points with a value and an error: an edge or a peak "
            f"needs at least {FEWEST}; look at the cuts and at the steps of the scan"
        )
    if kind not in {"", "edge", "peak"}:
        raise InputError(f"kind {kind!r}: use 'edge', 'peak' or '' to let the fits decide")
    x, y, error = x[good], y[good], error[good]
    slope, line_chi2 = _line(x, y, error)
    fits = {name: _fit(name, x, y, error, unit) for name in _MODELS}
    found = kind or _kind(fits, line_chi2)
    values, errors = _measured(_of_edge if found == "edge" else _of_peak, x, y, error)
    half = Shape(Parameter(values[0], errors[0], unit), Parameter(values[1], errors[1], unit))
    mass = Shape(Parameter(values[2], errors[2], unit), Parameter(NONE, NONE, unit))
    per = f"{y_unit}/{unit}" if y_unit not in {"", "1"} else f"1/{unit}" if unit else ""
    return Feature(
        found,
        {**fits, "half_maximum": half, "centre_of_mass": mass},
        Parameter(*slope, per),
        line_chi2,
    )


def _measured(
    measure: Callable[..., tuple[float, float, float]], x: Floats, y: Floats, error: Floats
) -> tuple[list[float], list[float]]:
    """Return numbers that are not fitted, with errors: of the noise, and of the curve's sampling.

    The latter is what straight lines between the points give instead of a smooth curve.
    """
    values = np.array(measure(x, y, _smooth))
    sampling = np.abs(values - measure(x, y, _straight))
    sampling[0] = max(sampling[0], sampling[1] / 2)  # either side may be off by half the width
    draws = np.random.default_rng(1).standard_normal((DRAWS, len(y)))
    repeated = np.array([measure(x, y + error * draw, _smooth) for draw in draws])
    errors = np.hypot(repeated.std(axis=0), sampling)  # NaN where noise makes one impossible
    return values.tolist(), errors.tolist()


def _edge(x: Floats, base: float, height: float, centre: float, sigma: float) -> Floats:
    return np.asarray(base + height / 2 * (1 + erf((x - centre) / (sqrt(2) * sigma))))


def _gaussian(x: Floats, base: float, height: float, centre: float, sigma: float) -> Floats:
    return np.asarray(base + height * np.exp(-((x - centre) ** 2) / (2 * sigma**2)))


_MODELS: Mapping[str, Model] = {"edge": _edge, "gaussian": _gaussian}


def _kind(fits: Mapping[str, Shape], line_chi2: float) -> str:
    edge, peak = fits["edge"].chi2, fits["gaussian"].chi2
    if not line_chi2 - np.nanmin([edge, peak, np.inf]) > BETTER:
        return "none"
    return "edge" if not peak <= edge else "peak"


def _line(x: Floats, y: Floats, error: Floats) -> tuple[tuple[float, float], float]:
    """Return slope with error, and chi2, of a weighted straight line."""
    middle = np.average(x, weights=error**-2)
    design = np.stack([np.ones_like(x), x - middle], axis=1) / error[:, None]
    covariance = np.linalg.inv(design.T @ design)
    terms = covariance @ design.T @ (y / error)
    chi2 = float(np.sum((y / error - design @ terms) ** 2))
    return (float(terms[1]), float(np.sqrt(covariance[1, 1]))), chi2


def _fit(name: str, x: Floats, y: Floats, error: Floats, unit: str) -> Shape:
    """Return the best fit of several starts; NaN where none converges inside the scan."""
    low, high = float(x.min()), float(x.max())
    narrow, wide = 0.1 * float(np.diff(x).min()), 2 * (high - low)
    bounds = ([-np.inf, -np.inf, low, narrow], [np.inf, np.inf, high, wide])
    best = Shape(Parameter(NONE, NONE, unit), Parameter(NONE, NONE, unit), np.inf)
    for start in _starts(name, x, y):
        try:
            with fits_quietly():
                terms, covariance = curve_fit(
                    _MODELS[name], x, y, start, error, absolute_sigma=True, bounds=bounds
                )
        except (RuntimeError, OptimizeWarning):  # does not converge from here
            continue
        chi2 = float(np.sum(((y - _MODELS[name](x, *terms)) / error) ** 2))
        if chi2 < best.chi2:
            spread = np.sqrt(np.diag(covariance))
            centre = Parameter(float(terms[2]), float(spread[2]), unit)
            width = Parameter(float(FWHM * terms[3]), float(FWHM * spread[3]), unit)
            best = Shape(centre, width, chi2, len(x) - 4, tuple(map(float, terms)))
    return best


def _starts(name: str, x: Floats, y: Floats) -> list[list[float]]:
    span = float(x[-1] - x[0])
    if name == "edge":
        first, last = _ends(y)
        middle = float(x[np.argmin(np.abs(y - (first + last) / 2))])
        return [[first, last - first, place, span / 12] for place in (middle, x[len(x) // 2])]
    base = float(np.median(y))
    tips = (int(np.argmax(y)), int(np.argmin(y)))
    return [
        [base, float(y[tip]) - base, float(x[tip]), span / share]
        for tip in tips
        for share in (6, 20)
    ]


def _ends(y: Floats) -> tuple[float, float]:
    """Return the mean of the outer tenth of the points at either end."""
    share = max(1, len(y) // 10)
    return float(y[:share].mean()), float(y[-share:].mean())


def _of_peak(x: Floats, y: Floats, between: Between) -> tuple[float, float, float]:
    """Return centre and width at half maximum, and the centre of mass, above the baseline."""
    first, last = _ends(y)
    above = y - np.interp(x, [x[0], x[-1]], [first, last])
    above = above if above[np.argmax(np.abs(above))] > 0 else -above
    mass = float(trapezoid(above * x, x) / trapezoid(above, x))
    fine, above = between(x, above)
    tip = int(np.argmax(above))
    left = _crossing(fine[tip::-1], above[tip::-1], above[tip] / 2)
    right = _crossing(fine[tip:], above[tip:], above[tip] / 2)
    return (left + right) / 2, right - left, mass


def _of_edge(x: Floats, y: Floats, between: Between) -> tuple[float, float, float]:
    """Return where the edge is at half its height, its width, and its derivative's centre."""
    first, last = _ends(y)
    share = (y - first) / (last - first)
    mass = float(np.sum(np.diff(share) * (x[1:] + x[:-1]) / 2) / np.sum(np.diff(share)))
    fine, share = between(x, share)
    middle, begin, end = (
        (_crossing(fine, -share, -level) + _crossing(fine[::-1], share[::-1], level)) / 2
        for level in (0.5, float(ndtr(-FWHM / 2)), float(ndtr(FWHM / 2)))
    )
    return middle, end - begin, mass


def _smooth(x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Return a smooth curve through all points, `FINE` times as many."""
    fine = np.linspace(x[0], x[-1], FINE * len(x))
    return fine, np.asarray(Akima1DInterpolator(x, y)(fine))


def _straight(x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Return the points themselves: straight lines lead from one to the next."""
    return x, y


def _crossing(x: Floats, y: Floats, level: float) -> float:
    """Return where y first falls below a level, by linear interpolation; NaN where it does not."""
    below = np.flatnonzero(y < level)
    if not below.size or below[0] == 0:
        return NONE
    after = int(below[0])
    share = (y[after - 1] - level) / (y[after - 1] - y[after])
    return float(x[after - 1] + share * (x[after] - x[after - 1]))
