"""Photons per pixel from frames in which a photon's charge spreads over at most two pixels.

The rule is that of psana's ``photons`` (ImgAlgos, documentation), which leaves out what lies at the
edge of a frame; here pixels beyond the edge hold no charge.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

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
from workbench.reductions.candidates import candidates
from workbench.reductions.compiled import compiled
from workbench.reductions.droplet_photons import HIGHEST
from workbench.reductions.places import tile_shape
from workbench.reductions.speckle import photon_statistics

MOST = 1 << 31  # photons in a pixel, that a picture of whole numbers can hold
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

    Raises
    ------
    InputError
        For a signal of one photon that is not above 0.
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
        """Return the declared outputs of whole frames, shape (event, ...).

        A pixel that is not a finite number holds no photon; see `reduced` for frames without any
        that is one. Raises `InputError` where one holds
        more photons than can be counted.
        """
        told, flat = self._picture_spec(spec), flattened(pixels)
        rule = self.per_photon, self.fraction, self.low
        picture = np.zeros(flat.shape if self.children else (0, 0), np.int32)
        least = self._least(told.good, flat.dtype)
        count = _count(flat, least, told.good.reshape(-1), rule, tile_shape(spec.shape), picture)
        if (count < 0).any():
            raise InputError(
                f"a pixel holds more than {MOST} photons of {self.per_photon:g} {spec.unit}: check "
                "the signal of one photon, and the frames"
            )
        values: dict[str, Array] = {"nPhot": count}
        for child in self.children:
            frames = picture.reshape(pixels.shape)
            values |= child.named(child.reduction.reduce(frames, told), told)  # type: ignore[arg-type]
        return values

    def _least(self, good: Bools, kind: Any) -> Frames:
        """Return a signal of every pixel below which it holds less than `HALF` a photon."""
        safely = (1 - 8 * np.finfo(kind).eps) * HALF * self.per_photon
        levels = np.array([np.inf, max(safely, self.low)], kind)
        return levels[good.reshape(-1).view(np.uint8)]

    def usable(self, spec: FrameSpec) -> Bools:
        """Tell which pixels are not masked; `InputError` for a mask of another shape."""
        if self.good is None:
            return spec.good
        if self.good.shape != spec.shape:
            raise InputError(
                f"mask has shape {self.good.shape}, the detector {spec.shape}; make one for the "
                "whole detector"
            )
        return spec.good & self.good

    def _picture_spec(self, spec: FrameSpec) -> FrameSpec:
        return replace(spec, unit="1", good=self.usable(spec), dtype="int32", noise=None)


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
    least: Frames,
    good: Bools,
    rule: tuple[float, float, float],
    shape: tuple[int, int],
    picture: Array,
) -> Ints:
    """Return the photons of each event of `pixels`, (event, pixel); below 0: more than `MOST`.

    Pixels below `least` hold less than `HALF` a photon. `rule` is the signal of a photon, the part
    of one that counts, the least signal. `picture` has the shape of `pixels` and comes filled with
    0, for photons per pixel; where it is not wanted, it has no events.
    """
    per_photon, fraction, low = rule
    size, drawn = pixels.shape[1], len(picture) > 0
    chosen, total = np.empty(size, np.int32), np.zeros(len(pixels), np.int64)
    used = np.zeros(size, np.int32)  # in which event, from 1, a photon last took a pixel
    scale = pixels.dtype.type(1 / per_photon)
    for event in range(len(pixels)):
        frame = pixels[event]
        for place in range(candidates(frame, least, chosen)):
            pixel = chosen[place]
            photons = _photons(frame, pixel, (good, low, scale))
            whole = np.floor(photons)
            if whole >= MOST:
                total[event] = -1
                break
            held, rest = np.int32(whole), photons - whole
            if rest >= HALF and used[pixel] != event + 1:
                partner, shared = _partner(frame, pixel, (good, low, scale), shape, used, event + 1)
                if partner >= 0 and rest + shared >= fraction:
                    held += 1
                    used[pixel] = used[partner] = event + 1
            total[event] += held
            if drawn:
                picture[event, pixel] = held
    return total


@compiled
def _photons(frame: Frames, pixel: int, counted: tuple[Bools, float, Any]) -> Any:
    """Return the signal of a pixel in photons; `counted`: usable ones, least signal, scale."""
    good, low, scale = counted
    value = frame[pixel]
    known = good[pixel] and value >= low and 0 < value < np.inf
    return value * scale if known else scale * 0


@compiled
def _partner(
    frame: Frames,
    pixel: int,
    counted: tuple[Bools, float, Any],
    shape: tuple[int, int],
    used: Array,
    event: int,
) -> tuple[int, Any]:
    """Return the pixel beside that shares a photon with this one, and what is left of it.

    It holds most of those that no photon took in this event, the first of equals; the pixel itself
    and 0 where there is none; -1 where one beside holds more, or the same and comes before.
    """
    rows, cols = shape
    row, col = (pixel // cols) % rows, pixel % cols
    photons = _photons(frame, pixel, counted)
    rest, partner, most = photons - np.floor(photons), pixel, photons * 0
    for step, inside in (
        (-cols, row > 0),
        (-1, col > 0),
        (1, col < cols - 1),
        (cols, row < rows - 1),
    ):
        if inside:
            photons = _photons(frame, pixel + step, counted)
            beside = photons - np.floor(photons)
            if not (beside < rest if step < 0 else beside <= rest):
                return -1, most
            if beside > most and used[pixel + step] != event:
                partner, most = pixel + step, beside
    return partner, most
