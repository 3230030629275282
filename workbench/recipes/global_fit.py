"""Global fit of dS(q, t): exponential decays with one time zero and one response for all q."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from scipy.optimize import least_squares

from workbench.binning import Parameter, step_decay_in_bins
from workbench.core.arrays import Floats
from workbench.core.errors import InputError
from workbench.recipes.difference import Difference
from workbench.recipes.shown import Shown

LASTING = 1e4  # measured windows: the decay time of what does not decay
NARROWEST = 0.02  # of the median bin: a response below this cannot be told from none
TOO_LARGE = 5.0  # standard deviations of chi2 above what is expected
UNFELT = 0.01  # of chi2, by which a time that changes by a factor of e changes the fit
STEP = 0.3  # standard deviations, by which times are changed for second derivatives of chi2
FAR = 12.0  # logarithm of a time over the measured window, that no data fix
FARTHEST = 1.0  # ps, or of a logarithm: times not known better change no curve further
SPARE = 2  # bins of delay beyond the number of curves and times


@dataclass(frozen=True)
class GlobalFit(Shown):
    """dS(t, q) = offset(q) + sum of curves_k(q) * decay_k(t), each decay blurred by the response.

    The curves are those associated with each decay: a state that decays into another with `tau_1`
    has its own curve minus that of the other in curve 1. Errors are those that the stated errors
    imply; they are never rescaled by chi2.

    Parameters
    ----------
    parameters
        "t0", "sigma" (standard deviation of the response), "tau_1", "tau_2"... [ps].
    names
        Of the curves: "tau_1"..., "lasting" where one does not decay.
    curves, errors
        Shape (curve, q), in the unit of the difference; NaN at a q without values. The errors hold
        those of the times too.
    by_times
        What the errors of the times do to the curves: independent changes by one standard
        deviation each, shape (time, curve, q).
    offset
        What is there before time zero, shape (q,).
    model
        Shape (delay, q).
    residuals
        Data minus model in units of the errors, shape (delay, q): what bins have in common, since
        they share laser-off shots, is taken apart (`Difference.whitening`).
    chi2, dof
        Sum of squared residuals in units of the errors, and degrees of freedom.
    state
        "converged", or why the numbers are not to be trusted: "no-signal" offsets describe the data
        as well; "degenerate" the data do not fix a number; "poor-fit" chi2 is too large for this
        model; "not-converged" the minimiser gave up.
    message
        The state in words.
    difference
        What was fitted.
    """

    parameters: Mapping[str, Parameter]
    names: tuple[str, ...]
    curves: Floats
    errors: Floats
    by_times: Floats
    offset: Floats
    model: Floats
    residuals: Floats
    chi2: float
    dof: int
    state: str
    message: str
    difference: Difference

    def mean(self, name: str, low: float, high: float) -> Parameter:
        """Return the mean of one curve over low <= q < high [1/angstrom], with its error.

        Raises
        ------
        InputError
            Where no q with values lies in the range.
        """
        difference, row = self.difference, self.names.index(name)
        inside = difference.good & (difference.q >= low) & (difference.q < high)
        if not inside.any():
            raise InputError(f"no q with values from {low:g} to {high:g} 1/angstrom")
        by_times = self.by_times[:, row, inside]
        own = self.errors[row, inside] ** 2 - (by_times**2).sum(axis=0)
        variance = own.sum() / inside.sum() ** 2 + (by_times.mean(axis=1) ** 2).sum()
        value = float(self.curves[row, inside].mean())
        return Parameter(value, float(np.sqrt(variance)), difference.unit)


def fit_global(
    difference: Difference,
    decays: Sequence[float],
    *,
    lasting: bool = True,
    known: Mapping[str, Parameter] | None = None,
) -> GlobalFit:
    """Fit decay times, time zero and response to all q at once.

    For given times the curves follow from generalised linear least squares at each q (variable
    projection, Golub and Pereyra, SIAM J. Numer. Anal. 10, 413 (1973)); only the times are searched
    for. Bins covary by the laser-off shots that they share; where all share one reference its error
    ends in the offset. The model is averaged over the delays that each bin holds.

    Parameters
    ----------
    difference
        From `difference_curves`.
    decays
        A first guess of each decay time [ps]; good to a factor of three.
    lasting
        Whether there is also a curve that does not decay.
    known
        What independent data say of "t0" or "sigma" [ps]; counts by its error.
    """
    data = _Data(difference, len(decays), lasting, known or {})
    data.check(decays)
    start = _start(data, decays)
    found = least_squares(data.residuals, start, x_scale="jac", max_nfev=200)
    covariance = _with_noise_of_curves(_covariance(found.jac), data, found.x)
    times = data.times(found.x)
    spread = np.sqrt(np.diag(covariance)) * np.append(1.0, times[1:])  # logarithms but for t0
    named = ("t0", "sigma", *(f"tau_{number + 1}" for number in range(len(decays))))
    parameters = {
        name: Parameter(float(value), float(error), "ps")
        for name, value, error in zip(named, times, spread, strict=True)
    }
    curves, errors, model = data.curves(found.x)
    by_times = data.changes(found.x, covariance)
    errors = np.sqrt(errors**2 + (by_times**2).sum(axis=0))
    chi2 = 2 * float(found.cost)
    dof = data.white.size - data.linear * len(data.white) - len(start) + len(data.known)
    state, message = _judge(data, parameters, chi2, dof, bool(found.success))
    names = (*named[2:], *(("lasting",) if lasting else ()))
    return GlobalFit(
        parameters,
        names,
        data.spread_out(curves[1:]),
        data.spread_out(errors[1:]),
        np.array([data.spread_out(one[1:]) for one in by_times]),
        data.spread_out(curves[:1])[0],
        data.spread_out(model),
        data.spread_out((data.white - data.whitened(model)).T),
        chi2,
        dof,
        state,
        message,
        difference,
    )


class _Data:
    """The numbers of a fit, at the q that hold values, and the model for given times.

    What is searched for is t0 [ps] and the logarithms of the other times.
    """

    def __init__(
        self, difference: Difference, decays: int, lasting: bool, known: Mapping[str, Parameter]
    ) -> None:
        self.good = difference.good
        self.whitening = difference.whitening
        self.white = self.whitened(difference.value[:, self.good])
        self.difference, self.known = difference, known
        # Each share of a bin's shots is as wide as its neighbours are apart: nothing jumps with t0.
        self.parts = difference.parts
        self.half = np.gradient(self.parts, axis=1) / 2
        self.decays, self.lasting = decays, lasting
        self.linear = 1 + decays + lasting
        centre = difference.delay
        self.span = float(np.ptp(centre))
        self.bin = float(np.median(np.diff(np.sort(centre)))) if len(centre) > 1 else self.span

    def whitened(self, values: Floats) -> Floats:
        """Return values (delay, q) as independent ones with unit errors, shape (q, delay)."""
        return np.asarray(np.einsum("qts,sq->qt", self.whitening, values))

    def check(self, decays: Sequence[float]) -> None:
        need = self.linear + 2 + self.decays + SPARE
        if not set(self.known) <= {"t0", "sigma"}:
            raise InputError(f"known {sorted(self.known)}: only t0 and sigma can be known before")
        if not 1 <= len(decays) <= 4 or not all(tau > 0 for tau in decays):
            raise InputError(f"decay times {list(decays)}: give one to four positive ones [ps]")
        if len(self.difference.delay) < need or not self.good.any():
            raise InputError(
                f"{len(self.difference.delay)} bins of delay with {int(self.good.sum())} values of "
                f"q cannot fix {self.decays} decays: at least {need} bins are needed; take finer "
                "bins or fewer decays"
            )

    def times(self, searched: Floats) -> Floats:
        """Return t0, sigma and the decay times [ps]."""
        return np.append(searched[0], np.exp(searched[1:]))

    def shapes(self, searched: Floats) -> Floats:
        """Return offset and decays in every bin, shape (curve, delay)."""
        t0, sigma, *taus = self.times(searched).tolist()
        sigma = max(sigma, NARROWEST * self.bin)
        taus += [LASTING * self.span] if self.lasting else []
        ends = self.parts - self.half, self.parts + self.half
        means = [step_decay_in_bins(*ends, t0=t0, tau=tau, sigma=sigma) for tau in taus]
        return np.array([np.ones(len(self.parts)), *(one.mean(axis=1) for one in means)])

    def curves(self, searched: Floats) -> tuple[Floats, Floats, Floats]:
        """Return curves and their errors for these times, (curve, q), and the model (delay, q)."""
        shapes = self.shapes(searched)
        white = self.whitening @ shapes.T  # (q, delay, curve)
        inverse = np.linalg.pinv(white.transpose(0, 2, 1) @ white, rcond=1e-12, hermitian=True)
        curves = np.einsum("qij,qtj,qt->iq", inverse, white, self.white)
        errors = np.sqrt(np.maximum(np.einsum("qii->iq", inverse), 0))
        return curves, errors, np.asarray(shapes.T @ curves)

    def changes(self, searched: Floats, covariance: Floats) -> Floats:
        """Return by how much the errors of the times change the curves, (time, curve, q)."""
        fixed = np.isfinite(np.diag(covariance))
        size, axes = np.linalg.eigh(np.where(np.outer(fixed, fixed), covariance, 0.0))
        steps = np.clip((axes * np.sqrt(np.maximum(size, 0))).T, -FARTHEST, FARTHEST)
        ends = [(self.curves(searched + one)[0], self.curves(searched - one)[0]) for one in steps]
        return np.array([(above - below) / 2 for above, below in ends])

    def residuals(self, searched: Floats) -> Floats:
        """Return model - value in units of the errors at the best curves for these times, a list.

        What is known before adds its own deviations at the end.
        """
        away = self.whitened(self.curves(searched)[2]) - self.white
        times = dict(zip(("t0", "sigma"), self.times(searched), strict=False))
        prior = [(times[name] - one.value) / one.error for name, one in self.known.items()]
        return np.concatenate([away.ravel(), prior])

    def chi2(self, searched: Floats) -> float:
        return float((self.residuals(searched) ** 2).sum())

    @property
    def chi2_flat(self) -> float:
        """Of offsets alone."""
        ones = self.whitening.sum(axis=2)
        part = (ones * self.white).sum(axis=1) ** 2 / (ones**2).sum(axis=1)
        return float((self.white**2).sum() - part.sum())

    def spread_out(self, some: Floats) -> Floats:
        """Return values at all q: NaN where there are none."""
        whole = np.full((len(some), len(self.good)), np.nan)
        whole[:, self.good] = some
        return whole


def _start(data: _Data, decays: Sequence[float]) -> Floats:
    """Return the best of a coarse grid of time zeros and responses."""
    centre = data.difference.delay
    zeros = np.linspace(centre.min(), centre.max(), len(centre) + 1)
    sigmas = (0.5 * data.bin, 0.05 * data.span)
    tried = [
        np.array([t0, *np.log([sigma, *decays])]) for t0, sigma in product(zeros[1:-1], sigmas)
    ]
    return min(tried, key=data.chi2)


def _covariance(jacobian: Floats) -> Floats:
    """Return the covariance; infinite for what changes nothing, such as a response too narrow."""
    size = (jacobian**2).sum(axis=0)
    moves = np.flatnonzero((size > UNFELT) | (np.arange(len(size)) == 0) & (size > 0))
    found = np.diag(np.full(len(size), np.inf))
    scaled = jacobian[:, moves] / np.sqrt(size[moves])
    normal = scaled.T @ scaled
    if np.linalg.matrix_rank(normal) == len(moves):
        inverse = np.linalg.inv(normal) / np.sqrt(np.outer(size[moves], size[moves]))
        found[np.ix_(moves, moves)] = inverse
    return found


def _with_noise_of_curves(covariance: Floats, data: _Data, searched: Floats) -> Floats:
    """Return the covariance corrected for what noise of the curves pretends to know of the times.

    Every q has a curve of its own, whose noise counts in the Jacobian as if it were signal. The
    second derivatives H of chi2 / 2 do not count it; so the errors follow from H^-1 (J' J) H^-1,
    as for any estimate whose equations are only right on average (P. J. Huber, Proc. Fifth Berkeley
    Symp. 1, 221 (1967)). With a strong signal both are the same. No error gets smaller by it.
    """
    spread = np.sqrt(np.diag(covariance))
    moves = np.flatnonzero(np.isfinite(spread))
    widest = np.array([data.span, *np.ones(len(spread) - 1)])  # beyond, nothing is near a parabola
    outside = (np.abs(searched[1:] - np.log(data.span)) > FAR).any()
    if not moves.size or outside or (spread[moves] > widest[moves]).any():
        return covariance
    size = STEP * spread[moves]
    steps = np.eye(len(spread))[moves] * size[:, None]

    def half(at: Floats) -> float:
        return data.chi2(searched + at) / 2

    second = np.array(
        [[half(a + b) - half(a - b) - half(b - a) + half(-a - b) for b in steps] for a in steps]
    ) / (4 * np.outer(size, size))
    inner = covariance[np.ix_(moves, moves)]
    if np.linalg.eigvalsh(second).min() <= 0:
        return covariance
    outer = np.linalg.inv(second)
    wider = outer @ np.linalg.inv(inner) @ outer
    factor = np.ones(len(spread))
    factor[moves] = np.sqrt(np.maximum(np.diag(wider) / np.diag(inner), 1))
    return np.asarray(covariance * np.where(np.isfinite(covariance), np.outer(factor, factor), 1))


def _judge(
    data: _Data, found: Mapping[str, Parameter], chi2: float, dof: int, success: bool
) -> tuple[str, str]:
    if not success:
        return "not-converged", "the minimiser gave up; try other decay times or fewer"
    gain = data.chi2_flat - chi2
    free = (data.linear - 1) * len(data.white) + len(found)
    if gain < free + TOO_LARGE * np.sqrt(2 * free):
        return "no-signal", "offsets without any change describe the data as well"
    loose = [name for name, one in found.items() if name != "sigma" and _loose(name, one, data)]
    if loose:
        return "degenerate", f"the data do not fix {', '.join(loose)}; fewer decays may do"
    # Errors taken from n shots make squares too large by (n - 1) / (n - 3) on average.
    shots = np.maximum(data.difference.shots, 4)
    expected = dof * float(((shots - 1) / (shots - 3)).mean())
    if chi2 > expected * (1 + TOO_LARGE * np.sqrt(2 / dof)):
        return "poor-fit", "chi2 is too large: another decay, or drift; look at the residuals"
    sigma = found["sigma"]
    if not sigma.error < sigma.value / 2:
        return "converged", "the response is narrower than the bins can tell"
    return "converged", "errors follow from the stated errors of the bins"


def _loose(name: str, one: Parameter, data: _Data) -> bool:
    if name == "t0":
        low, high = data.difference.delay.min(), data.difference.delay.max()
        return not (low < one.value < high and one.error < data.span)
    return not one.error < one.value
