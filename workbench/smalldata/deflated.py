"""Compressed chunks, made by several threads ahead of being written; HDF5 makes them one by one."""

import zlib
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Executor
from dataclasses import dataclass
from itertools import islice

import numpy as np

from workbench.core.arrays import Array, Bools
from workbench.smalldata.missing import missing_rows
from workbench.smalldata.order import RowOrder
from workbench.smalldata.specs import DatasetSpec

DEFLATE = 1  # level; higher ones make tables of zeros slower to write and no smaller to speak of
AHEAD = 8  # chunks that are made before they are asked for


@dataclass(frozen=True)
class Packed:
    """One chunk of a dataset.

    Parameters
    ----------
    start
        Its first row.
    stored
        As on file; empty where none of its rows has a value.
    missing
        How many of its rows are missing.
    """

    start: int
    stored: bytes
    missing: int


def packed_chunks(
    spec: DatasetSpec, order: RowOrder, present: Bools, length: int, threads: Executor
) -> Iterator[Packed]:
    """Give the chunks of `length` rows of a dataset; the first ones are begun at once.

    `present`: the rows that have a value.
    """

    def packed(start: int) -> Packed:
        here = present[start : start + length]
        if not here.any():
            return Packed(start, b"", len(here))
        values = order.read(spec, np.arange(start, start + len(here)))
        missing = int(np.count_nonzero(missing_rows(values)))
        return Packed(start, _stored(spec, length, values), missing)

    starts = iter(range(0, len(order), length))
    waiting = deque(threads.submit(packed, start) for start in islice(starts, AHEAD))

    def given() -> Iterator[Packed]:
        while waiting:
            yield waiting.popleft().result()
            waiting.extend(threads.submit(packed, start) for start in islice(starts, 1))

    return given()


def _stored(spec: DatasetSpec, length: int, values: Array) -> bytes:
    """Return a chunk as on file: first bytes of all numbers, all second ones..., then deflated."""
    if len(values) < length:
        values = np.concatenate([values, spec.blank(length - len(values))])
    places = np.ascontiguousarray(values).reshape(-1).view(np.uint8)
    return zlib.compress(places.reshape(-1, spec.stored.itemsize).T.tobytes(), DEFLATE)
