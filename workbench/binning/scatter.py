"""How far shots scatter within bins: around a line, and compared between bins."""

import numpy as np

from workbench.binning.decay import special
from workbench.core.arrays import Bools, Floats, Ints

FEWEST_BINS = 4  # to say how alike the scatter of bins is


def error_at_mean(
    values: Floats, norm: Floats, numbers: Ints, position: Floats, *, bins: int
) -> Floats:
    """Return the error of each bin's ratio of sums, taken as the value at its mean position.

    The scatter of the shots is counted around a straight line through the bin, so a signal that
    rises within the bin does not count as noise: sqrt(N/(N-2) Σ(S - R I - b I (x - mean))²) / ΣI,
    with N - 1 where all positions are the same. NaN for too few shots.

    Parameters
    ----------
    values, norm, numbers, position
        S, I, bin and position of each event, finite, shape (event,).
    bins
        Number of bins.
    """

    def total(terms: Floats) -> Floats:
        sums = np.zeros(bins)
        np.add.at(sums, numbers, terms)
        return sums

    with np.errstate(invalid="ignore", divide="ignore"):
        weight = total(norm)
        ratio, mean = total(values) / weight, total(norm * position) / weight
        residual = values - ratio[numbers] * norm
        arm = norm * (position - mean[numbers])
        arms = total(arm**2)
        moving = arms > 1e-20 * total((norm * position) ** 2)  # more than rounding
        slope = np.where(moving, total(arm * residual) / arms, 0.0)
        count = total(np.ones_like(norm))
        free = count - 1 - moving
        left = total((residual - slope[numbers] * arm) ** 2)
        factor = np.where(free > 0, count / free, np.nan)
        return np.asarray(np.sqrt(factor * left) / np.abs(weight))


def moderated(errors: Floats, shots: Floats, degrees: Floats, good: Bools) -> Floats:
    """Return errors in which the scatter of bins with few shots leans on that of all bins.

    The error of a bin of few shots is itself uncertain, and a bin whose shots happen to agree
    would weigh too much in a fit. The scatter per shot of each bin is averaged with the common one;
    how much the common one counts follows from how alike the bins are (empirical Bayes: G. K.
    Smyth, Stat. Appl. Genet. Mol. Biol. 3, 3 (2004), section 6.2).

    Parameters
    ----------
    errors, shots, degrees
        Error, number of shots and degrees of freedom of each bin.
    good
        Bins that count.
    """
    if np.count_nonzero(good) < FEWEST_BINS:
        return errors
    variance, free = (errors**2 * shots)[good], degrees[good]
    common, weight = _common_scatter(variance, free)
    mixed = common if np.isinf(weight) else (free * variance + weight * common) / (free + weight)
    result = np.full(errors.shape, np.nan)
    result[good] = np.sqrt(mixed / shots[good])
    return result


def _common_scatter(variance: Floats, free: Floats) -> tuple[float, float]:
    """Return the common variance, and for how many degrees of freedom it counts."""
    digamma, polygamma = special("digamma"), special("polygamma")
    logs = np.log(variance) - digamma(free / 2) + np.log(free / 2)
    excess = float(np.var(logs, ddof=1) - polygamma(1, free / 2).mean())
    if excess <= 0:
        return float((free * variance).sum() / free.sum()), np.inf
    half = _inverse_trigamma(excess)
    return float(np.exp(logs.mean() + digamma(half) - np.log(half))), 2 * half


def _inverse_trigamma(value: float) -> float:
    """Return x with trigamma(x) = value, by Newton's method on 1 / trigamma."""
    polygamma = special("polygamma")
    x = 0.5 + 1 / value
    for _ in range(50):
        tri = float(polygamma(1, x))
        step = tri * (1 - tri / value) / float(polygamma(2, x))
        x += step
        if abs(step) < 1e-10 * x:
            break
    return x
