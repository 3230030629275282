"""Scene: powder rings on the MEC camera in every shot, shifted where the laser drives it."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from workbench.core.arrays import Array, Floats
from workbench.facility import FieldFact
from workbench.synthetic.cameras import HC
from workbench.synthetic.draws import Draw, generator
from workbench.synthetic.pump_probe import PumpProbe
from workbench.synthetic.scenes.base import Planted
from workbench.synthetic.scenes.laser_shots import LaserShots
from workbench.synthetic.shots import Shots
from workbench.synthetic.station import Station
from workbench.synthetic.tiles import NOISE, RingCamera, ring_camera

CUBIC = ((1, 0, 0), (1, 1, 0), (1, 1, 1), (2, 0, 0), (2, 1, 0))  # LaB6's first lines
WEIGHTS = (0.6, 1.0, 0.5, 0.3, 0.6)
FRAMES = 7  # sets these random numbers apart from others of the same purpose


@dataclass(frozen=True)
class PowderShots(LaserShots):
    """Debye-Scherrer rings of a cubic powder in ``full_area`` of the camera on the rings.

    Rings are Gaussian in the scattering angle, on a flat background; pixels get Poisson photons by
    solid angle and the polarisation of a horizontally polarised beam, times I0, and read noise.
    Poisson, so a ring of few photons is grainy; no texture, no strong spots.

    Parameters
    ----------
    lattice
        Edge of the cubic cell without drive [angstrom].
    strain
        Relative change of the cell's edge in driven shots; negative: compressed.
    width
        Standard deviation of a ring [deg].
    ring_photons
        Expected in the brightest pixels of the strongest ring, at mean I0.
    diffuse_photons
        Expected per pixel everywhere, at mean I0.
    """

    lattice: float = 4.15689
    strain: float = -0.012
    width: float = 0.16
    ring_photons: float = 2.0
    diffuse_photons: float = 0.3

    def two_theta(self, spec: PumpProbe) -> Floats:
        """Return the scattering angle of every ring as the shots of this run have it [deg]."""
        edge = self.lattice * (1 + (self.strain if self.driven else 0.0))
        spacing = edge / np.sqrt((np.array(CUBIC) ** 2).sum(axis=1))
        angle: Floats = np.rad2deg(2 * np.arcsin(HC / spec.photon_energy / (2 * spacing)))
        return angle

    def columns(self, spec: PumpProbe, place: Station, shots: Shots) -> dict[str, Array]:
        """Return also the frames, (event, tile, row, col) [keV]."""
        frames = np.stack(list(self._frames(spec, place, shots)))
        return super().columns(spec, place, shots) | {f"{place.rings}/full_area": frames}

    def fact(self, place: Station, name: str) -> FieldFact | None:
        """Return unit and axes of the frames."""
        if name == f"{place.rings}/full_area":
            dims = ("tile", "row", "col")
            return FieldFact("full_area", "keV", "calibrated frame", dims=dims)
        return super().fact(place, name)

    def quantities(self, spec: PumpProbe, place: Station) -> dict[str, Planted]:
        """Return also cell, strain and ring positions."""
        strain = self.strain if self.driven else 0.0
        return super().quantities(spec, place) | {
            "lattice": (self.lattice, "angstrom", "edge of the cubic cell without drive"),
            "strain": (strain, "1", "relative change of the cell's edge in this run"),
            "ring_two_theta": (self.two_theta(spec).tolist(), "deg", "rings in this run"),
        }

    def _frames(self, spec: PumpProbe, place: Station, shots: Shots) -> Iterator[Array]:
        light = self._light(spec, ring_camera(place.ring_shape, spec.photon_energy))
        for event, i0 in zip(shots.events.tolist(), shots.i0.tolist(), strict=True):
            draw = generator(spec.seed, Draw.PIXELS, spec.run, event, FRAMES)
            photons = draw.poisson(light * i0 / spec.pulse_energy)
            noise = NOISE * draw.standard_normal(light.shape, dtype=np.float32)
            yield (photons * spec.photon_energy + noise).astype(np.float32)

    def _light(self, spec: PumpProbe, camera: RingCamera) -> Floats:
        """Return the photons that each pixel expects at mean I0."""
        across = np.hypot(camera.x, camera.y)
        angle = np.rad2deg(np.arctan2(across, camera.z))
        rings = np.zeros(angle.shape)
        for centre, weight in zip(self.two_theta(spec), WEIGHTS, strict=True):
            rings += weight * np.exp(-((angle - centre) ** 2) / (2 * self.width**2))
        reach = np.sqrt(across**2 + camera.z**2)
        solid_angle = (camera.z / reach) ** 3
        through = 1 - (camera.x / reach) ** 2  # horizontally polarised, x to the side
        light: Floats = (self.ring_photons * rings + self.diffuse_photons) * solid_angle * through
        return light
