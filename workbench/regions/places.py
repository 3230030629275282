"""Rows and columns of pixels in the assembled picture, from where they lie in the laboratory."""

import numpy as np

from workbench.core.arrays import Array, Floats, Ints

MOST_EMPTY = 8  # times the pixels may an assembled picture cover


def pixel_places(x: Array, y: Array) -> tuple[Ints, Ints] | None:
    """Return row and column of every pixel in the assembled picture.

    Rows run against y, columns against x of the laboratory frame: the picture is the one that
    psana assembles. None where the positions, of any length unit, do not make a picture.
    """
    steps = np.hypot(np.diff(x, axis=-1), np.diff(y, axis=-1))
    # Five digits: a slight tilt, which shortens steps, must not decide where pixels on a tie go.
    pitch = float(f"{np.median(steps):.5g}") if steps.size else 0.0
    if not np.isfinite(pitch) or pitch <= 0:
        return None
    rows, columns = (_index(-axis.astype(np.float64), pitch) for axis in (y, x))
    area = (int(rows.max()) + 1) * (int(columns.max()) + 1)
    return (rows, columns) if area <= MOST_EMPTY * x.size else None


def _index(positions: Floats, pitch: float) -> Ints:
    index: Ints = np.floor((positions - positions.min()) / pitch + 0.5).astype(np.int64)
    return index
