"""Where each pixel of a detector lies in the assembled picture, and regions mapped both ways."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from workbench.core.arrays import Array, Bools, Floats, Ints
from workbench.core.bounds import Bounds
from workbench.core.errors import InputError
from workbench.regions.shapes import Box, Rectangle, Region, RegionError

TILE_GAP = 8  # pixels between tiles that are drawn without geometry


class LayoutError(InputError):
    """Pixel positions that make no picture."""


@dataclass(frozen=True)
class ConfigRegion:
    """A region as a producer config writes it.

    Parameters
    ----------
    bounds
        One [low, high) per axis of the frames: ``ROI``.
    good
        ``userMask`` in the shape of the frames, True = use; None where the bounds say it all.
    """

    bounds: Bounds
    good: Bools | None = None

    def pixels(self, shape: tuple[int, ...]) -> Bools:
        """Tell which pixels of a frame belong to the region."""
        chosen = np.zeros(shape, dtype=np.bool_)
        chosen[self.bounds.slices] = True
        return chosen if self.good is None else chosen & self.good


@dataclass(frozen=True, eq=False)
class Layout:
    """The place of every pixel of a frame in the assembled picture.

    Parameters
    ----------
    rows, cols
        Row and column in the picture, in the shape of a frame: (row, col) or (tile, row, col).

    Raises
    ------
    LayoutError
        Where rows and columns differ in shape, are not of (row, col) or (tile, row, col), or
        lie below 0.
    """

    rows: Ints
    cols: Ints

    def __post_init__(self) -> None:
        if self.rows.shape != self.cols.shape or self.rows.ndim not in (2, 3) or not self.rows.size:
            raise LayoutError(
                f"rows {self.rows.shape} and columns {self.cols.shape} of the pixels must have the "
                "same shape, (row, col) or (tile, row, col)"
            )
        if min(self.rows.min(), self.cols.min()) < 0:
            raise LayoutError("rows and columns in the picture are counted from 0")

    @classmethod
    def flat(cls, shape: tuple[int, ...]) -> "Layout":
        """Return the picture of a detector without geometry: tiles one below the other."""
        tiles = shape[0] if len(shape) == 3 else 1
        height, width = shape[-2:]
        tile, row, col = np.indices((tiles, height, width))
        return cls((tile * (height + TILE_GAP) + row).reshape(shape), col.reshape(shape))

    @property
    def frame_shape(self) -> tuple[int, ...]:
        """Shape of a frame."""
        return self.rows.shape

    @cached_property
    def shape(self) -> tuple[int, int]:
        """Shape of the picture."""
        return int(self.rows.max()) + 1, int(self.cols.max()) + 1

    @cached_property
    def overlapping(self) -> int:
        """Pixels of a frame that share their place in the picture with an earlier one."""
        return self.rows.size - len(np.unique(self._places))

    def picture(self, frame: Array) -> Floats:
        """Draw a frame: mean where pixels share a place, NaN where there is none.

        Raises
        ------
        LayoutError
            For a frame of another shape.
        """
        values = np.asarray(frame, dtype=np.float64)
        if values.shape != self.frame_shape:
            raise LayoutError(
                f"a frame of shape {values.shape}, the detector has {self.frame_shape}"
            )
        size = self.shape[0] * self.shape[1]
        count = np.bincount(self._places, minlength=size)
        total = np.bincount(self._places, weights=values.ravel(), minlength=size)
        with np.errstate(invalid="ignore"):
            return np.asarray(total / np.where(count, count, np.nan)).reshape(self.shape)

    def pixels(self, region: Region | Box) -> Bools:
        """Tell which pixels of a frame belong to a region, in the shape of the frame."""
        if isinstance(region, Box):
            return ConfigRegion(region.bounds.fit(self.frame_shape)).pixels(self.frame_shape)
        return region.covers(self.rows, self.cols)

    def on_picture(self, pixels: Bools) -> Bools:
        """Tell which places of the picture hold one of the given pixels of a frame."""
        drawn = np.zeros(self.shape, dtype=np.bool_)
        drawn[self.rows[pixels], self.cols[pixels]] = True
        return drawn

    def tiles(self, region: Region | Box) -> tuple[int, ...]:
        """Return the tiles that a region touches; (0,) for a detector of one tile."""
        chosen = self.pixels(region)
        if chosen.ndim == 2:
            return (0,) if chosen.any() else ()
        return tuple(int(tile) for tile in np.flatnonzero(chosen.any(axis=(1, 2))))

    def to_config(self, region: Region | Box) -> ConfigRegion:
        """Return a region as a config writes it: exactly the same pixels.

        Pixels that fill a box of one tile need no mask; all others get their bounding box and a
        mask. Raises `RegionError` where no pixel of the detector lies in the region.
        """
        chosen = self.pixels(region)
        if not chosen.any():
            raise RegionError("the region holds no pixel of the detector: draw it over a tile")
        axes = range(chosen.ndim)
        within = [np.flatnonzero(chosen.any(axis=tuple(set(axes) - {axis}))) for axis in axes]
        low = tuple(int(found[0]) for found in within)
        high = tuple(int(found[-1]) + 1 for found in within)
        bounds = Bounds(low, high)
        one_tile = chosen.ndim == 2 or bounds.shape[0] == 1
        if chosen[bounds.slices].all() and (one_tile or isinstance(region, Box)):
            return ConfigRegion(bounds)
        return ConfigRegion(bounds, chosen)

    def to_rectangles(self, region: Box) -> tuple[Rectangle, ...]:
        """Return where a box of the config lies in the picture: one rectangle around each tile."""
        bounds = region.bounds.fit(self.frame_shape)
        rows, cols = self.rows[bounds.slices], self.cols[bounds.slices]
        tiles = zip(rows, cols, strict=True) if rows.ndim == 3 else [(rows, cols)]
        return tuple(
            Rectangle(int(r.min()), int(r.max()) + 1, int(c.min()), int(c.max()) + 1)
            for r, c in tiles
        )

    def moved(self, region: Box, rows: float, cols: float) -> Box:
        """Return a box moved over the picture by whole pixels, in all of its tiles.

        Raises `RegionError` where that is no box: tiles that are turned against each other would
        each need another one; and where it leaves a tile.

        Parameters
        ----------
        region
            A box of the detector.
        rows, cols
            In the picture [pixel].
        """
        bounds = region.bounds.fit(self.frame_shape)
        tiles = range(*self._tile_range(bounds))
        shifts = {self._shift(tile, round(rows), round(cols)) for tile in tiles}
        if len(shifts) > 1:
            raise RegionError(
                f"the tiles {tiles.start} to {tiles.stop - 1} are turned against each other: moved "
                "over the picture the region is no box any more; type its ranges, or draw it anew"
            )
        shift = (*(0,) * (len(bounds.low) - 2), *shifts.pop())
        moved = [(a + step, b + step) for a, b, step in zip(bounds.low, bounds.high, shift,
                 strict=True)]  # fmt: skip
        for (low, high), length in zip(moved, self.frame_shape, strict=True):
            if low < 0 or high > length:
                raise RegionError(
                    f"moved there, the region would leave its tile, {low} to {high} of {length} "
                    "pixels: draw it anew where it is to go"
                )
        return Box(Bounds.from_pairs(moved))

    def _tile_range(self, bounds: Bounds) -> tuple[int, int]:
        return (bounds.low[0], bounds.high[0]) if len(bounds.low) == 3 else (0, 1)

    def _shift(self, tile: int, rows: int, cols: int) -> tuple[int, int]:
        """Return by how many rows and columns of a tile a way over the picture goes."""
        down, right = (at[tile] if at.ndim == 3 else at for at in (self.rows, self.cols))
        per_row, per_col = (
            [round(float(at[last] - at[0, 0]) / max(length - 1, 1)) for at in (down, right)]
            for last, length in zip(((-1, 0), (0, -1)), down.shape, strict=True)
        )
        return per_row[0] * rows + per_row[1] * cols, per_col[0] * rows + per_col[1] * cols

    @cached_property
    def _places(self) -> Ints:
        places: Ints = (self.rows.astype(np.int64) * self.shape[1] + self.cols).ravel()
        return places
