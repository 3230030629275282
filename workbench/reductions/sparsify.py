"""Frames as lists of their pixels that are not zero."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from workbench.core.arrays import Frames
from workbench.core.frames import FrameSpec, Output, Setting, Values
from workbench.reductions.base import Reduction, flattened, reductions
from workbench.reductions.entries import ALL, Entries, Sparse
from workbench.reductions.places import places, tile_row_col, tile_shape


@reductions.register("sparse")
@dataclass(frozen=True)
class Sparsify(Reduction):
    """Value and place of each usable pixel that is not 0, in the order of the pixels.

    Pixels below `low` count as 0; NaN pixels are left out.

    Parameters
    ----------
    store
        How the list is stored.
    low
        In the unit of the frames.
    """

    store: Sparse = ALL
    low: float = -np.inf

    def outputs(self, spec: FrameSpec) -> tuple[Output, ...]:
        """Declare data, row, col and tile."""
        tile_shape(spec.shape)
        data = Output("data", spec.unit, (), spec.dtype, "pixels that are not 0")
        return self.store.outputs((data, *places("int64")))

    def settings(self, spec: FrameSpec) -> Mapping[str, Setting]:
        """Return how many are stored, and the threshold."""
        kept = {"nData": self.store.setting}
        if np.isfinite(self.low):
            kept["thresADU"] = Setting(self.low, spec.unit, "pixels below count as 0")
        return kept

    def reduce_region(self, pixels: Frames, spec: FrameSpec) -> Values:
        """Return the lists."""
        flat = flattened(pixels)
        listed = flattened(spec.good[None]) & (flat >= self.low) & (flat != 0)
        event, pixel = np.nonzero(listed)
        tile, row, col = tile_row_col(pixel, spec.shape)
        fields = {"data": flat[event, pixel], "row": row, "col": col, "tile": tile}
        lengths = np.bincount(event, minlength=len(flat))
        return self.store.values(Entries(lengths, fields))
