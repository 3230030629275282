"""Light in a band around a ring: in each sector of azimuth, the offset at which it balances.

The light, weighted by a Gaussian window, balances where window and light share their middle:
adaptive moments as in Bernstein, Jarvis, Astron. J. 123, 583 (2002). A window of 1.3 times the
width of the ring comes within about 9 % of the best that any estimate can reach (Cramer-Rao).
"""

from dataclasses import dataclass, replace

import numpy as np

from workbench.core.arrays import Bools, Floats, Ints

STEPS = 30  # of the search for the balance in a sector, at most
SETTLED = 1e-4  # pixels
CLEAR = 6.0  # standard deviations by which light must stand out
COVERED = 0.99  # of the window's pixels that must be usable
REACHED = 0.85  # of the window's area that must hold pixels at all
LEAN = 0.02  # sigmas of the window by which usable pixels may lie to one side, and pull the light
WINDOW = 1.3  # sigma of the window, in those of the ring
NARROWEST = 1.0  # sigma of the window [pixel]: narrower ones see single pixels
SURE = 0.1  # widths of the ring by which points may scatter, if enough of them are left
SECTORS = 48  # of the azimuth at least, where light allows it
FEWEST_SURE = 12  # points: they tell their scatter, and with it every error, to 20 %
FULL = 0.9  # of the most points that any way gives
BETTER = 0.8  # of the scatter of the usual way, before another one is taken
LONGER = 1.1  # times: less is not worth another look


@dataclass(frozen=True)
class Band:
    """The pixels of a band around a guessed ring, flat.

    Parameters
    ----------
    turn
        Azimuth of each, in turns from 0 to 1.
    offset
        Distance from the guessed ring, outwards [pixel].
    arc
        Length of the ring that each stands for, against one pixel.
    light, used
        Value, and whether it counts.
    around
        Length of the whole ring [pixel].
    """

    turn: Floats
    offset: Floats
    arc: Floats
    light: Floats
    used: Bools
    around: float


@dataclass(frozen=True)
class Trace:
    """Where the ring lies, sector by sector.

    Parameters
    ----------
    turn
        Azimuth of the middle of each clear sector, in turns.
    offset
        Of the light from the guessed ring [pixel].
    sectors
        Into how many the whole turn was divided.
    """

    turn: Floats
    offset: Floats
    sectors: int


def trace(band: Band, width: float, *, length: float, whole: float = 1.0) -> Trace:
    """Follow the ring around a band.

    Where points scatter by more than `SURE` of the width of the ring, as on the few grains of a
    coarse powder or in faint light, sectors are made longer while `FEWEST_SURE` points are left.
    Scatter is that between neighbours, so that a guess which lies off does not count as scatter.

    Parameters
    ----------
    width
        Of the band [pixel].
    length
        Of a sector along the ring, at least [pixel].
    whole
        Part of that length over which pixels must lie on the picture.
    """
    sectors, best = max(SECTORS, round(band.around / length)), None
    while True:
        at, clear, scatter, size = _steadiest(_divided(band, sectors), width, whole)
        count = int(clear.sum())
        if best is not None and count < FEWEST_SURE:
            return best
        best = Trace((np.flatnonzero(clear) + 0.5) / sectors, at[clear], sectors)
        longer = min((scatter / (SURE * size)) ** 2, 2.0, count / FEWEST_SURE)
        if longer < LONGER:
            return best
        sectors = int(sectors / longer)


def _steadiest(parts: "_Parts", width: float, whole: float) -> tuple[Floats, Bools, float, float]:
    """Balance in several ways, take what is steadiest: offsets, clear ones, scatter, width.

    The usual way is a window that suits the ring, in light as it is: best for photon noise. A wider
    window, or light evened, lets more grains of a coarse powder weigh in.
    """
    ways: list[tuple[float, Floats, Bools, float]] = []
    for light in (parts, _evened(parts, width)):
        at, clear, size = _balance(light, np.zeros(parts.sectors), width, width / 8, whole)
        wide = _scatter(at, clear), at, clear, size
        window = max(WINDOW * size, NARROWEST)
        if clear.any() and window < width / 8:
            at, clear, size = _balance(light, np.where(clear, at, 0.0), width, window, whole)
            ways.append((_scatter(at, clear), at, clear, size))
        ways.append(wide)
        if ways[0][0] <= SURE * ways[0][3]:
            break
    most = max(clear.sum() for _, _, clear, _ in ways)
    ways = [way for way in ways if way[2].sum() >= FULL * most]
    best = min(ways, key=lambda way: way[0])
    # To take the least of several scatters as a matter of course would make errors too small.
    scatter, at, clear, size = best if best[0] < BETTER * ways[0][0] else ways[0]
    return at, clear, scatter, size


