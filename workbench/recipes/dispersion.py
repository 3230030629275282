"""Pixels sorted along a dispersive axis that is turned against the detector's own."""

from typing import Literal

import numpy as np

from workbench.core.arrays import Bools, Floats, Ints

Axis = Literal["row", "col"]
STEEPEST = 6.0  # deg, rotations tried
TRIED = 97  # rotations
NEAR = 10  # of them on either side, through which a parabola is laid


def places_along(
    shape: tuple[int, ...], good: Bools, axis: Axis, angle: float, width: float
) -> tuple[Ints, int]:
    """Return the bin of each pixel, flat; -1 for bad pixels and those beyond; and the bins."""
    bins = max(1, int(shape[1 if axis == "col" else 0] / width))
    place = np.floor((_along(shape, axis, angle) + 0.5) / width).astype(np.int64)
    inside = good & (place >= 0) & (place < bins)
    return np.where(inside, place, -1).ravel(), bins


def sharpest_rotation(image: Floats, axis: Axis) -> float:
    """Return the angle [deg] at which the spectrum of a mean frame is sharpest."""
    good = np.isfinite(image)
    angles = np.linspace(-STEEPEST, STEEPEST, TRIED)
    sharp = np.array([_sharpness(image, good, axis, angle) for angle in angles])
    best = int(np.clip(sharp.argmax(), NEAR, TRIED - 1 - NEAR))
    near = slice(best - NEAR, best + NEAR + 1)
    bend, slope, _ = np.polyfit(angles[near] - angles[best], sharp[near], 2)
    if bend >= 0:  # no angle is better than the others
        return 0.0
    reach = float(angles[best + NEAR] - angles[best])
    return float(angles[best] + np.clip(-slope / (2 * bend), -reach, reach))


def _along(shape: tuple[int, ...], axis: Axis, angle: float) -> Floats:
    """Return the place of each pixel along the dispersive axis [pixel], shape (row, col)."""
    row, col = np.indices(shape, np.float64)
    row_away, col_away = row - (shape[0] - 1) / 2, col - (shape[1] - 1) / 2
    turn = np.radians(angle)
    across, along = (row_away, col_away) if axis == "col" else (col_away, row_away)
    length = shape[1] if axis == "col" else shape[0]
    return np.asarray((length - 1) / 2 + along * np.cos(turn) + across * np.sin(turn))


def _sharpness(image: Floats, good: Bools, axis: Axis, angle: float) -> float:
    """Return the sum of squares between bins: large where pixels of a bin are alike.

    Every pixel lies in one bin, so counting noise adds the same at every angle.
    """
    bins = image.shape[1 if axis == "col" else 0]
    place = np.floor(_along(image.shape, axis, angle)[good] + 0.5).astype(np.int64)
    place = np.clip(place, 0, bins - 1)
    pixels = np.bincount(place, minlength=bins)
    sums = np.bincount(place, image[good], bins)
    return float((sums[pixels > 0] ** 2 / pixels[pixels > 0]).sum())
