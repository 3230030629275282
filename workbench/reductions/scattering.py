"""Where each pixel looks: scattering vector, azimuth, solid angle, polarisation."""

from dataclasses import dataclass

import numpy as np

from workbench.core.arrays import Floats
from workbench.core.errors import InputError
from workbench.regions import DetectorGeometry
from workbench.regions.poni import UPRIGHT
from workbench.regions.scattering import HC

PHI_ZERO = (
    "azimuth about the beam: 0 to the right as seen along the beam (+y of psana's image frame), "
    "rising downwards (towards +x of the image frame)"
)
RADIAL = {"1/angstrom": True, "1/nm": True, "degree": False, "rad": False, "mm": False}
# unit of the distance from the beam -> whether it needs the wavelength


class GeometryInputError(InputError):
    """Numbers from which no scattering geometry can be made."""


@dataclass(frozen=True, eq=False)
class Scattering:
    """What light a pixel gets from an isotropic scatterer, and from where.

    Parameters
    ----------
    radial
        Distance from the beam, in `unit`, in the shape of a frame; NaN where it is not known.
    phi
        See `PHI_ZERO` [rad], 0 <= phi < 2 pi.
    solid_angle
        Relative to that of a pixel at the foot of the normal from the sample; 1 where not corrected
        for.
    polarisation
        Share of the light that the polarisation of the beam lets through; 1 where not corrected
        for.
    unit
        Of `radial`, UDUNITS.
    reach
        How far the corners of each pixel reach from its centre, in the radial coordinate and in
        azimuth [rad]; None where pixels are not split.
    """

    radial: Floats
    phi: Floats
    solid_angle: Floats
    polarisation: Floats
    unit: str = "1/angstrom"
    reach: tuple[Floats, Floats] | None = None

    @property
    def norm(self) -> Floats:
        """Signal of each pixel if one unit were scattered everywhere."""
        return self.solid_angle * self.polarisation

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of a frame."""
        return self.radial.shape


@dataclass(frozen=True)
class Setup:
    """Where sample, beam and detector are.

    Parameters
    ----------
    centre
        Where the beam meets the plane of the detector: x, y in the frame of the pixels [um].
    distance
        From the sample to the plane of the detector, along its normal [mm].
    energy
        Of the photons [keV].
    tilt
        Of the detector against the beam, tx and ty [deg]: seen from the detector the beam goes
        along (sin tx, cos tx sin ty, cos tx cos ty). It turns positions about their y axis by tx,
        about x by ty, as today's producer has it.
    horizontal
        Share of the light that is polarised horizontally, 0 to 1; None: no correction.
    solid_angle
        Whether to correct for it.

    Raises
    ------
    GeometryInputError
        For a distance or energy that is not above 0, a centre that is not two numbers, tilts of
        90 degrees or more, and a share of the polarisation outside 0 to 1.
    """

    centre: tuple[float, float]
    distance: float
    energy: float
    tilt: tuple[float, float] = (0.0, 0.0)
    horizontal: float | None = 0.0
    solid_angle: bool = True

    def __post_init__(self) -> None:
        for name, unit in (("distance", "mm"), ("energy", "keV")):
            value = getattr(self, name)
            if not 0 < value < np.inf:
                raise GeometryInputError(f"{name} must be above 0 {unit}, not {value!r}")
        if not np.isfinite(self.centre).all() or len(self.centre) != 2:
            raise GeometryInputError(f"the centre is x, y in um, not {self.centre!r}")
        if not all(abs(angle) < 90 for angle in self.tilt) or len(self.tilt) != 2:
            raise GeometryInputError(f"tilts are two angles below 90 degrees, not {self.tilt!r}")
        if self.horizontal is not None and not 0 <= self.horizontal <= 1:
            raise GeometryInputError(
                f"the horizontal share of the polarisation lies in 0 to 1, not {self.horizontal!r}"
            )

    @property
    def wavelength(self) -> float:
        """Wavelength [angstrom]."""
        return HC / self.energy


def scattering_from_positions(
    x: Floats, y: Floats, z: Floats, setup: Setup, *, plane: float | None = None
) -> Scattering:
    """Return the scattering geometry of pixels whose positions are known.

    Solid angle: cos(incidence) D^2 / r^2 for a pixel at distance r of a detector at distance D.

    Parameters
    ----------
    x, y, z
        Pixel centres in the laboratory frame, y up and z along the beam [um], in the shape of a
        frame. NaN where not known.
    setup
        Sample and beam.
    plane
        z of the plane of the detector [um]; None: the mean of z.

    Raises
    ------
    GeometryInputError
        Where x, y and z differ in shape.
    """
    if not (x.shape == y.shape == z.shape):
        raise GeometryInputError(f"positions of shapes {x.shape}, {y.shape}, {z.shape} differ")
    tx, ty = np.deg2rad(setup.tilt)
    beam = np.array([np.sin(tx), np.cos(tx) * np.sin(ty), np.cos(tx) * np.cos(ty)])
    right = beam[0] * beam - np.array([1.0, 0.0, 0.0])
    right /= np.linalg.norm(right)
    distance = 1e3 * setup.distance  # um
    source = np.array([*setup.centre, 0.0]) - beam * distance / beam[2]
    plane = plane_of(z) if plane is None else plane
    ray = np.stack([x - source[0], y - source[1], z - plane - source[2]], axis=-1)
    length = np.sqrt((ray**2).sum(axis=-1))
    solid_angle = ray[..., 2] * distance**2 / length**3
    return scattering_from_rays(
        ray @ right,
        ray @ np.cross(beam, right),
        ray @ beam,
        solid_angle=solid_angle if setup.solid_angle else np.ones_like(length),
        horizontal=setup.horizontal,
        wavelength=setup.wavelength,
    )


def plane_of(z: Floats) -> float:
    """Return z of the plane of a detector, the mean of its pixels; 0 where none is known [um]."""
    return float(np.nanmean(z)) if np.isfinite(z).any() else 0.0


def scattering_from_geometry(
    rows: Floats,
    cols: Floats,
    geometry: DetectorGeometry,
    *,
    horizontal: float | None,
    solid_angle: bool = True,
    unit: str = "1/angstrom",
    orientation: int = UPRIGHT,
) -> Scattering:
    """Return the scattering geometry of pixels of a picture, as pyFAI has it.

    The axes across the beam are pyFAI's 2 (azimuth 0) and 1 after its rotations, R3 R2 R1:
    https://pyfai.readthedocs.io, "Experimental description". Its polarisation factor f is
    2 `horizontal` - 1.

    Parameters
    ----------
    rows, cols
        Places of the pixel centres in the picture [pixel], in the shape of a frame; pixel centres
        are at half-integers.
    geometry
        Of the picture.
    horizontal, unit
        As of `scattering_from_rays`.
    solid_angle
        Whether to correct for it.
    orientation
        Of the file that the geometry was made from: azimuths are counted along its own axes.
    """
    rays = 1e6 * geometry.rays(rows, cols)  # um
    length = np.sqrt((rays**2).sum(axis=-1))
    angle = rays[..., 2] * (1e6 * geometry.poni.distance) ** 2 / length**3
    down, right, along = _axes(*geometry.poni.rotations)
    wavelength = geometry.poni.wavelength
    return scattering_from_rays(
        rays @ right * (-1 if orientation in {1, 4} else 1),
        rays @ down * (-1 if orientation in {1, 2} else 1),
        rays @ along,
        solid_angle=angle if solid_angle else np.ones_like(length),
        horizontal=horizontal,
        wavelength=None if wavelength is None else 1e10 * wavelength,
        unit=unit,
    )


def _axes(rot1: float, rot2: float, rot3: float) -> Floats:
    """Return pyFAI's axes 1, 2 and the beam along rows, columns and normal of a picture."""
    sines, cosines = np.sin([rot1, rot2, rot3]), np.cos([rot1, rot2, rot3])
    first = np.array([[1, 0, 0], [0, cosines[0], sines[0]], [0, -sines[0], cosines[0]]])
    second = np.array([[cosines[1], 0, -sines[1]], [0, 1, 0], [sines[1], 0, cosines[1]]])
    third = np.array([[cosines[2], -sines[2], 0], [sines[2], cosines[2], 0], [0, 0, 1]])
    axes: Floats = third @ second @ first
    return axes


