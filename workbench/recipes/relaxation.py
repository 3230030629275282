"""Relaxation of speckle: g2 = baseline + contrast exp(-2 lag / relaxation time), fitted to points.

For each relaxation time the other two follow from linear least squares, so nothing has to be
guessed. Errors come from fitting again with one patch of pixels left out, for points of g2 are
anything but independent; so does the correction of what the fit is off by in a small region
(jackknife; B. Efron, *The Jackknife, the Bootstrap and Other Resampling Plans*, SIAM 1982).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import nnls

from workbench.binning import Parameter
from workbench.core.arrays import Floats
from workbench.core.table import Table
from workbench.recipes.correlation import Correlation, CorrelationError, jackknife

NAMES = ("contrast", "relaxation_time", "baseline")
FEWEST = 6  # points
TRIED = 600  # relaxation times
ROUNDS = 4  # of reweighting
SMALLEST = 1e-3  # of the mean variance: no point is taken for surer
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
    weights = found.weights[use]
    error = _smooth(found.error[use], found.pairs[use])
    taus = np.geomspace(found.single[0] / 5, found.single[-1] * 5, TRIED)
    decays = weights @ np.exp(-2 * found.single[:, None] / taus)
    curves = np.vstack([found.g2[None], found.replicates])[:, use]
    whole, *left_out = _fit(curves, error, decays, taus)
    replicates, parts = np.array(left_out), len(left_out)
    spread = found.movie.stretch * jackknife(replicates)
    bias = (parts - 1) * (replicates.mean(axis=0) - whole)
    # Where it exceeds an error, the relaxation time is not determined and the bias means nothing.
    value = whole - bias if (np.abs(bias) < spread).all() else whole
    fitted = {
        name: Parameter(float(one), float(its), unit)
        for name, one, its, unit in zip(NAMES, value, spread, ("1", "s", "1"), strict=True)
    }
    state, message = _judged(fitted, found)
    return Relaxation(**fitted, state=state, message=message)


def _smooth(error: Floats, pairs: Floats) -> Floats:
    """Return errors as constant + factor / pairs of frames in their squares, to weight points by.

    The errors of single points come from few patches: as weights they would favour points at which
    patches agree by chance, and the fit would be less sure than it says.
    """
    variance = error**2
    design = np.stack([np.ones_like(pairs), 1 / pairs], axis=1)
    expected = np.full(variance.shape, variance.mean())
    for _ in range(ROUNDS):
        found = nnls(design / expected[:, None], variance / expected)[0]
        expected = np.maximum(design @ found, SMALLEST * variance.mean())
    return np.asarray(np.sqrt(expected))


def _fit(curves: Floats, error: Floats, decays: Floats, taus: Floats) -> Floats:
    """Return contrast, relaxation time and baseline of least chi2 for each curve.

    For every relaxation time the line through (decay, g2) follows in closed form; between the
    three best times a parabola is laid through chi2.
    """
    weight = error**-2.0
    one, x, xx = weight.sum(), weight @ decays, weight @ decays**2
    y, xy = (curves @ weight)[:, None], (curves * weight) @ decays
    spread = one * xx - x**2
    contrast, baseline = (one * xy - x * y) / spread, (xx * y - x * xy) / spread
    chi2 = (curves**2 @ weight)[:, None] - contrast * xy - baseline * y
    rows = np.arange(len(curves))
    best = np.clip(chi2.argmin(axis=1), 1, len(taus) - 2)
    before, here, after = (chi2[rows, best + step] for step in (-1, 0, 1))
    bend = before - 2 * here + after
    shift = np.where(bend > 0, 0.5 * (before - after) / np.where(bend > 0, bend, 1), 0.0)
    shift = np.clip(shift, -1, 1)
    side = best + np.where(shift < 0, -1, 1)

    def between(values: Floats) -> Floats:
        return np.asarray(
            values[rows, best] + np.abs(shift) * (values[rows, side] - values[rows, best])
        )

    logs = np.broadcast_to(np.log(taus), chi2.shape)
    return np.stack([between(contrast), np.exp(between(logs)), between(baseline)], axis=1)


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
