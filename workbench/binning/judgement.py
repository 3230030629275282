"""What a fit did not determine, by name: small errors of a degenerate fit mean nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from workbench.binning.parameter import Parameter
from workbench.binning.points import Points
from workbench.core.arrays import Floats

SIGNIFICANT = 25.0  # by which a step must lower chi2 below that of a constant
CORRELATED = 0.99  # two parameters of which only a combination is determined
SEEN = 2.0  # errors, by chi2, that the response must be away from 0 to be a measured width
LONGEST = 2.0  # lengths of the window after time zero; a longer decay is a straight line in it


@dataclass(frozen=True)
class Judgement:
    """Whether the numbers of a fit mean what they say.

    Parameters
    ----------
    state
        "converged", "no-signal", "degenerate" or "not-converged".
    undetermined
        Parameter to the reason why the data do not fix it.
    """

    state: str
    undetermined: Mapping[str, str]

    @property
    def message(self) -> str:
        """The state in words."""
        if not self.undetermined:
            return "errors follow from the stated errors of the bins"
        return "; ".join(dict.fromkeys(self.undetermined.values()))


@dataclass(frozen=True)
class Outcome:
    """What a minimiser says at the end.

    Parameters
    ----------
    success, message
        Whether it ended well, and its words.
    chi2
        Sum of squared residuals in units of the errors.
    varied
        Parameters that were fitted, in the order of `covariance`.
    covariance
        None where it could not be computed.
    widest
        Width [ps] below which the response stays, where it is consistent with 0; else None.
    """

    success: bool
    message: str
    chi2: float
    varied: tuple[str, ...]
    covariance: Floats | None
    widest: float | None


def judge(fitted: Mapping[str, Parameter], outcome: Outcome, points: Points) -> Judgement:
    """Name every parameter that the data do not fix, and say how far the fit is to be trusted."""
    if not outcome.success:
        text = f"the minimiser gave up ({outcome.message})"
        return Judgement("not-converged", dict.fromkeys(fitted, text))
    flat = points.value - np.average(points.value, weights=1 / points.error**2)
    if float(((flat / points.error) ** 2).sum()) - outcome.chi2 < SIGNIFICANT:
        text = "a constant describes the data as well as a step does"
        return Judgement("no-signal", dict.fromkeys(fitted, text))
    if not all(np.isfinite(fitted[name].error) for name in outcome.varied):
        text = "the data do not determine all parameters: no errors can be given"
        return Judgement("degenerate", dict.fromkeys(fitted, text))
    problems = {
        **_correlated(outcome),
        **_too_long(fitted, points),
        **_beyond_its_value(fitted),
        **_outside(fitted["t0"], points),
    }
    state = "degenerate" if problems else "converged"
    return Judgement(state, {**_unresolved(fitted["sigma"], outcome.widest), **problems})


def _outside(t0: Parameter, points: Points) -> dict[str, str]:
    low, high = float(points.centre.min()), float(points.centre.max())
    if low < t0.value < high and t0.error <= high - low:
        return {}
    return {
        "t0": f"time zero ({t0}) does not lie surely within the measured delays, {low:.4g} to "
        f"{high:.4g} ps"
    }


def _beyond_its_value(fitted: Mapping[str, Parameter]) -> dict[str, str]:
    return {
        name: f"the {text} is not determined: its error exceeds it"
        for name, text in (("tau", "decay time"), ("amplitude", "amplitude"))
        if fitted[name].error > abs(fitted[name].value)
    }


def _too_long(fitted: Mapping[str, Parameter], points: Points) -> dict[str, str]:
    window = float(points.centre.max()) - fitted["t0"].value
    tau = fitted["tau"].value
    if not 0 < LONGEST * window < tau:
        return {}
    return {
        "tau": f"the decay time ({tau:.3g} ps) is much longer than the {window:.3g} ps measured "
        "after time zero: only a lower limit"
    }


def _unresolved(sigma: Parameter, widest: float | None) -> dict[str, str]:
    """Say that the response is narrower than can be told; the other numbers may hold though."""
    if widest is None:
        text = "the width of the response is not determined"
        return {} if np.isfinite(sigma.error) else {"sigma": text}
    return {"sigma": f"the width of the response is consistent with 0: below {widest:.2g} ps"}


def _correlated(outcome: Outcome) -> dict[str, str]:
    if outcome.covariance is None:
        return {}
    spread = np.sqrt(np.diag(outcome.covariance))
    with np.errstate(invalid="ignore", divide="ignore"):
        matrix = outcome.covariance / np.outer(spread, spread)
    found: dict[str, str] = {}
    for (i, one), (j, other) in combinations(enumerate(outcome.varied), 2):
        if abs(matrix[i, j]) > CORRELATED:
            text = (
                f"{one} and {other} are correlated by {matrix[i, j]:.4f}: only a combination of "
                "them is determined"
            )
            found |= {one: text, other: text}
    return found


def report_rows(
    parameters: Mapping[str, Parameter], undetermined: Mapping[str, str], names: Sequence[str]
) -> tuple[tuple[str, str, str], ...]:
    """Return (parameter, value with error, why) with no number for what is not determined."""
    return tuple(
        (name, "not determined", undetermined[name])
        if name in undetermined
        else (name, str(parameters[name]), "")
        for name in names
    )
