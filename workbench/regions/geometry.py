"""Where the detector stands: beam centre, distance, tilts, energy, and both ways to write them.

Rotations and foot of the normal are pyFAI's (Ashiotis et al., J. Appl. Cryst. 48, 510 (2015),
eq. 1). Those of the producer configs are the facility's (after J. Chem. Phys. 113, 9140 (2000)):
positions in psana's image frame, x along rows and y along columns of the picture, tilts turn the
beam to (-sin ty cos tx, -sin tx) along x and y.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from workbench.core.arrays import Floats
from workbench.core.errors import InputError
from workbench.regions.poni import UPRIGHT, Poni
from workbench.regions.scattering import HC, two_theta

PARAMETERS = ("distance", "poni1", "poni2", "rot1", "rot2", "rot3", "wavelength")
CONFIG_KEYS = ("center", "dis_to_sam", "tx", "ty", "eBeam")
STEP = 1e-3  # of a standard error, for derivatives


class GeometryInputError(InputError):
    """Numbers from which no geometry of a detector can be made."""


@dataclass(frozen=True)
class DetectorGeometry:
    """Where a flat detector stands against sample and beam.

    Parameters
    ----------
    poni
        Position and rotations as pyFAI counts them.
    corner
        x, y of the outer corner of the picture's first pixel in psana's image frame [um].
    covariance
        Of `PARAMETERS` in m and rad, 7 rows of 7; None where errors are not known.

    Raises
    ------
    GeometryInputError
        For a detector that the beam never meets.
    """

    poni: Poni
    corner: tuple[float, float] = (0.0, 0.0)
    covariance: tuple[tuple[float, ...], ...] | None = None

    def __post_init__(self) -> None:
        if abs(self.beam[2]) < 1e-6:
            raise GeometryInputError("the beam runs along the detector and never meets it")

    @classmethod
    def from_beam(
        cls,
        centre: tuple[float, float],
        *,
        distance: float,
        energy: float,
        pixel: float,
        tilt: tuple[float, float] = (0.0, 0.0),
        shape: tuple[int, int] | None = None,
        corner: tuple[float, float] = (0.0, 0.0),
    ) -> "DetectorGeometry":
        """Make a geometry from beam centre and distance.

        Parameters
        ----------
        centre
            Where the beam meets the detector: (row, col) [pixel].
        distance
            From the sample to the plane of the detector, along its normal [mm].
        energy
            Of the photons [keV].
        pixel
            Side of a pixel [um].
        tilt
            tx, ty as producer configs count them [deg].
        shape
            Of the picture.
        corner
            See `DetectorGeometry`.

        Raises
        ------
        GeometryInputError
            For a distance, energy or pixel that is not above 0.
        """
        if not (distance > 0 and energy > 0 and pixel > 0):
            raise GeometryInputError(
                f"distance {distance} mm, energy {energy} keV and pixel {pixel} um must be above 0"
            )
        rot1, rot2 = _rotations(tilt)
        row, col = (position * pixel * 1e-6 - foot for position, foot in
                    zip(centre, _from_foot(distance * 1e-3, rot1, rot2), strict=True))  # fmt: skip
        poni = Poni(
            distance * 1e-3, row, col, rot1, rot2, 0.0, HC / energy * 1e-10,
            pixel * 1e-6, pixel * 1e-6, shape,
        )  # fmt: skip
        return cls(poni, corner)

    @classmethod
    def from_config(
        cls,
        parameters: Mapping[str, Any],
        *,
        pixel: float,
        shape: tuple[int, int] | None = None,
        corner: tuple[float, float] = (0.0, 0.0),
    ) -> "DetectorGeometry":
        """Make a geometry from the azimuthal parameters of a producer config.

        Parameters
        ----------
        parameters
            ``center`` (x, y) [um], ``dis_to_sam`` [mm], ``eBeam`` [keV]; ``tx``, ``ty`` [deg], 0
            where not given. Other keys are left alone.
        pixel
            Side of a pixel [um].
        shape, corner
            See `from_beam`.

        Raises
        ------
        GeometryInputError
            Where centre, distance or energy is missing, or is no number.
        """
        missing = [name for name in ("center", "dis_to_sam", "eBeam") if name not in parameters]
        if missing:
            raise GeometryInputError(f"the config's azimuthal entry lacks {', '.join(missing)}")
        tilt = float(parameters.get("tx", 0.0)), float(parameters.get("ty", 0.0))
        try:
            x, y = (float(value) for value in parameters["center"])
            distance, energy = float(parameters["dis_to_sam"]), float(parameters["eBeam"])
        except (TypeError, ValueError) as error:
            raise GeometryInputError(
                f"the config's center is x, y in um, dis_to_sam in mm, eBeam in keV: {error}"
            ) from None
        # The foot of the normal, as the facility's formula has it; see `config_parameters`.
        foot = x + 1e3 * distance * _tan(tilt[1]), y - 1e3 * distance * _tan(tilt[0])
        made = cls.from_beam(
            (0.0, 0.0), distance=distance, energy=energy, pixel=pixel, tilt=tilt,
            shape=shape, corner=corner,
        )  # fmt: skip
        poni1, poni2 = ((at - start) * 1e-6 for at, start in zip(foot, corner, strict=True))
        return replace(made, poni=replace(made.poni, poni1=poni1, poni2=poni2))

    @classmethod
    def from_poni(
        cls, poni: Poni, *, corner: tuple[float, float] = (0.0, 0.0)
    ) -> "DetectorGeometry":
        """Make a geometry from a ``.poni`` file.

        Other orientations than 3 are mirrored to it: scattering angles stay, pixel by pixel; the
        azimuth is that of the picture, 0 along its columns' axis and rising with the row.

        Raises
        ------
        GeometryInputError
            For another orientation without the shape of the picture.
        """
        mirrored = poni
        if poni.orientation != UPRIGHT:
            if poni.shape is None:
                raise GeometryInputError(
                    f"orientation {poni.orientation} needs the shape of the picture: give "
                    "max_shape in Detector_config"
                )
            if poni.orientation in {1, 2}:  # rows count down
                flipped = poni.shape[0] * poni.pixel1 - poni.poni1
                mirrored = replace(mirrored, poni1=flipped, rot2=-poni.rot2, rot3=-mirrored.rot3)
            if poni.orientation in {1, 4}:  # columns count down
                flipped = poni.shape[1] * poni.pixel2 - poni.poni2
                mirrored = replace(mirrored, poni2=flipped, rot1=-poni.rot1, rot3=-mirrored.rot3)
            mirrored = replace(mirrored, orientation=UPRIGHT)
        return cls(mirrored, corner)

    @property
    def beam(self) -> Floats:
        """Direction of the beam along rows, columns and normal of the detector, of length 1."""
        return beam_direction(self.poni.rot1, self.poni.rot2)

    @property
    def centre(self) -> tuple[float, float]:
        """Where the beam meets the plane of the detector: row, col [pixel]."""
        row, col = self._centre(self.poni)
        return row, col

    @property
    def centre_errors(self) -> tuple[float, float]:
        """Standard errors of `centre` [pixel]; NaN where not known."""
        row, col = self._errors(self._centre)
        return row, col

    @property
    def centre_um(self) -> tuple[float, float]:
        """Where the beam meets the plane of the detector: x, y in psana's image frame [um]."""
        row, col = self.centre
        return (
            self.corner[0] + row * self.poni.pixel1 * 1e6,
            self.corner[1] + col * self.poni.pixel2 * 1e6,
        )

    @property
    def distance(self) -> float:
        """From the sample to the plane of the detector, along its normal [mm]."""
        return self.poni.distance * 1e3

    @property
    def distance_error(self) -> float:
        """Standard error of `distance` [mm]; NaN where not known."""
        return self._errors(lambda poni: (poni.distance * 1e3,))[0]

    @property
    def beam_distance(self) -> float:
        """From the sample to where the beam meets the detector [mm]."""
        return self.distance / float(self.beam[2])

    @property
    def tilts(self) -> tuple[float, float]:
        """tx, ty as producer configs count them [deg]."""
        tx, ty = _tilts(self.poni)
        return tx, ty

    @property
    def tilt_errors(self) -> tuple[float, float]:
        """Standard errors of `tilts` [deg]; NaN where not known."""
        tx, ty = self._errors(_tilts)
        return tx, ty

    @property
    def energy(self) -> float:
        """Of the photons [keV]; `GeometryInputError` where the ``.poni`` file does not tell it."""
        if self.poni.wavelength is None:
            raise GeometryInputError(
                "the .poni file has no Wavelength, so the photon energy is not known: set it"
            )
        return HC / (self.poni.wavelength * 1e10)

    @property
    def energy_error(self) -> float:
        """Standard error of `energy` [keV]; NaN where not known."""
        relative = self._errors(lambda poni: (poni.wavelength or np.nan,))[0]
        return self.energy * relative / (self.poni.wavelength or np.nan)

    def with_energy(self, energy: float) -> "DetectorGeometry":
        """Return the same geometry with photons of this energy [keV].

        Raises
        ------
        GeometryInputError
            For an energy that is not above 0.
        """
        if not 0 < energy < np.inf:
            raise GeometryInputError(f"the energy must be above 0 keV, not {energy!r}")
        return replace(self, poni=replace(self.poni, wavelength=HC / energy * 1e-10))

    def two_theta(self, rows: Floats, cols: Floats) -> Floats:
        """Return the scattering angle at positions in the picture [rad].

        Parameters
        ----------
        rows, cols
            [pixel], pixel centres at half-integers.
        """
        return two_theta(self.rays(rows, cols), self.beam)

    def ring(self, angle: float, points: int = 360) -> tuple[Floats, Floats]:
        """Return the line of one scattering angle on the picture: rows, cols [pixel].

        Parameters
        ----------
        angle
            2 theta [rad].
        points
            Over the turn; NaN where the cone misses the plane of the detector.
        """
        return self.place(np.asarray(angle), np.linspace(0, 2 * np.pi, points))

    def place(self, angle: Floats, azimuth: Floats) -> tuple[Floats, Floats]:
        """Return where rays meet the plane of the detector: rows, cols [pixel]; NaN: nowhere.

        Parameters
        ----------
        angle
            2 theta [rad].
        azimuth
            About the beam, as `azimuth` counts it [rad].
        """
        first, second = self._across
        turn, angle = azimuth[..., np.newaxis], np.asarray(angle)[..., np.newaxis]
        side = np.cos(turn) * first + np.sin(turn) * second
        rays = np.cos(angle) * self.beam + np.sin(angle) * side
        reach = np.where(rays[..., 2] > 1e-6, rays[..., 2], np.nan)
        foot = np.array([self.poni.poni1, self.poni.poni2])
        at = foot + self.poni.distance * rays[..., :2] / reach[..., np.newaxis]
        return at[..., 0] / self.poni.pixel1, at[..., 1] / self.poni.pixel2

    def azimuth(self, rows: Floats, cols: Floats) -> Floats:
        """Return the angle about the beam from the direction of rows to that of columns [rad]."""
        rays = self.rays(rows, cols)
        first, second = self._across
        return np.asarray(np.arctan2(rays @ second, rays @ first))

    @property
    def _across(self) -> tuple[Floats, Floats]:
        """Two directions across the beam; without tilt those of rows and of columns."""
        beam = self.beam
        first = np.array([beam[2], 0.0, -beam[0]])
        first /= np.linalg.norm(first)
        return first, np.cross(beam, first)

    def rays(self, rows: Floats, cols: Floats) -> Floats:
        """Return rays from the sample to positions: along rows, columns and normal, (..., 3) [m].

        Parameters
        ----------
        rows, cols
            In the picture [pixel].
        """
        along = rows * self.poni.pixel1 - self.poni.poni1
        across = cols * self.poni.pixel2 - self.poni.poni2
        return np.stack(np.broadcast_arrays(along, across, self.poni.distance), axis=-1)

    def config_parameters(self) -> dict[str, Any]:
        """Return what a producer config writes of this geometry: `CONFIG_KEYS`.

        The facility's formula puts the foot of the normal at center + (D tan ty, -D tan tx), so
        with tx other than 0 its ``center`` is not where the beam meets the detector. What is
        returned gives the right scattering angle in that formula; it knows no rotation about the
        beam, which changes no angle.
        """
        tx, ty = self.tilts
        x = self.corner[0] + self.poni.poni1 * 1e6 - 1e3 * self.distance * _tan(ty)
        y = self.corner[1] + self.poni.poni2 * 1e6 + 1e3 * self.distance * _tan(tx)
        values = [float(x), float(y)], self.distance, tx, ty, self.energy
        return dict(zip(CONFIG_KEYS, values, strict=True))

    def _centre(self, poni: Poni) -> tuple[float, float]:
        row, col = _from_foot(poni.distance, poni.rot1, poni.rot2)
        return (poni.poni1 + row) / poni.pixel1, (poni.poni2 + col) / poni.pixel2

    def _errors(self, quantity: Callable[[Poni], tuple[float, ...]]) -> tuple[float, ...]:
        """Propagate the covariance to a quantity, by central differences."""
        if self.covariance is None:
            return tuple(np.full(len(quantity(self.poni)), np.nan))
        covariance = np.array(self.covariance)
        slopes = []
        for name, spread in zip(PARAMETERS, np.sqrt(np.diag(covariance)), strict=True):
            value = getattr(self.poni, name)
            if value is None or spread == 0:
                slopes.append(np.zeros(len(quantity(self.poni))))
                continue
            high, low = (
                np.array(quantity(replace(self.poni, **{name: value + sign * STEP * spread})))
                for sign in (1, -1)
            )
            slopes.append((high - low) / (2 * STEP * spread))
        slope = np.array(slopes)
        return tuple(float(error) for error in np.sqrt(np.diag(slope.T @ covariance @ slope)))


