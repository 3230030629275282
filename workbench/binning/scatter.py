"""How far shots scatter within bins: around a line, and compared between bins."""

import numpy as np

from workbench.core.arrays import Floats, Ints

COMMON_SHOTS = 20  # weight of the scatter of all bins in that of one
ROUNDS = 5  # of reweighting
SMALLEST = 0.05  # of the mean variance: no bin is taken for quieter


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
        return np.asarray(np.bincount(numbers, terms, bins), np.float64)

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


def moderated(errors: Floats, shots: Floats, degrees: Floats, steep: Floats) -> Floats:
    """Return errors in which the scatter of bins with few shots leans on that of all bins.

    The error of a bin of few shots is itself uncertain: one whose shots happen to agree would
    weigh too much in a fit. The scatter per shot of each bin is therefore averaged with what all
    bins together tell, which counts as `COMMON_SHOTS` shots: a constant, and a part in proportion
    to the square of `steep`: the slope of the signal, where errors of the positions become scatter,
    or the root of the signal, where photons are counted.

    Parameters
    ----------
    errors, shots, degrees
        Error, number of shots and degrees of freedom of each bin.
    steep
        Of each bin, what its scatter grows with; zeros where not known.
    """
    variance = errors**2 * shots
    common = _common_variance(variance, degrees, steep**2)
    mixed = (degrees * variance + COMMON_SHOTS * common) / (degrees + COMMON_SHOTS)
    return np.asarray(np.sqrt(mixed / shots))


def _common_variance(variance: Floats, degrees: Floats, steep: Floats) -> Floats:
    """Return constant + factor * `steep`, both at least 0, fitted to the variances."""
    mean = float((degrees * variance).sum() / degrees.sum())
    if not steep.any():
        return np.full(variance.shape, mean)
    design = np.stack([np.ones_like(steep), steep / steep.max()], axis=1)
    expected = np.full(variance.shape, mean)
    for _ in range(ROUNDS):
        # The variance of a variance is 2 v^2 / degrees: bins that scatter much tell little.
        weight = np.sqrt(degrees) / expected
        found, *_ = np.linalg.lstsq(design * weight[:, None], variance * weight, rcond=None)
        expected = np.maximum(design @ np.maximum(found, 0.0), SMALLEST * mean)
    return np.asarray(expected)
