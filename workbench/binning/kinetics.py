"""Time zero, decay time and amplitude of a delay scan, with errors from the stated errors."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from workbench.binning.decay import step_decay, step_decay_in_bins
from workbench.binning.judgement import SEEN, Outcome, judge, report_rows
from workbench.binning.parameter import Parameter
from workbench.binning.points import Points, points_of_arrays, points_of_dataset
from workbench.core.arrays import Floats
from workbench.core.errors import InputError
from workbench.core.extras import load
from workbench.core.table import Table

if TYPE_CHECKING:
    import xarray as xr

NAMES = ("t0", "tau", "amplitude", "sigma", "offset")
SPARE = 2  # bins beyond the number of parameters, so that chi2 says something
SLOPE_STEP = 0.05  # of sigma, to tell the slope of the curve
WIDTHS = 16  # tried for the upper limit of a response that is too narrow to be seen
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
        _minimize(lmfit, rough, start, narrowest) for start in starting_points(rough, narrowest)
    ]
    found = _values(min(results, key=lambda result: float(result.chisqr)))
    points = points.leaning(_slopes(found, points))
    best = _minimize(lmfit, points, found, narrowest)
    notes = [points.note] if points.note else []
    widest = _widest(lmfit, points, best, narrowest)
    if widest is not None and _unresolved(best.params["sigma"], widest, narrowest):
        notes.append(f"response narrower than the bins resolve: sigma held at {narrowest:.2g} ps")
        start = _values(best) | {"sigma": narrowest}
        best = _minimize(lmfit, points, start, narrowest, hold_sigma=True)
        widest = _widest(lmfit, points, best, narrowest)
    fitted = _parameters(best, points)
    judged = judge(fitted, _outcome(best, widest), points)
    return KineticsFit(
        **fitted,
        chi2=float(best.chisqr),
        dof=int(best.nfree),
        state=judged.state,
        message="; ".join([judged.message, *notes]),
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


def _minimize(
    lmfit: Any,  # Any: lmfit carries no types
    points: Points,
    start: Mapping[str, float],
    narrowest: float,
    *,
    hold_sigma: bool = False,
) -> Any:
    parameters = lmfit.Parameters()
    for name in NAMES:
        parameters.add(name, value=start[name])
    parameters["tau"].set(min=narrowest / 10)
    parameters["sigma"].set(min=narrowest / 10, vary=not hold_sigma)

    def residual(current: Any) -> Floats:
        plain = {name: float(current[name].value) for name in NAMES}
        return np.asarray((_model(plain, points) - points.value) / points.error)

    return lmfit.minimize(residual, parameters, method="leastsq", scale_covar=False)


def _values(result: Any) -> dict[str, float]:
    return {name: float(result.params[name].value) for name in NAMES}


def _model(plain: Mapping[str, float], points: Points) -> Floats:
    shape = step_decay_in_bins(
        points.low, points.high, t0=plain["t0"], tau=plain["tau"], sigma=plain["sigma"]
    )
    return np.asarray(plain["offset"] + plain["amplitude"] * shape)


def _slopes(plain: Mapping[str, float], points: Points) -> Floats:
    """Return the slope of the curve in each bin [unit/ps]."""
    step = SLOPE_STEP * plain["sigma"]
    higher = _model({**plain, "t0": plain["t0"] - step}, points)
    lower = _model({**plain, "t0": plain["t0"] + step}, points)
    return np.asarray((higher - lower) / (2 * step))


def _parameters(result: Any, points: Points) -> dict[str, Parameter]:
    errors = {
        name: np.nan if result.params[name].stderr is None else float(result.params[name].stderr)
        for name in result.var_names
    }
    constant, slope = points.common
    found = _values(result)
    common = {
        "offset": constant + slope * found["offset"],
        "amplitude": slope * found["amplitude"],
    }
    return {
        name: Parameter(
            found[name],
            float(np.hypot(errors.get(name, np.nan), common.get(name, 0.0))),
            points.unit if name in common else "ps",
        )
        for name in NAMES
    }


def _widest(lmfit: Any, points: Points, best: Any, narrowest: float) -> float | None:
    """Return the width [ps] that the response stays below, or None where it is surely not 0.

    Near 0 chi2 hardly depends on the width, so its error says nothing; chi2 itself is asked.
    """
    if not points.low.min() < float(best.params["t0"].value) < points.high.max():
        return None  # no rise in the data whose width could be asked for

    def rise(sigma: float) -> float:
        start = _values(best) | {"sigma": sigma}
        held = _minimize(lmfit, points, start, narrowest, hold_sigma=True)
        return max(0.0, float(held.chisqr) - float(best.chisqr))

    if rise(narrowest) > SEEN**2:
        return None
    sigma = max(float(best.params["sigma"].value), narrowest)
    widths = np.geomspace(sigma, max(2 * sigma, float(np.ptp(points.centre))), WIDTHS)
    last = (0.0, sigma)
    for width in map(float, widths):
        now = (float(np.sqrt(rise(width))), width)
        if now[0] > SEEN:
            share = (SEEN - last[0]) / (now[0] - last[0])
            return last[1] + share * (now[1] - last[1])
        last = now
    return last[1]


def _unresolved(sigma: Any, widest: float, narrowest: float) -> bool:  # Any: lmfit has no types
    """Whether a width consistent with 0 is so small, or so unsure, that it takes t0 with it."""
    unsure = sigma.stderr is None or not sigma.stderr < widest
    return bool(sigma.value < 2 * narrowest or unsure)


def _outcome(result: Any, widest: float | None) -> Outcome:
    covariance = getattr(result, "covar", None)
    return Outcome(
        bool(result.success),
        str(result.message),
        float(result.chisqr),
        tuple(result.var_names),
        None if covariance is None else np.asarray(covariance, dtype=np.float64),
        widest,
    )