def beam_direction(rot1: float, rot2: float) -> Floats:
    """Return the beam along rows, columns and normal of a detector turned by these [rad]."""
    return np.array(
        [np.sin(rot2), -np.cos(rot2) * np.sin(rot1), np.cos(rot1) * np.cos(rot2)], dtype=np.float64
    )


def _from_foot(distance: float, rot1: float, rot2: float) -> tuple[float, float]:
    """Return where the beam meets the detector, from the foot of the normal, as `distance`."""
    beam = beam_direction(rot1, rot2)
    return float(distance * beam[0] / beam[2]), float(distance * beam[1] / beam[2])


def _rotations(tilt: tuple[float, float]) -> tuple[float, float]:
    """Return rot1 and rot2 [rad] of the tilts tx and ty [deg]."""
    tx, ty = np.deg2rad(tilt)
    if max(abs(tx), abs(ty)) >= np.pi / 2:
        raise GeometryInputError(f"tilts must be below 90 degrees, not {tilt}")
    rot2 = np.arcsin(-np.sin(ty) * np.cos(tx))
    return float(np.arctan2(np.sin(tx), np.cos(ty) * np.cos(tx))), float(rot2)


def _tilts(poni: Poni) -> tuple[float, float]:
    """Return the tilts tx and ty [deg] of pyFAI's rotations."""
    beam = beam_direction(poni.rot1, poni.rot2)
    tx = np.arctan2(-beam[1], np.hypot(beam[0], beam[2]))
    return float(np.rad2deg(tx)), float(np.rad2deg(np.arctan2(-beam[0], beam[2])))


def _tan(degrees: float) -> float:
    return float(np.tan(np.deg2rad(degrees)))
