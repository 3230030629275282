"""Compiled readers of little-endian numbers and of the parts of one record."""

import numpy as np

from workbench.core.arrays import Array
from workbench.sources.xtc2.compiled import compiled
from workbench.sources.xtc2.layout import DATA, SHAPES, XTC_HEADER
from workbench.sources.xtc2.status import BAD_CHILDREN, BAD_EXTENT, FINE, PAST_PARENT


@compiled
def u16(buffer: Array, at: int) -> int:
    """Read 2 bytes as a number."""
    return int(np.int64(buffer[at]) | np.int64(buffer[at + 1]) << 8)


@compiled
def u32(buffer: Array, at: int) -> int:
    """Read 4 bytes as a number."""
    return int(
        np.int64(buffer[at])
        | np.int64(buffer[at + 1]) << 8
        | np.int64(buffer[at + 2]) << 16
        | np.int64(buffer[at + 3]) << 24
    )


@compiled
def u64(buffer: Array, at: int) -> np.uint64:
    """Read 8 bytes as a number."""
    return np.uint64(u32(buffer, at)) | np.uint64(u32(buffer, at + 4)) << np.uint64(32)


@compiled
def block_extent(buffer: Array, at: int, end: int) -> tuple[int, int]:
    """Return a status, and the bytes of the block at `at` inside a parent that ends at `end`."""
    if end - at < XTC_HEADER:
        return PAST_PARENT, 0
    extent = u32(buffer, at + 8)
    if extent < XTC_HEADER:
        return BAD_EXTENT, 0
    if extent > end - at:
        return PAST_PARENT, 0
    return FINE, extent


@compiled
def record_parts(buffer: Array, block: int, end: int) -> tuple[int, int, int, int, int]:
    """Return a status, then first byte and end of the shapes, then of the data of a record."""
    shapes = shapes_end = data = data_end = block + XTC_HEADER
    seen = 0
    at = block + XTC_HEADER
    while at < end:
        status, extent = block_extent(buffer, at, end)
        if status != FINE:
            return status, shapes, shapes_end, data, data_end
        kind = u16(buffer, at + 6) & 0xFFF
        if kind == SHAPES and not seen & 1:
            shapes, shapes_end = at + XTC_HEADER, at + extent
            seen |= 1
        elif kind == DATA and not seen & 2:
            data, data_end = at + XTC_HEADER, at + extent
            seen |= 2
        else:
            return BAD_CHILDREN, shapes, shapes_end, data, data_end
        at += extent
    return FINE, shapes, shapes_end, data, data_end


@compiled
def array_bytes(buffer: Array, shape: int, rank: int, item: int) -> int:
    """Return the bytes of an array from its shape entry; -1 if the buffer could not hold it."""
    size = item
    empty = False
    for axis in range(rank):
        length = u32(buffer, shape + 4 * axis)
        if length == 0:
            empty = True
        else:
            size *= length  # below 2**63: `size` was at most the buffer, `length` below 2**32
        if size > len(buffer):
            return -1
    return 0 if empty else size
