"""Names, dimensions, coordinates and attributes of binned datasets."""

import json
from collections.abc import Iterable
from typing import Any

import numpy as np

from workbench.binning.plan import Axis, Plan
from workbench.core.arrays import Array, Bools, Floats, Ints
from workbench.runs import Channel, Cut
from workbench.runs.datasets import axes_of
from workbench.runs.protocol import AnyRun
from workbench.smalldata import dataset_dims

PARTS = 16  # of the shots of a bin, whose mean positions are told apart

Variables = dict[str, tuple[tuple[str, ...], Array, dict[str, Any]]]


def own_axes(channels: Iterable[Channel]) -> dict[str, tuple[str, ...]]:
    """Return the names of each field's own axes, as in ``to_xarray``: ``<det>_<func>_<axis>``."""
    named = dataset_dims({channel.name: axes_of(channel) for channel in channels})
    return {name: dims[1:] for name, dims in named.items()}


def field_dims(own: tuple[str, ...], plan: Plan) -> tuple[str, ...]:
    """Return the dimensions of a binned field: the axes of the bins, then its own."""
    return (*(axis.name for axis in plan.axes), *own)


def field_coordinates(channel: Channel, own: tuple[str, ...]) -> Variables:
    """Return the coordinates of a field's own axes, such as q, named as by `own_axes`."""
    new = dict(zip(channel.dims[1:], own, strict=True))
    return {
        new[name]: (tuple(new[dim] for dim in dims), np.asarray(values), dict(about))
        for name, (dims, values, about) in channel.labels().items()
        if name in new
    }


def axis_coordinates(plan: Plan, used: Bools) -> Variables:
    """Return centres, edges, mean and spread of the positions of every axis.

    Parameters
    ----------
    plan
        Which event is in which bin.
    used
        Events to average positions over: in a bin, and the field measured.
    """
    dims = tuple(axis.name for axis in plan.axes)
    coordinates: Variables = {}
    for axis in plan.axes:
        mean, spread = axis_moments(axis, plan, used)
        label = axis.channel.long_name or axis.channel.name
        about = {"units": axis.channel.unit, "long_name": label}
        coordinates |= {
            axis.name: ((axis.name,), axis.centres, about | {"why": axis.channel.why}),
            f"{axis.name}_edges": ((f"{axis.name}_edge",), axis.edges, about),
            f"{axis.name}_mean": (dims, mean, about | {"long_name": f"{label}, mean in the bin"}),
            f"{axis.name}_std": (
                dims,
                spread,
                about | {"long_name": f"{label}, spread in the bin"},
            ),
        }
    return coordinates


def axis_moments(axis: Axis, plan: Plan, used: Bools) -> tuple[Floats, Floats]:
    """Return mean and standard deviation of the positions in each bin, weighted by I."""
    numbers, weight = plan.numbers[used], plan.norm[used]
    position = axis.values[used] - axis.centres[_along(axis, plan)[used]]
    sums = [
        np.bincount(numbers, terms, plan.bins)
        for terms in (weight, weight * position, weight * position**2)
    ]
    with np.errstate(invalid="ignore", divide="ignore"):
        mean, square = sums[1] / sums[0], sums[2] / sums[0]
        spread = np.sqrt(np.maximum(square - mean**2, 0))
    centres = axis.centres[_along_bins(axis, plan)]
    return (mean + centres).reshape(plan.shape), spread.reshape(plan.shape)


def axis_parts(axis: Axis, plan: Plan, used: Bools) -> Floats:
    """Return the mean positions of `PARTS` equal shares of the shots of each bin, (bin, part).

    Shots in the order of their positions, each weighted by I; a shot on the border of two shares
    counts in both by its share. The mean of a row is that of the bin. NaN for an empty bin. A model
    averaged over the parts is that of the shots, however unevenly they lie in the bin.
    """
    found = np.full((plan.bins, PARTS), np.nan)
    events = np.flatnonzero(used)
    order = events[np.lexsort((axis.values[events], plan.numbers[events]))]
    numbers, first = np.unique(plan.numbers[order], return_index=True)
    for number, some in zip(numbers, np.split(order, first[1:]), strict=True):
        weight = np.concatenate([[0.0], np.cumsum(plan.norm[some])])
        moment = np.concatenate([[0.0], np.cumsum(plan.norm[some] * axis.values[some])])
        borders = np.linspace(0, weight[-1], PARTS + 1)
        found[number] = np.diff(np.interp(borders, weight, moment)) * PARTS / weight[-1]
    return found


def run_attributes(run: AnyRun, plan: Plan, where: Cut | None) -> dict[str, str | int]:
    """Return which run, which cuts, which normalisation, and the events in no bin, as text."""
    return {
        "run": run.label,
        "file": ", ".join(map(str, run.paths)),
        "where": "" if where is None else json.dumps(where.to_dict()),
        "by": plan.norm_channel.name if plan.norm_channel else "",
        "used": int(np.count_nonzero(plan.used)),
        "excluded": json.dumps(dict(plan.excluded)),
    }


def ratio_unit(unit: str, by: str) -> str:
    """Return the unit of a ratio; "" where one of the two is not known."""
    if not unit or not by:
        return ""
    return unit if by == "1" else "1" if unit == by else f"{unit}/{by}"


def _along(axis: Axis, plan: Plan) -> Ints:
    """Return the bin on one axis of every event; 0 for events not used."""
    return _unravel(np.maximum(plan.numbers, 0), axis, plan)


def _along_bins(axis: Axis, plan: Plan) -> Ints:
    return _unravel(np.arange(plan.bins), axis, plan)


def _unravel(numbers: Ints, axis: Axis, plan: Plan) -> Ints:
    return np.asarray(np.unravel_index(numbers, plan.shape)[plan.axes.index(axis)])
