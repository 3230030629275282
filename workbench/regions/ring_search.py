"""Rings found on a picture without a guess: crests of light, and the centre they share.

Crests and their directions from second derivatives: Steger, IEEE Trans. PAMI 20, 113 (1998).
Centre by random samples: Fischler, Bolles, Comm. ACM 24, 381 (1981). Every sample is two crests
whose normals meet, or three on one circle, so that the centre may lie beside the picture.
"""

from dataclasses import dataclass

import numpy as np
import scipy

from workbench.core.arrays import Bools, Floats, Ints
from workbench.regions.centre import (
    CentreFit,
    RingError,
    RingPoints,
    find_ring,
    fit_rings,
    fit_steady,
)

SCALES = (1.5, 3.0, 6.0)  # widths of rings that are looked for, as sigma [pixel]
OUTSTANDING = 6.0  # standard deviations by which a crest must stand out
MOST_POINTS = 1200  # crests that are sampled from
SAMPLES = 700
TOGETHER = 50  # centres that are scored in one go
FAINT = 0.05  # of the brightest light and of the sharpest crests: less is no line of its own
BRIGHTEST = 99.5  # percentile
FEWEST_ON_RING = 20  # crests
PEAK = 0.15  # of the crests at the most crowded radius that make another ring
APART = 4  # bins, as wide as the lines, between two rings
MOST_RINGS = 8
FITS = 6
SHARE = 0.25  # of all crests that must lie on rings
LOOSEST = 0.1  # error of a centre against the radius, above which the arc is too short
SEED = 20


@dataclass(frozen=True)
class Crests:
    """Points on lines of light, and the direction across the line.

    Parameters
    ----------
    rows, cols
        [pixel], pixel centres at half-integers.
    down, right
        Direction across, of length 1.
    sigma
        Width of the lines that were looked for [pixel].
    """

    rows: Floats
    cols: Floats
    down: Floats
    right: Floats
    sigma: float

    def __len__(self) -> int:
        return len(self.rows)


def find_centre(picture: Floats, good: Bools) -> CentreFit:
    """Find the rings on a picture and their centre, without a guess.

    Parameters
    ----------
    picture
        Assembled, shape (row, col); gaps are NaN or not good.
    good
        True = use.

    Raises `RingError` where nothing stands out, where what does is no ring, or where the arc is too
    short to tell the centre.
    """
    start, sigma = search_rings(picture, good)
    radii = start.radii[np.argsort(start.radii)]
    centre = start.row, start.col
    gaps = np.diff(np.concatenate([[0.0], radii]))
    for _ in range(2):
        rings = []
        for radius, inner, outer in zip(radii, gaps, [*gaps[1:], np.inf], strict=True):
            width = float(np.clip(14 * sigma, 10, max(10, 1.2 * min(inner, outer))))
            try:
                found = find_ring(picture, good, centre=centre, radius=float(radius), width=width)
            except RingError:
                continue  # weaker than its crests made it look; the others tell the centre
            rings.append(found)
        if not rings:
            raise RingError(
                "lines of light were found, but none is a clear ring: pick points on one by hand"
            )
        fit = fit_steady(rings)
        centre, radii = (fit.row, fit.col), np.sort(fit.radii)
        gaps = np.diff(np.concatenate([[0.0], radii]))
    return fit


def search_rings(picture: Floats, good: Bools) -> tuple[CentreFit, float]:
    """Return the best concentric circles through crests, and the width (sigma) of these [pixel].

    Its errors are too small: neighbouring crests know of each other. `find_centre` goes on to
    measure the rings.
    """
    found: list[tuple[int, CentreFit, float]] = []
    problems = []
    for sigma in SCALES:
        try:
            fit = _fit_crests(find_crests(picture, good, sigma=sigma))
        except RingError as error:
            problems.append(str(error))
            continue
        # A crest of a wide line is found at every pixel along it, as one of a narrow line is.
        found.append((len(fit.residuals), fit, sigma))
    if not found:
        raise RingError(problems[-1])
    _, fit, sigma = max(found, key=lambda item: item[0])
    return fit, sigma


