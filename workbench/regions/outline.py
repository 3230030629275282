"""Outlines of pixels that are chosen one by one: closed lines from corner to corner of pixels."""

import numpy as np

from workbench.core.arrays import Bools, Floats, Ints

Corner = tuple[int, int]


def border(pixels: Bools, *, most: int | None = None) -> tuple[Floats, ...]:
    """Return the lines between pixels that are chosen and those that are not.

    Parameters
    ----------
    pixels
        Shape (row, col), True = chosen.
    most
        Where there would be more sides than that, holes and gaps are closed, the smallest first:
        blocks of 2 x 2 pixels, then of 4 x 4 ..., are chosen where one of their pixels is. None:
        all of them.

    Returns
    -------
    tuple
        Closed lines, each of shape (point, 2): (row, col) of its corners [pixel], the first one
        again at the end; chosen pixels lie to the right of who walks along.
    """
    sides, side = _sides(pixels), 1
    while most is not None and len(sides) > most and side < max(pixels.shape):
        side *= 2
        sides = np.minimum(_sides(_blocks(pixels, side)) * side, pixels.shape)
    return tuple(np.array(loop, np.float64) for loop in _loops(sides))


def _sides(pixels: Bools) -> Ints:
    """Return straight lines from corner to corner, shape (line, end, axis)."""
    along_rows, along_cols = _runs(pixels), _runs(pixels.T)
    return np.concatenate([along_rows, along_cols[:, ::-1, ::-1]])


def _runs(pixels: Bools) -> Ints:
    """Return lines along rows: to higher columns above chosen pixels, to lower ones below them."""
    around = np.pad(pixels, 1).astype(np.int8)
    step = np.pad(around[1:, 1:-1] - around[:-1, 1:-1], ((0, 0), (1, 1)))
    runs = []
    for sign in (1, -1):
        ends = np.diff((step == sign).astype(np.int8), axis=1)
        runs.append(np.stack([np.argwhere(ends == sign), np.argwhere(ends == -sign)], axis=1))
    return np.concatenate(runs)


def _loops(sides: Ints) -> list[list[Corner]]:
    """Join lines end to end; every corner is left as often as it is reached."""
    onward: dict[Corner, list[Corner]] = {}
    for (row, col), (to_row, to_col) in sides.tolist():
        onward.setdefault((row, col), []).append((to_row, to_col))
    loops = []
    for start in onward:
        while onward[start]:
            loop = [start, onward[start].pop()]
            while loop[-1] != start:
                loop.append(onward[loop[-1]].pop())
            loops.append(loop)
    return loops


def _blocks(pixels: Bools, side: int) -> Bools:
    """Return which blocks of so many rows and columns hold a chosen pixel."""
    rows, cols = (-(-n // side) for n in pixels.shape)
    padded = np.zeros((rows * side, cols * side), np.bool_)
    padded[: pixels.shape[0], : pixels.shape[1]] = pixels
    return np.asarray(padded.reshape(rows, side, cols, side).any(axis=(1, 3)))
