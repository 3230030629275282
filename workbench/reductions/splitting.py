"""Pixels shared out among the bins that they reach into, by pyFAI's own sparse maps."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import prod

import numpy as np

from workbench.core.arrays import Array, Bools, Floats
from workbench.core.bounds import Bounds
from workbench.core.extras import load
from workbench.reductions.bins import ON_EDGE, TURN, BinsError
from workbench.reductions.scattering import GeometryInputError, Scattering

SPLITTINGS = ("no", "bbox")  # pyFAI's names
CORNERS = ((-0.5, -0.5), (-0.5, 0.5), (0.5, 0.5), (0.5, -0.5))  # rows, columns from the centre
ALIKE = 1e-6  # of a width, by which bins may differ and count as equal

Seen = Callable[[float, float], Scattering]
Place = tuple[Floats, Floats, Floats]


@dataclass(frozen=True, eq=False)
class Shares:
    """Which part of each pixel lies in which bin, one entry after the other.

    Parameters
    ----------
    shape
        Of the frame, or of the part of it that holds all pixels with entries.
    pixels
        Their numbers, which rise.
    places
        Bins.
    weights
        Parts of a pixel, 0 to 1.
    """

    shape: tuple[int, ...]
    pixels: Array
    places: Array
    weights: Array

    @property
    def used(self) -> Bools:
        """Tell which pixels reach into any bin."""
        used = np.zeros(self.shape, np.bool_)
        used.flat[self.pixels] = True
        return used

    def within(self, bounds: Bounds) -> "Shares":
        """Return the entries for a part of the frame that holds all pixels that are used."""
        numbers = np.zeros(self.shape, np.int32)
        numbers[bounds.slices] = np.arange(prod(bounds.shape)).reshape(bounds.shape)
        return replace(self, shape=bounds.shape, pixels=numbers.ravel()[self.pixels])


def checked_splitting(splitting: str, radial_edges: Floats, phi_edges: Floats) -> str:
    """Return the name if it is known and the bins allow it, else raise `BinsError`."""
    if splitting not in SPLITTINGS:
        raise BinsError(f"no splitting {splitting!r}; known are {', '.join(SPLITTINGS)}")
    for name, edges in (("radial bins", radial_edges), ("bins of azimuth", phi_edges)):
        widths = np.diff(edges)
        if splitting != "no" and np.ptp(widths) > ALIKE * widths.mean():
            raise BinsError(
                f"pixels are split among equal bins only, and the {name} are not equal: "
                "give a width or a number of bins, or splitting 'no'"
            )
    return splitting


def with_reach(seen: Seen, splitting: str) -> Scattering:
    """Return the geometry of pixel centres, with how far pixels reach where they are split.

    Parameters
    ----------
    seen
        Gives the geometry of points that lie so many rows and columns from the pixel centres.
    splitting
        One of `SPLITTINGS`.
    """
    centre = seen(0.0, 0.0)
    if splitting == "no":
        return centre
    radial, azimuth = np.zeros(centre.shape), np.zeros(centre.shape)
    for corner in CORNERS:
        one = seen(*corner)
        turn = np.abs(one.phi - centre.phi)
        radial = np.maximum(radial, np.abs(one.radial - centre.radial))
        azimuth = np.maximum(azimuth, np.minimum(turn, TURN - turn))
    return replace(centre, reach=(radial, azimuth))


def moved(place: Place, down: float, right: float) -> Place:
    """Return points that lie so many rows and columns from the pixel centres [um].

    Pixels of a tile are taken as alike: a row is the median way from one row of it to the next.

    Parameters
    ----------
    place
        x, y, z of pixel centres [um], shapes (segment, row, col) or (row, col).
    down, right
        Rows and columns, in parts of one.
    """
    if not (down or right):
        return place
    if place[0].ndim < 2 or min(place[0].shape[-2:]) < 2:
        text = f"pixels of shape {place[0].shape} have no rows and columns: they cannot be split"
        raise GeometryInputError(text)
    x, y, z = (one + down * _step(one, -2) + right * _step(one, -1) for one in place)
    return x, y, z


def _step(place: Floats, axis: int) -> Floats:
    steps, tile = np.diff(place, axis=axis), (-2, -1)
    known = np.isfinite(steps).any(axis=tile, keepdims=True)
    return np.asarray(np.nanmedian(np.where(known, steps, 0.0), axis=tile, keepdims=True))


def shares_of(
    scattering: Scattering, good: Bools, radial_edges: Floats, phi_edges: Floats
) -> Shares:
    """Return the map of pyFAI's sparse integrator for splitting by bounding boxes.

    A pixel is a box around its centre, as wide as its corners reach in the radial coordinate and in
    azimuth; each bin gets the part of the box that lies in it, and what lies in no bin is lost. In
    a whole turn a box ends at the first edge, on the side of its centre; in one bin over a whole
    turn the azimuth is not looked at. pyFAI counts into the first bin what lies up to one bin below
    it: bins beyond both ends, which are not kept, take that.

    Parameters
    ----------
    scattering
        With its `reach`.
    good
        Pixels in use, in the shape of a frame.
    radial_edges, phi_edges
        Of equal bins, in the unit of ``scattering.radial`` and in rad. Bins are counted along the
        radial coordinate first.
    """
    if scattering.reach is None:
        raise GeometryInputError("pixels without corners cannot be split: make them by with_reach")
    pyfai = load("pyFAI.ext.splitBBoxCSC", "splitting of pixels", "geometry")
    rings, sectors = len(radial_edges) - 1, len(phi_edges) - 1
    span = float(phi_edges[-1] - phi_edges[0])
    whole = span > TURN * (1 - ON_EDGE)
    used = good & np.isfinite(scattering.radial) & np.isfinite(scattering.reach).all(axis=0)

    def flat(values: Floats) -> Floats:
        return np.where(used, values, 0.0).ravel()

    boxes = [flat(scattering.radial), flat(scattering.reach[0])]
    radial_range, beyond = _beyond(float(radial_edges[0]), float(radial_edges[-1]), rings)
    option = {"mask": (~used).ravel().astype(np.int8), "pos0_range": radial_range}
    if whole and sectors == 1:
        found = pyfai.HistoBBox1d(*boxes, bins=beyond, **option)
        ring, sector = np.asarray(found.indices) - 1, np.zeros(found.nnz, np.int32)
    else:
        middle = (phi_edges[0] + phi_edges[-1]) / 2
        phi = np.mod(scattering.phi - middle + TURN / 2, TURN) - TURN / 2
        ends = -span / 2, span / 2
        option["pos1_range"], across = (ends, sectors) if whole else _beyond(*ends, sectors)
        boxes += [flat(phi), flat(scattering.reach[1])]
        found = pyfai.HistoBBox2d(*boxes, bins=(beyond, across), **option)
        ring, sector = np.divmod(np.asarray(found.indices), across)
        ring, sector = ring - 1, sector - (not whole)
    kept = (ring >= 0) & (ring < rings) & (sector >= 0) & (sector < sectors)
    pixels = np.repeat(np.arange(good.size), np.diff(found.indptr))[kept]
    weights = np.asarray(found.data)[kept]
    return Shares(good.shape, pixels, (sector * rings + ring)[kept], weights)


def _beyond(low: float, high: float, bins: int) -> tuple[tuple[float, float], int]:
    """Return range and number of bins with one more at each end."""
    width = (high - low) / bins
    return (low - width, high + width), bins + 2
