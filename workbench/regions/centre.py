"""The beam centre from rings: points found on a picture, concentric circles fitted to them.

Least squares of the distances from the circles (geometric fit): Gander, Golub, Strebel, BIT 34, 558
(1994); start from the algebraic fit of Kasa, IEEE Trans. Instrum. Meas. 25, 8 (1976). Errors from
the covariance of the fit, scaled by the scatter of the points and by what neighbours share of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy

from workbench.core.arrays import Bools, Floats, Ints
from workbench.core.errors import InputError
from workbench.regions.bands import Band, trace

FEWEST = 5  # points for a centre, a radius and an idea of the error
ROUNDS = 2
MOST_ALIKE = 0.9  # correlation of neighbours that is believed
BORROWED = 10  # points
STRAY = 4.5  # standard deviations
SECTOR_LENGTH = 40.0  # pixels along the ring, on large rings


class RingError(InputError):
    """Points or pictures from which no ring can be told; the text says what would help."""


@dataclass(frozen=True)
class RingPoints:
    """Points on one ring.

    Parameters
    ----------
    rows, cols
        Positions in the picture [pixel], pixel centres at half-integers.
    """

    rows: Floats
    cols: Floats

    def __len__(self) -> int:
        return len(self.rows)


@dataclass(frozen=True)
class CentreFit:
    """Concentric circles through points.

    Parameters
    ----------
    row, col
        Beam centre [pixel].
    row_error, col_error
        Standard errors [pixel].
    radii, radius_errors
        One per ring [pixel].
    residuals
        Distance of each point from its circle [pixel], ring after ring.
    rings
        Number of the ring of each point.
    """

    row: float
    col: float
    row_error: float
    col_error: float
    radii: Floats
    radius_errors: Floats
    residuals: Floats
    rings: Ints

    @property
    def rms(self) -> float:
        """Root mean square of the residuals [pixel]."""
        return float(np.sqrt(np.mean(self.residuals**2)))

    def __str__(self) -> str:
        return (
            f"centre row {self.row:.3f} ± {self.row_error:.3f}, col {self.col:.3f} ± "
            f"{self.col_error:.3f} pixel; {len(self.radii)} ring(s), {len(self.residuals)} points, "
            f"rms {self.rms:.3f} pixel"
        )


def fit_rings(rings: Sequence[RingPoints], spread: Floats | None = None) -> CentreFit:
    """Fit one centre and a radius per ring.

    Parameters
    ----------
    rings
        Points on each.
    spread
        Scatter of the points of each ring, on any scale; None: all alike.

    Raises `RingError` where there are too few points, or where they lie on so short an arc that
    the centre is not determined.
    """
    rows = np.concatenate([ring.rows for ring in rings]) if rings else np.zeros(0)
    cols = np.concatenate([ring.cols for ring in rings]) if rings else np.zeros(0)
    number = np.repeat(np.arange(len(rings)), [len(ring) for ring in rings])
    if len(rows) < FEWEST + len(rings) - 1 or min(map(len, rings)) < 3:
        raise RingError(
            f"{len(rows)} points on {len(rings)} ring(s): pick at least 3 on each, {FEWEST} in all"
        )
    start = _algebraic(rows, cols, number, len(rings))
    weight = np.ones(len(rows)) if spread is None else 1 / spread[number]

    def distances(values: Floats) -> Floats:
        row, col, *radii = values
        found: Floats = np.hypot(rows - row, cols - col) - np.array(radii)[number]
        return weight * found

    def slopes(values: Floats) -> Floats:
        down, right = rows - values[0], cols - values[1]
        reach = np.hypot(down, right)
        found = np.zeros((len(rows), len(values)))
        found[:, 0], found[:, 1] = -down / reach, -right / reach
        found[np.arange(len(rows)), 2 + number] = -1
        return weight[:, np.newaxis] * found

    fit = scipy.optimize.least_squares(distances, start, jac=slopes, x_scale="jac", method="lm")
    freedom = len(rows) - len(start)
    curvature = fit.jac.T @ fit.jac
    if not fit.success or np.linalg.cond(curvature) > 1e12:
        raise RingError(
            "the points lie on too short an arc to tell the centre; pick more around it"
        )
    scale = (fit.fun**2).sum() / freedom * shared(fit.fun, number)
    covariance = np.linalg.inv(curvature) * scale
    errors = np.sqrt(np.diag(covariance))
    return CentreFit(
        float(fit.x[0]), float(fit.x[1]), float(errors[0]), float(errors[1]),
        fit.x[2:], errors[2:], fit.fun / weight, number,
    )  # fmt: skip


def fit_steady(rings: Sequence[RingPoints]) -> CentreFit:
    """Fit as `fit_rings`, then again with each ring weighted by its scatter and without strays.

    Strays lie further off than `STRAY` standard deviations of their ring; of normal scatter they
    are 1 in 100,000.
    """
    rings = list(rings)
    fit = fit_rings(rings)
    for _ in range(ROUNDS):
        parts = [np.abs(fit.residuals[fit.rings == number]) for number in range(len(rings))]
        spread = spread_of(parts)
        rings, spread = _without_strays(rings, parts, spread)
        fit = fit_rings(rings, spread)
    return fit


def fit_centre(
    picture: Floats,
    good: Bools,
    *,
    centre: tuple[float, float],
    radii: Sequence[float],
    width: float,
) -> CentreFit:
    """Find rings near a guess and fit them, twice: the second time from the first answer.

    Parameters
    ----------
    picture
        Assembled, shape (row, col).
    good
        True = use.
    centre
        Guess (row, col) [pixel].
    radii, width
        Guess of each ring's radius, and the full width of the band that is searched [pixel].
    """
    guess, sizes = centre, list(radii)
    for _ in range(ROUNDS):
        rings = [find_ring(picture, good, centre=guess, radius=size, width=width) for size in sizes]
        fit = fit_steady(rings)
        guess, sizes = (fit.row, fit.col), [float(radius) for radius in fit.radii]
    return fit


def find_ring(
    picture: Floats,
    good: Bools,
    *,
    centre: tuple[float, float],
    radius: float,
    width: float,
    length: float = SECTOR_LENGTH,
) -> RingPoints:
    """Find points on a ring near a guess: its radius in each sector of azimuth.

    In each sector a straight line through the inner and outer quarter of the band is subtracted;
    the radius is where the light balances in a Gaussian window about as wide as the ring. Sectors
    are longer than `length` where the grains of a powder or faint light ask for it. A sector gives
    no point where light does not stand out, or where masked pixels or the end of the picture lie in
    the window.

    Parameters
    ----------
    picture
        Assembled, shape (row, col).
    good
        True = use.
    centre
        Guess (row, col) [pixel].
    radius, width
        Guess of the radius, and the full width of the band that is searched [pixel].
    length
        Of ring that gives one point, at least [pixel].

    Raises
    ------
    RingError
        Where no pixel lies near the radius, or too few sectors show a ring.
    """
    row, col = np.indices(picture.shape) + 0.5
    down, right = row - centre[0], col - centre[1]
    offset = np.hypot(down, right) - radius
    band = np.abs(offset) < width / 2
    used = (good & np.isfinite(picture))[band]
    if not used.any():
        raise RingError(f"no pixel lies within {width / 2:g} pixels of radius {radius:g}")
    turn = np.mod(np.arctan2(down[band], right[band]) / (2 * np.pi), 1.0)
    # A band holds more pixels the further out: each counts by the length of its arc.
    arc = radius / (radius + offset[band])
    light = np.where(used, picture[band], 0.0)
    around = 2 * np.pi * radius
    found = trace(Band(turn, offset[band], arc, light, used, around), width, length=length)
    if len(found.turn) < FEWEST:
        raise RingError(
            f"only {len(found.turn)} of {found.sectors} sectors show a ring near radius "
            f"{radius:g}: give a better guess or a wider band"
        )
    angle, reach = 2 * np.pi * found.turn, radius + found.offset
    return RingPoints(centre[0] + reach * np.sin(angle), centre[1] + reach * np.cos(angle))


def shared(residuals: Floats, rings: Ints) -> float:
    """Return by how much the variance of a fit grows because neighbours err alike, at least 1.

    With a correlation r of neighbours, as in a first-order autoregressive series, n points tell
    as much as n (1 - r) / (1 + r) that know nothing of each other.

    Parameters
    ----------
    residuals
        Along each ring, one ring after the other; each in units of its scatter.
    rings
        Number of the ring of each.
    """
    along = rings[1:] == rings[:-1]
    power = float((residuals[1:][along] ** 2 + residuals[:-1][along] ** 2).sum()) / 2
    if not power > 0:
        return 1.0
    alike = float((residuals[1:] * residuals[:-1])[along].sum()) / power
    alike = float(np.clip(alike, 0.0, MOST_ALIKE))
    return (1 + alike) / (1 - alike)


def spread_of(parts: Sequence[Floats]) -> Floats:
    """Return the scatter of each ring, by the median so that strays do not hide themselves.

    Few points tell it badly: each ring's is averaged with that of all, which counts as
    `BORROWED` points.

    Parameters
    ----------
    parts
        Sizes of the residuals of each ring.
    """
    count = np.array([len(part) for part in parts])
    own = np.array([1.4826 * float(np.median(part)) for part in parts])
    common = float(np.sqrt((count * own**2).sum() / count.sum()))
    found = np.sqrt((count * own**2 + BORROWED * common**2) / (count + BORROWED))
    return np.asarray(np.maximum(found, 1e-9))


def _without_strays(
    rings: Sequence[RingPoints], parts: Sequence[Floats], spread: Floats
) -> tuple[list[RingPoints], Floats]:
    """Leave out points that lie too far off, and rings of which fewer than three are left."""
    near = [part <= STRAY * size for part, size in zip(parts, spread, strict=True)]
    left = [number for number, kept in enumerate(near) if kept.sum() >= 3]
    kept = [RingPoints(rings[at].rows[near[at]], rings[at].cols[near[at]]) for at in left]
    return kept, spread[left]


def _algebraic(rows: Floats, cols: Floats, number: Ints, rings: int) -> Floats:
    """Solve row^2 + col^2 = 2 a row + 2 b col + c_ring, around the middle of the points."""
    middle = rows.mean(), cols.mean()
    row, col = rows - middle[0], cols - middle[1]
    matrix = np.zeros((len(rows), 2 + rings))
    matrix[:, 0], matrix[:, 1] = 2 * row, 2 * col
    matrix[np.arange(len(rows)), 2 + number] = 1
    solution, *_ = np.linalg.lstsq(matrix, row**2 + col**2, rcond=None)
    radii = np.sqrt(np.maximum(solution[2:] + solution[0] ** 2 + solution[1] ** 2, 1e-6))
    return np.concatenate([[solution[0] + middle[0], solution[1] + middle[1]], radii])
