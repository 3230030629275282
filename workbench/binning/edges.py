"""Bin edges: by width, by number of events, around the values of scan steps."""

import numpy as np
from numpy.typing import ArrayLike

from workbench.core.arrays import Floats, Ints
from workbench.core.errors import InputError


class EdgesError(InputError):
    """Bin edges that do not rise, or values that no edges can be made of."""


def edges_by_width(low: float, high: float, width: float) -> Floats:
    """Return rising edges from `low` to `high` in steps of `width`; the last bin may be shorter.

    All in the unit of the axis, as ps for a delay; the edges have the shape (bin + 1,).

    Raises
    ------
    EdgesError
        Unless low < high and the width is above 0.
    """
    if not width > 0 or not high > low:
        raise EdgesError(f"edges from {low} to {high} by {width}: low < high and width > 0")
    number = max(1, round((high - low) / width, 9).__ceil__())
    return np.append(low + width * np.arange(number), high)


def edges_by_count(values: ArrayLike, events: int, *, label: str = "") -> Floats:
    """Return edges between which the finite values lie about `events` at a time.

    Parameters
    ----------
    values
        Numbers, as many as there are events; NaN is ignored. The edges have their unit.
    events
        How many lie in a bin, at least 1.
    label
        How the error names the run.

    Raises
    ------
    EdgesError
        Where no value is finite.
    """
    sorted_values = np.sort(_finite(values, label))
    if events < 1:
        raise EdgesError(f"{events} events per bin: at least 1")
    number = max(1, len(sorted_values) // events)
    inner = sorted_values[(np.arange(1, number) * len(sorted_values)) // number]
    top = np.nextafter(sorted_values[-1], np.inf)  # half-open: the largest value belongs inside
    return np.unique(np.concatenate([sorted_values[:1], inner, [top]]))


def edges_around(values: ArrayLike, *, tolerance: float = 1e-9) -> Floats:
    """Return edges with each different value, such as those of scan steps, inside a bin of its own.

    Inner edges lie half-way between neighbours; the outer bins are as wide on either side. They
    have the unit of the values and the shape (bin + 1,).

    Parameters
    ----------
    values
        Step values, as often as they occur; NaN is ignored.
    tolerance
        Values closer than this fraction of the whole range count as one.

    Raises
    ------
    EdgesError
        With fewer than two different values.
    """
    different = np.unique(_finite(values))
    reach = tolerance * float(np.ptp(different))
    apart = np.concatenate([[True], np.diff(different) > reach])
    centres = different[apart]
    if len(centres) < 2:
        raise EdgesError(f"edges around {centres}: at least two different values are needed")
    middle = (centres[1:] + centres[:-1]) / 2
    first, last = 2 * centres[0] - middle[0], 2 * centres[-1] - middle[-1]
    return np.concatenate([[first], middle, [last]])


def check_edges(name: str, edges: ArrayLike) -> Floats:
    """Return edges as an array; `EdgesError` unless they are finite and rise."""
    array = np.asarray(edges, dtype=np.float64)
    if array.ndim != 1 or len(array) < 2:
        raise EdgesError(f"edges of {name}: at least two numbers, not shape {array.shape}")
    if not np.isfinite(array).all() or not (np.diff(array) > 0).all():
        raise EdgesError(f"edges of {name} must be finite and rise from each to the next")
    return array


def bin_numbers(values: Floats, edges: Floats) -> Ints:
    """Return the bin [e_i, e_i+1) of each value: -1 below, number of bins above, -2 for NaN."""
    numbers = np.searchsorted(edges, values, side="right").astype(np.int64) - 1
    numbers[values >= edges[-1]] = len(edges) - 1
    numbers[np.isnan(values)] = -2
    return numbers


def _finite(values: ArrayLike, label: str = "") -> Floats:
    array = np.asarray(values, dtype=np.float64).ravel()
    array = array[np.isfinite(array)]
    if not array.size:
        given = np.size(values)
        why = (
            f"none of the {given} values is finite: nothing was measured; look at run.presence()"
            if given
            else "no event is left: all were cut away, or none is of this class; look at "
            "run.tally(...)"
        )
        raise EdgesError(f"{label and f'{label}: '}no finite value to make edges of: {why}")
    return array
