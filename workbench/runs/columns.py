"""Channels made of one field: a column of an array, or a friendly name of ``experiment.toml``."""

import re
from collections.abc import Callable, Generator
from contextlib import contextmanager
from functools import cache

import numpy as np

from workbench.core.arrays import Array
from workbench.runs.channel import BLOCK_BYTES, Channel, OpenRows, Rows, Selector
from workbench.runs.experiment.setup import FriendlyName

_COLUMN = re.compile(r"(?P<field>.+)\[(?P<column>\d+)\]")


def split_column(name: str) -> tuple[str, int] | None:
    """Return (field, column) of a name that ends in a number in brackets; None for others."""
    match = _COLUMN.fullmatch(name)
    return None if match is None else (match["field"], int(match["column"]))


def is_column(shape: tuple[int, ...], column: int) -> bool:
    """Tell whether an array of this shape, event first, has such a column."""
    return len(shape) == 2 and column < shape[1]


def column_channel(array: Channel, column: int, select: Selector) -> Channel:
    """Return one column of a channel of shape (event, column) as a channel of shape (event,).

    The array is read once, block by block, when values are asked for; the column is kept.
    """

    @cache
    def whole() -> Array:
        step = max(1, BLOCK_BYTES // max(1, array.shape[1] * array.dtype.itemsize))
        starts = range(0, max(1, len(array)), step)
        blocks = (array.read_stored(rows=slice(first, first + step)) for first in starts)
        joined = np.concatenate([block[:, column] for block in blocks])
        joined.flags.writeable = False
        return joined

    return Channel(
        f"{array.name}[{column}]",
        array.shape[:1],
        array.dtype,
        open_rows=_opener(lambda first, last: whole()[first:last]),
        unit=array.unit,
        long_name=f"{array.long_name}, number {column}" if array.long_name else "",
        select=select,
        why=f"column {column} of {array.name}",
        gaps=array.gaps,
    )


def friendly_channel(
    field: Channel, friendly: FriendlyName, file: str, select: Selector
) -> Channel:
    """Return a field under its friendly name, with the unit that ``experiment.toml`` gives it.

    A plain name keeps values, type and unit. A polynomial gives float64, NaN where the field was
    not measured, and no unit but a stated one.
    """
    expression = friendly.expression
    dtype = field.dtype if expression.is_plain else np.dtype(np.float64)

    def rows(first: int, last: int) -> Array:
        wanted = slice(first, last)
        if expression.is_plain:
            return field.read_stored(rows=wanted)
        return expression(field.read(rows=wanted).astype(np.float64))

    return Channel(
        friendly.name,
        field.shape,
        dtype,
        open_rows=_opener(rows),
        unit=friendly.unit or (field.unit if expression.is_plain else ""),
        long_name=friendly.long_name or f"{friendly.name} ({expression})",
        dims=field.dims,
        select=select,
        why=f"{friendly.name} = {expression}, as {file} says",
        gaps=field.gaps,
    )


def _opener(rows: Callable[[int, int], Array]) -> OpenRows:
    @contextmanager
    def open_rows() -> Generator[Rows]:
        yield rows

    return open_rows
