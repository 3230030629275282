"""Pair distribution: from the structure factor over q to distances between atoms."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from workbench.core.arrays import Array, Floats
from workbench.core.errors import InputError


class PairDistributionError(InputError):
    """Curves over q that tell no pair distribution; the text says why."""


@dataclass(frozen=True)
class PairDistribution:
    """G(r) of one curve or of several, such as one for each delay.

    Parameters
    ----------
    r
        Distances [angstrom], shape (r,).
    value, error
        G(r) and its standard error, shape (..., r), in 1/angstrom² where S(q) is normalised to 1.
        Neighbouring distances share their errors: closer than `resolution` they are not
        independent.
    resolution
        pi / last q: width of what a single distance becomes [angstrom].
    left_out
        Bins of q without a value in some curve, which count in none.
    """

    r: Floats
    value: Floats
    error: Floats
    resolution: float
    left_out: int


def pair_distribution(
    q: Array, interference: Array, error: Array, r: ArrayLike, *, lorch: bool = True
) -> PairDistribution:
    """Return G(r) = 2/pi ∫ q i(q) M(q) sin(q r) dq over the measured q, by the trapezoidal rule.

    i(q) is S(q) - 1 = (I(q) - mean f²) / (mean f)², or a change of S(q). M is 1, or Lorch's window
    sin(pi q / Q) / (pi q / Q) with Q the last q, which trades resolution for ripples (E. Lorch, J.
    Phys. C 2, 229 (1969)). Of the definitions that D. A. Keen compares in J. Appl. Cryst. 34, 172
    (2001), this is the PDF. Below the first q nothing was measured and i(q) counts as 0.

    Parameters
    ----------
    q
        Centres of the bins, rising [1/angstrom], shape (q,).
    interference, error
        i(q) and its standard error, independent from bin to bin, shape (..., q); NaN where a bin
        has none.
    r
        Distances [angstrom], up to pi over the widest step in q, beyond which they repeat.
    lorch
        Whether to use Lorch's window.

    Raises
    ------
    PairDistributionError
        Where q does not rise, or the curves do not follow it.
    """
    places, values = np.asarray(q, np.float64), np.asarray(interference, np.float64)
    errors = np.broadcast_to(np.asarray(error, np.float64), values.shape)
    if places.ndim != 1 or values.shape[-1:] != places.shape or not (np.diff(places) > 0).all():
        raise PairDistributionError(
            f"q of shape {places.shape} and curves of shape {values.shape}: q must rise, and the "
            "last axis of the curves must follow it"
        )
    there = np.isfinite(values).reshape(-1, len(places)).all(axis=0)
    distances = np.atleast_1d(np.asarray(r, np.float64))
    kept = places[there]
    _check(kept, distances)
    window = np.sinc(kept / kept[-1]) if lorch else np.ones(len(kept))
    steps = np.gradient(kept) * np.where(np.isin(kept, kept[[0, -1]]), 0.5, 1.0)
    kernel = 2 / np.pi * (kept * window * steps)[:, None] * np.sin(np.outer(kept, distances))
    spread = np.sqrt(errors[..., there] ** 2 @ kernel**2)
    lost = len(places) - len(kept)
    return PairDistribution(distances, values[..., there] @ kernel, spread, np.pi / kept[-1], lost)


def _check(q: Floats, r: Floats) -> None:
    if len(q) < 3:
        raise PairDistributionError(
            f"{len(q)} bins of q have a value in every curve, at least 3 are needed: choose a "
            "range of q that all curves have"
        )
    farthest = np.pi / np.diff(q).max()
    if not (r >= 0).all() or r.max() > farthest:
        raise PairDistributionError(
            f"distances from {r.min():g} to {r.max():g} angstrom: bins of q up to "
            f"{np.diff(q).max():.3g} 1/angstrom wide tell those from 0 to {farthest:.3g}; "
            "produce narrower bins of q, or ask for less"
        )
