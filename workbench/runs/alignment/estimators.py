"""Robust level, spread and rank correlation, with the errors that the checks judge by.

All checks of alignment call something sure at `SURE` standard errors. A check of a long run asks
some thousand questions (blocks x lags x channels); at 5 errors fewer than one in a thousand
runs gives a false alarm by Gaussian chance.
"""

import numpy as np

from workbench.core.arrays import Floats

SURE = 5.0  # standard errors
SIGMA_PER_MAD = 1.4826  # of a Gaussian
MEDIAN_FACTOR = 1.2533  # error of a median over that of a mean, Gaussian: sqrt(pi / 2)
RANK_VARIANCE = 1.06  # (n - 3) x variance of Fisher's z of a rank correlation: Fieller, Hartley and
# Pearson, Biometrika 44, 470 (1957)
CLOSEST = 0.999999  # correlation above which Fisher's z says nothing more


def level(values: Floats) -> tuple[float, float]:
    """Return the median and its error, from the median absolute deviation; NaN where empty."""
    known = values[np.isfinite(values)]
    if known.size == 0:
        return float("nan"), float("nan")
    centre = float(np.median(known))
    return centre, MEDIAN_FACTOR * spread(known) / float(np.sqrt(known.size))


def spread(values: Floats) -> float:
    """Return the standard deviation of the bulk, by the median absolute deviation."""
    known = values[np.isfinite(values)]
    if known.size == 0:
        return float("nan")
    return SIGMA_PER_MAD * float(np.median(np.abs(known - np.median(known))))


def jitter_spread(values: Floats) -> float:
    """Return the standard deviation from neighbour to neighbour: blind to drifts and steps."""
    known = values[np.isfinite(values)]
    return spread(np.diff(known)) / float(np.sqrt(2)) if known.size > 1 else float("nan")


def excess(count: float, expected: float) -> float:
    """Return by how many sigma a count lies above another, both Poisson: 2 (sqrt n - sqrt m).

    The square root makes the variance of a Poisson count 1/4 whatever its mean (Bartlett 1936).
    """
    return 2.0 * float(np.sqrt(count) - np.sqrt(expected))


def rank_z(x: Floats, y: Floats) -> tuple[float, float]:
    """Return Fisher's z of the rank correlation and its error; NaN below 8 pairs.

    Ranks make the error right for any distribution of pulse energies and deaf to outliers.
    """
    both = np.isfinite(x) & np.isfinite(y)
    n = int(both.sum())
    if n < 8:
        return float("nan"), float("nan")
    first, second = _ranks(x[both]), _ranks(y[both])
    scale = float(np.sqrt((first @ first) * (second @ second)))
    if scale == 0:  # one of them never changes
        return float("nan"), float("nan")
    r = float(np.clip(first @ second / scale, -CLOSEST, CLOSEST))
    return float(np.arctanh(r)), float(np.sqrt(RANK_VARIANCE / (n - 3)))


def _ranks(values: Floats) -> Floats:
    """Return ranks around 0; equal values share their mean rank."""
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    means: Floats = ends - (counts - 1) / 2
    ranks: Floats = means[place]
    centred: Floats = ranks - ranks.mean()
    return centred
