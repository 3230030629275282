"""A quantity that the pump displaces and that swings into its new place: shift and frequency."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import product

import numpy as np
from scipy.optimize import least_squares
from scipy.special import erfc, wofz

from workbench.binning import Parameter
from workbench.core.arrays import Floats
from workbench.core.errors import InputError
from workbench.recipes.peak import Track
from workbench.recipes.shown import Shown

NODES = (np.arange(5) - 2) / 5.0  # places within a bin, over its width
SPARE = 3  # bins beyond the number of parameters
SIGNIFICANT = 25.0  # by which chi2 must fall to see something at all, and to see it swing
TOO_LARGE = 5.0  # standard deviations of chi2 above its mean
NUMBERS = 6  # t0, frequency, damping, offset, shift, swing


@dataclass(frozen=True)
class Oscillation(Shown):
    """offset + step(u) (shift - swing exp(-u / damping) cos(2 pi frequency u)), u = delay - t0.

    Displacive excitation: the new place of rest appears at t0 and the quantity swings around it
    (Zeiger et al., Phys. Rev. B 45, 768 (1992)). Blurred by a Gaussian, averaged over bins.

    Parameters
    ----------
    parameters
        "t0" [ps], "frequency" [THz], "damping" [ps], "offset", "shift", "swing" in the unit of the
        data.
    response
        Standard deviation of the blur, as given [ps].
    chi2, dof
        Sum of squared residuals in units of the errors, and degrees of freedom.
    state
        "converged"; "no-signal": a constant does as well; "no-oscillation": a step does as well,
        and frequency, damping and swing mean nothing; "degenerate", "poor-fit", "not-converged".
    message
        The state in words.
    """

    parameters: Mapping[str, Parameter]
    response: float
    chi2: float
    dof: int
    state: str
    message: str

    def curve(self, delay: Floats) -> Floats:
        """Return the model at each delay [ps], not averaged over bins."""
        value = {name: one.value for name, one in self.parameters.items()}
        searched = np.array([value["t0"], value["frequency"], np.log(value["damping"])])
        step, swing = _shapes(searched, np.asarray(delay), np.zeros(len(delay)), self.response)
        return np.asarray(value["offset"] + value["shift"] * step - value["swing"] * swing)


def fit_oscillation(
    low: Floats,
    high: Floats,
    value: Floats,
    error: Floats,
    *,
    response: float = 0.05,
    unit: str = "1",
) -> Oscillation:
    """Fit a step with a damped oscillation on it.

    Parameters
    ----------
    low, high
        Stretch of delays that each bin covers [ps].
    value, error
        Of each bin, with independent errors.
    response
        Standard deviation of the instrument's response [ps]; held, as it cannot be told from a
        smaller swing.
    unit
        Of the values.

    Raises `InputError` for too few bins, or a response that is not positive.
    """
    good = np.isfinite(value) & np.isfinite(error) & (error > 0)
    if good.sum() < NUMBERS + SPARE or not response > 0:
        raise InputError(
            f"{int(good.sum())} bins with a response of {response} ps cannot fix an oscillation: "
            f"at least {NUMBERS + SPARE} bins and a positive response are needed; take finer bins"
        )
    order = np.argsort((low + high)[good])
    low, high, value, error = (one[good][order] for one in (low, high, value, error))
    centre, size = (low + high) / 2, high - low

    def solved(searched: Floats) -> tuple[Floats, Floats]:
        step, swing = _shapes(searched, centre, size, response)
        design = np.stack([np.ones_like(step), step, -swing], axis=1) / error[:, None]
        linear = np.linalg.lstsq(design, value / error, rcond=None)[0]
        return np.asarray(linear, np.float64), np.asarray(design @ linear - value / error)

    start = _start(centre, lambda searched: float((solved(searched)[1] ** 2).sum()))
    found = least_squares(lambda searched: solved(searched)[1], start, x_scale="jac", max_nfev=300)
    linear, pulls = solved(found.x)
    whole = np.append(found.x, linear)
    covariance = _covariance(whole, centre, size, error, response)
    values = whole * np.array([1, np.sign(whole[1]), 1, 1, 1, 1])
    values[2] = np.exp(whole[2])
    spread = np.sqrt(np.diag(covariance)) * np.array([1, 1, values[2], 1, 1, 1])
    names = ("t0", "frequency", "damping", "offset", "shift", "swing")
    units = ("ps", "THz", "ps", unit, unit, unit)
    parameters = {
        name: Parameter(float(one), float(away), each)
        for name, one, away, each in zip(names, values, spread, units, strict=True)
    }
    chi2, dof = float((pulls**2).sum()), len(value) - NUMBERS
    gains = _gains(value, error, chi2, _shapes(found.x, centre, size, response)[0])
    state, message = _judge(parameters, centre, gains, (chi2, dof), bool(found.success))
    return Oscillation(parameters, response, chi2, dof, state, message)


def fit_track(track: Track, along: str = "row", *, response: float = 0.05) -> Oscillation:
    """Fit the displacement of a peak, laser on minus off, along "row" or "col" [pixel].

    Raises
    ------
    InputError
        For a direction other than "row" and "col".
    """
    if along not in {"row", "col"}:
        raise InputError(f"along={along!r}: a peak moves along 'row' or 'col'")
    value, error = (track.row, track.row_error) if along == "row" else (track.col, track.col_error)
    level = track.off[0 if along == "row" else 1][0]
    moved = value - level
    return fit_oscillation(track.low, track.high, moved, error, response=response, unit="pixel")


def _shapes(
    searched: Floats, centre: Floats, size: Floats, response: float
) -> tuple[Floats, Floats]:
    """Return the blurred step and the blurred, damped cosine after it, mean over each bin."""
    t0, frequency, log_damping = searched
    u = centre[:, None] + size[:, None] * NODES - t0
    rate = np.exp(-np.clip(log_damping, -20, 20)) - 2j * np.pi * frequency
    step = 0.5 * erfc(-u / response / np.sqrt(2))
    z = (response * rate - u / response) / np.sqrt(2)
    late = z.real < 0
    exponent = np.where(late, 0.5 * (response * rate) ** 2 - rate * u, 0)
    after = 0.5 * np.exp(exponent) * erfc(np.where(late, z, 0))
    before = 0.5 * np.exp(-0.5 * (u / response) ** 2) * wofz(1j * np.where(late, 0, z))
    swing = np.where(late, after, before).real
    return step.mean(axis=1), swing.mean(axis=1)


def _start(centre: Floats, chi2: Callable[[Floats], float]) -> Floats:
    """Return the best of a coarse grid of time zeros, frequencies and decay times."""
    span, bin_ = float(np.ptp(centre)), float(np.median(np.diff(centre)))
    zeros = centre[1 : max(3, 2 * len(centre) // 3) : 2]
    frequencies = np.arange(1 / span, 0.4 / bin_, 0.5 / span)
    tried = product(zeros, frequencies, np.log([0.15 * span, 0.6 * span]))
    return min((np.array(one) for one in tried), key=chi2)


def _covariance(
    whole: Floats, centre: Floats, size: Floats, error: Floats, response: float
) -> Floats:
    """Return the covariance of all six numbers, by central differences of the model."""

    def model(numbers: Floats) -> Floats:
        step, swing = _shapes(numbers[:3], centre, size, response)
        return np.asarray((numbers[3] + numbers[4] * step - numbers[5] * swing) / error)

    steps = 1e-5 * np.maximum(np.abs(whole), 1e-2)
    columns = [
        (model(whole + away) - model(whole - away)) / (2 * one)
        for one, away in zip(steps, np.diag(steps), strict=True)
    ]
    jacobian = np.stack(columns, axis=1)
    norm = np.sqrt((jacobian**2).sum(axis=0))
    if not (norm > 0).all():
        return np.diag(np.full(NUMBERS, np.inf))
    scaled = jacobian / norm
    normal = scaled.T @ scaled
    if np.linalg.cond(normal) > 1e12:
        return np.diag(np.full(NUMBERS, np.inf))
    return np.asarray(np.linalg.inv(normal) / np.outer(norm, norm))


def _gains(value: Floats, error: Floats, chi2: float, step: Floats) -> tuple[float, float]:
    """Return by how much chi2 lies below that of a constant, and below that of the step alone."""
    found = []
    for design in (np.ones((len(value), 1)), np.stack([np.ones_like(step), step], axis=1)):
        weighted = design / error[:, None]
        rest = value / error - weighted @ np.linalg.lstsq(weighted, value / error, rcond=None)[0]
        found.append(float((rest**2).sum()) - chi2)
    return found[0], found[1]


def _judge(
    found: Mapping[str, Parameter],
    centre: Floats,
    gains: tuple[float, float],
    fit: tuple[float, int],
    success: bool,
) -> tuple[str, str]:
    chi2, dof = fit
    if not success:
        return "not-converged", "the minimiser gave up; take finer bins or a longer scan"
    if gains[0] < SIGNIFICANT:
        return "no-signal", "a constant describes the data as well"
    if gains[1] < SIGNIFICANT:
        return "no-oscillation", "a step without oscillation describes the data as well"
    loose = [name for name in ("frequency", "damping", "swing") if not _fixed(found[name])]
    if loose or not centre[0] < found["t0"].value < centre[-1]:
        return "degenerate", f"the data do not fix {', '.join(loose) or 't0'}"
    if chi2 > dof + TOO_LARGE * np.sqrt(2 * dof):
        return "poor-fit", "chi2 is too large: more than one oscillation, or drift"
    return "converged", "errors follow from the stated errors of the bins; the response is held"


def _fixed(one: Parameter) -> bool:
    return one.error < abs(one.value)
