"""What goes into an exported file: columns that come in blocks, and the values along axes."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from workbench.core.arrays import Array

TEXT = np.dtype(object)


@dataclass(frozen=True)
class Column:
    """One field of an export.

    Parameters
    ----------
    name
        As in the file that it comes from, with slashes.
    dims
        Names of its axes, unique in the export; the events come first where it has them.
    shape
        Lengths of the axes, after selection.
    dtype
        Type on file; object for text.
    unit, long_name
        For attributes.
    fill
        What stands where a value is missing; None where nothing can.
    per_event
        Whether the first axis is that of the events.
    blocks
        Yields the values, some rows after the other; all at once where there are no events.
    """

    name: str
    dims: tuple[str, ...]
    shape: tuple[int, ...]
    dtype: np.dtype[np.generic]
    unit: str
    long_name: str
    fill: float | int | None
    per_event: bool
    blocks: Callable[[], Iterator[Array]]


@dataclass(frozen=True)
class Axis:
    """Values along one axis, or of the events: their numbers, times and runs."""

    dim: str
    values: Array
    unit: str
    long_name: str


@dataclass(frozen=True)
class Export:
    """All that an exported file holds.

    Parameters
    ----------
    title, experiment, run, hutch, source
        What it is, and the files that it comes from, as text.
    n_events
        Events selected.
    columns
        In order; the first is what viewers show.
    axes
        By name: "event", "time" and those of the fields.
    left_out
        Fields that do not fit, each with the reason.
    """

    title: str
    experiment: str
    run: str
    hutch: str
    source: str
    n_events: int
    columns: tuple[Column, ...]
    axes: Mapping[str, Axis]
    left_out: tuple[str, ...] = ()
