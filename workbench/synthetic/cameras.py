"""The two cameras: pixels, constants, regions, and where photons fall on them."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from workbench.core.arrays import Bools, Floats, Ints
from workbench.core.bounds import Bounds
from workbench.core.constants import Constants
from workbench.sources.geometry import Geometry, parse_geometry
from workbench.synthetic.draws import Draw, generator

Singles = NDArray[np.float32]

CAMERA_SEED = 7  # cameras are the same in every run, whatever the run's seed
SIGNAL = Bounds((330, 180), (370, 220))  # of epix_1: the diffraction spot
BACKGROUND = Bounds((330, 260), (370, 300))  # of epix_1: beside the spot
RING = Bounds((0, 250, 400), (1, 314, 528))  # of jungfrau1M: a piece of the second ring
SPOT_CENTRE = (350.3, 200.6)  # row, col
SPOT_WIDTH = 5.0  # pixel, standard deviation
LATTICE = 4.1569  # angstrom, LaB6
RINGS = ((1, 58.0), (2, 100.0), (3, 43.0), (4, 25.0))  # h2 + k2 + l2, relative intensity
RING_WIDTH = 0.012  # 1/angstrom, standard deviation
HC = 12.398419843320026  # keV angstrom
EPIX_TABLE = "IP 0 EPIX100:V1 0  35000 -20000 500000  90 180 0  0 0 0"
JUNGFRAU_TABLE = """
JFCAMERA:V1 0 JUNGFRAU:V2 0      0  20625     0   0 0 180  0 0 0
JFCAMERA:V1 0 JUNGFRAU:V2 1      0 -20625     0   0 0 180  0 0 0
IP:V1       0 JFCAMERA:V1 0    450   -300 60000  90 0   0  0 0 0
"""


@dataclass(frozen=True)
class Source:
    """Where photons of one kind fall: pixels by flat index, and their cumulated shares.

    Parameters
    ----------
    pixels
        None: every pixel alike.
    cumulated
        Rising to 1, as long as `pixels`.
    """

    pixels: Ints | None
    cumulated: Floats


@dataclass(frozen=True)
class Camera:
    """One area detector.

    Parameters
    ----------
    name, serials
        Name in the DAQ; serial number of each segment.
    geometry
        Pixel positions.
    pedestal, noise
        Dark value and its standard deviation [ADU], shape of a frame.
    adu
        ADU per photon of each pixel; 0 for dead ones.
    good
        False for hot and dead pixels.
    """

    name: str
    serials: tuple[str, ...]
    geometry: Geometry
    pedestal: Singles
    noise: Singles
    adu: Singles
    good: Bools

    def constants(self, photon_energy: float) -> Constants:
        """Return the constants that calibrate frames to keV; `photon_energy` [keV]."""
        x, y, z = (axis.reshape(self.good.shape) for axis in self.geometry.laboratory)
        gain = np.where(self.good, self.adu / photon_energy, 1.0)
        pedestal = self.pedestal.astype(np.float64)
        return Constants(self.name, pedestal, gain, self.good, x, y, z, origin="synthetic")


@lru_cache(maxsize=1)
def epix_1() -> Camera:
    """Return the ePix100 that watches the diffraction spot."""
    geometry = parse_geometry(EPIX_TABLE)
    return _camera("epix_1", ("3925999616-0996663297",), geometry, (704, 768), (2900, 12, 150))


@lru_cache(maxsize=1)
def jungfrau_1m() -> Camera:
    """Return the Jungfrau 1M that watches the powder rings; all pixels in high gain."""
    geometry = parse_geometry(JUNGFRAU_TABLE)
    serials = ("8588738834-0000000001", "8588738834-0000000002")
    return _camera("jungfrau1M", serials, geometry, (2, 512, 1024), (2500, 14, 394))


def signal_source() -> tuple[Source, float]:
    """Return the diffraction spot and its photons per photon in the good pixels of `SIGNAL`."""
    camera = epix_1()
    rows, cols = np.indices(camera.good.shape)
    square = (rows - SPOT_CENTRE[0]) ** 2 + (cols - SPOT_CENTRE[1]) ** 2
    shape = np.exp(-square / (2 * SPOT_WIDTH**2))
    shape[square > (6 * SPOT_WIDTH) ** 2] = 0
    inside = shape[SIGNAL.slices][camera.good[SIGNAL.slices]].sum()
    return _source(shape), float(shape.sum() / inside)


@lru_cache(maxsize=1)
def expected_frame(signal_photons: float, background_photons: float) -> Floats:
    """Return the photons in each epix_1 pixel at mean I0, laser off, shape (row, col)."""
    rows, cols = np.indices(epix_1().good.shape)
    square = (rows - SPOT_CENTRE[0]) ** 2 + (cols - SPOT_CENTRE[1]) ** 2
    spot = np.exp(-square / (2 * SPOT_WIDTH**2)) / (2 * np.pi * SPOT_WIDTH**2)
    frame: Floats = background_photons + signal_photons * spot
    return frame


def even_source() -> Source:
    """Return the source that lights every pixel alike."""
    return Source(None, np.empty(0))


@lru_cache(maxsize=2)
def ring_shape(photon_energy: float) -> Floats:
    """Return the share of the rings' photons in each jungfrau1M pixel, (segment, row, col)."""
    q = scattering_vector(jungfrau_1m().geometry, photon_energy)
    shape = np.zeros_like(q)
    for (_, weight), centre in zip(RINGS, ring_q(), strict=True):
        shape += weight * np.exp(-((q - centre) ** 2) / (2 * RING_WIDTH**2))
    shape[shape < 1e-6 * shape.max()] = 0
    share: Floats = shape / shape.sum()
    return share