def find_crests(picture: Floats, good: Bools, *, sigma: float) -> Crests:
    """Find points on lines of light about `sigma` wide, away from gaps and masked pixels."""
    used = good & np.isfinite(picture)
    if used.sum() < 100:
        raise RingError(f"only {used.sum()} pixels can be used: mask fewer")
    share = scipy.ndimage.gaussian_filter(used.astype(np.float64), sigma)
    level = _evened(picture, used)
    wide = [scipy.ndimage.gaussian_filter(np.asarray(part, np.float64), 3 * sigma)
            for part in (np.where(used, level, 0.0), used)]  # fmt: skip
    with np.errstate(invalid="ignore", divide="ignore"):
        filled = np.where(used, level, np.nan_to_num(wide[0] / wide[1]))
    orders = {"r": (1, 0), "c": (0, 1), "rr": (2, 0), "rc": (1, 1), "cc": (0, 2)}
    slope = {name: scipy.ndimage.gaussian_filter(filled, sigma, order=order, mode="nearest")
             for name, order in orders.items()}  # fmt: skip
    half = (slope["rr"] - slope["cc"]) / 2
    bend = (slope["rr"] + slope["cc"]) / 2 - np.hypot(half, slope["rc"])
    turn = np.arctan2(slope["rc"], half) / 2
    down, right = -np.sin(turn), np.cos(turn)
    inside = used & (share > 0.98)
    if not inside.any():
        raise RingError("no part of the picture is free of gaps: mask fewer pixels")
    noise = 1.4826 * np.median(np.abs(slope["rr"][inside] - np.median(slope["rr"][inside])))
    # Without noise, as in means of many events, the faintest ripple would stand out.
    sharp = max(OUTSTANDING * noise, FAINT * float(np.percentile(-bend[inside], BRIGHTEST)), 1e-12)
    with np.errstate(invalid="ignore", divide="ignore"):
        shift = -(slope["r"] * down + slope["c"] * right) / bend
        crest = inside & (-bend > sharp)
        crest &= np.maximum(np.abs(shift * down), np.abs(shift * right)) <= 0.5
    border = int(np.ceil(2 * sigma))
    crest[:border] = crest[-border:] = False
    crest[:, :border] = crest[:, -border:] = False
    row, col = np.nonzero(crest)
    if len(row) < FEWEST_ON_RING:
        raise RingError(
            "no line of light stands out of the noise: average more events, or pick points"
        )
    move = shift[crest]
    return Crests(
        row + 0.5 + move * down[crest], col + 0.5 + move * right[crest],
        down[crest], right[crest], sigma,
    )  # fmt: skip


def _evened(picture: Floats, used: Bools) -> Floats:
    """Return the picture with strong light compressed, so that a bright spot hides no ring."""
    values = picture[used]
    middle = np.median(values)
    spread = 1.4826 * np.median(np.abs(values - middle))
    bright = float(np.percentile(values, BRIGHTEST) - middle)
    scale = max(spread, FAINT * bright, 1e-12)
    return np.asarray(np.arcsinh((np.where(used, picture, middle) - middle) / scale))


def _fit_crests(crests: Crests) -> CentreFit:
    """Fit circles to crests, from the best of many samples."""
    random = np.random.default_rng(SEED)
    if len(crests) > MOST_POINTS:
        chosen = np.sort(random.choice(len(crests), MOST_POINTS, replace=False))
    else:
        chosen = np.arange(len(crests))
    centres = np.concatenate(
        [_meeting(crests, chosen, random), _through_three(crests, chosen, random)]
    )
    score = _concentration(crests, chosen, centres)
    best: CentreFit | None = None
    for centre in centres[np.argsort(score)[::-1][:5]]:
        try:
            fit = _refined(crests, centre)
        except RingError:
            continue
        if best is None or len(fit.residuals) > len(best.residuals):
            best = fit
    if best is None or len(best.residuals) < SHARE * len(crests):
        raise RingError(
            "lines of light were found, but not on common circles: mask what is no ring, or pick "
            "points"
        )
    if max(best.row_error, best.col_error) > LOOSEST * best.radii.max():
        raise RingError("the arc is too short to tell its centre; give the geometry of a guess")
    return best


def _meeting(crests: Crests, chosen: Ints, random: np.random.Generator) -> Floats:
    """Return where the normals of pairs of crests meet, shape (sample, 2)."""
    first, second = random.choice(chosen, (2, SAMPLES))
    cross = crests.down[first] * crests.right[second] - crests.right[first] * crests.down[second]
    down, right = crests.rows[second] - crests.rows[first], crests.cols[second] - crests.cols[first]
    clear = np.abs(cross) > 0.05
    first, second, cross = first[clear], second[clear], cross[clear]
    reach = (down[clear] * crests.right[second] - right[clear] * crests.down[second]) / cross
    return np.stack(
        [crests.rows[first] + reach * crests.down[first],
         crests.cols[first] + reach * crests.right[first]], axis=1,
    )  # fmt: skip


