"""Calibrants: lattice spacings, the scattering angles of their rings, and which ring is which.

Spacings come from pyFAI's own tables or from a ``.D`` file of the same format: one spacing
[angstrom] a line, comments after ``#``.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from workbench.core.arrays import Floats
from workbench.core.errors import InputError, NotThereError, UnknownNameError
from workbench.core.extras import load
from workbench.regions.scattering import HC

FAR = 0.02  # of a spacing, by which a ring may miss every line of its calibrant


class CalibrantError(InputError):
    """Spacings that are none, or rings that no calibrant explains."""


@dataclass(frozen=True)
class Calibrant:
    """Lattice spacings of a substance, largest first.

    Parameters
    ----------
    name
        As pyFAI or the file calls it.
    spacings
        [angstrom]

    Raises
    ------
    CalibrantError
        Without spacings, and for one that is not above 0.
    """

    name: str
    spacings: tuple[float, ...]

    def __post_init__(self) -> None:
        values = np.array(self.spacings, dtype=np.float64)
        if not values.size or not np.isfinite(values).all() or (values <= 0).any():
            raise CalibrantError(f"{self.name}: spacings must be lengths above 0 angstrom")
        object.__setattr__(self, "spacings", tuple(sorted(self.spacings, reverse=True)))

    def angles(self, energy: float) -> Floats:
        """Return 2 theta [rad] of the rings that exist at this photon energy [keV]."""
        return bragg_angles(np.array(self.spacings), energy)


@dataclass(frozen=True)
class Distance:
    """A distance from the radii of rings, on a detector without tilt.

    Parameters
    ----------
    distance, error
        From the sample to the detector, and its standard error [mm].
    lines
        Number of the calibrant's line of each ring, from 0.
    residuals
        Measured minus expected angle of each ring [deg].
    """

    distance: float
    error: float
    lines: tuple[int, ...]
    residuals: Floats


def calibrant_names() -> tuple[str, ...]:
    """Return the names of pyFAI's calibrants."""
    return tuple(sorted(_tables().keys()))


def calibrant(name: str) -> Calibrant:
    """Return one of pyFAI's calibrants; `UnknownNameError` suggests names."""
    tables = _tables()
    if name not in tables.keys():  # noqa: SIM118 - no dictionary: its `in` loads every table
        raise UnknownNameError("calibrant", name, tables.keys(), "pyFAI's tables")
    return Calibrant(name, tuple(float(value) for value in tables(name).dspacing))


