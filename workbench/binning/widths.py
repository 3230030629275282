"""A delay scan fitted for every width of the response that the data allow, and the mean over them.

Near 0 the data feel the square of the width: its best value has no Gaussian error, is 0 by chance
in every second run of few shots, and takes time zero with it. The fit is therefore repeated with
the width held at each of a row of values; what is given are the means over them, weighted by
exp(-chi2 / 2) times the width. So every square of a width is taken for equally likely beforehand,
which is Jeffreys' prior (Proc. R. Soc. A 186, 453, 1946) for data that feel the square; every width
for equally likely would give widths 0.4 errors too small where they are just seen. Where the width
is well determined this is the least-squares fit with its errors.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from workbench.binning.decay import step_decay_in_bins
from workbench.binning.judgement import SEEN, Outcome
from workbench.binning.points import Points
from workbench.core.arrays import Floats
from workbench.core.extras import load

NAMES = ("t0", "tau", "amplitude", "sigma", "offset")
FREE = ("t0", "tau", "amplitude", "offset")  # with the width held
FAR = 4.0  # errors, by chi2, up to which widths are tried
SURE = 12.0  # errors away from 0, by chi2, from which on a width is like any other parameter
WIDTHS = 17  # tried
LOG_TAU = (-40.0, 40.0)  # ends of the logarithm of the decay time, far beyond any
HALVINGS = 3  # of the stretch in which the first width lies that the data rule out


@dataclass(frozen=True)
class Solution:
    """Values and errors of all five parameters, and what there is to judge them by.

    Parameters
    ----------
    values, errors
        By name; NaN for an error that the data do not give.
    outcome
        For `judgement.judge`.
    """

    values: Mapping[str, float]
    errors: Mapping[str, float]
    outcome: Outcome


@dataclass(frozen=True)
class _Held:
    """A fit with the width held: the other parameters in the order of `FREE`."""

    sigma: float
    found: Floats
    covariance: Floats | None
    chi2: float

    def away(self, best: float) -> float:
        """Return by how many errors the width lies away from the best one."""
        return float(np.sqrt(max(0.0, self.chi2 - best)))


def minimize(
    lmfit: Any,  # Any: lmfit carries no types
    points: Points,
    start: Mapping[str, float],
    narrowest: float,
) -> Any:
    """Return lmfit's least-squares fit of all five parameters."""
    parameters = lmfit.Parameters()
    for name in NAMES:
        parameters.add(name, value=start[name])
    parameters["tau"].set(min=narrowest / 10)
    parameters["sigma"].set(min=narrowest / 10)

    def residual(current: Any) -> Floats:
        plain = {name: float(current[name].value) for name in NAMES}
        return np.asarray((model_in_bins(plain, points) - points.value) / points.error)

    return lmfit.minimize(residual, parameters, method="leastsq", scale_covar=False)


def values_of(result: Any) -> dict[str, float]:  # Any: lmfit carries no types
    """Return the fitted values by name."""
    return {name: float(result.params[name].value) for name in NAMES}


def model_in_bins(plain: Mapping[str, float], points: Points) -> Floats:
    """Return the model, averaged over each bin."""
    shape = step_decay_in_bins(
        points.low, points.high, t0=plain["t0"], tau=plain["tau"], sigma=plain["sigma"]
    )
    return np.asarray(plain["offset"] + plain["amplitude"] * shape)


def over_widths(points: Points, best: Any, narrowest: float) -> Solution:
    """Return the average of the fits over all widths that the data allow, with their spread.

    Parameters
    ----------
    points, best
        The data, and their best fit by `minimize`.
    narrowest
        Smallest width tried [ps].
    """
    if not points.low.min() < float(best.params["t0"].value) < points.high.max():
        return _plain(best)  # no rise in the data whose width could be asked for
    start, chi2 = values_of(best), float(best.chisqr)

    def held(sigma: float) -> _Held:
        return _hold(points, start | {"sigma": sigma})

    def away(sigma: float) -> float:
        return held(sigma).away(chi2)

    unlike = away(narrowest)
    if unlike > SURE:
        return _plain(best)
    last = _last_allowed(away, max(start["sigma"], narrowest), float(np.ptp(points.centre)))
    fits = [held(float(sigma)) for sigma in np.linspace(narrowest, last, WIDTHS)]
    fits = [fit for fit in fits if fit.covariance is not None]
    if not fits:
        return _plain(best)
    return _mean(fits, best, None if unlike > SEEN else _limit(fits, chi2))


