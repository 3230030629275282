"""Does a region still fit? Its signal's centroid and the part of it that is cut off, run by run.

In each run the light in the region and in a margin around it is compared: where the region sat well
at the beginning, a wandering spot moves the centroid and grows the part outside. Errors follow from
the scatter of the pixels at the rim of the margin, as if that were the noise of every pixel.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import scipy

from workbench.core.arrays import Array, Bools, Floats
from workbench.core.errors import InputError
from workbench.core.findings import Finding, Severity, worst_first
from workbench.core.table import Table
from workbench.widgets.models.picture import Picture
from workbench.widgets.models.state import Drawn

MARGIN = 10  # pixels around a region that are looked at for what it cuts off
CLEAR = 5.0  # standard errors by which a change must stand out
MOVED = 0.1  # of the region's width: a centroid that moved further is told
CUT = 0.05  # part of the light: more outside than at the beginning is told
BORDER = 3  # pixels at the outer end of the margin whose median is the background


class DriftError(InputError):
    """Pictures that cannot be compared."""


@dataclass(frozen=True)
class Fit:
    """How a region sits on the light of one run.

    Parameters
    ----------
    run
        Number of the run, or another label.
    row, col
        Centroid of the light in region and margin, background subtracted [pixel]; NaN where no
        light stands out.
    row_error, col_error
        Standard errors [pixel].
    outside
        Part of the light in the margin, outside the region, 0 to 1.
    outside_error
        Its standard error.
    light
        Sum over region and margin, background subtracted [unit of the picture].
    light_error
        Its standard error.
    """

    run: int | str
    row: float
    col: float
    row_error: float
    col_error: float
    outside: float
    outside_error: float
    light: float
    light_error: float

    @property
    def clear(self) -> bool:
        """Tell whether there is light that stands out."""
        return self.light > CLEAR * self.light_error


@dataclass(frozen=True)
class Drift:
    """How a region sits in run after run.

    Parameters
    ----------
    name
        Of the region.
    fits
        One for each run, in order; the first with light is what the others are compared with.
    findings
        Where it no longer fits, worst first.
    """

    name: str
    fits: tuple[Fit, ...]
    findings: tuple[Finding, ...]

    @property
    def table(self) -> Table:
        """One row for each run."""
        rows = tuple(
            (
                one.run, f"{one.row:.2f} ± {one.row_error:.2f}",
                f"{one.col:.2f} ± {one.col_error:.2f}",
                f"{100 * one.outside:.1f} ± {100 * one.outside_error:.1f}",
            )
            for one in self.fits
        )  # fmt: skip
        columns = ("run", "row [pixel]", "col [pixel]", "outside [%]")
        return Table(columns, rows, caption=f"{self.name} over runs")


def follow(
    pictures: Mapping[int | str, Picture], name: str, region: Drawn, *, margin: int = MARGIN
) -> Drift:
    """Follow a region over the pictures of several runs.

    Parameters
    ----------
    pictures
        By run, in order; all of one detector.
    name, region
        The region.
    margin
        Pixels around the region that are looked at for light that it cuts off.

    Raises
    ------
    DriftError
        Without pictures, with a margin too small for a background, and for frames of different
        shapes.
    """
    if not pictures:
        raise DriftError("no run to follow the region over: give one picture a run")
    if margin <= BORDER:
        raise DriftError(
            f"a margin of {margin} pixels has no background: give {BORDER + 1} or more"
        )
    shapes = {picture.frame.shape for picture in pictures.values()}
    if len(shapes) > 1:
        raise DriftError(
            f"pictures of frames of different shapes {sorted(shapes)}: take one detector"
        )
    fits = tuple(_fit(run, picture, region, margin) for run, picture in pictures.items())
    size = min(_size(next(iter(pictures.values())), region))
    return Drift(name, fits, tuple(worst_first(_findings(name, fits, size))))


def _fit(run: int | str, picture: Picture, region: Drawn, margin: int) -> Fit:
    """Measure on the assembled picture: what is next to each other there is so in truth."""
    layout = picture.layout
    inside = layout.on_picture(layout.pixels(region))
    near = _grown(inside, margin)
    rim = near & ~_grown(inside, margin - BORDER)
    used = layout.on_picture(picture.good & np.isfinite(picture.frame)) & np.isfinite(picture.image)
    background = picture.image[rim & used]
    if background.size < 2 or not (inside & used).any():
        nothing = np.nan
        return Fit(run, *(nothing,) * 8)
    level = float(np.median(background))
    noise = float(background.std(ddof=1))
    rows, cols = np.nonzero(near & used)
    values = picture.image[rows, cols] - level
    sigma = np.full(values.shape, noise)
    part = inside[rows, cols]
    light = float(values.sum())
    row, row_error = _ratio(values * (rows + 0.5), rows + 0.5, light, sigma)
    col, col_error = _ratio(values * (cols + 0.5), cols + 0.5, light, sigma)
    outside, outside_error = _ratio(values * ~part, ~part, light, sigma)
    error = float(np.sqrt((sigma**2).sum()))
    return Fit(run, row, col, row_error, col_error, outside, outside_error, light, error)


def _ratio(weighted: Floats, weights: Array, light: float, sigma: Floats) -> tuple[float, float]:
    """Return sum(w v) / sum(v) and its error from that of every pixel's value v."""
    if light <= 0:
        return np.nan, np.nan
    value = float(weighted.sum()) / light
    error = np.sqrt((((weights - value) * sigma) ** 2).sum()) / light
    return value, float(error)


