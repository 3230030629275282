"""Values of events that were not measured, given back as NaN or masked, never as their fill."""

import numpy as np

from workbench.core.arrays import Array, Bools
from workbench.core.errors import InputError
from workbench.smalldata import missing_rows
from workbench.smalldata.layout import MISSING_INTEGER

EXACT = 1 << 53  # largest integer up to which a float keeps every number


def with_nan(values: Array, gaps: Bools | None = None, name: str = "") -> Array:
    """Return values with NaN in events that lack them; integers stay so if none does.

    Parameters
    ----------
    values
        As stored, shape (event, ...).
    gaps
        Events known to lack a value by other evidence than the value, shape (event,).
    name
        For the error of integers that no float can hold.
    """
    if not values.ndim:
        return with_nan(values.reshape(1), gaps, name).reshape(())
    lacking = _lacking(values, gaps)
    if not lacking.any():
        return values
    if values.dtype.kind in "iu":
        return always_float(values, gaps, name)
    floats = values.astype(np.float64) if values.dtype.kind == "b" else values.copy()
    floats[lacking] = np.nan if floats.dtype.kind == "f" else None
    return floats


def always_float(values: Array, gaps: Bools | None = None, name: str = "") -> Array:
    """Return integers as float with NaN in events that lack them, floats likewise.

    Raises `InputError` where a float cannot hold an integer exactly, as with time stamps.
    """
    if values.dtype.kind not in "iu":
        return with_nan(values, gaps, name)
    lacking = _lacking(values, gaps)
    _exact(values, lacking, name)
    floats = values.astype(np.float64)
    floats[lacking] = np.nan
    return floats


def masked(values: Array, gaps: Bools | None = None) -> Array:
    """Return a masked array of the stored type, True in events that lack a value."""
    gone = missing_rows(values)
    if gaps is not None:
        gone = gone | gaps
    shaped = gone.reshape(*gone.shape, *(1,) * (values.ndim - gone.ndim))
    return np.ma.MaskedArray(values, mask=np.broadcast_to(shaped, values.shape).copy())


def _lacking(values: Array, gaps: Bools | None) -> Bools:
    """Tell which events must become NaN; those that are NaN already need not be found."""
    if values.dtype.kind == "f" and values.size:
        # Looking at one pixel of each image first keeps the reading of images fast.
        lacking = np.asarray(values.reshape(len(values), -1)[:, 0] == MISSING_INTEGER)
        lacking[lacking] = missing_rows(values[lacking])
    elif values.dtype.kind in "iu":
        lacking = missing_rows(values)
    else:
        lacking = np.zeros(len(values), dtype=np.bool_)
    return lacking if gaps is None else lacking | gaps


def _exact(values: Array, lacking: Bools, name: str) -> None:
    present = values[~lacking]
    if values.dtype.itemsize < 8 or not present.size:
        return
    if int(present.max()) > EXACT or int(present.min()) < -EXACT:
        raise InputError(
            f"{name or 'this channel'} holds integers above 2**53, which no float keeps exactly, "
            "and would become float: read(masked=True) and read_stored() give them as they are"
        )