def read_calibrant(path: Path) -> Calibrant:
    """Read spacings from a ``.D`` file; errors name its line.

    Raises
    ------
    NotThereError
        Where there is no such file.
    CalibrantError
        For a file that is no text, and a line that does not begin with a spacing.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise NotThereError(f"no file {path}; name a .D file of spacings") from None
    except UnicodeDecodeError as error:
        raise CalibrantError(f"{path} is no text file: {error}") from None
    spacings = []
    for line, content in enumerate(text.splitlines(), 1):
        words = content.partition("#")[0].split()
        try:
            spacings += [float(word) for word in words[:1]]
        except ValueError:
            raise CalibrantError(
                f"{path}: line {line}: a spacing in angstrom comes first, not {words[0]!r}"
            ) from None
    try:
        return Calibrant(path.stem, tuple(spacings))
    except CalibrantError:
        raise CalibrantError(f"{path}: spacings must be lengths above 0 angstrom") from None


def bragg_angles(spacings: Floats, energy: float) -> Floats:
    """Return 2 theta = 2 asin(lambda / 2d) [rad] where there is one, for d [angstrom], E [keV]."""
    sine = HC / energy / (2 * spacings)
    return np.asarray(2 * np.arcsin(sine[sine <= 1]))


def assign_lines(angles: Floats, calibrant: Calibrant, energy: float) -> tuple[int, ...]:
    """Return which line of a calibrant each ring is: the nearest.

    Raises `CalibrantError` where a ring lies further than `FAR` from every line, or two rings would
    be the same line: the geometry is then too far off, or the calibrant another one.

    Parameters
    ----------
    angles
        2 theta of the rings, measured with the geometry so far [rad].
    energy
        Of the photons [keV].
    """
    known = calibrant.angles(energy)
    if not len(known):
        raise CalibrantError(f"{calibrant.name} has no ring at {energy:g} keV")
    away = np.abs(np.sin(angles[:, np.newaxis] / 2) / np.sin(known / 2) - 1)
    nearest = away.argmin(axis=1)
    for ring, line in enumerate(nearest):
        if away[ring, line] > FAR:
            raise CalibrantError(
                f"the ring at {np.rad2deg(angles[ring]):.3f} deg is {100 * away[ring, line]:.1f} % "
                f"from the nearest line of {calibrant.name}, at {np.rad2deg(known[line]):.3f} deg: "
                "check calibrant, energy and distance"
            )
    if len(set(nearest)) < len(nearest):
        raise CalibrantError(
            f"two rings would be the same line of {calibrant.name}: check energy and distance"
        )
    return tuple(int(line) for line in nearest)


def distance_from_rings(
    radii: Floats,
    errors: Floats,
    calibrant: Calibrant,
    *,
    energy: float,
    pixel: float,
    between: tuple[float, float],
    energy_error: float = 0.0,
) -> Distance:
    """Return the distance that explains the radii of rings, on a detector without tilt.

    Every assignment of the first ring to a line is tried that puts the distance into the range;
    the one of smallest residuals is taken. Raises `CalibrantError` where none fits, or where
    another one fits as well: one ring alone fits many.

    Parameters
    ----------
    radii, errors
        Of the rings, and their standard errors [pixel].
    energy, energy_error
        Of the photons, and its standard error [keV].
    pixel
        Side of a pixel [um].
    between
        Lowest and highest distance that is possible [mm].
    """
    reach = np.asarray(radii, np.float64) * pixel * 1e-3  # mm
    order = np.argsort(reach)
    spread = np.maximum(np.asarray(errors, np.float64), 1e-6) * pixel * 1e-3
    known = calibrant.angles(energy)
    fits: dict[tuple[int, ...], tuple[float, float, float, Floats]] = {}
    for angle in known[known < np.pi / 2]:
        start = reach[order[0]] / np.tan(angle)
        if not between[0] <= start <= between[1]:
            continue
        try:
            lines = assign_lines(np.arctan(reach / start), calibrant, energy)
        except CalibrantError:
            continue
        fits[lines] = _fit_distance(reach, spread, known[list(lines)])
    if not fits:
        raise CalibrantError(
            f"no distance from {between[0]:g} to {between[1]:g} mm puts the rings on lines of "
            f"{calibrant.name} at {energy:g} keV: check calibrant, energy and pixel size"
        )
    ranked = sorted(fits.items(), key=lambda item: item[1][2])
    if len(ranked) > 1 and ranked[1][1][2] < 9 * max(ranked[0][1][2], float(len(reach))):
        first, second = (f"{fit[0]:.2f}" for _, fit in ranked[:2])
        raise CalibrantError(
            f"distances of {first} and {second} mm explain the rings as well: give a narrower "
            "range, or more rings"
        )
    lines, (distance, error, _, residuals) = ranked[0]
    shift = distance * _energy_slope(known[list(lines)], energy) * energy_error
    return Distance(distance, float(np.hypot(error, shift)), lines, residuals)


def _fit_distance(
    reach: Floats, spread: Floats, angles: Floats
) -> tuple[float, float, float, Floats]:
    """Fit reach = distance * tan(2 theta): distance, error, chi squared, residuals [deg]."""
    slope = np.tan(angles)
    weight = 1 / spread**2
    total = float((weight * slope**2).sum())
    distance = float((weight * slope * reach).sum() / total)
    chi = float((weight * (reach - distance * slope) ** 2).sum())
    freedom = len(reach) - 1
    scale = max(1.0, chi / freedom) if freedom else 1.0
    residuals = np.rad2deg(np.arctan(reach / distance) - angles)
    return distance, float(np.sqrt(scale / total)), chi, np.asarray(residuals)


def _energy_slope(angles: Floats, energy: float) -> float:
    """Return the relative change of the distance per change of energy [1/keV]."""
    # d(2 theta)/dE = -2 tan(theta) / E, and D = reach / tan(2 theta).
    change = 2 * np.tan(angles / 2) / (energy * np.sin(angles) * np.cos(angles))
    return float(change.mean())


def rings_on(lines: Sequence[int], spacings: Sequence[float], energy: float) -> Floats:
    """Return 2 theta [rad] of numbered lines; `CalibrantError` where one does not exist."""
    try:
        chosen = np.array([spacings[line] for line in lines], dtype=np.float64)
    except IndexError:
        raise CalibrantError(f"lines are counted from 0 to {len(spacings) - 1}") from None
    found = bragg_angles(chosen, energy)
    if len(found) < len(chosen):
        raise CalibrantError(f"not all of the lines exist at {energy:g} keV")
    return found


def _tables() -> Any:
    # It warns on import where there is no OpenCL, which tables do not need.
    logging.getLogger("silx.opencl.common").setLevel(logging.ERROR)
    return load("pyFAI.calibrant", "the table of calibrants", "geometry").CALIBRANT_FACTORY
