"""The camera on the powder rings, of any hutch: pixel positions, where rings fall, bins in q."""

from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np

from workbench.core.arrays import Array, Floats, Ints
from workbench.core.bounds import Bounds
from workbench.synthetic.cameras import HC, RING_WIDTH, RINGS, jungfrau_1m, ring_q

DISTANCE = 60_000.0  # um, from the sample
GAP = 1_000.0  # um, between tiles
PITCH: dict[tuple[int, ...], float] = {(2, 512, 1024): 75.0}  # um; all others 100
NOISE = 0.35  # keV, of a dark pixel
Q_EDGES = np.round(np.linspace(0.5, 3.5, 61), 6)  # 1/angstrom
N_PHI = 4


@dataclass(frozen=True)
class RingCamera:
    """Pixels of the camera on the rings, without gain or dark level: its sums are in keV.

    Parameters
    ----------
    x, y, z
        Pixel centres (tile, row, col) [um], as the facility's files have them.
    q, phi
        Scattering vector [1/angstrom] and azimuth [rad, 0 to 2 pi] of each pixel.
    share
        Share of the rings' photons in each pixel.
    """

    x: Floats
    y: Floats
    z: Floats
    q: Floats
    phi: Floats
    share: Floats

    def expected(self, roi: Bounds, ring_photons: float, diffuse_photons: float) -> float:
        """Return the photons in a region at mean I0."""
        inside = float(self.share[roi.slices].sum())
        return ring_photons * inside + diffuse_photons * int(np.prod(roi.shape))

    @cached_property
    def bins(self) -> tuple[Ints, Floats]:
        """Pixels and share of the rings' photons in each bin, shape (phi, q).

        Bin k of `N_PHI` is centred at k * 2 pi / N_PHI, as the facility's azimuthal
        integration has it.
        """
        step = 2 * np.pi / N_PHI
        sector = np.floor(self.phi / step + 0.5).astype(np.int64) % N_PHI
        ring = np.searchsorted(Q_EDGES, self.q.ravel(), side="right") - 1
        kept = (ring >= 0) & (ring < len(Q_EDGES) - 1)
        flat = (sector.ravel() * (len(Q_EDGES) - 1) + ring)[kept]
        size, shape = N_PHI * (len(Q_EDGES) - 1), (N_PHI, len(Q_EDGES) - 1)
        pixels: Ints = np.bincount(flat, minlength=size).reshape(shape)
        share = np.bincount(flat, self.share.ravel()[kept], minlength=size).reshape(shape)
        return pixels, share.astype(np.float64)


@lru_cache(maxsize=4)
def ring_camera(shape: tuple[int, ...], photon_energy: float) -> RingCamera:
    """Return the camera of this shape; `photon_energy` [keV]."""
    if shape == jungfrau_1m().good.shape:
        x, y, z = (axis.reshape(shape) for axis in jungfrau_1m().geometry.laboratory)
    else:
        x, y, z = _grid(shape)
    radius = np.hypot(x, y)
    q = 4 * np.pi * np.sin(np.arctan2(radius, np.abs(z)) / 2) * photon_energy / HC
    light = np.zeros(shape)
    for (_, weight), centre in zip(RINGS, ring_q(), strict=True):
        light += weight * np.exp(-((q - centre) ** 2) / (2 * RING_WIDTH**2))
    phi = np.mod(np.arctan2(y, x), 2 * np.pi)
    return RingCamera(x, y, z, q, phi, light / light.sum())


def _grid(shape: tuple[int, ...]) -> tuple[Floats, Floats, Floats]:
    """Return pixel centres of tiles in a square around the beam."""
    tiles, rows, cols = shape
    side = int(np.ceil(np.sqrt(tiles)))
    pitch = PITCH.get(shape, 100.0)
    row, col = np.arange(rows) * pitch, np.arange(cols) * pitch
    down = _centred(side, rows * pitch)[:, np.newaxis] + row
    right = _centred(side, cols * pitch)[:, np.newaxis] + col
    place = np.arange(tiles)
    y = np.broadcast_to(-down[place // side][:, :, np.newaxis], shape)
    x = np.broadcast_to(right[place % side][:, np.newaxis, :], shape)
    return x, y, np.full(shape, DISTANCE)


def _centred(side: int, length: float) -> Array:
    return (np.arange(side) - side / 2) * (length + GAP) + GAP / 2