def _through_three(crests: Crests, chosen: Ints, random: np.random.Generator) -> Floats:
    """Return the centres of circles through three crests, shape (sample, 2)."""
    at = np.stack([crests.rows, crests.cols], axis=1)
    origin, one, two = at[random.choice(chosen, (3, SAMPLES))]
    one, two = one - origin, two - origin
    cross = 2 * (one[:, 0] * two[:, 1] - one[:, 1] * two[:, 0])
    clear = np.abs(cross) > 1e-3 * np.maximum((one**2).sum(1), (two**2).sum(1))
    origin, one, two, cross = origin[clear], one[clear], two[clear], cross[clear]
    long, far = (one**2).sum(1), (two**2).sum(1)
    return np.stack(
        [origin[:, 0] + (two[:, 1] * long - one[:, 1] * far) / cross,
         origin[:, 1] + (one[:, 0] * far - two[:, 0] * long) / cross], axis=1,
    )  # fmt: skip


def _concentration(crests: Crests, chosen: Ints, centres: Floats) -> Floats:
    """Return for each centre how much the crests crowd at few radii."""
    rows, cols = crests.rows[chosen], crests.cols[chosen]
    step = max(1.0, crests.sigma)
    scores = []
    for some in np.array_split(centres, max(1, len(centres) // TOGETHER)):
        away = np.hypot(rows - some[:, :1], cols - some[:, 1:])
        place = ((away - away.min(axis=1, keepdims=True)) / step).astype(np.int64)
        bins = int(place.max()) + 3
        place += 1 + bins * np.arange(len(some))[:, np.newaxis]
        count = np.bincount(place.ravel(), minlength=bins * len(some)).reshape(len(some), bins)
        crowd = count[:, 1:-1] + count[:, :-2] + count[:, 2:]
        scores.append((crowd.astype(np.float64) ** 2).sum(axis=1))
    return np.concatenate(scores)


def _histogram(distance: Floats, sigma: float) -> tuple[Ints, float, float]:
    """Return crests per radius, summed over three bins; radius of the first bin, and its width."""
    step = max(1.0, sigma)
    start = float(distance.min())
    count = np.bincount(((distance - start) / step).astype(np.int64)).astype(np.int64)
    return np.convolve(count, np.ones(3, np.int64), "same").astype(np.int64), start, step


def _refined(crests: Crests, centre: Floats) -> CentreFit:
    """Fit circles from one centre on, crests joining the rings and leaving them."""
    row, col = (float(value) for value in centre)
    distance = np.hypot(crests.rows - row, crests.cols - col)
    radii = _peaks(*_histogram(distance, crests.sigma))
    reach = 3 * max(1.0, crests.sigma)
    fit = None
    for _ in range(FITS):
        away = np.abs(distance[:, np.newaxis] - radii)
        nearest = away.argmin(axis=1)
        near = away[np.arange(len(away)), nearest] < reach
        rings = [near & (nearest == ring) for ring in range(len(radii))]
        rings = [ring for ring in rings if ring.sum() >= FEWEST_ON_RING]
        if not rings:
            raise RingError("no ring was left")
        fit = fit_rings([RingPoints(crests.rows[ring], crests.cols[ring]) for ring in rings])
        row, col, radii = fit.row, fit.col, fit.radii
        distance = np.hypot(crests.rows - row, crests.cols - col)
        reach = max(1.0, 3 * 1.4826 * float(np.median(np.abs(fit.residuals))))
    assert fit is not None
    return fit


def _peaks(count: Ints, start: float, step: float) -> Floats:
    """Return the radii at which crests crowd, the most crowded first."""
    found: list[int] = []
    for place in np.argsort(count, kind="stable")[::-1]:
        if count[place] < max(FEWEST_ON_RING, PEAK * count.max()) or len(found) == MOST_RINGS:
            break
        if all(abs(place - other) > APART for other in found):
            found.append(int(place))
    if not found:
        raise RingError("crests crowd at no radius")
    return np.asarray(start + (np.array(found) + 0.5) * step)
