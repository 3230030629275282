"""Compiled walk from datagrams to records; every block is checked before it is entered.

Nothing that a file says is trusted: each extent is checked against its parent, each shape against
its record. Trouble comes back as a status and the byte where it was met.
"""

from typing import NamedTuple

import numpy as np

from workbench.core.arrays import Array, Ints
from workbench.sources.xtc2.compiled import compiled
from workbench.sources.xtc2.layout import (
    CORRUPTED,
    DGRAM_HEADER,
    MAX_DEPTH,
    NAMES,
    PARENT,
    SERVICE_BYTE,
    SHAPE_ENTRY,
    SHAPES_DATA,
    XTC_HEADER,
    Service,
)
from workbench.sources.xtc2.status import (
    BAD_TYPE,
    CHANGED,
    FINE,
    FULL,
    PAST_DATA,
    SHAPES_SHORT,
    STRAY_NAMES,
    TOO_DEEP,
    UNKNOWN_NAMES,
)
from workbench.sources.xtc2.words import array_bytes, block_extent, record_parts, u16, u32, u64

_CONFIGURE = int(Service.CONFIGURE)


class RecordLayout(NamedTuple):
    """The record types of one Configure as plain arrays.

    Parameters
    ----------
    ids, slots
        Names numbers, sorted, and the position of each among the record types.
    first_field, first_array
        Where the fields, and the fields with axes, of each record type begin; one longer.
    item, rank
        Bytes per element and number of axes of each field.
    """

    ids: Ints
    slots: Ints
    first_field: Ints
    first_array: Ints
    item: Ints
    rank: Ints


class ShapeLog(NamedTuple):
    """What the records looked like so far, filled by `walk_records`.

    Parameters
    ----------
    first
        Shape of each array field in its first record, -1 before; (array, axis).
    varies
        1 along axes whose length changed since; (array, axis).
    leftover
        Records of each type with bytes behind the last field.
    """

    first: Ints
    varies: Array
    leftover: Ints


class RecordRoom(NamedTuple):
    """Room for records found by `walk_records`.

    Parameters
    ----------
    row
        Number of the datagram.
    slot
        Record type; -1 for a container that was not entered because it is corrupted.
    block
        Byte at which the record begins.
    damage
        Damage bits of the record and of everything around it.
    """

    row: Ints
    slot: Ints
    block: Ints
    damage: Ints


@compiled
def find_slot(layout: RecordLayout, number: int) -> int:
    """Return the record type with this names number, -1 if there is none."""
    low = 0
    high = len(layout.ids)
    while low < high:
        middle = (low + high) // 2
        if layout.ids[middle] < number:
            low = middle + 1
        else:
            high = middle
    if low < len(layout.ids) and layout.ids[low] == number:
        return int(layout.slots[low])
    return -1


@compiled
def log_shape(buffer: Array, shape: int, rank: int, array: int, log: ShapeLog) -> None:
    """Note the lengths along the axes of one array."""
    for axis in range(rank):
        length = u32(buffer, shape + 4 * axis)
        if log.first[array, axis] < 0:
            log.first[array, axis] = length
        elif log.first[array, axis] != length:
            log.varies[array, axis] = 1


@compiled
def check_record(
    buffer: Array, block: int, end: int, slot: int, layout: RecordLayout, log: ShapeLog
) -> tuple[int, int]:
    """Return a status, and the bytes behind the last field of a record."""
    status, shape, shapes_end, at, data_end = record_parts(buffer, block, end)
    if status != FINE:
        return status, 0
    array = layout.first_array[slot]
    for field in range(layout.first_field[slot], layout.first_field[slot + 1]):
        size = layout.item[field]
        rank = layout.rank[field]
        if rank > 0:
            if shapes_end - shape < SHAPE_ENTRY:
                return SHAPES_SHORT, 0
            size = array_bytes(buffer, shape, rank, size)
            log_shape(buffer, shape, rank, array, log)
            shape += SHAPE_ENTRY
            array += 1
        if size < 0 or size > data_end - at:
            return PAST_DATA, 0
        at += size
    return FINE, data_end - at


