"""A quantity over the events of a run, with its rolling median; and two against each other."""

import numpy as np

from workbench.core.arrays import Array, Bools, Floats, Ints
from workbench.core.errors import InputError
from workbench.plots.correlations import Axis, correlation
from workbench.plots.style import (
    BLUE,
    GREY,
    RED,
    Picture,
    house_style,
    label,
    legend_above,
    panels,
    robust_range,
    say_empty,
    tidy,
)
from workbench.runs import Channel, Cut
from workbench.runs.medians import running_median
from workbench.runs.protocol import AnyRun

WINDOW = 120  # events, one second of beam
MOST = 20_000  # points drawn; of more, every k-th


def over_events(
    run: AnyRun,
    field: str | Channel,
    where: Cut | None = None,
    *,
    of: str = "all",
    window: int = WINDOW,
) -> Picture:
    """Draw one value per event in the order of time, and the median of `window` events around.

    Parameters
    ----------
    run
        One run, or several as one: lines mark where the next one begins.
    field
        Name, role or channel.
    where, of
        Which events, and of which class.
    window
        Events of the median.
    """
    channel = run.channel(field)
    values, good = _scalars(run, channel), run.mask(where, of=of)
    median = _medians(run, values, good, window)
    order = run.time_order[good[run.time_order]]
    with house_style():
        picture, (axes,) = panels(height=3.6)
        axes.set_xlabel("event, in the order of time")
        axes.set_ylabel(label(_text(run, channel), channel.unit))
        picture.alt = f"{channel.name} over the events of {run.label}"
        if not np.isfinite(values[order]).any():
            say_empty(axes, "no event has a value")
            return picture
        place = np.arange(len(order))
        step = -(-len(order) // MOST)
        axes.plot(place[::step], values[order][::step], ".", color=GREY, alpha=0.35, markersize=2.5)
        axes.plot(place, median[order], color=BLUE, label=f"median of {window} events")
        low, high = robust_range(values[order], tail=0.2)
        margin = 0.08 * (high - low)
        axes.set_ylim(low - margin, high + margin)
        axes.set_xlim(0, max(1, len(order) - 1))
        for start in _starts(run.run_index[order]):
            axes.axvline(start, color=RED, linewidth=0.9)
        tidy(axes)
        legend_above(axes)
        note = _note(values[order], (low - margin, high + margin), step)
        axes.set_title(note, loc="right", color=GREY, fontsize=10)
    return picture


def against(
    run: AnyRun,
    x: str | Channel,
    y: str | Channel,
    where: Cut | None = None,
    *,
    of: str = "all",
) -> Picture:
    """Draw one field against another, event by event, with Pearson's coefficient."""
    good = run.mask(where, of=of)
    across, up = (_axis(run, run.channel(one), good) for one in (x, y))
    return correlation(across, up)


def _medians(run: AnyRun, values: Floats, good: Bools, window: int) -> Floats:
    """Return the running median of every event, made of events of its own run."""
    stamps, medians = run.timestamps, np.full(len(values), np.nan)
    for number in np.unique(run.run_index):
        own = run.run_index == number
        medians[own] = running_median(
            values[own], stamps[own], events=window, base=good[own], centred=True
        )
    return medians


def _axis(run: AnyRun, channel: Channel, good: Bools) -> Axis:
    values = _scalars(run, channel)[good]
    return Axis(values, _text(run, channel), channel.unit)


def _text(run: AnyRun, channel: Channel) -> str:
    """Return the name of a dataset, which tells monitors of one kind apart; else what it is."""
    return channel.name if channel.name in run.infos else channel.long_name or channel.name


def _scalars(run: AnyRun, channel: Channel) -> Floats:
    if channel.shape != (run.n_events,) or channel.dtype.kind not in "biuf":
        raise InputError(
            f"{channel.name}: one number per event is needed, not {channel.dtype} of shape "
            f"{channel.shape}"
        )
    return channel.read().astype(np.float64)


def _starts(runs: Ints) -> Ints:
    """Return where another run begins."""
    return np.flatnonzero(np.diff(runs)) + 1


def _note(values: Array, limits: tuple[float, float], step: int) -> str:
    missing = int(np.isnan(values).sum())
    outside = int(((values < limits[0]) | (values > limits[1])).sum())
    notes = [f"{len(values):,} events"]
    notes += [f"{n:,} {what}" for n, what in ((missing, "missing"), (outside, "outside")) if n]
    return ", ".join([*notes, f"every {step}th drawn"] if step > 1 else notes)
