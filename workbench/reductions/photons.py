"""Photons per pixel from frames in which a photon's charge spreads over at most two pixels.

The rule is that of psana's ``photons`` (ImgAlgos, documentation), which leaves out what lies at the
edge of a frame; here pixels beyond the edge hold no charge.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from workbench.core.arrays import Array, Bools, Frames, Ints
from workbench.core.errors import InputError
from workbench.core.frames import FrameSpec, Output, Setting, Values
from workbench.reductions.base import (
    Nested,
    Reduction,
    flattened,
    mask_setting,
    reductions,
)
from workbench.reductions.compiled import compiled
from workbench.reductions.droplet_photons import HIGHEST
from workbench.reductions.places import tile_shape
from workbench.reductions.speckle import photon_statistics

HALF = 0.5  # of a photon: the least that a pixel must hold to be where it fell


@reductions.register("photons")
@dataclass(frozen=True, eq=False)
class PhotonCounting(Reduction):
    """Number of photons in each frame, from the pixels' signal in photons.

    Whole photons stay in their pixel. What is left of a pixel is one more where it is at least 1/2,
    larger than what is left of the four pixels beside it, and reaches `fraction` together with the
    largest of those that no other photon took.

    Parameters
    ----------
    per_photon
        Signal of one photon, in the unit of the frames.
    fraction
        Least part of a photon in two neighbours that counts as one.
    low
        Pixels below count as 0, in the unit of the frames.
    good
        The user's mask in the shape of the detector, True = use; None takes every pixel.
    children
        Reductions of the picture of photons.
    """

    per_photon: float
    fraction: float = 0.9
    low: float = -np.inf
    good: Bools | None = None
    children: tuple[Nested[Reduction], ...] = ()

    def __post_init__(self) -> None:
        if not 0 < self.per_photon < np.inf:
            raise InputError(f"the signal of one photon must be above 0, not {self.per_photon}")

    def outputs(self, spec: FrameSpec) -> tuple[Output, ...]:
        """Declare the number of photons, and what is made of their picture."""
        tile_shape(spec.shape)
        told = self._picture_spec(spec)
        out = [Output("nPhot", "1", (), "int64", f"photons of {self.per_photon:g} {spec.unit}")]
        for child in self.children:
            out += child.outputs(told)
        return tuple(out)

    def settings(self, spec: FrameSpec) -> Mapping[str, Setting]:
        """Return the rule's numbers and the mask, and the set-up of children."""
        told = self._picture_spec(spec)
        kept = {
            "ADU_per_photon": Setting(self.per_photon, spec.unit, "signal of one photon"),
            "thr_fraction": Setting(self.fraction, "1", "part of a photon that counts as one"),
            "mask": mask_setting(told.good),
        }
        if np.isfinite(self.low):
            kept["thresADU"] = Setting(self.low, spec.unit, "pixels below count as 0")
        for child in self.children:
            kept |= child.settings(told)
        return kept

    def reduce_region(self, pixels: Frames, spec: FrameSpec) -> Values:
        """Return the declared outputs of whole frames, shape (event, ...)."""
        told = self._picture_spec(spec)
        flat, good = flattened(pixels), told.good.reshape(-1)
        picture = np.empty(flat.shape, np.int32)
        count = _count(
            flat, good, self.per_photon, self.fraction, self.low, tile_shape(spec.shape), picture
        )
        values: dict[str, Array] = {"nPhot": count}
        picture = picture.reshape(pixels.shape)
        for child in self.children:
            values |= child.named(child.reduction.reduce(picture, told), told)  # type: ignore[arg-type]
        return values

    def _picture_spec(self, spec: FrameSpec) -> FrameSpec:
        good = spec.good
        if self.good is not None:
            if self.good.shape != spec.shape:
                raise InputError(
                    f"mask has shape {self.good.shape}, the detector {spec.shape}; make one for "
                    "the whole detector"
                )
            good = good & self.good
        return replace(spec, unit="1", good=good, dtype="int32", noise=None)


