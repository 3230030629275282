"""Spot or hole on a grid of two motors: a Gaussian, or a plane, and the centre of mass.

Errors of places with few shots are uncertain, and weights that follow them make fitted numbers
deviate by more than they state. The scatter of each place therefore leans on that of all places, as
a function of the fitted signal (`workbench.binning.scatter.moderated`), and the fit is repeated.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import label
from scipy.optimize import OptimizeWarning, curve_fit

from workbench.binning import Parameter
from workbench.binning.scatter import moderated
from workbench.core.arrays import Array, Bools, Floats, Ints
from workbench.recipes.half_maximum import FWHM
from workbench.recipes.profiles import BETTER, fits_quietly

FEWEST = 9  # places with an error, for six numbers
ROUNDS = 3  # of fit and errors
TOO_LARGE = 5.0  # standard deviations of chi2 above its mean
LIT = 0.25  # of the height: places of the spot that fix its rectangle
GROWN = 0.5  # of the rectangle's sides, added at each end
AROUND = 0.25  # of all places, outside of the rectangle, to know the level around the spot
NONE = float("nan")


@dataclass(frozen=True)
class Spot:
    """What a grid shows.

    Parameters
    ----------
    state
        "peak", "hole" or "none": a plane describes the grid as well.
    parameters
        "centre_x", "width_x", "centre_y", "width_y" (full width at half maximum) and "height" of a
        Gaussian above the level around it; empty without a spot.
    mass
        Centre of mass along x and y; NaN where the level around the spot is not seen.
    remarks
        What a reader must know.
    terms
        Fitted numbers: level, height, centre along x and y, standard deviations; empty without a
        spot.
    """

    state: str
    parameters: Mapping[str, Parameter]
    mass: tuple[Parameter, Parameter]
    remarks: tuple[str, ...]
    terms: tuple[float, ...] = ()

    def surface(self, x: Floats, y: Floats) -> Floats:
        """Return the fitted Gaussian at places x and y of the same shape; NaN without a spot."""
        return _gaussian(np.stack([x, y]), *(self.terms or [NONE] * 6))


def find_spot(
    x: Floats,
    y: Floats,
    value: Floats,
    error: Floats,
    shots: Ints,
    *,
    units: tuple[str, str] = ("", ""),
    value_unit: str = "",
) -> Spot:
    """Fit a Gaussian with axes along x and y, and a plane; measure the centre of mass.

    Parameters
    ----------
    x, y
        Rising places of the columns and rows, shape (column,) and (row,).
    value, error, shots
        Mean or ratio of each place, its error from the scatter of its shots, and how many these
        are, shape (row, column); places without an error are left out.
    units, value_unit
        Of x and y, and of the values.

    At least `FEWEST` places must have an error.
    """
    good = np.isfinite(value) & (error > 0)
    columns, rows = np.meshgrid(x, y)
    places = np.stack([columns[good], rows[good]])
    known, own, count = value[good], error[good], shots[good].astype(np.float64)
    low, high = _bounds(x, y)
    starts = _starts(places, known)
    level = np.zeros_like(known)
    for _ in range(ROUNDS):
        spread = moderated(own, count, count - 1, np.sqrt(np.abs(level)))  # photons: as the signal
        chi2, terms, errors = _fit(places, known, spread, starts, (low, high))
        if not np.isfinite(chi2):
            break
        starts, level = [terms], _gaussian(places, *terms)
    if not _plane(places, known, spread) - chi2 > BETTER:
        nowhere = (Parameter(NONE, NONE, units[0]), Parameter(NONE, NONE, units[1]))
        flat = "a plane describes the grid as well as a spot: there is no centre"
        return Spot("none", {}, nowhere, (flat,))
    hole = bool(terms[1] < 0)
    mass = _mass((x, y), -value if hole else value, error, good, units)
    remarks = [_cut(terms, low, high, hole), _misfit(chi2, len(known) - len(terms))]
    if not np.isfinite(mass[0].value):
        remarks.append("the grid ends in it, or it fills the grid: no centre of mass")
    parameters = _named(terms, errors, (*units, value_unit))
    said = tuple(filter(None, remarks))
    return Spot("hole" if hole else "peak", parameters, mass, said, tuple(terms.tolist()))


def _gaussian(places: Array, *terms: float) -> Floats:
    base, height, x, y, wide, high = terms
    return np.asarray(
        base
        + height * np.exp(-(((places[0] - x) / wide) ** 2) / 2 - ((places[1] - y) / high) ** 2 / 2)
    )


def _bounds(x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Return the lowest and the highest value of each term."""
    span = np.array([np.ptp(x), np.ptp(y)])
    narrow = 0.1 * span / [len(x), len(y)]
    low = np.array([-np.inf, -np.inf, x[0], y[0], *narrow])
    return low, np.array([np.inf, np.inf, x[-1], y[-1], *(2 * span)])