@compiled
def add_record(
    buffer: Array,
    at: int,
    extent: int,
    row: int,
    damage: int,
    layout: RecordLayout,
    log: ShapeLog,
    room: RecordRoom,
    count: int,
) -> int:
    """Check and list one record, or a corrupted container unseen; return a status."""
    if count == len(room.row):
        return FULL
    slot = -1
    if not u16(buffer, at + 4) & CORRUPTED:
        slot = find_slot(layout, u32(buffer, at) & 0xFFFFF)
        if slot < 0:
            return UNKNOWN_NAMES
        status, leftover = check_record(buffer, at, at + extent, slot, layout, log)
        if status != FINE:
            return status
        if leftover > 0:
            log.leftover[slot] += 1
    room.row[count] = row
    room.slot[count] = slot
    room.block[count] = at
    room.damage[count] = damage
    return FINE


@compiled
def walk_dgram(
    buffer: Array,
    start: int,
    size: int,
    row: int,
    layout: RecordLayout,
    log: ShapeLog,
    room: RecordRoom,
    count: int,
    ends: Ints,
    damages: Ints,
) -> tuple[int, int, int]:
    """List the records of one datagram; return a status, the new count and a byte."""
    at = start + XTC_HEADER  # the outermost block begins inside the datagram's header
    depth = -1
    parent_end = start + size
    damage = 0
    while True:
        while depth >= 0 and at == ends[depth]:
            depth -= 1
        if depth >= 0:
            parent_end = ends[depth]
            damage = damages[depth]
        elif at > start + XTC_HEADER:
            return FINE, count, at
        status, extent = block_extent(buffer, at, parent_end)
        if status != FINE:
            return status, count, at
        kind = u16(buffer, at + 6) & 0xFFF
        own = u16(buffer, at + 4)
        if kind == SHAPES_DATA or (kind == PARENT and own & CORRUPTED):
            status = add_record(buffer, at, extent, row, damage | own, layout, log, room, count)
            if status != FINE:
                return status, count, at
            count += 1
            at += extent
        elif kind == PARENT:
            depth += 1
            if depth == len(ends):
                return TOO_DEEP, count, at
            ends[depth] = at + extent
            damages[depth] = damage | own
            at += XTC_HEADER
        elif kind == NAMES and buffer[start + SERVICE_BYTE] & 0xF == _CONFIGURE:
            at += extent
        else:
            return STRAY_NAMES if kind == NAMES else BAD_TYPE, count, at


@compiled
def walk_records(
    buffer: Array,
    first_row: int,
    times: Array,
    offsets: Ints,
    sizes: Ints,
    services: Array,
    layout: RecordLayout,
    log: ShapeLog,
    room: RecordRoom,
) -> tuple[int, int, int, int]:
    """List and check the records of datagrams, numbered from `first_row`, until room is full.

    Returns how many datagrams were finished, how many records were listed, a status and a byte.
    """
    ends = np.empty(MAX_DEPTH, np.int64)
    damages = np.empty(MAX_DEPTH, np.int64)
    count = int(np.int64(0))  # a plain 0 would be a type of its own and compile everything twice
    for done in range(len(offsets)):
        at = offsets[done]
        size = sizes[done]
        if at < 0 or size < DGRAM_HEADER or size > len(buffer) - at:
            return done, count, CHANGED, at
        if (
            u64(buffer, at) != times[done]
            or u32(buffer, at + 20) + XTC_HEADER != size
            or buffer[at + SERVICE_BYTE] & 0xF != services[done]
        ):
            return done, count, CHANGED, at
        status, new_count, where = walk_dgram(
            buffer, at, size, first_row + done, layout, log, room, count, ends, damages
        )
        if status != FINE:
            return done, count, status, where
        count = new_count
    return len(offsets), count, FINE, 0
