"""The geometry of a detector refined on calibrant rings: residuals, and errors from their scatter.

Least squares of the scattering angles, as in pyFAI's GeometryRefinement, with the covariance that
it does not give. Parameters are centre, distance and tilts; a rotation about the beam changes no
angle and stays as it is.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import scipy

from workbench.core.arrays import Bools, Floats
from workbench.regions.bands import Band, trace
from workbench.regions.calibrants import Calibrant, bragg_angles, rings_on
from workbench.regions.centre import (
    FEWEST,
    SECTOR_LENGTH,
    STRAY,
    RingError,
    RingPoints,
    shared,
    spread_of,
)
from workbench.regions.geometry import PARAMETERS, DetectorGeometry
from workbench.regions.scattering import HC

FREEDOMS = {  # what may be refined -> parameters of pyFAI
    "centre": ("poni1", "poni2"),
    "distance": ("distance",),
    "tilts": ("rot1", "rot2"),
    "energy": ("wavelength",),
}
USUAL = ("centre", "distance", "tilts")
WEAK = 1e-6  # of the best determined combination of parameters: less is not determined
ROUNDS = 3
TILTED = 0.8  # length of a sector on a tilted detector, at least, against one that is not


@dataclass(frozen=True)
class RefinedGeometry:
    """A geometry fitted to rings.

    Parameters
    ----------
    geometry
        With its covariance.
    rings
        Points on each ring that were used.
    lines
        Line of the calibrant that each ring is, from 0.
    residuals
        Measured minus expected scattering angle of each point, ring after ring [deg].
    """

    geometry: DetectorGeometry
    rings: tuple[RingPoints, ...]
    lines: tuple[int, ...]
    residuals: Floats

    @property
    def rms(self) -> float:
        """Root mean square of the residuals [deg]."""
        return float(np.sqrt(np.mean(self.residuals**2)))

    @property
    def rms_of_rings(self) -> Floats:
        """Root mean square of the residuals of each ring [deg]."""
        ends = np.cumsum([len(ring) for ring in self.rings])[:-1]
        return np.array([np.sqrt(np.mean(part**2)) for part in np.split(self.residuals, ends)])

    def __str__(self) -> str:
        place, (row, col) = self.geometry, self.geometry.centre
        errors = place.centre_errors
        tilts = ", ".join(f"{tilt:.3f} ± {error:.3f}" for tilt, error in
                          zip(place.tilts, place.tilt_errors, strict=True))  # fmt: skip
        return (
            f"centre row {row:.3f} ± {errors[0]:.3f}, col {col:.3f} ± {errors[1]:.3f} pixel; "
            f"distance {place.distance:.3f} ± {place.distance_error:.3f} mm; tilts {tilts} deg; "
            f"{len(self.rings)} ring(s), {len(self.residuals)} points, rms {self.rms:.4f} deg"
        )


def refine(
    rings: Sequence[RingPoints],
    lines: Sequence[int],
    calibrant: Calibrant,
    start: DetectorGeometry,
    *,
    free: Sequence[str] = USUAL,
    spread: Floats | None = None,
) -> RefinedGeometry:
    """Fit a geometry to points on rings of a calibrant.

    Raises `RingError` where the points do not determine what is free; its text names it.

    Parameters
    ----------
    rings
        Points, picked or found.
    lines
        Line of the calibrant that each ring is, from 0.
    start
        Geometry to begin with; what is not free stays as it is.
    free
        Which of `FREEDOMS` are fitted.
    spread
        Scatter of the points of each ring, on any scale; None: all alike.
    """
    names = _names(free)
    number = np.repeat(np.arange(len(rings)), [len(ring) for ring in rings])
    if len(rings) != len(lines) or len(number) < len(names) + 2:
        raise RingError(
            f"{len(number)} points on {len(rings)} rings of {len(lines)} lines do not determine "
            f"{', '.join(free)}: pick more"
        )
    rows = np.concatenate([ring.rows for ring in rings])
    cols = np.concatenate([ring.cols for ring in rings])
    begin = np.array([getattr(start.poni, name) for name in names])
    unit = np.array([_unit(start, name) for name in names])

    def made(values: Floats) -> DetectorGeometry:
        moved = (float(value) for value in begin + values * unit)
        changes: dict[str, Any] = dict(zip(names, moved, strict=True))
        return replace(start, poni=replace(start.poni, **changes), covariance=None)

    def residuals(values: Floats) -> Floats:
        place = made(values)
        expected = rings_on(lines, calibrant.spacings, place.energy)
        return np.asarray(place.two_theta(rows, cols) - expected[number])

    weight = np.ones(len(rows)) if spread is None else (spread.mean() / spread)[number]
    fit = _least_squares(lambda values: weight * residuals(values), len(names))
    weighted = weight * residuals(fit.x)
    covariance = _covariance(fit.jac, weighted, names, free) * shared(weighted, number)
    whole = np.zeros((len(PARAMETERS),) * 2)
    at = [PARAMETERS.index(name) for name in names]
    whole[np.ix_(at, at)] = covariance * np.outer(unit, unit)
    geometry = replace(made(fit.x), covariance=tuple(tuple(map(float, row)) for row in whole))
    return RefinedGeometry(
        geometry, tuple(rings), tuple(int(line) for line in lines),
        np.rad2deg(residuals(fit.x)),
    )  # fmt: skip


def refine_on_picture(
    picture: Floats,
    good: Bools,
    calibrant: Calibrant,
    start: DetectorGeometry,
    *,
    width: float,
    free: Sequence[str] = USUAL,
    lines: Sequence[int] | None = None,
    sector: float = SECTOR_LENGTH,
) -> RefinedGeometry:
    """Find the rings of a calibrant near a geometry and fit it to them, three times over.

    Points further off than a ring's scatter allows are left out, as in `centre.fit_steady`.

    Parameters
    ----------
    picture
        Assembled, shape (row, col).
    good
        True = use.
    start
        Good enough that each ring lies in the band around where it is expected.
    width
        Full width of the band that is searched [pixel].
    free
        Which of `FREEDOMS` are fitted.
    lines
        Lines of the calibrant that are looked for, from 0; None: all that lie on the picture.
    sector
        Length of ring that gives one point, at least [pixel]; `bands.trace` takes longer ones where
        the grains of the powder show.
    """
    place, fit = start, None
    for _ in range(ROUNDS):
        found = _rings_near(picture, good, calibrant, place, width, lines, sector)
        fit = refine(list(found.values()), list(found), calibrant, place, free=free)
        fit = _without_strays(fit, calibrant, free)
        place = fit.geometry
    assert fit is not None
    return fit


def find_arc(
    picture: Floats,
    good: Bools,
    geometry: DetectorGeometry,
    *,
    angle: float,
    width: float,
    sector: float = SECTOR_LENGTH,
) -> RingPoints:
    """Find points on the ring of one scattering angle, tilted detectors included.

    As `centre.find_ring`, with bands and sectors that follow the geometry.

    Parameters
    ----------
    picture
        Assembled, shape (row, col).
    good
        True = use.
    geometry
        Guess.
    angle
        2 theta [rad].
    width
        Full width of the band that is searched [pixel].
    sector
        Length of ring that gives one point, at least [pixel].
    """
    return _arc_on(picture, good, _Seen.of(geometry, picture.shape), angle, width, sector)


@dataclass(frozen=True)
class _Seen:
    """What a geometry says of each pixel: scattering angle and its slope, turn about the beam."""

    geometry: DetectorGeometry
    angle: Floats
    steepness: Floats
    turn: Floats
    stretch: Floats

    @classmethod
    def of(cls, geometry: DetectorGeometry, shape: tuple[int, ...]) -> "_Seen":
        rows, cols = np.indices(shape) + 0.5
        angle = geometry.two_theta(rows, cols)
        # Pixels per angle and azimuth go as sin(2 theta) r^3, r being the distance to the sample.
        stretch = 1 / (np.sin(angle) * np.linalg.norm(geometry.rays(rows, cols), axis=-1) ** 3)
        turn = np.mod(geometry.azimuth(rows, cols) / (2 * np.pi), 1.0)
        return cls(geometry, angle, np.hypot(*np.gradient(angle)), turn, stretch)


def _arc_on(
    picture: Floats, good: Bools, seen: _Seen, angle: float, width: float, sector: float
) -> RingPoints:
    at_ring = np.abs(seen.angle - angle) < 2 * seen.steepness.max()
    if not at_ring.any():
        raise RingError(f"the ring at {np.rad2deg(angle):.3f} deg lies beside the picture")
    scale = 1 / float(np.median(seen.steepness[at_ring]))  # pixels per rad
    offset = (seen.angle - angle) * scale
    band = np.abs(offset) < width / 2
    used = (good & np.isfinite(picture))[band]
    if not used.any():
        raise RingError(f"no pixel lies within {width / 2:g} pixels of {np.rad2deg(angle):.3f} deg")
    around = 2 * np.pi * scale * float(np.sin(angle))  # pixels
    # Each pixel counts as if pixels were dealt evenly over angle and azimuth.
    even = seen.stretch[band] / seen.stretch[at_ring].mean()
    light = np.where(used, picture[band], 0.0)
    found = trace(
        Band(seen.turn[band], offset[band], even, light, used, around),
        width, length=sector, whole=TILTED,
    )  # fmt: skip
    if len(found.turn) < FEWEST:
        raise RingError(
            f"only {len(found.turn)} sectors show a ring near {np.rad2deg(angle):.3f} deg: give a "
            "better guess or a wider band"
        )
    rows, cols = seen.geometry.place(angle + found.offset / scale, 2 * np.pi * found.turn)
    inside = (rows > 0) & (rows < picture.shape[0]) & (cols > 0) & (cols < picture.shape[1])
    return RingPoints(rows[inside], cols[inside])


def _rings_near(
    picture: Floats,
    good: Bools,
    calibrant: Calibrant,
    place: DetectorGeometry,
    width: float,
    lines: Sequence[int] | None,
    sector: float,
) -> dict[int, RingPoints]:
    """Return points by line; lines that are asked for must show, others may be too weak."""
    seen = _Seen.of(place, picture.shape)
    if lines is None:
        angles = bragg_angles(np.array(calibrant.spacings), place.energy)
        on_picture = (angles > seen.angle.min()) & (angles < seen.angle.max())
        wanted = np.flatnonzero(on_picture).tolist()
    else:
        wanted = list(lines)
    found = {}
    for line in wanted:
        try:
            angle = float(rings_on([line], calibrant.spacings, place.energy)[0])
            found[line] = _arc_on(picture, good, seen, angle, width, sector)
        except RingError:
            if lines is not None:
                raise
    if not found:
        raise RingError(
            f"no ring of {calibrant.name} shows where the geometry expects one: check calibrant, "
            "energy and distance, or widen the band"
        )
    return found


def _without_strays(
    fit: RefinedGeometry, calibrant: Calibrant, free: Sequence[str]
) -> RefinedGeometry:
    """Fit again, each ring weighted by its scatter, without points far off."""
    ends = np.cumsum([len(ring) for ring in fit.rings])[:-1]
    parts = [np.abs(part) for part in np.split(fit.residuals, ends)]
    rings, lines, spread = [], [], []
    for ring, line, part, size in zip(fit.rings, fit.lines, parts, spread_of(parts), strict=True):
        near = part <= STRAY * size
        if near.sum() >= 3:
            rings.append(RingPoints(ring.rows[near], ring.cols[near]))
            lines.append(line)
            spread.append(size)
    return refine(rings, lines, calibrant, fit.geometry, free=free, spread=np.array(spread))


def _names(free: Sequence[str]) -> list[str]:
    unknown = [name for name in free if name not in FREEDOMS]
    if unknown or not free:
        raise RingError(f"free is some of {', '.join(FREEDOMS)}, not {list(free)}")
    return [parameter for name in FREEDOMS if name in free for parameter in FREEDOMS[name]]


def _unit(start: DetectorGeometry, name: str) -> float:
    """Return a step that changes angles alike for each parameter, so that the fit is balanced."""
    poni = start.poni
    if name == "wavelength":
        return 1e-3 * HC / start.energy * 1e-10
    return {"distance": 1e-3 * poni.distance, "poni1": poni.pixel1, "poni2": poni.pixel2}.get(
        name, poni.pixel1 / poni.distance
    )


def _least_squares(residuals: Callable[[Floats], Floats], parameters: int) -> Any:
    fit = scipy.optimize.least_squares(
        lambda values: 1e6 * residuals(values), np.zeros(parameters), jac="3-point",
        x_scale="jac", xtol=1e-12, ftol=1e-12, gtol=1e-12, max_nfev=300,
    )  # fmt: skip
    if not fit.success:
        raise RingError("the fit does not settle: start from a better geometry, or free less")
    return fit


def _covariance(
    jacobian: Floats, left: Floats, names: Sequence[str], free: Sequence[str]
) -> Floats:
    """Return the covariance, scaled by the scatter; refuse what the points do not determine."""
    length = np.linalg.norm(jacobian, axis=0)
    _, sizes, axes = np.linalg.svd(jacobian / np.where(length > 0, length, 1.0))
    if sizes[-1] < WEAK * sizes[0] or not length.all():
        weak = names[int(np.argmax(np.abs(axes[-1])))]
        which = next(name for name in free if weak in FREEDOMS[name])
        raise RingError(
            f"the points do not determine {', '.join(free)} together: leave out {which}, or use "
            "more rings and longer arcs"
        )
    freedom = len(left) - len(names)
    scale = float((1e6 * left) @ (1e6 * left)) / freedom
    inverse = (axes.T / sizes**2) @ axes
    return np.asarray(scale * inverse / np.outer(length, length))
