"""Masks, True = use: from edges, thresholds and noise; grown; combined with ``&``, ``|``, ``~``."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import scipy

from workbench.core.arrays import Array, Bools, Floats
from workbench.core.errors import InputError
from workbench.regions.layout import Layout
from workbench.regions.shapes import Box, Region

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

    Raises
    ------
    InputError
        Where nothing of a tile would be left.
    """
    if width < 0 or 2 * width >= min(shape[-2:]):
        raise InputError(f"an edge of {width} pixels leaves nothing of a tile of {shape[-2:]}")
    good = np.zeros(shape, dtype=np.bool_)
    good[..., width : shape[-2] - width, width : shape[-1] - width] = True
    return good


def between(frame: Array, low: float | None = None, high: float | None = None) -> Bools:
    """Return a mask of pixels with ``low <= value < high``; NaN is never good.

    Parameters
    ----------
    frame
        Any shape, that of the mask too.
    low, high
        In the unit of the frame; None: no limit.
    """
    good = np.isfinite(frame)
    with np.errstate(invalid="ignore"):
        if low is not None:
            good &= frame >= low
        if high is not None:
            good &= frame < high
    return np.asarray(good)


def grown(good: Bools, pixels: int) -> Bools:
    """Return a mask whose bad areas have grown by some pixels, within each tile, in squares.

    Parameters
    ----------
    good
        True = use, shape (row, col) or (segment, row, col).
    pixels
        By how many the areas change on each side.

    Raises
    ------
    InputError
        For a negative number of pixels.
    """
    if pixels < 0:
        raise InputError(f"a mask grows by 0 pixels or more, not {pixels}")
    if not pixels:
        return good.copy()
    reach = np.ones((2 * pixels + 1,) * 2, dtype=np.bool_)
    reach = reach[np.newaxis] if good.ndim == 3 else reach
    bad: Bools = scipy.ndimage.binary_dilation(~good, structure=reach)
    return ~bad


def shrunk(good: Bools, pixels: int) -> Bools:
    """Return a mask whose bad areas have shrunk by some pixels, within each tile, in squares.

    Bad areas do not shrink from the border of their tile; those narrower than twice the number
    vanish. Parameters as of `grown`.

    Raises
    ------
    InputError
        For a negative number of pixels.
    """
    if pixels < 0:
        raise InputError(f"a mask shrinks by 0 pixels or more, not {pixels}")
    if not pixels:
        return good.copy()
    reach = np.ones((2 * pixels + 1,) * 2, dtype=np.bool_)
    reach = reach[np.newaxis] if good.ndim == 3 else reach
    bad: Bools = scipy.ndimage.binary_erosion(~good, structure=reach, border_value=1)
    return ~bad


def inside(layout: Layout, regions: Iterable[Region | Box]) -> Bools:
    """Return a mask of the pixels that lie in any of the regions; ``~`` gives those outside.

    It has the shape of the frames, (row, col) or (segment, row, col).

    Parameters
    ----------
    layout
        Place of each pixel in the assembled picture.
    regions
        On the picture, or boxes of the frame.
    """
    good = np.zeros(layout.frame_shape, dtype=np.bool_)
    for region in regions:
        good |= layout.pixels(region)
    return good


def from_status(status: Array) -> Bools:
    """Return a mask of the pixels whose status is 0: no bit of trouble is set.

    Parameters
    ----------
    status
        Whole numbers in the shape of the frames, with more axes in front for gain ranges: a pixel
        is good if it is in all of them.

    Raises
    ------
    InputError
        For a status that is not whole numbers.
    """
    if status.dtype.kind not in "biu":
        raise InputError(f"the status of pixels is whole numbers, not {status.dtype}")
    good = np.asarray(status == 0)
    return np.asarray(good.all(axis=tuple(range(good.ndim - 3)))) if good.ndim > 3 else good


def inner_edges(shape: tuple[int, ...], asics: tuple[int, int], width: int) -> Bools:
    """Return a mask without the pixels along the seams between the ASICs of every tile.

    Parameters
    ----------
    shape
        (row, col) or (tile, row, col).
    asics
        How many ASICs a tile has along rows and columns.
    width
        On each side of a seam [pixel].

    Raises
    ------
    InputError
        Where the ASICs do not divide a tile, and for a negative width.
    """
    rest = [length % max(count, 1) for length, count in zip(shape[-2:], asics, strict=True)]
    if width < 0 or min(asics) < 1 or any(rest):
        raise InputError(
            f"{asics} ASICs with edges of {width} pixels do not divide tiles of {shape[-2:]}"
        )
    keep = [np.ones(length, dtype=np.bool_) for length in shape[-2:]]
    for axis, (length, count) in enumerate(zip(shape[-2:], asics, strict=True)):
        for seam in range(length // count, length, length // count):
            keep[axis][max(seam - width, 0) : seam + width] = False
    return np.broadcast_to(keep[0][:, np.newaxis] & keep[1], shape).copy()


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

    Raises
    ------
    InputError
        Where the frames differ in shape.
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
    """Return the part of all pixels that a mask of any shape takes out, 0 to 1."""
    return float(1 - good.mean())


def _far(values: Floats, sigmas: float, *, upward: bool) -> Bools:
    known = np.where(np.isfinite(values), values, np.nan)
    axes = (-2, -1)
    middle = np.nanmedian(known, axis=axes, keepdims=True)
    spread = MAD_TO_SIGMA * np.nanmedian(np.abs(known - middle), axis=axes, keepdims=True)
    away = known - middle if upward else middle - known
    with np.errstate(invalid="ignore"):
        return np.asarray(away > sigmas * spread)
