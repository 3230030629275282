"""Bars: presence of detectors, events left by each cut, event codes."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes

from workbench.core.arrays import Array
from workbench.plots.style import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    Picture,
    house_style,
    legend_above,
    panels,
    say_empty,
)

_STATES = {"present": GREEN, "partial": ORANGE, "absent": "#BDBDBD"}  # an event has one of them
_ROW = 0.36  # inch per bar


def presence(counts: Mapping[str, Mapping[str, int]], n_events: int) -> Picture:
    """Draw in what share of the events each detector is present, absent, partial or damaged.

    Parameters
    ----------
    counts
        Events by state, by detector. States besides present, partial and absent (damaged, errors
        of a reduction) are not drawn but written beside the bar.
    n_events
        Events in the run.
    """
    names = list(counts)
    with house_style():
        picture, (axes,) = panels(height=_ROW * len(names) + 1.3)
        if not names or n_events == 0:
            say_empty(axes, "no detector was counted")
            return picture
        left = np.zeros(len(names))
        for state, colour in _STATES.items():
            share = np.array([counts[name].get(state, 0) for name in names]) / n_events * 100
            if share.any():
                axes.barh(names, share, left=left, color=colour, label=state)
                left += share
        for row, name in enumerate(names):
            rest = [(k, v) for k, v in counts[name].items() if k not in _STATES and v]
            text = ", ".join(
                [f"{counts[name].get('present', 0):,} of {n_events:,}"]
                + [f"{count:,} {state}" for state, count in rest]
            )
            axes.text(101, row, text, va="center", fontsize=9.5, color=GREY)
        _finish(axes, names)
        axes.set_xlim(0, 100)
        axes.set_xlabel("share of the events [%]")
        legend_above(axes)
    picture.alt = "Presence of each detector"
    return picture


def tally(names: Sequence[str], alone: Sequence[int], in_sequence: Sequence[int]) -> Picture:
    """Draw how many events pass each cut on its own, and all cuts down to it."""
    with house_style():
        picture, (axes,) = panels(height=2 * _ROW * len(names) + 1.3)
        if not names:
            say_empty(axes, "no cuts")
            return picture
        rows = np.arange(len(names))
        axes.barh(rows - 0.2, alone, height=0.38, color=BLUE, label="this cut alone")
        axes.barh(rows + 0.2, in_sequence, height=0.38, color=ORANGE, label="all cuts down to it")
        axes.set_yticks(rows, list(names))
        most = max([*alone, *in_sequence, 1])
        for row in range(len(names)):
            for count, shift in ((alone[row], -0.2), (in_sequence[row], 0.2)):
                axes.text(count + 0.01 * most, row + shift, f"{count:,}", va="center", fontsize=9.5)
        _finish(axes, names)
        axes.set_xlim(0, 1.12 * most)
        axes.set_xlabel("events that pass")
        legend_above(axes)
    picture.alt = "Events that pass each cut"
    return picture


def event_codes(codes: Sequence[int], counts: Array, *, names: Mapping[int, str]) -> Picture:
    """Draw how many events carried each event code; `names` says what a code means."""
    shown = [f"{code}  {names.get(code, '')}".strip() for code in codes]
    with house_style():
        picture, (axes,) = panels(height=_ROW * len(shown) + 1.1)
        if not shown:
            say_empty(axes, "no event code was sent")
            return picture
        axes.barh(shown, counts, color=BLUE)
        most = max(int(np.max(counts)), 1)
        for row, count in enumerate(counts):
            axes.text(count + 0.01 * most, row, f"{int(count):,}", va="center", fontsize=9.5)
        _finish(axes, shown)
        axes.set_xlim(0, 1.12 * most)
        axes.set_xlabel("events with this code")
        axes.set_ylabel("event code")
    picture.alt = "Events by event code"
    return picture


def _finish(axes: Axes, rows: Sequence[str]) -> None:
    axes.set_ylim(len(rows) - 0.4, -0.6)  # the first on top
    axes.grid(visible=False, axis="y")
    axes.tick_params(axis="y", length=0)
