"""Two quantities against each other, event by event."""

from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm

from workbench.core.arrays import Array
from workbench.plots.style import (
    BLUE,
    CUT,
    GREY,
    IMAGE_COLOURS,
    RED,
    Picture,
    house_style,
    label,
    panels,
    robust_range,
    say_empty,
    tidy,
)

FEW = 3000  # events up to which points are drawn; more become hexagons by their number
CELLS = 70  # across


@dataclass(frozen=True)
class Axis:
    """One quantity of a correlation: one value per event, its text, its unit and its cut."""

    values: Array
    text: str
    unit: str
    low: float | None = None
    high: float | None = None

    @property
    def label(self) -> str:
        """Text of the axis."""
        return label(self.text, self.unit)


def correlation(x: Axis, y: Axis, *, line: tuple[float, float] | None = None) -> Picture:
    """Draw y against x, as points or, of many events, as hexagons, with Pearson's coefficient.

    `line` is (intercept, slope) of a straight line to draw with it.
    """
    across = np.asarray(x.values, np.float64)
    up = np.asarray(y.values, np.float64)
    good = np.isfinite(across) & np.isfinite(up)
    with house_style():
        picture, (axes,) = panels(height=4.6, width=7.2)
        axes.set_xlabel(x.label)
        axes.set_ylabel(y.label)
        if not good.any():
            say_empty(axes, "no event has both values")
            return picture
        low, high = _range(across[good], x)
        bottom, top = _range(up[good], y)
        if good.sum() <= FEW:
            axes.plot(across[good], up[good], ".", color=BLUE, alpha=0.35, markersize=4)
        else:
            cells = axes.hexbin(
                across[good],
                up[good],
                gridsize=(CELLS, round(CELLS * 0.6)),
                extent=(low, high, bottom, top),
                norm=LogNorm(),
                mincnt=1,
                linewidths=0.2,
                cmap=IMAGE_COLOURS,
            )
            picture.colorbar(cells, ax=axes, label="events per cell")
        _mark(axes, x, y)
        if line is not None:
            ends = np.array([low, high])
            axes.plot(ends, line[0] + line[1] * ends, color=RED, label="straight line")
            axes.legend(loc="upper left")
        axes.set_xlim(low, high)
        axes.set_ylim(bottom, top)
        tidy(axes)
        text = f"r = {_pearson(across[good], up[good])}, {int(good.sum())} events"
        axes.set_title(text, loc="right", color=GREY, fontsize=10)
    picture.alt = f"{y.text} against {x.text}"
    return picture


def _range(values: Array, axis: Axis) -> tuple[float, float]:
    low, high = robust_range(values, tail=0.1)
    ends = [end for end in (axis.low, axis.high) if end is not None]
    margin = 0.04 * (high - low)
    return min([low, *ends]) - margin, max([high, *ends]) + margin


def _mark(axes: Axes, x: Axis, y: Axis) -> None:
    for end in (x.low, x.high):
        if end is not None:
            axes.axvline(end, color=CUT, linestyle="--")
    for end in (y.low, y.high):
        if end is not None:
            axes.axhline(end, color=CUT, linestyle="--")


def _pearson(across: Array, up: Array) -> str:
    if len(across) < 2 or across.std() == 0 or up.std() == 0:
        return "not defined"
    return f"{np.corrcoef(across, up)[0, 1]:.4f}"
