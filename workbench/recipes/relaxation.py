"""Relaxation of speckle: g2 = baseline + contrast exp(-2 lag / relaxation time), fitted to points.

For each relaxation time the other two follow from linear least squares, so nothing has to be
guessed. Errors come from fitting again with one patch of pixels left out, for points of g2 are
anything but independent.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import minimize_scalar

from workbench.binning import Parameter
from workbench.core.arrays import Floats
from workbench.core.table import Table
from workbench.recipes.correlation import Correlation, CorrelationError, jackknife

NAMES = ("contrast", "relaxation_time", "baseline")
FEWEST = 6  # points
TRIED = 60  # relaxation times on the coarse grid
SEEN = 3.0  # errors, that the contrast must be away from 0
OFF = 0.005  # of the baseline from 1, that is worth telling
SHORT = 0.5  # of the shortest lag: a faster decay is over at the first point


@dataclass(frozen=True)
class Relaxation:
    """Contrast, relaxation time and baseline of g2.

    Parameters
    ----------
    contrast, baseline
        Height of the decay and level at long lags [1].
    relaxation_time
        Time in which the field correlation `|g1|` falls to 1/e [s].
    state
        "converged", "no-signal" (no decay is seen) or "not-determined" (the decay is faster than
        the first lag or slower than the last).
    message
        The state in words, and what else was found.
    """

    contrast: Parameter
    relaxation_time: Parameter
    baseline: Parameter
    state: str
    message: str

    @property
    def parameters(self) -> Mapping[str, Parameter]:
        """The three numbers by name."""
        return {name: getattr(self, name) for name in NAMES}

    def curve(self, lag: ArrayLike) -> Floats:
        """Return the fitted g2 at each lag [s]."""
        decay = np.exp(-2 * np.asarray(lag, np.float64) / self.relaxation_time.value)
        return np.asarray(self.baseline.value + self.contrast.value * decay)

    @property
    def table(self) -> Table:
        """Parameter and value with error."""
        rows = tuple((name, str(entry)) for name, entry in self.parameters.items())
        return Table(("parameter", "value"), rows, self.state, (self.message,))

    def __str__(self) -> str:
        return str(self.table)

    def _repr_html_(self) -> str:
        return self.table._repr_html_()


def fit_relaxation(found: Correlation) -> Relaxation:
    """Fit an exponential decay with contrast and baseline to g2.

    Raises `CorrelationError` where there are fewer than six points with an error.
    """
    use = np.isfinite(found.g2) & (found.error > 0)
    if use.sum() < FEWEST:
        raise CorrelationError(
            f"{int(use.sum())} points of g2 cannot fix three parameters: take more frames or a "
            "longer lag"
        )
    weights, error = found.weights[use], found.error[use]
    taus = np.geomspace(found.single[0] / 5, found.single[-1] * 5, TRIED)
    value = _fit(found.g2[use], error, weights, found.single, taus)
    replicates = np.array(
        [_fit(one[use], error, weights, found.single, taus) for one in found.replicates]
    )
    spread = jackknife(replicates)
    fitted = {
        name: Parameter(float(one), float(its), unit)
        for name, one, its, unit in zip(NAMES, value, spread, ("1", "s", "1"), strict=True)
    }
    state, message = _judged(fitted, found)
    return Relaxation(**fitted, state=state, message=message)


def _fit(g2: Floats, error: Floats, weights: Floats, single: Floats, taus: Floats) -> Floats:
    """Return contrast, relaxation time and baseline of least chi2."""

    def linear(log_tau: float) -> tuple[Floats, float]:
        decay = weights @ np.exp(-2 * single / np.exp(log_tau))
        columns = np.stack([decay, np.ones_like(decay)], axis=1) / error[:, None]
        solved = np.asarray(np.linalg.lstsq(columns, g2 / error, rcond=None)[0], np.float64)
        return solved, float(((columns @ solved - g2 / error) ** 2).sum())

    logs = np.log(taus)
    best = int(np.argmin([linear(one)[1] for one in logs]))
    ends = (logs[max(best - 1, 0)], logs[min(best + 1, len(logs) - 1)])
    log_tau = float(minimize_scalar(lambda one: linear(one)[1], bounds=ends, method="bounded").x)
    contrast, baseline = linear(log_tau)[0]
    return np.array([contrast, np.exp(log_tau), baseline])


def _judged(fitted: Mapping[str, Parameter], found: Correlation) -> tuple[str, str]:
    contrast, tau, baseline = (fitted[name] for name in NAMES)
    notes = list(found.movie.notes)
    if abs(baseline.value - 1) > max(OFF, SEEN * baseline.error):
        notes.append(
            f"the baseline is {baseline}, not 1: static scattering or uneven light in the region"
        )
    if not abs(contrast.value) > SEEN * contrast.error:
        return "no-signal", "; ".join(["g2 does not fall beyond its errors", *notes])
    first, last = float(found.single[0]), float(found.single[-1])
    if tau.value < SHORT * first or tau.value > last or tau.error > tau.value:
        text = f"a relaxation time of {tau} is not fixed by lags from {first:.3g} to {last:.3g} s"
        return "not-determined", "; ".join([text, *notes])
    return "converged", "; ".join(["errors from patches of pixels left out", *notes])
