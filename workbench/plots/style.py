"""The house style of figures: size, fonts, colours that colour-blind readers tell apart, labels."""

import io
import math
from collections.abc import Callable, Generator
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
LETTERS = 12  # of a label that fit one inch
LINES = 3  # of a label
DELAY_LABEL = "delay [ps], positive = pump before X-rays"

# Okabe and Ito's colours (https://jfly.uni-koeln.de/color/).
BLUE, ORANGE, GREEN, RED = "#0072B2", "#E69F00", "#009E73", "#D55E00"
SKY, PINK, BLACK, GREY = "#56B4E9", "#CC79A7", "#000000", "#7F7F7F"
ON, OFF, DARK, DIFFERENCE, FIT, CUT = RED, BLUE, GREY, BLACK, GREEN, ORANGE
CYCLE = (BLUE, RED, GREEN, ORANGE, PINK, SKY, BLACK)
IMAGE_COLOURS = "viridis"
RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")

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
    "axes.formatter.limits": (-4, 7),  # `tidy` moves powers of ten into the unit
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


def tidy(*axes: Axes) -> None:
    """Move powers of ten from the ticks into the unit, and break long labels of low panels.

    To be called when the limits are set. "[J]" becomes "[10⁻⁶ J]" where the axis needs it.
    """
    for one in axes:
        for axis in (one.xaxis, one.yaxis):
            text = axis.get_label_text()
            most = float(np.abs(axis.get_view_interval()).max())
            exponent = 3 * math.floor(math.log10(most) / 3) if most > 0 else 0
            if text.endswith("]") and axis.get_scale() == "linear" and not -3 <= exponent <= 3:
                axis.set_major_formatter(_scaled(exponent))
                head, _, unit = text.rpartition("[")
                axis.set_label_text(f"{head}[10{str(exponent).translate(RAISED)} {unit}")
        figure = one.get_figure(root=True)
        width, height = figure.get_size_inches() if figure else (WIDTH, PANEL)
        box = one.get_position()
        one.set_xlabel(_broken(one.get_xlabel(), LETTERS * width * box.width))
        one.set_ylabel(_broken(one.get_ylabel(), LETTERS * height * box.height))


def legend_above(axes: Axes, *, columns: int = 6) -> None:
    """Put the legend above the axes, where it hides no data."""
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=columns, borderaxespad=0.2)


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
        fontsize=12,
        wrap=True,
    )
    axes.set_xticks([])
    axes.set_yticks([])
    axes.grid(visible=False)


def nothing(reason: str) -> Picture:
    """Return a low picture that says why there is nothing to draw."""
    with house_style():
        picture, (axes,) = panels(height=1.2)
        say_empty(axes, reason)
        axes.set_axis_off()
    picture.alt = reason
    return picture


def _broken(text: str, most: float, lines: int = LINES) -> str:
    """Break a text that is too long, at the place nearest to its middle; again what still is."""
    head = text.partition(" [")[0]
    commas = [place + 2 for place in range(len(head)) if head[place : place + 2] == ", "]
    places = commas or [place + 1 for place, letter in enumerate(head) if letter in "/ "]
    if len(text) <= most or "\n" in text or not places or lines < 2:
        return text
    place = min(places, key=lambda one: abs(one - len(text) / 2))
    halves = (text[:place].rstrip(), text[place:])
    return "\n".join(_broken(half, most, lines - 1) for half in halves)


def _scaled(exponent: int) -> Callable[[float, object], str]:
    def text(value: float, _: object) -> str:
        return f"{value / 10.0**exponent:.6g}".replace("-", "\N{MINUS SIGN}")

    return text


def mark_cut(axes: Axes, low: float | None, high: float | None) -> None:
    """Draw the ends of a cut as lines and shade what it rejects along the x axis."""
    left, right = axes.get_xlim()
    for end, edge in ((low, left), (high, right)):
        if end is not None:
            axes.axvline(end, color=CUT, linestyle="--", label=f"cut {end:g}")
            axes.axvspan(*sorted((end, edge)), color=CUT, alpha=0.12, linewidth=0)
    axes.set_xlim(left, right)
