"""Compiled search for one field in many records, and copies from the file into arrays."""

from workbench.core.arrays import Array, Ints
from workbench.sources.xtc2.compiled import compiled
from workbench.sources.xtc2.layout import SHAPE_ENTRY, XTC_HEADER
from workbench.sources.xtc2.status import FINE
from workbench.sources.xtc2.words import array_bytes, record_parts, u32


@compiled
def checked_parts(buffer: Array, block: int) -> tuple[int, int, int, int, int]:
    """As `record_parts`, for a record that may have changed since it was listed."""
    if block < 0 or len(buffer) - block < XTC_HEADER:
        return -1, 0, 0, 0, 0
    extent = u32(buffer, block + 8)
    if extent > len(buffer) - block:
        return -1, 0, 0, 0, 0
    return record_parts(buffer, block, block + extent)


@compiled
def locate_field(
    buffer: Array,
    blocks: Ints,
    items: Ints,
    ranks: Ints,
    starts: Ints,
    shapes: Ints,
) -> int:
    """Fill in the first byte of one field in each record, and its length along each axis.

    `items` and `ranks` are bytes per element and number of axes of the record's fields up to the
    wanted one; `shapes` is (record, axis). Returns the first record that is no longer as it was
    when it was checked, or -1.
    """
    last = len(items) - 1
    for record in range(len(blocks)):
        status, shape, shapes_end, at, end = checked_parts(buffer, blocks[record])
        if status != FINE:
            return record
        size = 0
        for number in range(len(items)):
            at += size
            rank = ranks[number]
            size = items[number]
            if rank > 0:
                if shapes_end - shape < SHAPE_ENTRY:
                    return record
                if number == last:
                    for axis in range(rank):
                        shapes[record, axis] = u32(buffer, shape + 4 * axis)
                size = array_bytes(buffer, shape, rank, size)
                shape += SHAPE_ENTRY
            if size < 0 or size > end - at:
                return record
        starts[record] = at
    return -1


@compiled
def data_start(buffer: Array, block: int, length: int) -> int:
    """Return the first data byte of one record with at least `length` of them, or -1."""
    status, _, _, at, end = checked_parts(buffer, block)
    return at if status == FINE and length <= end - at else -1


@compiled
def locate_data(buffer: Array, blocks: Ints, length: int, starts: Ints) -> int:
    """Fill in the first data byte of records of a fixed length; return as `locate_field`."""
    for record in range(len(blocks)):
        status, _, _, at, end = checked_parts(buffer, blocks[record])
        if status != FINE or length > end - at:
            return record
        starts[record] = at
    return -1


@compiled
def gather(buffer: Array, starts: Ints, targets: Ints, column: int, length: int, out: Array) -> int:
    """Copy `length` bytes from each start to the rows `targets` of `out`, from byte `column` on.

    Returns the number of the first start too near the end of the buffer, or -1.
    """
    for record in range(len(starts)):
        start = starts[record]
        if start < 0 or length > len(buffer) - start:
            return record
        source = buffer[start : start + length]
        target = out[targets[record], column : column + length]
        for byte in range(len(target)):  # an assignment of slices would be 10 times slower
            target[byte] = source[byte]
    return -1
