"""The house style of figures: size, fonts, colours that colour-blind readers tell apart, labels."""

import io
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.rcsetup import cycler

from workbench.core.arrays import Array, Floats

WIDTH = 10.4  # inch; with DPI the width of a report's column
DPI = 110  # pixels per inch
PANEL = 3.4  # inch, height of one row of panels
DELAY_LABEL = "delay [ps], positive = pump before X-rays"

# Okabe and Ito's colours (https://jfly.uni-koeln.de/color/).
BLUE, ORANGE, GREEN, RED = "#0072B2", "#E69F00", "#009E73", "#D55E00"
SKY, PINK, BLACK, GREY = "#56B4E9", "#CC79A7", "#000000", "#7F7F7F"
ON, OFF, DARK, DIFFERENCE, FIT, CUT = RED, BLUE, GREY, BLACK, GREEN, ORANGE
CYCLE = (BLUE, RED, GREEN, ORANGE, PINK, SKY, BLACK)
IMAGE_COLOURS = "viridis"

STYLE: dict[str, Any] = {  # Any: matplotlib's settings are of many types
    "font.size": 11,
    "axes.titlesize": 11.5,
    "axes.labelsize": 11,
    "legend.fontsize": 10,
    "xtick.labelsize": 10,
    "ytick.labelsize": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#E4E4E4",
    "grid.linewidth": 0.8,
    "axes.axisbelow": True,
    "axes.formatter.limits": (-3, 4),
    "axes.formatter.useoffset": False,
    "axes.prop_cycle": cycler(color=CYCLE),
    "lines.linewidth": 1.6,
    "lines.markersize": 4.5,
    "legend.frameon": False,
    "image.origin": "upper",
    "image.interpolation": "nearest",
    "image.cmap": IMAGE_COLOURS,
    "figure.dpi": DPI,
    "savefig.dpi": DPI,
}


class Picture(Figure):
    """A figure that a notebook shows as a picture; it belongs to no window and no global state."""

    alt: str = ""

    def _repr_png_(self) -> tuple[bytes, dict[str, Any]]:
        buffer = io.BytesIO()
        FigureCanvasAgg(self).print_png(buffer)  # type: ignore[no-untyped-call]
        return buffer.getvalue(), {"alt": self.alt} if self.alt else {}


@contextmanager
def house_style() -> Generator[None]:
    """Draw in the house style inside the ``with`` block, whatever the user's own settings are."""
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(STYLE)  # type: ignore[arg-type]  # names as plain str
        yield


def panels(
    rows: int = 1, columns: int = 1, *, height: float = 0.0, width: float = WIDTH, **grid: Any
) -> tuple[Picture, list[Axes]]:
    """Return a picture with a grid of axes, row by row; `height` [inch] of the whole picture.

    `grid` goes to matplotlib's `Figure.subplots` (``Any``: its options are of many types).
    """
    picture = Picture(figsize=(width, height or PANEL * rows), dpi=DPI, layout="constrained")
    axes = picture.subplots(rows, columns, squeeze=False, **grid)
    return picture, list(axes.flat)


def label(text: str, unit: str) -> str:
    """Return the text of an axis: what it is, and its unit in brackets."""
    return f"{text} [{unit or 'unit not known'}]"


def robust_range(values: Array, *, tail: float = 0.5) -> tuple[float, float]:
    """Return the range that holds all finite values but `tail` percent at either end.

    Never empty: a single value gets a margin, no value at all gives (0, 1).
    """
    finite: Floats = np.asarray(values, dtype=np.float64)
    finite = finite[np.isfinite(finite)]
    if finite.size == 0:
        return 0.0, 1.0
    low, high = (float(end) for end in np.percentile(finite, (tail, 100 - tail)))
    if low == high:
        low, high = float(finite.min()), float(finite.max())
    if low == high:
        margin = abs(low) * 0.05 or 0.5
        return low - margin, high + margin
    return low, high


def say_empty(axes: Axes, reason: str = "no values") -> None:
    """Write into empty axes why they are empty."""
    axes.text(
        0.5,
        0.5,
        reason,
        transform=axes.transAxes,
        ha="center",
        va="center",
        color=GREY,
        fontsize=13,
    )
    axes.set_xticks([])
    axes.set_yticks([])
    axes.grid(visible=False)


def mark_cut(axes: Axes, low: float | None, high: float | None) -> None:
    """Draw the ends of a cut as lines and shade what it rejects along the x axis."""
    left, right = axes.get_xlim()
    for end, edge in ((low, left), (high, right)):
        if end is not None:
            axes.axvline(end, color=CUT, linestyle="--", label=f"cut {end:g}")
            axes.axvspan(*sorted((end, edge)), color=CUT, alpha=0.12, linewidth=0)
    axes.set_xlim(left, right)
