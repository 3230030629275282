"""Histograms with the cuts drawn in, one panel per quantity."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes

from workbench.core.arrays import Array
from workbench.plots.style import (
    BLUE,
    CYCLE,
    DARK,
    OFF,
    ON,
    Picture,
    house_style,
    label,
    legend_above,
    mark_cut,
    panels,
    robust_range,
    say_empty,
    tidy,
)

BINS = 80
COLUMNS = 3
MOST_STEPS = 120  # different values that are drawn one by one
_COLOURS = {"laser on": ON, "laser off": OFF, "X-rays": BLUE, "no X-rays": DARK}


@dataclass(frozen=True)
class Panel:
    """One histogram of a picture.

    Parameters
    ----------
    values
        One value per event, or such arrays by the name of their class of events.
    text, unit
        What is shown, and its unit.
    low, high
        Ends of the cut to draw; None where open.
    """

    values: Array | Mapping[str, Array]
    text: str
    unit: str
    low: float | None = None
    high: float | None = None

    @property
    def classes(self) -> Mapping[str, Array]:
        """Values by class; a single class is called "all"."""
        return self.values if isinstance(self.values, Mapping) else {"all": self.values}


def histograms(shown: Sequence[Panel], *, columns: int = COLUMNS, log: bool = False) -> Picture:
    """Draw one histogram per panel; each says how many events are missing or out of range."""
    columns = max(1, min(columns, len(shown)))
    rows = max(1, -(-len(shown) // columns))
    with house_style():
        picture, axes = panels(rows, columns)
        for one, axis in zip(shown, axes, strict=False):
            _draw(axis, one, log=log)
        for spare in axes[len(shown) :]:
            spare.set_visible(False)
    picture.alt = "Histograms of " + ", ".join(one.text for one in shown)
    return picture


def histogram(
    values: Array | Mapping[str, Array],
    text: str,
    unit: str,
    *,
    low: float | None = None,
    high: float | None = None,
) -> Picture:
    """Draw one histogram over the whole width; for what it takes see `Panel`."""
    return histograms([Panel(values, text, unit, low, high)], columns=1)


def _draw(axes: Axes, panel: Panel, *, log: bool) -> None:
    classes = {name: np.asarray(values, np.float64) for name, values in panel.classes.items()}
    together = np.concatenate([*classes.values(), np.empty(0)])
    missing = int(np.isnan(together).sum())
    axes.set_xlabel(label(panel.text, panel.unit))
    axes.set_ylabel("events per bin")
    if missing == together.size:
        say_empty(axes, "no values" if together.size == 0 else f"all {missing} values missing")
        return
    low, high = _shown_range(together, panel)
    edges = _edges(together, low, high)
    for (name, values), spare in zip(classes.items(), CYCLE * 2, strict=False):
        colour = _COLOURS.get(name, spare)
        counts, _ = np.histogram(values, edges)
        text = name if len(classes) > 1 else None
        axes.stairs(counts, edges, fill=text is None, color=colour, label=text, linewidth=1.5)
    axes.set_xlim(low, high)
    mark_cut(axes, panel.low, panel.high)
    if log:
        axes.set_yscale("log")
    if len(classes) > 1 or panel.low is not None or panel.high is not None:
        legend_above(axes)
    outside = int(((together < low) | (together > high)).sum())
    tidy(axes)
    notes = [
        f"{count} {what}" for count, what in ((missing, "missing"), (outside, "outside")) if count
    ]
    if notes:
        axes.set_xlabel(f"{axes.get_xlabel()}\n{' and '.join(notes)}")


def _edges(values: Array, low: float, high: float) -> Array:
    steps = np.unique(values[np.isfinite(values)])
    if not 1 < len(steps) <= MOST_STEPS:
        return np.linspace(low, high, BINS + 1)
    # Values taken from a short list, such as the steps of a scan: one bin for each.
    middle = (steps[1:] + steps[:-1]) / 2
    return np.concatenate([[2 * steps[0] - middle[0]], middle, [2 * steps[-1] - middle[-1]]])


def _shown_range(values: Array, panel: Panel) -> tuple[float, float]:
    low, high = robust_range(values)
    ends = [end for end in (panel.low, panel.high) if end is not None]
    margin = 0.05 * (high - low)
    return min([low, *ends]) - margin, max([high, *ends]) + margin
