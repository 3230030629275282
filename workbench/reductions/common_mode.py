"""Common mode: what all pixels that are read out together read too much, taken off.

The rule and its order are those of psana (``psana.detector.UtilsCommonMode``): the median of a bank
of pixels, then that of each row in a bank, then that of each column in a half of the tile, each
taken off if it is small enough and comes from enough pixels.
"""

from dataclasses import dataclass
from math import prod

import numpy as np

from workbench.core.arrays import Bools, Frames
from workbench.core.errors import InputError
from workbench.reductions.compiled import compiled
from workbench.reductions.places import tile_shape

BANKS = {  # banks of a tile along its rows and columns, by type of detector (psana)
    "epix100": (2, 8),
    "epix10ka": (2, 8),
    "epix10kaquad": (2, 8),
    "epix10ka2m": (2, 8),
    "jungfrau": (2, 16),
}


@dataclass(frozen=True)
class CommonMode:
    """What is taken off, and when not.

    Parameters
    ----------
    rows, columns, banks
        Which medians are taken off.
    limit
        A median of this size or more is signal and stays [unit of the frames].
    fewest
        A bank needs so many pixels that tell, a row or column one more.
    grid
        Banks along the rows and along the columns of a tile.
    """

    rows: bool = True
    columns: bool = True
    banks: bool = True
    limit: float = 100.0
    fewest: int = 10
    grid: tuple[int, int] = (1, 1)

    def __post_init__(self) -> None:
        if not self.limit > 0 or self.fewest < 1:
            raise InputError(
                f"common mode needs a limit above 0 and 1 pixel or more, not {self.limit} and "
                f"{self.fewest}"
            )

    @property
    def bits(self) -> int:
        """Which medians are taken off, as psana says it: 1 rows, 2 columns, 4 banks."""
        return self.rows | self.columns << 1 | self.banks << 2

    def check(self, shape: tuple[int, ...]) -> None:
        """Refuse frames that the banks do not divide."""
        tile = tile_shape(shape)
        if len(shape) < 2 or any(n % m for n, m in zip(tile, self.grid, strict=True)):
            raise InputError(
                f"common mode needs frames of (row, col) that {self.grid[0]} x {self.grid[1]} "
                f"banks divide, not {shape}"
            )

    def correct(self, frames: Frames, used: Bools) -> Frames:
        """Return frames without common mode, shape (event, ...).

        Parameters
        ----------
        used
            Pixels that tell and are corrected, shape (event, ...); others stay as they are.
        """
        shape = frames.shape[1:]
        self.check(shape)
        rows, cols = tile_shape(shape)
        tiles = (len(frames) * (prod(shape) // (rows * cols)), rows, cols)
        out = np.array(frames).reshape(tiles)
        mask = np.ascontiguousarray(used & ~np.isnan(frames)).reshape(tiles)
        height, width = rows // self.grid[0], cols // self.grid[1]
        steps = (
            (self.banks, height, width, self.fewest),
            (self.rows, 1, width, self.fewest + 1),
            (self.columns, height, 1, self.fewest + 1),
        )
        for wanted, tall, wide, fewest in steps:
            if wanted:
                take_off(out, mask, mask, tall, wide, self.limit, fewest)
        return out.reshape(frames.shape)


@compiled
def take_off(
    frames: Frames,
    used: Bools,
    corrected: Bools,
    tall: int,
    wide: int,
    limit: float,
    fewest: int,
) -> None:
    """Take the median of the used pixels off each patch of `tall` x `wide` pixels, in place."""
    values = np.empty(tall * wide, frames.dtype)
    tiles, rows, cols = frames.shape
    for tile in range(tiles):
        for top in range(0, rows, tall):
            for left in range(0, cols, wide):
                count = 0
                for row in range(top, top + tall):
                    for col in range(left, left + wide):
                        if used[tile, row, col]:
                            values[count] = frames[tile, row, col]
                            count += 1
                if count < fewest:
                    continue
                middle = count // 2
                _rank(values[:count], middle)
                median = values[middle]
                if count % 2 == 0:
                    below = values[0]
                    for place in range(1, middle):
                        below = max(below, values[place])
                    median = (median + below) / frames.dtype.type(2)
                if not abs(median) < limit:
                    continue
                for row in range(top, top + tall):
                    for col in range(left, left + wide):
                        if corrected[tile, row, col]:
                            frames[tile, row, col] -= median


@compiled
def _rank(values: Frames, place: int) -> None:
    """Move the value that would stand at `place` there, none larger before it (Hoare's FIND).

    In place; no NaN. `np.partition` does the same but takes numba 10 s to compile.
    """
    low, high = 0, len(values) - 1
    while low < high:
        pivot, left, right = values[place], low, high
        while left <= right:
            while values[left] < pivot:
                left += 1
            while pivot < values[right]:
                right -= 1
            if left <= right:
                values[left], values[right] = values[right], values[left]
                left += 1
                right -= 1
        if right < place:
            low = left
        if place < left:
            high = right