@reductions.register("photon probability")
@dataclass(frozen=True)
class PhotonProbability(Reduction):
    """How often a usable pixel holds k photons, of pictures of photons: see `reductions.speckle`.

    Parameters
    ----------
    highest
        Pixels with this many photons or more are counted together.
    """

    highest: int = HIGHEST

    def outputs(self, spec: FrameSpec) -> tuple[Output, ...]:  # noqa: ARG002 - as all reductions
        """Declare P(0) to P(highest), then the mean."""
        text = f"pixels with 0 to {self.highest - 1} and with {self.highest} or more photons, per "
        text += "usable pixel; last: photons per usable pixel"
        return (Output("prob", "1", (self.highest + 2,), "float64", text),)

    def reduce_region(self, pixels: Frames, spec: FrameSpec) -> Values:
        """Return P(k) and the mean, shape (event, k); NaN where no pixel is usable."""
        counted = np.where(spec.good, pixels, 0)
        found = photon_statistics(flattened(counted), spec.good, highest=self.highest)
        return {"prob": np.column_stack([found.probability, found.kbar])}


@compiled
def _count(
    pixels: Frames,
    good: Bools,
    per_photon: float,
    fraction: float,
    low: float,
    shape: tuple[int, int],
    picture: Array,
) -> Ints:
    """Fill `picture` with photons per pixel, (event, pixel), and return those of each event."""
    rows, cols = shape
    size = pixels.shape[1]
    rest, used = np.empty(size, pixels.dtype), np.zeros(size, np.bool_)
    chosen, total = np.empty(size, np.int64), np.zeros(len(pixels), np.int64)
    scale, zero = pixels.dtype.type(1 / per_photon), pixels.dtype.type(0)
    for event in range(len(pixels)):
        count = 0
        for pixel in range(size):
            value = pixels[event, pixel]
            kept = good[pixel] and value >= low and value > 0
            photons = value * scale if kept else zero
            whole = np.floor(photons)
            picture[event, pixel] = np.int32(whole)
            rest[pixel] = photons - whole
        for pixel in range(size):
            total[event] += picture[event, pixel]
            chosen[count] = pixel
            count += rest[pixel] >= HALF
        used[:] = False
        for place in range(count):
            pixel = chosen[place]
            if used[pixel] or not _is_highest(rest, pixel, rows, cols):
                continue
            beside = _largest_free(rest, used, pixel, rows, cols)
            second = rest[beside] if beside >= 0 else zero
            if rest[pixel] + second >= fraction:
                picture[event, pixel] += 1
                total[event] += 1
                used[pixel] = True
                if beside >= 0:
                    used[beside] = True
    return total


@compiled
def _is_highest(rest: Frames, pixel: int, rows: int, cols: int) -> bool:
    """Tell whether no pixel beside holds more; of two that hold the same, the first is."""
    row, col, value = (pixel // cols) % rows, pixel % cols, rest[pixel]
    before = (row == 0 or rest[pixel - cols] < value) and (col == 0 or rest[pixel - 1] < value)
    right = col == cols - 1 or rest[pixel + 1] <= value
    below = row == rows - 1 or rest[pixel + cols] <= value
    return before and right and below


@compiled
def _largest_free(rest: Frames, used: Bools, pixel: int, rows: int, cols: int) -> int:
    """Return the pixel beside that holds most and was not taken, the first of equals; -1: none."""
    row, col = (pixel // cols) % rows, pixel % cols
    best, most = -1, rest.dtype.type(0)
    for step, inside in (
        (-cols, row > 0),
        (-1, col > 0),
        (1, col < cols - 1),
        (cols, row < rows - 1),
    ):
        if inside and not used[pixel + step] and rest[pixel + step] > most:
            best, most = pixel + step, rest[pixel + step]
    return best