def _hold(points: Points, start: Mapping[str, float]) -> _Held:
    """Fit all parameters but the width, which stays that of `start`."""
    sigma = start["sigma"]

    def residual(numbers: Floats) -> Floats:
        plain = dict(zip(FREE, numbers, strict=True)) | {"sigma": sigma}
        plain["tau"] = np.exp(np.clip(plain["tau"], *LOG_TAU))
        return np.asarray((model_in_bins(plain, points) - points.value) / points.error)

    begin = np.array([start[name] for name in FREE])
    begin[1] = np.log(begin[1])
    leastsq = load("scipy.optimize", "fitting").leastsq
    found, covariance, about, *_ = leastsq(residual, begin, full_output=True)
    found[1] = np.exp(np.clip(found[1], *LOG_TAU))
    if covariance is not None:
        scale = np.array([1.0, found[1], 1.0, 1.0])
        covariance = covariance * np.outer(scale, scale)
    return _Held(sigma, np.asarray(found), covariance, float((about["fvec"] ** 2).sum()))


def _last_allowed(away: Callable[[float], float], begin: float, span: float) -> float:
    """Return a width `FAR` errors above the best one, or the span of the data."""
    low, high = begin, begin
    while away(high) < FAR:
        if high >= span:
            return span
        low, high = high, min(2 * high, span)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if away(middle) < FAR else (low, middle)
    return high


def _limit(fits: Sequence[_Held], best: float) -> float:
    """Return the width that lies `SEEN` errors above the best one, by chi2."""
    rise = np.array([fit.away(best) for fit in fits])
    inside = np.flatnonzero(rise < SEEN)
    if not len(inside) or inside[-1] + 1 == len(fits):
        return fits[-1].sigma
    low, high = fits[inside[-1]], fits[inside[-1] + 1]
    return float(np.interp(SEEN, [low.away(best), high.away(best)], [low.sigma, high.sigma]))


def likely(widths: Floats, chi2: Floats) -> Floats:
    """Return how likely each width is, by its chi2, where every square was equally likely before.

    Parameters
    ----------
    widths, chi2
        Evenly spaced widths, and chi2 of the best fit with each.
    """
    weights = widths * np.exp(-0.5 * (chi2 - chi2.min()))
    return np.asarray(weights / weights.sum())


def _mean(fits: Sequence[_Held], best: Any, limit: float | None) -> Solution:
    weights = likely(np.array([fit.sigma for fit in fits]), np.array([fit.chi2 for fit in fits]))
    values = np.array([[*fit.found, fit.sigma] for fit in fits])
    mean = weights @ values
    covariance = (weights[:, None] * (values - mean)).T @ (values - mean)
    covariance[:-1, :-1] += sum(
        weight * fit.covariance for weight, fit in zip(weights, fits, strict=True)
    )
    return _solution((*FREE, "sigma"), mean, covariance, best, limit)


def _plain(best: Any) -> Solution:
    names = tuple(best.var_names)
    covariance = getattr(best, "covar", None)
    mean = np.array([values_of(best)[name] for name in names])
    return _solution(names, mean, covariance, best, None)


def _solution(
    names: tuple[str, ...], mean: Floats, covariance: Any, best: Any, limit: float | None
) -> Solution:
    found = None if covariance is None else np.asarray(covariance, dtype=np.float64)
    spread = np.full(len(names), np.nan) if found is None else np.sqrt(np.diag(found))
    outcome = Outcome(
        bool(best.success), str(best.message), float(best.chisqr), names, found, limit
    )
    return Solution(
        dict(zip(names, map(float, mean), strict=True)),
        dict(zip(names, map(float, spread), strict=True)),
        outcome,
    )