def ring_source(photon_energy: float) -> Source:
    """Return the source of all powder rings."""
    return _source(ring_shape(photon_energy))


def ring_q() -> Floats:
    """Return the rings' scattering vectors [1/angstrom]."""
    return 2 * np.pi / LATTICE * np.sqrt([order for order, _ in RINGS])


def ring_radius(photon_energy: float) -> Floats:
    """Return the rings' radii on jungfrau1M, around the beam [um]."""
    theta = np.arcsin(ring_q() * HC / photon_energy / (4 * np.pi))
    distance = float(-jungfrau_1m().geometry.z.mean())
    radius: Floats = distance * np.tan(2 * theta)
    return radius


def scattering_vector(geometry: Geometry, photon_energy: float) -> Floats:
    """Return q of each pixel [1/angstrom], the beam along z through x = y = 0."""
    two_theta = np.arctan2(np.hypot(geometry.x, geometry.y), -geometry.z)
    q: Floats = 4 * np.pi * np.sin(two_theta / 2) * photon_energy / HC
    return q


def _camera(
    name: str,
    serials: tuple[str, ...],
    geometry: Geometry,
    shape: tuple[int, ...],
    levels: Sequence[float],
) -> Camera:
    random = generator(CAMERA_SEED, Draw.PIXELS, *shape)
    size = int(np.prod(shape))
    level, noise, adu = levels
    pedestal = level + 60 * random.standard_normal(size, dtype=np.float32)
    noises = np.full(size, noise, np.float32)
    photon = adu * (1 + 0.02 * random.standard_normal(size, dtype=np.float32))
    bad = random.choice(size, size // 2000, replace=False)
    dead, hot = bad[: len(bad) // 2], bad[len(bad) // 2 :]
    photon[dead] = 0
    noises[dead] = 0.3
    pedestal[hot] += 6000
    noises[hot] = 900
    good = np.ones(size, bool)
    good[bad] = False
    return Camera(
        name,
        serials,
        geometry,
        pedestal.reshape(shape),
        noises.reshape(shape),
        photon.astype(np.float32).reshape(shape),
        good.reshape(shape),
    )


def _source(shape: Floats) -> Source:
    pixels = np.flatnonzero(shape)
    cumulated = np.cumsum(shape.ravel()[pixels])
    return Source(pixels, cumulated / cumulated[-1])