def _evened(parts: "_Parts", width: float) -> "_Parts":
    """Compress light beyond the noise of the background, so that no bright grain decides."""
    base, slope, noise = _background(parts, width)
    known = noise[np.isfinite(noise) & (noise > 0)]
    if not known.size:
        return parts
    above = parts.light - (base[parts.sector] + slope[parts.sector] * parts.offset)
    return replace(parts, light=np.arcsinh(np.where(parts.used, above, 0.0) / np.median(known)))


def _scatter(at: Floats, clear: Bools) -> float:
    """Return the scatter of points against the mean of their neighbours [pixel]."""
    known = clear & np.roll(clear, 1) & np.roll(clear, -1)
    if not known.any():
        return 0.0
    bend = (at - (np.roll(at, 1) + np.roll(at, -1)) / 2)[known]
    return float(1.4826 * np.median(np.abs(bend)) / np.sqrt(1.5))


@dataclass(frozen=True)
class _Parts:
    """Pixels of a band dealt to sectors; one that lies on a border is dealt to both."""

    sector: Ints
    share: Floats
    offset: Floats
    light: Floats
    used: Bools
    sectors: int
    length: float

    def sum(self, values: Floats) -> Floats:
        """Add up a value of each pixel by sector."""
        return np.asarray(np.bincount(self.sector, values, minlength=self.sectors), np.float64)

    def total(self, values: Floats) -> Floats:
        """Add up a value of each usable pixel by sector."""
        return self.sum(np.where(self.used, values, 0.0))


def _divided(band: Band, sectors: int) -> _Parts:
    """Deal pixels to sectors by the part of each that lies in it along the ring."""
    place = band.turn * sectors
    border = np.round(place)
    length = band.around / sectors
    after = np.clip((place - border) * length / band.arc + 0.5, 0.0, 1.0)
    share = np.concatenate([(1 - after) * band.arc, after * band.arc])
    some = share > 0
    sector = np.concatenate([border - 1, border]).astype(np.int64) % sectors
    offset, light, used = (np.concatenate([part, part])[some]
                           for part in (band.offset, band.light, band.used))  # fmt: skip
    return _Parts(sector[some], share[some], offset, light, used, sectors, length)


def _balance(
    parts: _Parts, start: Floats, width: float, window: float, whole: float
) -> tuple[Floats, Bools, float]:
    """Return the offset at which each sector's light balances, if it is clear, and the width.

    The width is the sigma of the ring's profile [pixel], as its window shows it.
    """
    base, slope, noise = _background(parts, width)
    with np.errstate(invalid="ignore", divide="ignore"):
        above = parts.light - (base[parts.sector] + slope[parts.sector] * parts.offset)
        light = np.where(parts.used, above, 0.0)
        at, bound, part = start, width / 4, 0.7
        for _ in range(STEPS):
            away = parts.offset - at[parts.sector]
            weight = np.exp(-(away**2) / (2 * window**2)) * parts.share
            shone = weight * light
            strength, first = parts.sum(shone), parts.sum(shone * away)
            clear = (strength > CLEAR * noise * np.sqrt(parts.total(weight**2))) & (
                np.abs(at) < bound
            )
            step = np.clip(first / strength / part, -window, window)
            if not (np.abs(step[clear]) > SETTLED).any():
                break
            at = np.clip(at + step, -width, width)
            # A Gaussian of width s in a window w shows the spread s^2 w^2 / (s^2 + w^2), and a
            # distance from the middle of w^2 / (s^2 + w^2) of the true one.
            spread = parts.sum(shone * away**2)[clear] / strength[clear]
            if clear.any():
                part = 1 - float(np.clip(np.median(spread) / window**2, 0.05, 0.65))
        touched = parts.sum(weight)
        usable, lean = parts.total(weight), parts.total(weight * away)
        clear &= (usable > COVERED * touched) & (np.abs(at) < bound) & np.isfinite(at)
        # Beyond the end of the picture there are no pixels that could be missed.
        clear &= usable > REACHED * whole * parts.length * window * np.sqrt(2 * np.pi)
        clear &= np.abs(lean) < LEAN * window * usable
    return at, clear, window * float(np.sqrt(1 / part - 1))


def _background(parts: _Parts, width: float) -> tuple[Floats, Floats, Floats]:
    """Fit a line through the inner and outer quarter of the band: level, slope, scatter."""
    outer = np.where(np.abs(parts.offset) > width / 4, parts.share, 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        count, first = parts.total(outer), parts.total(outer * parts.offset)
        second, level = parts.total(outer * parts.offset**2), parts.total(outer * parts.light)
        tilt = parts.total(outer * parts.offset * parts.light)
        slope = (count * tilt - first * level) / (count * second - first**2)
        base = (level - slope * first) / count
        above = parts.light - (base[parts.sector] + slope[parts.sector] * parts.offset)
        noise = np.sqrt(parts.total(outer * above**2) / (count - 2))
    known = np.isfinite(base) & np.isfinite(slope) & np.isfinite(noise)
    return np.where(known, base, 0.0), np.where(known, slope, 0.0), np.where(known, noise, np.inf)
