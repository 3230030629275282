"""Cuts on the measured signal itself: which they are, and what each bin and class loses by them.

A cut on the number that is then averaged biases the average, more so in bins and classes where the
signal lies nearer to the cut. So it is never silent: a warning, an attribute of the result, and a
table of survivors.
"""

import warnings
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike

from workbench.binning.edges import bin_numbers
from workbench.binning.plan import Axis, make_axes
from workbench.core.arrays import Bools, Ints
from workbench.core.table import Cell, Table
from workbench.runs import Channel, Cut
from workbench.runs.cuts import AllOf
from workbench.runs.protocol import AnyRun

SHOWN = ("on", "off", "dark")


class SignalCutWarning(UserWarning):
    """A selection cuts on the quantity that is averaged: the average is biased."""


def signal_cuts(run: AnyRun, where: Cut | None, field: str | Channel) -> tuple[Cut, ...]:
    """Return the cuts of a selection that judge a field, or another number of the same region."""
    name = run.channel(field).name
    return tuple(
        part
        for part in (() if where is None else where.parts)
        if any(_same_region(run.field_name(judged), name) for judged in part.fields)
    )


def survivors(
    run: AnyRun, axes: Mapping[str | Channel, ArrayLike], where: Cut, field: str | Channel
) -> Table:
    """Tabulate per bin and class the events before and after the cuts on the measured signal.

    One row for each bin, the middle of the bin in the unit of its axis. "before" are the events
    that pass all other cuts. The last row holds events in no bin, such as
    laser-off shots on an axis that only laser-on shots have.
    """
    made = make_axes(run, axes)
    cuts = signal_cuts(run, where, field)
    before, after = _counts(run, made, where, cuts)
    shape = tuple(axis.bins for axis in made)
    rows: list[tuple[Cell, ...]] = []
    for number in range(before.shape[1]):
        inside = number < before.shape[1] - 1
        places = np.unravel_index(number, shape) if inside else None
        centres: list[Cell] = (
            [float(axis.centres[at]) for axis, at in zip(made, places, strict=True)]
            if places is not None
            else [None] * len(made)
        )
        counted = np.stack([before[:, number], after[:, number]], axis=1).reshape(-1)
        rows.append((*centres, *(int(count) for count in counted)))
    columns = [axis.name for axis in made]
    columns += [f"{name} {when}" for name in SHOWN for when in ("before", "kept")]
    caption = "cuts on the signal: " + ("; ".join(map(str, cuts)) or "none")
    return Table(tuple(columns), tuple(rows), caption)


def warn_of_signal_cuts(
    run: AnyRun, axes: Sequence[Axis], where: Cut | None, channels: Sequence[Channel]
) -> str:
    """Warn where a selection cuts on what is averaged; return the warning, "" if there is none."""
    said = []
    for channel in channels:
        cuts = signal_cuts(run, where, channel)
        if where is None or not cuts:
            continue
        before, after = _counts(run, axes, where, cuts)
        shares = [
            f"{name} {_range(lost, kept)}"
            for name, lost, kept in zip(SHOWN, before, after, strict=True)
            if lost.any()
        ]
        said.append(
            f"{'; '.join(map(str, cuts))}: a cut on the measured signal {channel.name} biases its "
            f"average; it keeps, per bin: {', '.join(shares) or 'nothing'}; "
            "binning.survivors(run, axes, where, field) tabulates it"
        )
    text = ". ".join(said)
    if text:
        warnings.warn(text, SignalCutWarning, stacklevel=3)
    return text


def _range(before: Ints, after: Ints) -> str:
    filled = before > 0
    percent = 100 * after[filled] / before[filled]
    low, high = round(float(percent.min())), round(float(percent.max()))
    return f"{low} %" if low == high else f"{low} to {high} %"


def _counts(
    run: AnyRun, axes: Sequence[Axis], where: Cut, cuts: tuple[Cut, ...]
) -> tuple[Ints, Ints]:
    """Return events per class and bin, without the cuts on the signal and with all of them."""
    others = AllOf(tuple(part for part in where.parts if part not in cuts))
    numbers = np.zeros(run.n_events, dtype=np.int64)
    inside: Bools = np.ones(run.n_events, dtype=np.bool_)
    for axis in axes:
        found = bin_numbers(axis.values, axis.edges)
        inside &= (found >= 0) & (found < axis.bins)
        numbers = numbers * axis.bins + found
    bins = int(np.prod([axis.bins for axis in axes], dtype=np.int64))
    numbers = np.where(inside, numbers, bins)
    masks = (run.mask(others if others.cuts else None), run.mask(where))
    before, after = (
        np.stack(
            [
                np.bincount(numbers[mask & run.classes.of(name)], minlength=bins + 1)
                for name in SHOWN
            ]
        )
        for mask in masks
    )
    return before, after


def _same_region(first: str, second: str) -> bool:
    """Tell whether two fields are the same or numbers of one region: ROI_0_sum and ROI_0_area."""
    if first == second:
        return True
    one, other = first.rpartition("_")[0], second.rpartition("_")[0]
    return "/" in one and one == other and not one.endswith("/")
