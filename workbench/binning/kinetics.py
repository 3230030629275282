"""Time zero, decay time and amplitude of a delay scan, with errors from the stated errors."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from workbench.binning.decay import step_decay, step_decay_in_bins
from workbench.binning.judgement import judge, report_rows
from workbench.binning.parameter import Parameter
from workbench.binning.points import Points, points_of_arrays, points_of_dataset
from workbench.binning.widths import (
    NAMES,
    Solution,
    minimize,
    model_in_bins,
    over_widths,
    values_of,
)
from workbench.core.arrays import Floats
from workbench.core.errors import InputError
from workbench.core.extras import load
from workbench.core.table import Table

if TYPE_CHECKING:
    import xarray as xr

SPARE = 2  # bins beyond the number of parameters, so that chi2 says something
SLOPE_STEP = 0.05  # of sigma, to tell the slope of the curve
NARROWEST = 0.02  # of the median bin: a response narrower than this is held at it


class FitError(InputError):
    """Data that no fit can be made of; the text says what is lacking."""


@dataclass(frozen=True)
class KineticsFit:
    """Step times exponential decay with a Gaussian response, fitted to binned data.

    Errors are those that the stated errors of the data imply; they are never rescaled by chi2.

    Parameters
    ----------
    t0, tau, sigma
        Time zero, decay time, standard deviation of the response [ps].
    amplitude, offset
        Height of the unbroadened step and level before it, in the unit of the data.
    chi2, dof
        Sum of squared residuals in units of the errors, and degrees of freedom.
    state
        "converged", or why the numbers are not to be trusted: "no-signal" a constant
        describes the data as well, "degenerate" a parameter is not determined by the data,
        "not-converged" the minimiser gave up.
    message
        The state in words; also what was done to the data.
    used, left_out
        Number of bins.
    undetermined
        Parameter to the reason why the data do not fix it. A response narrower than can be told
        does not spoil the others: then the state is "converged" all the same.
    """

    t0: Parameter
    tau: Parameter
    amplitude: Parameter
    sigma: Parameter
    offset: Parameter
    chi2: float
    dof: int
    state: str
    message: str
    used: int
    left_out: int
    undetermined: Mapping[str, str]

    @property
    def converged(self) -> bool:
        """Tell whether the numbers mean what they say."""
        return self.state == "converged"

    @property
    def parameters(self) -> Mapping[str, Parameter]:
        """The five parameters by name."""
        return {name: getattr(self, name) for name in NAMES}

    def curve(self, delay: ArrayLike) -> Floats:
        """Return the fitted model at each delay [ps], not averaged over bins."""
        shape = step_decay(delay, t0=self.t0.value, tau=self.tau.value, sigma=self.sigma.value)
        return np.asarray(self.offset.value + self.amplitude.value * shape)

    @property
    def table(self) -> Table:
        """Parameter, value, error and unit."""
        rows = tuple(
            (name, entry.value, entry.error, entry.unit) for name, entry in self.parameters.items()
        )
        caption = f"{self.state}: chi2 {self.chi2:.1f} for {self.dof} degrees of freedom"
        return Table(("parameter", "value", "error", "unit"), rows, caption, (self.message,))

    @property
    def report(self) -> Table:
        """What was found, and by name what was not: no number for what the data do not fix."""
        rows = report_rows(self.parameters, self.undetermined, NAMES)
        caption = f"{self.state}: chi2 {self.chi2:.1f} for {self.dof} degrees of freedom"
        return Table(("parameter", "value", "why"), rows, caption, (self.message,))

    def as_dict(self) -> dict[str, Any]:  # Any: JSON
        """Return plain values for JSON."""
        plain = {field.name: getattr(self, field.name) for field in fields(self)}
        return plain | {name: vars(entry) for name, entry in self.parameters.items()}

    def __str__(self) -> str:
        return str(self.table)

    def _repr_html_(self) -> str:
        return self.table._repr_html_()


def fit_kinetics(
    data: "ArrayLike | xr.Dataset",
    value: "ArrayLike | str" = "relative",
    error: ArrayLike | None = None,
    *,
    width: ArrayLike | None = None,
    unit: str = "1",
) -> KineticsFit:
    """Fit time zero, decay time, amplitude, width of the response and offset.

    The model is averaged over the delays that each bin really holds: over the bin's mean ± √3
    standard deviations for a dataset, over centre ± `width` / 2 for arrays.

    Parameters
    ----------
    data
        A dataset of `on_off` or `bin_run` over one axis, or delays [ps].
    value
        Name of the variable in the dataset, or one value per delay.
    error
        Standard error of each value; for arrays only.
    width
        Width of each bin [ps]; None for values taken at exactly these delays.
    unit
        Unit of the values; for arrays only.

    Raises
    ------
    FitError
        With fewer usable bins than the fit needs, and for values without errors.
    """
    if isinstance(value, str):
        points = points_of_dataset(data, value)
    elif error is None:
        raise FitError("fit_kinetics: give the error of each value, or a dataset that holds it")
    else:
        points = points_of_arrays(data, value, error, width=width, unit=unit)
    if len(points) < len(NAMES) + SPARE:
        raise FitError(
            f"{len(points)} usable bins ({points.left_out} left out) cannot fix {len(NAMES)} "
            f"parameters: at least {len(NAMES) + SPARE} are needed; take finer or more bins, or "
            "loosen the cuts"
        )
    return _fit(points)


def _fit(points: Points) -> KineticsFit:
    lmfit = load("lmfit", "fitting")
    narrowest = NARROWEST * float(np.median(np.diff(np.sort(points.centre))))
    rough = points.leaning(np.zeros(len(points)))
    results = [
        minimize(lmfit, rough, start, narrowest) for start in starting_points(rough, narrowest)
    ]
    found = values_of(min(results, key=lambda result: float(result.chisqr)))
    points = points.leaning(_slopes(found, points))
    best = minimize(lmfit, points, found, narrowest)
    solution = over_widths(points, best, narrowest)
    fitted = _parameters(solution, points)
    judged = judge(fitted, solution.outcome, points)
    return KineticsFit(
        **fitted,
        chi2=float(best.chisqr),
        dof=int(best.nfree),
        state=judged.state,
        message="; ".join([judged.message, *([points.note] if points.note else [])]),
        used=len(points),
        left_out=points.left_out,
        undetermined=judged.undetermined,
    )


def starting_points(points: Points, narrowest: float, *, number: int = 2) -> list[dict[str, float]]:
    """Find starting values from the data: the best of a coarse grid over t0, tau and sigma.

    For each of them the best amplitude and offset follow from linear least squares, so neither
    the sign nor the size of the signal has to be guessed.
    """
    span = float(np.ptp(points.centre))
    step = span / len(points)
    t0 = np.linspace(points.centre.min(), points.centre.max(), 2 * len(points) + 1)
    taus = np.geomspace(step, 3 * span, 7)
    sigmas = np.geomspace(max(0.3 * step, 2 * narrowest), 0.15 * span, 3)
    found: list[tuple[float, ...]] = []
    for tau, sigma in product(taus, sigmas):
        shape = step_decay_in_bins(
            points.low, points.high, t0=t0[:, None], tau=float(tau), sigma=float(sigma)
        )
        chi2, amplitude, offset = _line(shape, points)
        best = int(np.argmin(chi2))
        found.append((chi2[best], t0[best], tau, amplitude[best], sigma, offset[best]))
    found.sort()
    return [dict(zip(NAMES, map(float, entry[1:]), strict=True)) for entry in found[:number]]


def _line(shape: Floats, points: Points) -> tuple[Floats, Floats, Floats]:
    """Return chi2, slope and intercept of the values against each row of shapes."""
    weight = 1 / points.error**2
    value = points.value - np.average(points.value, weights=weight)
    spread = shape - np.average(shape, axis=1, weights=weight)[:, None]
    square = (weight * spread**2).sum(axis=1)
    # A shape that is flat over all bins (a step beyond them) explains nothing.
    slope = (weight * spread * value).sum(axis=1) / np.where(square > 0, square, np.inf)
    chi2 = (weight * (value - slope[:, None] * spread) ** 2).sum(axis=1)
    intercept = ((points.value - slope[:, None] * shape) * weight).sum(axis=1) / weight.sum()
    return chi2, slope, intercept


def _slopes(plain: Mapping[str, float], points: Points) -> Floats:
    """Return the slope of the curve in each bin [unit/ps]."""
    step = SLOPE_STEP * plain["sigma"]
    higher = model_in_bins({**plain, "t0": plain["t0"] - step}, points)
    lower = model_in_bins({**plain, "t0": plain["t0"] + step}, points)
    return np.asarray((higher - lower) / (2 * step))


def _parameters(solution: Solution, points: Points) -> dict[str, Parameter]:
    constant, slope = points.common
    common = {
        "offset": constant + slope * solution.values["offset"],
        "amplitude": slope * solution.values["amplitude"],
    }
    return {
        name: Parameter(
            solution.values[name],
            float(np.hypot(solution.errors[name], common.get(name, 0.0))),
            points.unit if name in common else "ps",
        )
        for name in NAMES
    }
