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
from scipy.optimize import OptimizeWarning, curve_fit
from scipy.special import erf

from workbench.binning import Parameter
from workbench.core.arrays import Floats
from workbench.core.errors import InputError
from workbench.recipes.half_maximum import FWHM, ends, half_maximum

FEWEST = 6  # points, for four numbers with errors
BETTER = 20.0  # of chi2, by which a feature must beat a straight line
DRAWS = 100  # repetitions with noise for the error of the centre of mass
METHODS = ("edge", "gaussian", "half_maximum", "centre_of_mass")
NONE = float("nan")

Model = Callable[..., Floats]


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
    state
        Why there is no half maximum, a key of `half_maximum.REASONS`; else empty.
    """

    centre: Parameter
    width: Parameter
    chi2: float = NONE
    dof: int = 0
    terms: tuple[float, ...] = ()
    state: str = ""


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
    fit = fits["edge" if found == "edge" else "gaussian"]
    measured = half_maximum(found, (x, y, error), fit.terms if found != "none" else (), fit.chi2)
    middle, width = Parameter(*measured.centre, unit), Parameter(*measured.width, unit)
    half = Shape(middle, width, state=measured.state)
    mass = Shape(Parameter(*_mass(found, x, y, error), unit), Parameter(NONE, NONE, unit))
    per = f"{y_unit}/{unit}" if y_unit not in {"", "1"} else f"1/{unit}" if unit else ""
    return Feature(
        found,
        {**fits, "half_maximum": half, "centre_of_mass": mass},
        Parameter(*slope, per),
        line_chi2,
    )


def _mass(kind: str, x: Floats, y: Floats, error: Floats) -> tuple[float, float]:
    """Return the centre of mass, and its spread where the points are drawn again with noise."""
    measure = _mass_of_edge if kind == "edge" else _mass_of_peak
    draws = y + error * np.random.default_rng(1).standard_normal((DRAWS, len(y)))
    return measure(x, y), float(np.std([measure(x, one) for one in draws]))


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
    """Return the best fit of several starts; NaN where none converges inside the scan.

    Fitted are shares of the scan's length and of the largest value: whatever the units are, the
    solver's steps and its ends are of the right size.
    """
    low, span, scale = float(x.min()), float(np.ptp(x)), float(np.abs(y).max()) or 1.0
    shares, values, errors = (x - low) / span, y / scale, error / scale
    narrow = 0.1 * float(np.diff(shares).min())
    bounds = ([-np.inf, -np.inf, 0, narrow], [np.inf, np.inf, 1, 2])
    units = np.array([scale, scale, span, span])
    best = Shape(Parameter(NONE, NONE, unit), Parameter(NONE, NONE, unit), np.inf)
    for start in _starts(name, shares, values):
        try:
            with fits_quietly():
                found, covariance = curve_fit(
                    _MODELS[name], shares, values, start, errors, absolute_sigma=True, bounds=bounds
                )
        except (RuntimeError, OptimizeWarning):  # does not converge from here
            continue
        chi2 = float(np.sum(((values - _MODELS[name](shares, *found)) / errors) ** 2))
        if chi2 < best.chi2:
            terms = found * units + (0, 0, low, 0)
            spread = np.sqrt(np.diag(covariance)) * units
            centre = Parameter(float(terms[2]), float(spread[2]), unit)
            width = Parameter(float(FWHM * terms[3]), float(FWHM * spread[3]), unit)
            best = Shape(centre, width, chi2, len(x) - 4, tuple(map(float, terms)))
    return best


def _starts(name: str, x: Floats, y: Floats) -> list[list[float]]:
    span = float(x[-1] - x[0])
    if name == "edge":
        first, last = ends(y)
        middle = float(x[np.argmin(np.abs(y - (first + last) / 2))])
        return [[first, last - first, place, span / 12] for place in (middle, x[len(x) // 2])]
    base = float(np.median(y))
    tips = (int(np.argmax(y)), int(np.argmin(y)))
    return [
        [base, float(y[tip]) - base, float(x[tip]), span / share]
        for tip in tips
        for share in (6, 20)
    ]


def _above(x: Floats, y: Floats) -> Floats:
    """Return a peak, or a dip upside down, above the line between its ends."""
    above = y - np.interp(x, [x[0], x[-1]], ends(y))
    return above if above[np.argmax(np.abs(above))] > 0 else -above


def _share(y: Floats) -> Floats:
    """Return how far an edge has come, from 0 to 1."""
    first, last = ends(y)
    return (y - first) / (last - first)


def _mass_of_peak(x: Floats, y: Floats) -> float:
    above = _above(x, y)
    return float(trapezoid(above * x, x) / trapezoid(above, x))


def _mass_of_edge(x: Floats, y: Floats) -> float:
    """Return the centre of mass of the derivative."""
    steps = np.diff(_share(y))
    return float(np.sum(steps * (x[1:] + x[:-1]) / 2) / np.sum(steps))