def _starts(places: Array, value: Floats) -> list[Floats]:
    base, span = float(np.median(value)), np.ptp(places, axis=1)
    return [
        np.array([base, value[tip] - base, *places[:, tip], *(span / share)])
        for tip in (int(np.argmax(value)), int(np.argmin(value)))
        for share in (4, 10)
    ]


def _fit(
    places: Array,
    value: Floats,
    error: Floats,
    starts: Sequence[Floats],
    bounds: tuple[Floats, Floats],
) -> tuple[float, Floats, Floats]:
    """Return chi2, terms and their errors of the best Gaussian; infinite where none converges."""
    best: tuple[float, Floats, Floats] = (np.inf, np.full(6, NONE), np.full(6, NONE))
    for start in starts:
        try:
            with fits_quietly():
                terms, covariance = curve_fit(
                    _gaussian, places, value, start, error, True, bounds=bounds, x_scale="jac"
                )
        except (RuntimeError, OptimizeWarning):  # does not converge from here
            continue
        chi2 = float(np.sum(((value - _gaussian(places, *terms)) / error) ** 2))
        if chi2 < best[0]:
            best = (chi2, terms, np.sqrt(np.diag(covariance)))
    return best


def _plane(places: Array, value: Floats, error: Floats) -> float:
    """Return chi2 of a plane."""
    design = np.stack([np.ones_like(value), *places], axis=1) / error[:, None]
    terms = np.linalg.lstsq(design, value / error, rcond=None)[0]
    return float(np.sum((value / error - design @ terms) ** 2))


def _named(terms: Floats, errors: Floats, units: tuple[str, str, str]) -> dict[str, Parameter]:
    scale = {"centre_x": (2, 1.0), "centre_y": (3, 1.0), "width_x": (4, FWHM), "width_y": (5, FWHM)}
    found = {
        name: Parameter(
            float(of * terms[term]), float(of * errors[term]), units[name.endswith("y")]
        )
        for name, (term, of) in scale.items()
    }
    return found | {"height": Parameter(float(terms[1]), float(errors[1]), units[2])}


def _cut(terms: Floats, low: Floats, high: Floats, hole: bool) -> str:
    """Say where the spot's centre lies at the end of the grid; empty where it does not."""
    near = 1e-3 * (high - low)[2:4]
    ends = (terms[2:4] < low[2:4] + near) | (terms[2:4] > high[2:4] - near)
    axes = " and ".join(axis for axis, at in zip("xy", ends, strict=True) if at)
    said = f"the {'hole' if hole else 'peak'} lies at the end of the grid along {axes}"
    return f"{said}: scan farther; centre and errors are not to be trusted" if axes else ""


def _misfit(chi2: float, dof: int) -> str:
    """Say where a Gaussian does not describe the grid; empty where it does."""
    if chi2 <= dof + TOO_LARGE * np.sqrt(2 * dof):
        return ""
    per = chi2 / max(dof, 1)
    return f"the Gaussian does not describe the grid (chi2 per degree {per:.1f}): errors too small"


def _mass(
    axes: tuple[Floats, Floats], value: Floats, error: Floats, good: Bools, units: tuple[str, str]
) -> tuple[Parameter, Parameter]:
    """Return the centre of mass in the rectangle around a peak, above the mean of what is outside.

    Nothing is cut off below the level, so noise moves the centre to either side alike. NaN where
    less than a quarter of the places is outside, or where the grid ends within the spot.
    """
    inside = _rectangle(np.where(good, value - np.median(value[good]), 0.0)) & good
    outside = good & ~inside
    number = int(np.count_nonzero(outside))
    if number < AROUND * np.count_nonzero(good):
        return Parameter(NONE, NONE, units[0]), Parameter(NONE, NONE, units[1])
    level = float(value[outside].mean())
    level_error = float(np.sqrt((error[outside] ** 2).sum())) / number
    above, spread = value[inside] - level, error[inside]
    found = []
    for grid, unit in zip(np.meshgrid(*axes), units, strict=True):
        place = grid[inside]
        centre = float((above * place).sum() / above.sum())
        own = float((((place - centre) * spread) ** 2).sum())
        shared = float((place - centre).sum()) * level_error
        found.append(Parameter(centre, float(np.hypot(own**0.5, shared) / above.sum()), unit))
    return found[0], found[1]


def _rectangle(above: Floats) -> Bools:
    """Return the rectangle around the lit places next to the brightest; all where it is cut."""
    tip = int(np.argmax(above))
    groups, _ = label(above > LIT * above.flat[tip])
    spot = groups == groups.flat[tip]
    if np.pad(spot[1:-1, 1:-1], 1).sum() < spot.sum():  # the grid ends within the spot
        return np.ones_like(spot)
    row, column = (_stretch(spot.any(axis=axis)) for axis in (1, 0))
    return np.asarray(row[:, None] & column)


def _stretch(lit: Bools) -> Bools:
    """Return the stretch from the first to the last lit place, grown at both ends."""
    there = np.flatnonzero(lit)
    more = max(1, round(GROWN * len(there)))
    places = np.arange(len(lit))
    return np.asarray((places >= there[0] - more) & (places <= there[-1] + more))
