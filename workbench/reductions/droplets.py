"""Droplets: groups of touching pixels above threshold, the charge clouds of photons.

The method is that of Livet et al., Nucl. Instrum. Methods A 451, 596 (2000), with two thresholds
and four neighbours of the facility's producer, so that numbers compare.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from workbench.core.arrays import Array, Bools, Frames
from workbench.core.errors import InputError
from workbench.core.frames import FrameSpec, Output, Setting, Values
from workbench.reductions import droplet_kernels as kernels
from workbench.reductions.base import (
    Nested,
    Reduction,
    flattened,
    inside,
    mask_setting,
    reductions,
)
from workbench.reductions.droplet_photons import DropletPhotons, Found
from workbench.reductions.entries import Entries, Sparse
from workbench.reductions.places import picture_of, places, tile_shape


@reductions.register("droplets")
@dataclass(frozen=True, eq=False)
class Droplets(Reduction):
    """Number, signal and centre of mass of droplets.

    Parameters
    ----------
    threshold
        A droplet has at least one pixel of this value or more.
    low
        Pixels beside such a one belong to the droplet if they reach this; None: `threshold`.
    in_sigma
        Both are multiples of each pixel's noise; else they are in the unit of the frames.
    least
        Droplets whose sum is below are left out, in the unit of the frames.
    top
        Pixels above count as 0, in the unit of the frames.
    good
        The user's mask in the shape of the detector, True = use; None takes every pixel.
    store
        How the droplets are stored; None stores their number alone.
    photons
        Photons of the droplets.
    children
        Reductions of a picture with each droplet's sum in the pixel of its centre of mass.

    Raises
    ------
    InputError
        Unless 0 <= low <= threshold.
    """

    threshold: float
    low: float | None = None
    in_sigma: bool = True
    least: float = -np.inf
    top: float = np.inf
    good: Bools | None = None
    store: Sparse | None = None
    photons: DropletPhotons | None = None
    children: tuple[Nested[Reduction], ...] = ()

    def __post_init__(self) -> None:
        low = self.threshold if self.low is None else self.low
        if not 0 <= low <= self.threshold:
            raise InputError(
                f"droplet thresholds must be 0 <= low <= threshold, not {low} and {self.threshold}"
            )

    def outputs(self, spec: FrameSpec) -> tuple[Output, ...]:
        """Declare the numbers of droplets, and what is made of them as configured."""
        self._thresholds(spec)
        out = [
            Output("nDroplets_all", "1", (), "int64", "droplets"),
            Output(
                "nDroplets", "1", (), "int64", f"droplets of {self.least:g} {spec.unit} or more"
            ),
        ]
        if self.store is not None:
            stored = self.store.outputs(_fields(spec.unit))
            out += [output.under("sparse") for output in stored]
        if self.photons is not None:
            out += [output.under("droplet2phot") for output in self.photons.outputs(spec)]
        for child in self.children:
            out += child.outputs(self._picture_spec(spec))
        return tuple(out)

    def settings(self, spec: FrameSpec) -> Mapping[str, Setting]:
        """Return thresholds and mask, and the set-up of photons and children."""
        unit = "1" if self.in_sigma else spec.unit
        low = self.threshold if self.low is None else self.low
        kept = {
            "threshold": Setting(self.threshold, unit, "least value of one pixel of a droplet"),
            "thresholdLow": Setting(low, unit, "least value of every pixel of a droplet"),
            "useRms": Setting(int(self.in_sigma), "1", "1 = thresholds in noise of the pixel"),
            "mask": mask_setting(self._picture_spec(spec).good),
        }
        if np.isfinite(self.least):
            kept["thresADU"] = Setting(self.least, spec.unit, "droplets below are left out")
        if np.isfinite(self.top):
            kept["pixmax"] = Setting(self.top, spec.unit, "pixels above count as 0")
        if self.store is not None:
            kept["sparse.nData"] = self.store.setting
        if self.photons is not None:
            kept |= inside("droplet2phot", self.photons.settings(spec))
        for child in self.children:
            kept |= child.settings(self._picture_spec(spec))
        return kept

    def reduce_region(self, pixels: Frames, spec: FrameSpec) -> Values:
        """Return the declared outputs of whole frames, shape (event, ...)."""
        every = list(self._find(pixels, spec))
        values: dict[str, Array] = {
            "nDroplets_all": np.array([found.every for found in every], np.int64),
            "nDroplets": np.array([len(found.total) for found in every], np.int64),
        }
        entries = _entries(every)
        if self.store is not None:
            stored = self.store.values(entries)
            outputs = self.store.outputs(_fields(spec.unit))
            values |= {output.under("sparse").name: stored[output.name] for output in outputs}
        if self.photons is not None:
            photons = self.photons.reduce(every, spec)
            outputs = self.photons.outputs(spec)
            values |= {o.under("droplet2phot").name: photons[o.name] for o in outputs}
        if self.children:
            told, picture = self._picture_spec(spec), picture_of(entries, spec.shape)
            for child in self.children:
                values |= child.named(child.reduction.reduce(picture, told), told)
        return values

    def usable(self, spec: FrameSpec) -> Bools:
        """Tell which pixels are not masked, in the shape of a frame."""
        return spec.good if self.good is None else spec.good & self.good

    def _find(self, pixels: Frames, spec: FrameSpec) -> Iterator[Found]:
        low, high = self._thresholds(spec)
        shape = tile_shape(spec.shape)
        top = min(self.top, float(np.finfo(spec.dtype).max))  # infinity is no signal
        chosen = np.empty(low.size, np.int32)
        for frame in flattened(pixels).astype(spec.dtype, copy=False):
            place, droplet, count = kernels.find(frame, low, high, top, shape, chosen)
            total, row, col, tile, npix = kernels.measure(frame, place, droplet, count, shape)
            kept = total >= self.least
            place = kernels.grouped(place, droplet, npix, kept)
            yield Found(
                count,
                total[kept],
                row[kept],
                col[kept],
                tile[kept],
                npix[kept],
                place,
                frame[place],
            )

    def _thresholds(self, spec: FrameSpec) -> tuple[Frames, Frames]:
        """Return the lower and the higher threshold of every pixel; those last made are kept."""
        kept: tuple[Bools, tuple[Frames, Frames]] | None = self.__dict__.get("_kept")
        if kept is None or kept[0] is not spec.good:
            kept = spec.good, self._made(spec)
            self.__dict__["_kept"] = kept
        return kept[1]

    def _made(self, spec: FrameSpec) -> tuple[Frames, Frames]:
        """Return the thresholds of every pixel; no bad one reaches them."""
        sigma = np.ones(spec.shape) if not self.in_sigma else spec.noise
        if sigma is None:
            raise InputError(
                "droplet thresholds are multiples of the noise, which is not known: give constants "
                "with noise, or thresholds in the unit of the frames (useRms: False)"
            )
        if self.good is not None and self.good.shape != spec.shape:
            raise InputError(
                f"mask has shape {self.good.shape}, the detector {spec.shape}; make one for the "
                "whole detector"
            )
        good = self.usable(spec)
        kind = np.dtype(spec.dtype)
        least = np.nextafter(kind.type(0), kind.type(1))  # a pixel of 0 is empty
        low = self.threshold if self.low is None else self.low
        good = good & np.isfinite(sigma)
        each = (np.where(good, sigma * level, np.inf) for level in (low, self.threshold))
        lower, higher = (np.maximum(x.astype(kind), least).reshape(-1) for x in each)
        return lower, higher

    def _picture_spec(self, spec: FrameSpec) -> FrameSpec:
        return replace(spec, good=self.usable(spec), dtype="float64", noise=None)


def _entries(every: Sequence[Found]) -> Entries:
    names = {"data": "total", "row": "row", "col": "col", "tile": "tile", "npix": "npix"}
    kinds = {"tile": np.int64, "npix": np.int64}
    fields = {
        name: np.concatenate(
            [np.empty(0, kinds.get(name, np.float64)), *(getattr(one, source) for one in every)]
        )
        for name, source in names.items()
    }
    return Entries(np.array([len(one.total) for one in every], np.int64), fields)


def _fields(unit: str) -> tuple[Output, ...]:
    return (
        Output("data", unit, (), "float64", "sum of the droplet's pixels"),
        *places("float64"),
        Output("npix", "1", (), "int64", "pixels of the droplet"),
    )
