"""Photons of droplets: how many each holds, and where they fell.

A droplet of signal s holds n photons of signal a where n - 1/2 <= s / a < n + 1/2. One photon lies
at the centre of mass; several are placed greedily, pixel by pixel, as `place_photons` describes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from workbench.core.arrays import Array, Bools, Floats, Frames, Ints
from workbench.core.errors import InputError
from workbench.core.frames import FrameSpec, Output, Setting, Values
from workbench.reductions import droplet_kernels as kernels
from workbench.reductions.base import Nested, Reduction, mask_setting
from workbench.reductions.entries import Entries, Sparse
from workbench.reductions.places import nearest_pixels, picture_of, places, tile_shape
from workbench.reductions.speckle import PhotonStatistics

HIGHEST = 10  # photons counted apart; pixels with this many or more are counted together


@dataclass(frozen=True, eq=False)
class Found:
    """The droplets of one event.

    Parameters
    ----------
    every
        How many there were before weak ones were left out.
    total, row, col, tile, npix
        Signal, centre of mass, tile and number of pixels of each, shape (droplet,).
    pixels, values
        Number and value of the droplets' pixels, droplet by droplet, shape (pixel,).
    """

    every: int
    total: Floats
    row: Floats
    col: Floats
    tile: Ints
    npix: Ints
    pixels: Ints
    values: Frames


@dataclass(frozen=True, eq=False)
class DropletPhotons:
    """Photons of the droplets, and how often a pixel counts k of them.

    Parameters
    ----------
    per_photon
        Signal of one photon, in the unit of the frames.
    good
        Pixels counted in P(k), in the shape of the detector; None takes every usable pixel.
    store
        How the photons are stored; None does not store them.
    children
        Reductions of the picture of photons, each in the pixel nearest to it.

    Raises
    ------
    InputError
        For a signal of one photon that is not above 0.
    """

    per_photon: float
    good: Bools | None = None
    store: Sparse | None = None
    children: tuple[Nested[Reduction], ...] = ()

    def __post_init__(self) -> None:
        if not 0 < self.per_photon < np.inf:
            raise InputError(f"the signal of one photon must be above 0, not {self.per_photon}")

    def outputs(self, spec: FrameSpec) -> tuple[Output, ...]:
        """Declare P(k), the photons, and what is made of their picture.

        Raises
        ------
        InputError
            For a mask that is not of the detector's shape.
        """
        if self.good is not None and self.good.shape != spec.shape:
            raise InputError(
                f"mask of photons has shape {self.good.shape}, the detector {spec.shape}; make one "
                "for the whole detector"
            )
        text = f"pixels with 0 to {HIGHEST - 1} and with {HIGHEST} or more photons, per usable "
        text += "pixel; last: photons per usable pixel"
        out = [Output("prob", "1", (HIGHEST + 2,), "float64", text)]
        if self.store is not None:
            out += [output.under("sparse") for output in self.store.outputs(_fields())]
        for child in self.children:
            out += child.outputs(_picture_spec(spec))
        return tuple(out)

    def settings(self, spec: FrameSpec) -> Mapping[str, Setting]:
        """Return the signal of a photon and the pixels counted in P(k)."""
        kept = {
            "aduspphot": Setting(self.per_photon, spec.unit, "signal of one photon"),
            "mask": mask_setting(self._counted(spec)),
        }
        if self.store is not None:
            kept["sparse.nData"] = self.store.setting
        for child in self.children:
            kept |= child.settings(_picture_spec(spec))
        return kept

    def reduce(self, every: Sequence[Found], spec: FrameSpec) -> Values:
        """Return the declared outputs for the droplets of some events."""
        shape = tile_shape(spec.shape)
        placed = [
            kernels.photons_of(
                found.pixels, found.values, found.npix, (found.total, found.row, found.col),
                found.tile, self.per_photon, shape,
            )
            for found in every
        ]  # fmt: skip
        lengths = np.array([len(photons) for photons in placed], np.int64)
        together = np.concatenate([np.empty((0, 3)), *placed])
        fields = {"data": np.ones(len(together)), "row": together[:, 0], "col": together[:, 1]}
        entries = Entries(lengths, {**fields, "tile": together[:, 2].astype(np.int64)})
        values: dict[str, Array] = {"prob": self._probability(entries, spec)}
        if self.store is not None:
            stored = self.store.values(entries)
            outputs = self.store.outputs(_fields())
            values |= {output.under("sparse").name: stored[output.name] for output in outputs}
        if self.children:
            told, picture = _picture_spec(spec), picture_of(entries, spec.shape)
            for child in self.children:
                values |= child.named(child.reduction.reduce(picture, told), told)
        return values

    def _probability(self, entries: Entries, spec: FrameSpec) -> Floats:
        """Return P(k) and the mean of each event."""
        good = self._counted(spec)
        flat, usable = good.reshape(-1), int(np.count_nonzero(good))
        counts = np.zeros(flat.size, np.int32)
        pixels = np.zeros((len(entries.lengths), HIGHEST + 1), np.int64)
        total = np.zeros(len(pixels))
        ends, nearest = np.cumsum(entries.lengths), nearest_pixels(entries, spec.shape)
        for event, (length, end) in enumerate(zip(entries.lengths, ends, strict=True)):
            pixels[event], total[event] = kernels.count_per_pixel(
                nearest[end - length : end], flat, HIGHEST, counts
            )
        pixels[:, 0] = usable - pixels.sum(axis=1)
        mean = total / usable if usable else np.full(len(total), np.nan)
        return np.column_stack([PhotonStatistics(pixels, mean).probability, mean])

    def _counted(self, spec: FrameSpec) -> Bools:
        return spec.good if self.good is None else spec.good & self.good


def _fields() -> tuple[Output, ...]:
    return Output("data", "1", (), "float64", "1 for each photon"), *places("float64")


def _picture_spec(spec: FrameSpec) -> FrameSpec:
    return replace(spec, unit="1", dtype="float64", noise=None)
