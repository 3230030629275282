"""Values of psana's events as arrays with one row per event, as the native reader gives them."""

from collections.abc import Sequence

import numpy as np

from workbench.core.arrays import Array
from workbench.sources.base import RawField, Value
from workbench.sources.xtc2.plans import stored_type


def blank(field: RawField, length: int) -> Array:
    """Return `length` rows without a value: zeros, "" for texts, None where the shape changes."""
    if field.dtype == "str":
        return np.full((length, *field.shape), "", object)
    if field.variable:
        return np.full(length, None, object)
    return np.zeros((length, *field.shape), stored_type(field))


def put(rows: Array, row: int, field: RawField, values: Sequence[Value]) -> None:
    """Set one row from the values of all segments."""
    if field.dtype == "str":
        rows[row] = values[0] if field.shape == () else values
    elif field.variable:
        rows[row] = values[0] if len(values) == 1 else tuple(values)
    elif len(values) == 1:
        rows[row] = np.reshape(values[0], field.shape)
    else:
        for segment, value in enumerate(values):
            rows[row, segment] = np.reshape(value, field.shape[1:])
