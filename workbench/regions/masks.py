"""Masks, True = use: from edges, thresholds and noise; grown; combined with ``&``, ``|``, ``~``."""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from workbench.core.arrays import Array, Bools, Floats
from workbench.core.errors import InputError

MAD_TO_SIGMA = 1.4826  # median absolute deviation of a normal distribution to its sigma


@dataclass(frozen=True)
class Proposal:
    """A proposed mask with the reasons.

    Parameters
    ----------
    good
        True = use, in the shape of the frames.
    reasons
        Reason -> pixels that it takes out; a pixel can have several.
    """

    good: Bools
    reasons: dict[str, Bools]

    def counts(self) -> dict[str, int]:
        """Return how many pixels each reason takes out."""
        return {reason: int(bad.sum()) for reason, bad in self.reasons.items()}


def edges(shape: tuple[int, ...], width: int) -> Bools:
    """Return a mask without the outer `width` pixels of every tile.

    Parameters
    ----------
    shape
        (row, col) or (tile, row, col).
    width
        [pixel]
    """
    if width < 0 or 2 * width >= min(shape[-2:]):
        raise InputError(f"an edge of {width} pixels leaves nothing of a tile of {shape[-2:]}")
    good = np.zeros(shape, dtype=np.bool_)
    good[..., width : shape[-2] - width, width : shape[-1] - width] = True
    return good


def between(frame: Array, low: float | None = None, high: float | None = None) -> Bools:
    """Return a mask of pixels with ``low <= value < high``; NaN is never good."""
    good = np.isfinite(frame)
    with np.errstate(invalid="ignore"):
        if low is not None:
            good &= frame >= low
        if high is not None:
            good &= frame < high
    return np.asarray(good)


def grown(good: Bools, pixels: int) -> Bools:
    """Return a mask whose bad areas have grown by some pixels, within each tile, in squares."""
    if pixels < 0:
        raise InputError(f"a mask grows by 0 pixels or more, not {pixels}")
    if not pixels:
        return good.copy()
    reach = np.ones((2 * pixels + 1,) * 2, dtype=np.bool_)
    reach = reach[np.newaxis] if good.ndim == 3 else reach
    bad: Bools = ndimage.binary_dilation(~good, structure=reach)
    return ~bad


def propose(dark: Floats, noise: Floats, *, sigmas: float = 6.0) -> Proposal:
    """Propose a mask from the mean and noise of dark frames, to be confirmed by a person.

    Compared with the tile's median; spread by the median absolute deviation, so that bad pixels do
    not hide themselves.

    Parameters
    ----------
    dark, noise
        Mean and standard deviation of dark frames, same shape and unit.
    sigmas
        Pixels further than this from their tile's median are bad.
    """
    if dark.shape != noise.shape or dark.ndim not in (2, 3):
        raise InputError(f"dark {dark.shape} and noise {noise.shape} must be frames of one shape")
    reasons = {
        "not measured": ~(np.isfinite(dark) & np.isfinite(noise)),
        "never changes": np.asarray(noise == 0),
        "noisy": _far(noise, sigmas, upward=True),
        "quiet": _far(noise, sigmas, upward=False) & (noise != 0),
        "dark level": _far(dark, sigmas, upward=True) | _far(dark, sigmas, upward=False),
    }
    good = ~np.logical_or.reduce(list(reasons.values()))
    return Proposal(good, reasons)


def bad_fraction(good: Bools) -> float:
    """Return the part of all pixels that a mask takes out, 0 to 1."""
    return float(1 - good.mean())


def _far(values: Floats, sigmas: float, *, upward: bool) -> Bools:
    known = np.where(np.isfinite(values), values, np.nan)
    axes = (-2, -1)
    middle = np.nanmedian(known, axis=axes, keepdims=True)
    spread = MAD_TO_SIGMA * np.nanmedian(np.abs(known - middle), axis=axes, keepdims=True)
    away = known - middle if upward else middle - known
    with np.errstate(invalid="ignore"):
        return np.asarray(away > sigmas * spread)
