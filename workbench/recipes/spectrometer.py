"""Spectrometer pictures: the band of light summed across, background off, with errors."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter1d

from workbench.core.arrays import Bools, Floats
from workbench.core.errors import InputError
from workbench.recipes.line_fit import smoothed
from workbench.recipes.pictures import Pictures

EDGE = 0.1  # of its height, at which a band that nobody named ends
MARGIN = 5  # pixels between band and background
PIXEL = "pixel"


class SpectrumError(InputError):
    """Pictures that give no spectrum, or lines that give no axis; the text says what is lacking."""


@dataclass(frozen=True, eq=False)
class Spectrum:
    """Intensity over the dispersion axis, background off.

    Parameters
    ----------
    label
        Whose it is.
    x
        Pixel centres, or energies [eV], shape (bin,).
    value, error
        Sum across the band, mean of the frames, in `unit`; the error from photons and from the
        scatter of the background's pixels.
    unit
        Of the value.
    axis
        "pixel" or "eV".
    band, background
        Which lines of pixels were summed, and which are background, as half-open ranges.
    frames
        How many.
    """

    label: str
    x: Floats
    value: Floats
    error: Floats
    unit: str
    axis: str = PIXEL
    band: tuple[int, int] = (0, 0)
    background: tuple[tuple[int, int], ...] = ()
    frames: int = 1


def line_spectrum(
    pictures: Pictures,
    *,
    photon: float,
    band: Sequence[int] = (),
    background: Sequence[int] = (),
    span: Sequence[int] = (),
    along: str = "columns",
) -> Spectrum:
    """Sum frames across a band of rows (or columns), less the background beside it.

    Variance of a sum over n pixels: photon * signal (Poisson) + n s^2 (1 + n / m), with the
    variance s^2 of one of the m pixels of the background in the same column.

    Parameters
    ----------
    pictures
        Frames with the dispersion along rows or columns.
    photon
        Reading of one photon, in the unit of the pictures.
    band
        First row and the one after the last; empty: around the brightest row.
    background
        Pairs of rows likewise; empty: all that are `MARGIN` away from the band.
    span
        First column and the one after the last; empty: all.
    along
        Where the energy changes: "columns" or "rows"; else `SpectrumError`, as for empty bands.
    """
    if along not in {"columns", "rows"} or not photon > 0:
        raise SpectrumError(f"along is 'columns' or 'rows', not {along!r}; a photon reads above 0")
    pages = np.stack([_page(pictures, number, along) for number in range(len(pictures.frames))])
    mean: Floats = np.full(pages.shape[1:], np.nan)
    known = np.isfinite(pages).any(axis=0)
    mean[known] = np.nanmean(pages[:, known], axis=0)
    rows, columns = mean.shape
    first, last = _range(span or (0, columns), columns, "span")
    inside = _range(band, rows, "band") if band else _brightest(mean[:, first:last])
    outside = _bands(background, inside, rows)
    signal = mean[slice(*inside), first:last]
    rest = np.concatenate([mean[slice(*one), first:last] for one in outside])
    n, good = inside[1] - inside[0], np.isfinite(signal).sum(axis=0)
    m = np.isfinite(rest).sum(axis=0)
    usable: Bools = (good > 0) & (m > 2)
    if not usable.any():
        raise SpectrumError(f"{pictures.name}: no column has pixels in band and background")
    spread = float(np.nanstd(rest[:, usable]))
    level = np.full(len(usable), np.nan)
    level[usable] = np.nanmean(rest[:, usable], axis=0)
    value: Floats = np.full(len(usable), np.nan)
    value[usable] = n * (np.nanmean(signal[:, usable], axis=0) - level[usable])
    counted = gaussian_filter1d(np.nan_to_num(value), 2.0)  # a sum that fluctuates down is as sure
    frames = len(pages)
    with np.errstate(divide="ignore"):
        poisson = photon * np.maximum(counted, 0) / frames * n / good
        error: Floats = np.sqrt(poisson + n**2 * spread**2 * (1 / good + 1 / m))
    x = np.arange(first, last, dtype=np.float64) + 0.5
    error[~usable] = np.nan
    return Spectrum(pictures.label, x, value, error, pictures.unit, PIXEL, inside, outside, frames)


def _page(pictures: Pictures, number: int, along: str) -> Floats:
    frame = pictures.frames[number].astype(np.float64)
    if pictures.good is not None:
        frame = np.where(pictures.good, frame, np.nan)
    page = frame if frame.ndim == 2 else pictures.layout.picture(frame)
    return page if along == "columns" else page.T


def _range(given: Sequence[int], size: int, what: str) -> tuple[int, int]:
    if len(given) != 2 or not 0 <= given[0] < given[1] <= size:
        raise SpectrumError(
            f"{what} is first and one after the last, within 0 to {size}, not {list(given)}"
        )
    return int(given[0]), int(given[1])


def _brightest(page: Floats) -> tuple[int, int]:
    """Return the band around the brightest row, to where it is a tenth of its height."""
    known = np.isfinite(page).any(axis=1)
    profile = np.zeros(len(page))
    profile[known] = np.nanmean(page[known], axis=1)
    smooth = smoothed(profile)
    above = smooth - np.median(smooth)
    top = int(above.argmax())
    low, high = top, top
    while low > 0 and above[low - 1] > EDGE * above[top]:
        low -= 1
    while high < len(above) - 1 and above[high + 1] > EDGE * above[top]:
        high += 1
    return low, high + 1


def _bands(given: Sequence[int], band: tuple[int, int], rows: int) -> tuple[tuple[int, int], ...]:
    if given:
        if len(given) % 2:
            raise SpectrumError(f"background is pairs of first and one after the last: {given}")
        return tuple(
            _range(given[place : place + 2], rows, "background")
            for place in range(0, len(given), 2)
        )
    sides = ((0, band[0] - MARGIN), (band[1] + MARGIN, rows))
    found = tuple(side for side in sides if side[1] > side[0])
    if not found:
        raise SpectrumError(
            f"the band {list(band)} leaves no background within {rows} rows: name it, or a "
            "narrower band"
        )
    return found
