"""Light in a band around a ring: in each sector of azimuth, the offset at which it balances."""

from dataclasses import dataclass

import numpy as np

from workbench.core.arrays import Bools, Floats, Ints

STEPS = 30  # of the search for the balance in a sector; each halves the distance at least
SETTLED = 1e-4  # pixels
CLEAR = 6.0  # standard deviations by which light must stand out
COVERED = 0.99  # of the window's pixels that must be usable
REACHED = 0.85  # of the window's area that must hold pixels at all
LEAN = 0.1  # sigmas of the window by which its usable pixels may lie to one side


@dataclass(frozen=True)
class Band:
    """The pixels of a band around a guessed ring, flat.

    Parameters
    ----------
    sector
        Number of the sector that each lies in.
    offset
        Distance from the guessed ring, outwards [pixel].
    arc
        Length of the ring that each stands for, against one pixel.
    light, used
        Value, and whether it counts.
    sectors
        How many there are.
    """

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


def balance(band: Band, width: float, *, length: float) -> tuple[Floats, Bools]:
    """Return for each sector the offset where the light balances, and whether it is clear.

    Parameters
    ----------
    band
        Pixels, sector by sector.
    width
        Of the band [pixel].
    length
        Of a sector along the ring [pixel].
    """
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
            step = 2 * band.total(window * above * away) / strength
            at = np.clip(at + step, -width, width)
            if not (np.abs(step[np.abs(at) < width / 4]) > SETTLED).any():
                break
        seen = np.bincount(band.sector, window, minlength=band.sectors)
        usable, lean = band.total(window), band.total(window * away)
        clear = strength > CLEAR * noise * np.sqrt(band.total(window**2))
        clear &= (usable > COVERED * seen) & (np.abs(at) < width / 4)
        # Beyond the end of the picture there are no pixels that could be missed.
        clear &= usable > REACHED * length * sigma * np.sqrt(2 * np.pi)
        clear &= np.abs(lean) < LEAN * sigma * usable
    return at, clear & np.isfinite(at)
