"""Where pixels are in frames of up to three axes, (tile, row, col), and where entries lie."""

from math import prod

import numpy as np

from workbench.core.arrays import Floats, Ints
from workbench.core.errors import InputError
from workbench.core.frames import Output
from workbench.reductions.entries import Entries


def places(dtype: str) -> tuple[Output, ...]:
    """Declare row and column of an entry, of type `dtype`, and its tile."""
    return (
        Output("row", "pixel", (), dtype, "row in its tile"),
        Output("col", "pixel", (), dtype, "column"),
        Output("tile", "1", (), "int64", "tile; 0 where the detector has none"),
    )


def tile_shape(shape: tuple[int, ...]) -> tuple[int, int]:
    """Return (row, col) of one tile of a detector; a line of pixels is one row."""
    if not 1 <= len(shape) <= 3:
        raise InputError(f"frames must have shape (tile, row, col) or less, not {shape}")
    rows, cols = (1, *shape)[-2:]
    return rows, cols


def tile_row_col(pixel: Ints, shape: tuple[int, ...]) -> tuple[Ints, Ints, Ints]:
    """Return where pixels are, given their numbers in the order of memory."""
    rows, cols = tile_shape(shape)
    tile, inside = np.divmod(pixel, rows * cols)
    row, col = np.divmod(inside, cols)
    return tile, row, col


def nearest_pixels(entries: Entries, shape: tuple[int, ...]) -> Ints:
    """Return the number of the pixel nearest to each entry, shape (entry,)."""
    rows, cols = tile_shape(shape)
    row, col = (np.rint(entries.fields[name]).astype(np.int64) for name in ("row", "col"))
    return np.asarray((entries.fields["tile"] * rows + row) * cols + col)


def picture_of(entries: Entries, shape: tuple[int, ...]) -> Floats:
    """Return the sum of ``data`` of the entries nearest to each pixel, shape (event, *shape)."""
    events, size = len(entries.lengths), prod(shape)
    event = np.repeat(np.arange(events), entries.lengths)
    place = event * size + nearest_pixels(entries, shape)
    flat = np.bincount(place, weights=entries.fields["data"], minlength=events * size)
    return np.asarray(flat, np.float64).reshape(events, *shape)
