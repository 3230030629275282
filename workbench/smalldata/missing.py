"""The missing-value model: NaN, -99999 (also wrapped into a narrow integer) and empty text."""

from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from workbench.core.arrays import Array, Bools
from workbench.smalldata.layout import MISSING_INTEGER


class State(IntEnum):
    """What is known of one value of one event; every event is in exactly one state."""

    PRESENT = 0
    """Measured."""
    MISSING = 1
    """NaN, or empty text."""
    SENTINEL = 2
    """-99999, which writers store for an integer that is not there."""
    WRAPPED = 3
    """-99999 in a type that cannot hold it: 31073 in 16 bits, 4294867297 in unsigned 32."""
    ZERO_FILLED = 4
    """0 that LCLS-II's writer stored for the events before a detector first appeared."""
    ABSENT = 5
    """Missing in any of these ways, and the detector's ``damage`` says that it was not there."""
    DAMAGED = 6
    """A value is there, but the detector's ``damage`` says not to trust it."""


def states(
    values: Array, *, zero_filled: Bools | None = None, flagged: Bools | None = None
) -> NDArray[np.uint8]:
    """Return the state of each event, shape (event,), as numbers of `State`.

    Parameters
    ----------
    values
        As stored, shape (event, ...).
    zero_filled
        Events that hold a 0 because the detector had not appeared yet.
    flagged
        Events in which the detector's ``damage`` is 0: absent or damaged.
    """
    values = np.asarray(values)
    found = np.zeros(len(values), dtype=np.uint8)
    lacking = missing_rows(values)
    found[lacking] = _mark(values)
    if values.dtype.kind == "f" and lacking.any():
        rows = values[lacking].reshape(int(lacking.sum()), -1)
        found[lacking] = np.where(np.isnan(rows).all(axis=1), State.MISSING, State.SENTINEL)
    if zero_filled is not None:
        found[zero_filled] = State.ZERO_FILLED
    if flagged is not None:
        found = np.where(flagged, np.where(found == 0, State.DAMAGED, State.ABSENT), found)
    return found.astype(np.uint8)


def undecidable_rows(values: Array) -> Bools:
    """Tell which events hold 97 in 8 bits, shape (event,): a value, or -99999 cut to 8 bits."""
    values = np.asarray(values)
    if values.dtype.kind not in "iu" or values.dtype.itemsize > 1 or not values[:1].size:
        return np.zeros(len(values), dtype=np.bool_)
    mark = values.dtype.type(MISSING_INTEGER % 256)
    return np.asarray((values == mark).reshape(len(values), -1).all(axis=1), dtype=np.bool_)


def missing_rows(values: Array) -> Bools:
    """Tell for each event, shape (event,), whether its value was not measured.

    An event of an array field is missing when all its elements are. A frame with some NaN
    pixels was measured. Ragged rows are missing where None. A single value, shape (), gives a
    single answer.
    """
    values = np.asarray(values)
    if values.ndim <= 1:
        return np.asarray(missing_elements(values))
    if values[:1].size == 0:  # rows without elements hold nothing that could be missing
        return np.zeros(len(values), dtype=np.bool_)
    flat = values.reshape(len(values), -1)
    lacking = np.asarray(missing_elements(flat[:, 0]))
    doubtful = np.flatnonzero(lacking)  # few, in large arrays with values
    lacking[doubtful] = missing_elements(flat[doubtful]).all(axis=1)
    return lacking


def sentinel(dtype: np.dtype[np.generic]) -> int | None:
    """Return how -99999 looks in an integer type; None where ordinary values look the same.

    The facility's writers stored -99999 into unsigned and 16-bit columns too, where it wraps
    around. In 8 bits it becomes 97, which is an ordinary value, so there it cannot be told.
    """
    if dtype.itemsize < 2:
        return None
    return int(np.array(MISSING_INTEGER, dtype=np.int64).astype(dtype))


def _mark(values: Array) -> State:
    """Return the state of the missing values of this type; floats hold either."""
    if values.dtype.kind not in "iu":
        return State.MISSING
    fits = np.iinfo(values.dtype.name).min <= MISSING_INTEGER
    return State.SENTINEL if fits else State.WRAPPED


def missing_elements(values: Array) -> Bools:
    """Tell for each element whether it holds a mark of a missing value; same shape."""
    kind = values.dtype.kind
    if kind == "f":
        gone: Bools = np.isnan(values)
        if values.dtype.itemsize > 2:  # no number of 16 bits is that large
            gone |= values == MISSING_INTEGER
        return gone
    if kind in "iu":
        mark = sentinel(values.dtype)
        if mark is not None:
            same: Bools = np.equal(values, values.dtype.type(mark))
            return same
    if kind in "OSU":
        flat = [
            value is None or (isinstance(value, (str, bytes)) and not value)
            for value in values.ravel().tolist()
        ]
        return np.array(flat, dtype=np.bool_).reshape(values.shape)
    return np.zeros(values.shape, dtype=np.bool_)