def scattering_from_rays(
    right: Floats,
    down: Floats,
    along: Floats,
    *,
    solid_angle: Floats,
    horizontal: float | None,
    wavelength: float | None,
    unit: str = "1/angstrom",
) -> Scattering:
    """Return the scattering geometry of pixels in the directions of given rays from the sample.

    2 theta = atan2(sqrt(right^2 + down^2), along), q = 4 pi sin(2 theta / 2) / lambda,
    phi = atan2(down, right). With h = right / r and v = down / r the polarisation lets through
    P (1 - h^2) + (1 - P) (1 - v^2): Kahn et al., J. Appl. Cryst. 15, 330 (1982).

    Parameters
    ----------
    right, down, along
        Parts of the rays along the axes of `PHI_ZERO` and along the beam [um].
    solid_angle
        Relative, in the shape of a frame.
    horizontal
        Share of the light that is polarised horizontally; None: no correction.
    wavelength
        [angstrom]; needed for q only.
    unit
        Of the radial coordinate: a key of `RADIAL`.
    """
    square = right**2 + down**2
    two_theta = np.arctan2(np.sqrt(square), along)
    length_squared = square + along**2
    if horizontal is None:
        polarisation = np.ones_like(two_theta)
    else:
        polarisation = horizontal * (1 - right**2 / length_squared)
        polarisation += (1 - horizontal) * (1 - down**2 / length_squared)
    if unit not in RADIAL:
        raise GeometryInputError(f"no radial unit {unit!r}; known are {', '.join(RADIAL)}")
    if RADIAL[unit] and not wavelength:
        raise GeometryInputError("q needs the wavelength or the photon energy: give it")
    q = 4 * np.pi / wavelength * np.sin(two_theta / 2) if wavelength else two_theta
    radial = {
        "1/angstrom": q,
        "1/nm": 10 * q,
        "degree": np.rad2deg(two_theta),
        "rad": two_theta,
        "mm": np.sqrt(square) / 1e3,
    }[unit]
    phi = np.mod(np.arctan2(down, right), 2 * np.pi)
    return Scattering(radial, phi, solid_angle, polarisation, unit)