def _grown(inside: Bools, pixels: int) -> Bools:
    grown: Bools = scipy.ndimage.binary_dilation(
        inside, structure=np.ones((3, 3), bool), iterations=pixels
    )
    return grown


def _size(picture: Picture, region: Drawn) -> tuple[int, int]:
    rows, cols = np.nonzero(picture.layout.on_picture(picture.layout.pixels(region)))
    return int(np.ptp(rows)) + 1, int(np.ptp(cols)) + 1


def _findings(name: str, fits: Sequence[Fit], size: int) -> list[Finding]:
    dark = [one.run for one in fits if not one.clear]
    found = []
    if dark:
        text = f"no light stands out in region {name} or around it in runs {_list(dark)}"
        found.append(Finding("region-dark", Severity.INFO, text, name, len(dark)))
    clear = [one for one in fits if one.clear]
    if not clear:
        return found
    first = clear[0]
    moved = [one for one in clear[1:] if _moved(one, first, size)]
    cut = [
        one
        for one in clear[1:]
        if one.outside - first.outside > CUT
        and one.outside - first.outside > CLEAR * np.hypot(one.outside_error, first.outside_error)
    ]
    if moved:
        last = moved[-1]
        text = (
            f"the light moved since run {first.run}: by {last.row - first.row:+.2f} rows and "
            f"{last.col - first.col:+.2f} columns in run {last.run} "
            f"(runs {_list([one.run for one in moved])}); move the region"
        )
        found.append(Finding("region-moved", Severity.WARNING, text, name, len(moved)))
    if cut:
        last = cut[-1]
        text = (
            f"the region cuts off {last.outside:.0%} of the light in run {last.run}, "
            f"{first.outside:.0%} in run {first.run} (runs {_list([one.run for one in cut])}); "
            "draw it anew"
        )
        found.append(Finding("region-cuts-light", Severity.WARNING, text, name, len(cut)))
    return found


def _moved(one: Fit, first: Fit, size: int) -> bool:
    way = np.hypot(one.row - first.row, one.col - first.col)
    errors = (one.row_error, one.col_error, first.row_error, first.col_error)
    return bool(way > MOVED * size and way > CLEAR * np.sqrt(np.square(errors).sum()))


def _list(runs: Sequence[int | str]) -> str:
    shown = ", ".join(map(str, runs[:6]))
    return f"{shown}, ... ({len(runs)} in all)" if len(runs) > 6 else shown
