"""The beam centre from rings: points found on a picture, concentric circles fitted to them.

Least squares of the distances from the circles (geometric fit): Gander, Golub, Strebel, BIT 34, 558
(1994); start from the algebraic fit of Kasa, IEEE Trans. Instrum. Meas. 25, 8 (1976). Errors from
the covariance of the fit, scaled by the scatter of the points.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import optimize

from workbench.core.arrays import Bools, Floats, Ints
from workbench.core.errors import InputError

FEWEST = 5  # points for a centre, a radius and an idea of the error
SECTORS = 48  # of the azimuth: wide enough that the grid of pixels averages out in each
ROUNDS = 2
STEPS = 30  # of the search for the balance in a sector; each halves the distance at least
CLEAR = 6.0  # standard deviations by which light must stand out
COVERED = 0.99  # of the window that must be usable


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


def fit_rings(rings: Sequence[RingPoints]) -> CentreFit:
    """Fit one centre and a radius per ring.

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

    def distances(values: Floats) -> Floats:
        row, col, *radii = values
        found: Floats = np.hypot(rows - row, cols - col) - np.array(radii)[number]
        return found

    fit = optimize.least_squares(distances, start, x_scale="jac")
    freedom = len(rows) - len(start)
    curvature = fit.jac.T @ fit.jac
    if not fit.success or np.linalg.cond(curvature) > 1e12:
        raise RingError(
            "the points lie on too short an arc to tell the centre; pick more around it"
        )
    covariance = np.linalg.inv(curvature) * (fit.fun**2).sum() / freedom
    errors = np.sqrt(np.diag(covariance))
    return CentreFit(
        float(fit.x[0]), float(fit.x[1]), float(errors[0]), float(errors[1]),
        fit.x[2:], errors[2:], fit.fun, number,
    )  # fmt: skip


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
        fit = fit_rings(rings)
        guess, sizes = (fit.row, fit.col), [float(radius) for radius in fit.radii]
    return fit


def find_ring(
    picture: Floats,
    good: Bools,
    *,
    centre: tuple[float, float],
    radius: float,
    width: float,
    sectors: int = SECTORS,
) -> RingPoints:
    """Find points on a ring near a guess: its radius in each sector of azimuth.

    In each sector a straight line through the inner and outer quarter of the band is subtracted;
    the radius is where the light, weighted by a Gaussian window of an eighth of the band, balances.
    A sector gives no point where light does not stand out or masked pixels lie in the window.

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
    sectors
        How many parts the circle is divided into.
    """
    row, col = np.indices(picture.shape) + 0.5
    down, right = row - centre[0], col - centre[1]
    offset = np.hypot(down, right) - radius
    band = np.abs(offset) < width / 2
    used = (good & np.isfinite(picture))[band]
    if not used.any():
        raise RingError(f"no pixel lies within {width / 2:g} pixels of radius {radius:g}")
    turn = (np.arctan2(down[band], right[band]) + np.pi) / (2 * np.pi)
    sector = np.floor(turn * sectors).astype(np.int64) % sectors
    arc = radius / (radius + offset[band])
    light = _Band(sector, offset[band], arc, np.where(used, picture[band], 0.0), used, sectors)
    found, clear = _balance(light, width)
    if clear.sum() < FEWEST:
        raise RingError(
            f"only {clear.sum()} of {sectors} sectors show a ring near radius {radius:g}: give a "
            "better guess or a wider band"
        )
    angle = (np.flatnonzero(clear) + 0.5) / sectors * 2 * np.pi - np.pi
    reach = radius + found[clear]
    return RingPoints(centre[0] + reach * np.sin(angle), centre[1] + reach * np.cos(angle))


@dataclass(frozen=True)
class _Band:
    """The pixels of a band: sector, distance from the guessed ring [pixel], light, usable."""

    sector: Ints
    offset: Floats
    arc: Floats
    light: Floats
    used: Bools
    sectors: int

    def total(self, values: Floats) -> Floats:
        """Add up a value of each usable pixel by sector."""
        kept = np.where(self.used, values, 0.0)
        return np.asarray(np.bincount(self.sector, kept, minlength=self.sectors), np.float64)


def _balance(band: _Band, width: float) -> tuple[Floats, Bools]:
    """Return for each sector the offset where the light balances, and whether it is clear."""
    outer = (np.abs(band.offset) > width / 4).astype(np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        count, first = band.total(outer), band.total(outer * band.offset)
        second, level = band.total(outer * band.offset**2), band.total(outer * band.light)
        tilt = band.total(outer * band.offset * band.light)
        slope = (count * tilt - first * level) / (count * second - first**2)
        base = (level - slope * first) / count
        above = band.light - (base[band.sector] + slope[band.sector] * band.offset)
        noise = np.sqrt(band.total(outer * above**2) / (count - 2))
        sigma = width / 8
        at = np.zeros(band.sectors)
        for _ in range(STEPS):
            away = band.offset - at[band.sector]
            # A band holds more pixels the further out: each counts by the length of its arc.
            window = np.exp(-(away**2) / (2 * sigma**2)) * band.arc
            strength = band.total(window * above)
            at = np.clip(at + 2 * band.total(window * above * away) / strength, -width, width)
        seen = np.bincount(band.sector, window, minlength=band.sectors)
        clear = strength > CLEAR * noise * np.sqrt(band.total(window**2))
        clear &= (band.total(window) > COVERED * seen) & (np.abs(at) < width / 4)
    return at, clear & np.isfinite(at)


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
