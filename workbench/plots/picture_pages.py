"""Pictures of detectors, one shot each, with linear or logarithmic colours."""

from collections.abc import Sequence

import numpy as np
from matplotlib.colors import LogNorm, Normalize

from workbench.core.arrays import Bools, Floats
from workbench.plots.style import Picture, house_style, label, panels, robust_range, say_empty
from workbench.recipes.pictures import Pictures

DECADES = 4  # of a logarithmic scale below its top, at most
SIDE = 4.6  # inch, height of a picture, at most
ACROSS = 7.5  # inch, width of one alone
BESIDE = 1.1  # inch, for its title, ticks and label


def first_picture(pictures: Pictures, *, log: bool = False) -> Picture:
    """Draw the first frame as the assembled picture, over the whole width."""
    return picture_page([pictures], log=log)


def picture_page(
    found: Sequence[Pictures],
    *,
    log: bool = False,
    low: float | None = None,
    high: float | None = None,
) -> Picture:
    """Draw the first frame of each, two in a row.

    Parameters
    ----------
    found
        Pictures of one shot of several detectors, or of several shots.
    log
        Logarithmic colours: pixels at or below zero get the lowest.
    low, high
        Ends of the colours, in the unit of the pictures; None: all but one pixel of a hundred at
        each end of a linear scale.
    """
    columns = 1 if len(found) == 1 else 2
    rows = max(1, -(-len(found) // columns))
    pages = [_page(one) for one in found]
    height = SIDE if columns > 1 or not pages else min(SIDE, _height(pages[0]))
    with house_style():
        picture, axes = panels(rows, columns, height=height * rows)
        for one, drawn, axis in zip(found, pages, axes, strict=False):
            axis.set_title(f"{one.label}, shot {one.shots[0]}: {one.name}", fontsize=10.5)
            axis.set_xlabel(label("column", "pixel"))
            axis.set_ylabel(label("row", "pixel"))
            axis.grid(visible=False)
            axis.set_facecolor("#C8C8C8")
            if not np.isfinite(drawn).any():
                say_empty(axis, "no pixel was measured")
                continue
            norm = _norm(drawn, log=log, low=low, high=high)
            shown = np.clip(drawn, norm.vmin, None) if log else drawn
            image = axis.imshow(shown, norm=norm, aspect="equal")
            scale = axis.inset_axes((1.03, 0.0, 0.05, 1.0))  # as high as the picture
            picture.colorbar(image, cax=scale, label=label("value", one.unit), extend="both")
        for spare in axes[len(found) :]:
            spare.set_visible(False)
        if not found:
            say_empty(axes[0], "no pictures")
    picture.alt = "Pictures: " + ", ".join(f"{one.name}, shot {one.shots[0]}" for one in found)
    return picture


def _page(pictures: Pictures) -> Floats:
    frame = np.where(_usable(pictures), pictures.frames[0].astype(np.float64), np.nan)
    return pictures.layout.picture(frame) if frame.ndim == 2 or pictures.places else _below(frame)


def _height(page: Floats) -> float:
    """Return how high a picture over the whole width is, with its title and labels [inch]."""
    rows, columns = page.shape
    return BESIDE + ACROSS * int(rows) / int(columns)


def _usable(pictures: Pictures) -> Bools:
    return np.ones(pictures.shape, bool) if pictures.good is None else pictures.good


def _below(frame: Floats) -> Floats:
    """Return tiles one below the other, where nobody knows their places."""
    return frame.reshape(-1, frame.shape[-1])


def _norm(page: Floats, *, log: bool, low: float | None, high: float | None) -> Normalize:
    bottom, top = robust_range(page, tail=1.0)
    top = top if high is None else high
    if not log:
        return Normalize(bottom if low is None else low, top)
    top = top if top > 0 else float(np.nanmax(page))
    if not top > 0:  # nothing above zero: a logarithm has nothing to show
        return Normalize(bottom, top)
    positive = page[page > 0]
    least = float(np.percentile(positive, 1)) if positive.size else top / 10
    least = least if low is None or low <= 0 else low
    return LogNorm(min(max(least, top / 10**DECADES), top / 1.001), top)
