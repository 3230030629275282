"""Spatial autocorrelation of each frame inside masks: the size and contrast of speckle."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy import fft

from workbench.core.arrays import Bools, Floats, Frames
from workbench.core.errors import InputError
from workbench.core.frames import FrameSpec, Output, Setting, Values
from workbench.reductions.base import Reduction, reductions
from workbench.reductions.places import tile_shape

FEWEST = 0.5  # pairs of pixels: below, a Fourier sum of none


@reductions.register("autocorrelation")
@dataclass(frozen=True, eq=False)
class Autocorrelation(Reduction):
    """Mean product of two pixels of a mask, by the distance between them.

    At distance d it is the mean of I(r) I(r + d) over all r for which both pixels belong to the
    mask; divided by the square of the mask's mean it is 1 + contrast at d = 0 and 1 far away. The
    sums are made by Fourier transforms of frames with as many zeros behind.

    Parameters
    ----------
    masks
        Pixels of each mask, True = use, shape (mask, row, col).
    half
        Largest distances in rows and in columns; the distance of 0 lies at this index.
    low, high
        Pixels outside count as 0, in the unit of the frames.
    lines
        Store only the row and the column through the middle.
    """

    masks: Bools
    half: tuple[int, int] = (50, 50)
    low: float = -np.inf
    high: float = np.inf
    lines: bool = False

    def outputs(self, spec: FrameSpec) -> tuple[Output, ...]:
        """Declare the autocorrelations, shape (mask, 2 half, 2 half), and the masks' means.

        Raises
        ------
        InputError
            Where masks and frames differ in shape, or distances do not lie within a frame.
        """
        shape = tile_shape(spec.shape)
        if spec.shape != shape or self.masks.shape[1:] != shape:
            raise InputError(
                f"masks of shape {self.masks.shape[1:]}, frames of shape {spec.shape}: both are "
                "(row, col) of one tile"
            )
        if any(not 0 < half <= length for half, length in zip(self.half, shape, strict=True)):
            raise InputError(f"distances up to {self.half} do not lie within frames of {shape}")
        masks = () if len(self.masks) == 1 else (len(self.masks),)
        sizes = (*masks, 2 * self.half[0], 2 * self.half[1])
        text = "mean product of two pixels of the mask, by distance; 0 in the middle"
        mean = Output("cr", spec.unit, masks, long_name="mean over each mask")
        unit = f"{spec.unit}^2"
        if not self.lines:
            return Output("autocorr", unit, sizes, long_name=text), mean
        along, text = (*masks, sizes[-1]), "mean product of two pixels of the mask, by distance"
        row = Output("lineout_h", unit, along, long_name=f"{text} along columns")
        column = Output("lineout_v", unit, sizes[:-1], long_name=f"{text} along rows")
        return row, column, mean

    def settings(self, spec: FrameSpec) -> Mapping[str, Setting]:
        """Return masks, largest distances and thresholds."""
        kept = {
            "mask": Setting(self.masks.astype(np.uint8), "1", "1 = use this pixel"),
            "save_range": Setting(np.array(self.half), "pixel", "largest distances stored"),
        }
        limits = np.array([self.low, self.high])
        if np.isfinite(limits).any():
            text = "pixels outside [low, high] count as 0"
            kept["thresADU"] = Setting(limits, spec.unit, text)
        return kept

    def reduce_region(self, pixels: Frames, spec: FrameSpec) -> Values:
        """Return both, shape (event, mask, ...), without the axis of a single mask.

        NaN where a distance has no pair of pixels.
        """
        counted = (pixels >= self.low) & (pixels <= self.high)
        sizes = (len(pixels), len(self.masks))
        found = np.empty((*sizes, 2 * self.half[0], 2 * self.half[1]))
        mean = np.full(sizes, np.nan)
        last, pairs = None, np.empty(0)  # most frames have the same pixels to use
        for number, mask in enumerate(self.masks):
            for event, frame in enumerate(pixels):  # each alone: the same bits in any stack
                used = mask & spec.good & ~np.isnan(frame)
                signal = np.where(used & counted[event], frame, 0).astype(np.float64)
                if last is None or not np.array_equal(used, last):
                    last, pairs = used, self._correlate(used.astype(np.float64))
                products = self._correlate(signal)
                some = pairs > FEWEST
                nothing = np.full_like(pairs, np.nan)
                found[event, number] = np.divide(products, pairs, out=nothing, where=some)
                if used.any():
                    mean[event, number] = signal.sum() / np.count_nonzero(used)
        if len(self.masks) == 1:
            found, mean = found[:, 0], mean[:, 0]
        if not self.lines:
            return {"autocorr": found, "cr": mean}
        row, column = self.half
        lines = {"lineout_h": found[..., row, :], "lineout_v": found[..., column]}
        return {**lines, "cr": mean}

    def _correlate(self, values: Floats) -> Floats:
        sizes = [fft.next_fast_len(length + half, real=True) for length, half in
                 zip(values.shape, self.half, strict=True)]  # fmt: skip
        power = np.abs(fft.rfft2(values, sizes)) ** 2
        full = fft.irfft2(power, sizes)
        rows, cols = (np.arange(-half, half) for half in self.half)
        return np.asarray(full[np.ix_(rows, cols)])
