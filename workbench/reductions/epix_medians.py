"""Common mode of an ePix100 as LCLS-I producers take it off in their modes 45, 46 and 47.

Unlike psana's rule, pixels that light may have touched do not tell: those of 10 times their noise
or more, their four neighbours, and all beyond 30 ADU. After `cm_epix` of smalldata_tools.
"""

from dataclasses import dataclass
from math import ceil

import numpy as np

from workbench.core.arrays import Bools, Frames
from workbench.core.errors import InputError
from workbench.reductions.common_mode import CommonMode, take_off
from workbench.reductions.places import tile_shape

MEDIANS, WITH_MEAN, WITH_BANKS = EPIX_MODES = (45, 46, 47)
BRIGHT = 10.0  # noises; a pixel as bright may hold light
RANGE = 30.0  # ADU; pixels beyond do not tell
SHARE = 0.25  # of the pixels of a row or column, which a median needs
BANKS = (2, 8)  # along rows and columns


@dataclass(frozen=True, eq=False)
class EpixMedians(CommonMode):
    """Medians of the columns of each half of the tile, then of the rows of each bank, taken off.

    Parameters
    ----------
    limit
        A larger median is signal and stays [ADU].
    mode
        45: as above; 46: after the mean of all pixels that tell; 47: after the median of each bank.
    noise
        Standard deviation of each pixel without light [ADU], in the shape of the frames.
    """

    limit: float = RANGE
    mode: int = MEDIANS
    noise: Frames | None = None

    @property
    def bits(self) -> int:
        """The mode, as LCLS-I counts them."""
        return self.mode

    def check(self, shape: tuple[int, ...]) -> None:
        """Refuse frames that are not one tile of 2 x 8 banks, and constants without noise."""
        rows, cols = tile_shape(shape)
        if np.prod(shape) != rows * cols or rows % BANKS[0] or cols % BANKS[1]:
            raise InputError(f"mode {self.mode} is that of one ePix100, not of frames {shape}")
        if self.noise is None:
            raise InputError(f"mode {self.mode} needs the noise of each pixel: import or take it")

    def correct(self, frames: Frames, used: Bools) -> Frames:
        """Return frames [ADU] without common mode, shape (event, ...); NaN stay as they are."""
        self.check(frames.shape[1:])
        assert self.noise is not None
        rows, cols = tile_shape(frames.shape[1:])
        height, width = rows // BANKS[0], cols // BANKS[1]
        out = np.array(frames).reshape(-1, rows, cols)
        known = ~np.isnan(out)
        mask = used.reshape(out.shape) & known
        if self.mode == WITH_BANKS:
            take_off(out, mask, known, height, width, np.inf, 1)
        tells = mask & ~_lit(out, self.noise.reshape(rows, cols))
        if self.mode == WITH_MEAN:
            for frame, some in zip(out, tells, strict=True):
                frame -= frame[some].mean() if some.any() else 0.0
        take_off(out, tells, known, height, 1, self.limit, ceil(SHARE * height))
        take_off(out, tells, known, 1, width, self.limit, ceil(SHARE * width))
        return out.reshape(frames.shape)


def _lit(frames: Frames, noise: Frames) -> Bools:
    """Tell which pixels light may have touched, shape (event, row, col)."""
    bright = frames >= BRIGHT * noise
    beside = bright.copy()
    beside[:, 1:] |= bright[:, :-1]
    beside[:, :-1] |= bright[:, 1:]
    beside[:, :, 1:] |= bright[:, :, :-1]
    beside[:, :, :-1] |= bright[:, :, 1:]
    return np.asarray(beside | (np.abs(frames) > RANGE))
