"""The missing-value model: NaN, -99999 (also wrapped into a narrow integer) and empty text."""

import numpy as np

from workbench.core.arrays import Array, Bools
from workbench.smalldata.layout import MISSING_INTEGER


def missing_rows(values: Array) -> Bools:
    """Tell for each event, shape (event,), whether its value was not measured.

    An event of an array field is missing when all its elements are. A frame with some NaN
    pixels was measured. Ragged rows are missing where None. A single value, shape (), gives a
    single answer.
    """
    lacking = np.asarray(_missing_elements(np.asarray(values)))
    if lacking.ndim <= 1:
        return lacking
    if lacking[:1].size == 0:  # rows without elements hold nothing that could be missing
        return np.zeros(len(lacking), dtype=np.bool_)
    return np.asarray(lacking.reshape(len(lacking), -1).all(axis=1), dtype=np.bool_)


def sentinel(dtype: np.dtype[np.generic]) -> int | None:
    """Return how -99999 looks in an integer type; None where ordinary values look the same.

    The facility's writers stored -99999 into unsigned and 16-bit columns too, where it wraps
    around. In 8 bits it becomes 97, which is an ordinary value, so there it cannot be told.
    """
    if dtype.itemsize < 2:
        return None
    return int(np.array(MISSING_INTEGER, dtype=np.int64).astype(dtype))


def _missing_elements(values: Array) -> Bools:
    kind = values.dtype.kind
    if kind == "f":
        gone: Bools = np.isnan(values)
        gone |= values == MISSING_INTEGER
        return gone
    if kind in "iu":
        mark = sentinel(values.dtype)
        if mark is not None:
            same: Bools = np.equal(values, values.dtype.type(mark))
            return same
    if kind in "OSU":
        flat = [_is_blank(value) for value in values.ravel()]
        return np.array(flat, dtype=np.bool_).reshape(values.shape)
    return np.zeros(values.shape, dtype=np.bool_)


def _is_blank(value: object) -> bool:
    return value is None or (isinstance(value, (str, bytes)) and not value)
