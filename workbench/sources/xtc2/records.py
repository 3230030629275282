"""Where the records of each type lie, after every one of them was checked."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from math import prod

import numpy as np

from workbench.core.arrays import Array, Bools, Ints
from workbench.sources.xtc2.errors import Xtc2Error
from workbench.sources.xtc2.gather import data_start, gather, locate_data, locate_field
from workbench.sources.xtc2.index import DgramIndex
from workbench.sources.xtc2.layout import MAX_RANK, XTC_HEADER
from workbench.sources.xtc2.names import NamesTable
from workbench.sources.xtc2.part import Part
from workbench.sources.xtc2.status import CHANGED, FULL, PROBLEMS
from workbench.sources.xtc2.walk import RecordRoom, ShapeLog, walk_records

ROOM = 65_536  # records listed at a time
CHANGED_REMEDY = (
    "the file changed while it was read, or its index (smalldata/*.smd.xtc2) belongs to another "
    "file: open the run again, without that index if it stays so"
)

Which = slice | Ints | Bools


@dataclass(frozen=True)
class Records:
    """The records of one type, in file order; every array has shape (record,).

    Parameters
    ----------
    rows
        Number of the datagram, or later of the event, that holds the record.
    blocks, parts
        First byte, and in which file of the stream.
    damage
        Damage bits.
    one_part
        True where all lie in the same file.
    """

    rows: Ints
    blocks: Ints
    parts: Array
    damage: Array
    one_part: bool = False

    def __len__(self) -> int:
        return len(self.rows)

    def select(self, which: Which) -> "Records":
        """Return some of the records."""
        return Records(
            self.rows[which],
            self.blocks[which],
            self.parts[which],
            self.damage[which],
            self.one_part,
        )


class RecordTable:
    """The records of some datagrams of one stream, by type, and access to their fields."""

    def __init__(
        self,
        parts: Sequence[Part],
        names: NamesTable,
        log: ShapeLog,
        records: Sequence[Records],
        corrupted: Records,
    ) -> None:
        self.parts = parts
        self.names = names
        self.records = records
        self.corrupted = corrupted
        self._log = log
        self._labels: dict[int, dict[str, dict[int, str]]] = {}

    @property
    def leftover(self) -> int:
        """Number of records with bytes behind their last field."""
        return int(self._log.leftover.sum())

    def renumbered(self, numbers: Ints) -> "RecordTable":
        """Return the table with other row numbers: row i becomes ``numbers[i]``, sorted."""

        def renumber(records: Records) -> Records:
            rows = numbers[records.rows]
            if np.all(rows[1:] >= rows[:-1]):
                order: Which = slice(None)
            else:
                order = np.argsort(rows, kind="stable")
            moved = records.select(order)
            return replace(moved, rows=rows[order])

        return RecordTable(
            self.parts,
            self.names,
            self._log,
            [renumber(records) for records in self.records],
            renumber(self.corrupted),
        )

    def shape(self, slot: int, field: int) -> tuple[int, ...] | None:
        """Return the shape of a field, -1 along axes that vary; None if no record was seen."""
        rank = self.names.types[slot].fields[field].rank
        if not rank:
            return () if len(self.records[slot]) else None
        array = self.names.layout.first_array[slot] + self.names.arrays[slot][field]
        first = self._log.first[array, :rank]
        if first[0] < 0:
            return None
        return tuple(np.where(self._log.varies[array, :rank], -1, first).tolist())

    def labels(self, slot: int) -> dict[str, dict[int, str]]:
        """Return enumeration to number to label, from the first record of one type."""
        if slot not in self._labels:
            found: dict[str, dict[int, str]] = {}
            first = self.records[slot].select(slice(0, 1))
            for number, field in enumerate(self.names.types[slot].fields if len(first) else ()):
                if field.dtype == "enumdict":
                    for value in self.values(slot, number, first)[0].ravel()[:1]:
                        found.setdefault(field.dictionary, {})[int(value)] = field.name
            self._labels[slot] = found
        return self._labels[slot]

    def by_part(self, records: Records) -> Iterator[tuple[Part, slice]]:
        """Yield runs of records that lie in the same file."""
        if not len(records):
            return
        ends = [] if records.one_part else (np.flatnonzero(np.diff(records.parts)) + 1).tolist()
        bounds = [0, *ends, len(records)]
        for first, last in pairwise(bounds):
            yield self.parts[int(records.parts[first])], slice(first, last)

    def locate(self, slot: int, field: int, records: Records) -> tuple[Ints, Ints]:
        """Return first bytes (record,) and shapes (record, axis) of one field."""
        rank = self.names.types[slot].fields[field].rank
        layout = self.names.layout
        first = int(layout.first_field[slot])
        fields = slice(first, first + field + 1)
        starts = np.empty(len(records), np.int64)
        shapes = np.empty((len(records), rank), np.int64)
        for part, span in self.by_part(records):
            blocks = records.blocks[span]
            bad = locate_field(
                part.buffer,
                blocks,
                layout.item[fields],
                layout.rank[fields],
                starts[span],
                shapes[span],
            )
            _refuse_changed(part, blocks, bad)
        return starts, shapes

    def copy_field(
        self,
        slot: int,
        field: int,
        records: Records,
        length: int,
        targets: Ints,
        column: int,
        out: Array,
    ) -> None:
        """Copy a field of `length` bytes into rows `targets` of `out`, from byte `column` on."""
        starts, shapes = self.locate(slot, field, records)
        sizes = self.names.types[slot].fields[field].stored.itemsize * shapes.prod(axis=1)
        for bad in np.flatnonzero(sizes != length)[:1]:
            raise _changed(self.parts[int(records.parts[bad])], int(records.blocks[bad]))
        self._copy(records, starts, length, targets, column, out)

    def copy_data(
        self, records: Records, length: int, targets: Ints, column: int, out: Array
    ) -> None:
        """Copy `length` bytes of whole records into rows `targets` of `out`."""
        starts = np.empty(len(records), np.int64)
        for part, span in self.by_part(records):
            blocks = records.blocks[span]
            bad = locate_data(part.buffer, blocks, length, starts[span])
            _refuse_changed(part, blocks, bad)
        self._copy(records, starts, length, targets, column, out)

    def data_of(self, slot: int, record: int, length: int) -> Array:
        """Return the first `length` data bytes of one record, as a view on the file."""
        records = self.records[slot]
        part, block = self.parts[int(records.parts[record])], int(records.blocks[record])
        at = data_start(part.buffer, block, length)
        if at < 0:
            raise _changed(part, block)
        return part.buffer[at : at + length]

    def views(self, slot: int, field: int, records: Records, shape: tuple[int, ...]) -> list[Array]:
        """Return a field of always the same shape as read-only arrays on the file itself."""
        kind = self.names.types[slot].fields[field].stored
        starts, shapes = self.locate(slot, field, records)
        for bad in np.flatnonzero(shapes.prod(axis=1) != prod(shape))[:1]:
            raise _changed(self.parts[int(records.parts[bad])], int(records.blocks[bad]))
        places = zip(records.parts.tolist(), starts.tolist(), strict=True)
        return [
            _aligned(np.ndarray(shape, kind, self.parts[part].buffer, start))
            for part, start in places
        ]

    def values(self, slot: int, field: int, records: Records) -> list[Array]:
        """Return the field of each record as a read-only array on the file itself."""
        kind = self.names.types[slot].fields[field].stored
        starts, shapes = self.locate(slot, field, records)
        places = zip(records.parts.tolist(), starts.tolist(), shapes.tolist(), strict=True)
        return [
            _aligned(np.ndarray(shape, kind, self.parts[part].buffer, start))
            for part, start, shape in places
        ]

    def texts(self, slot: int, field: int, records: Records) -> list[str]:
        """Return a text field of each record."""
        starts, shapes = self.locate(slot, field, records)
        lengths = shapes.prod(axis=1)
        length = int(lengths[0]) if len(records) else 0
        if length and np.all(lengths == length):
            rows = np.empty((len(records), length), np.uint8)
            self._copy(records, starts, length, np.arange(len(records)), 0, rows)
            raw = rows.view(f"S{length}")[:, 0].tolist()
        else:
            places = zip(records.parts.tolist(), starts.tolist(), lengths.tolist(), strict=True)
            raw = [bytes(self.parts[part].buffer[at : at + size]) for part, at, size in places]
        known = {text: text.partition(b"\0")[0].decode("utf-8", "replace") for text in set(raw)}
        return [known[text] for text in raw]

    def _copy(
        self, records: Records, starts: Ints, length: int, targets: Ints, column: int, out: Array
    ) -> None:
        for part, span in self.by_part(records):
            bad = gather(part.buffer, starts[span], targets[span], column, length, out)
            _refuse_changed(part, records.blocks[span], bad)


def list_records(parts: Sequence[Part], names: NamesTable, index: DgramIndex) -> RecordTable:
    """Check the records of the given datagrams and list them by type.

    Raises `Xtc2Error` at the first byte that breaks the format.
    """
    arrays = int(names.layout.first_array[-1])
    log = ShapeLog(
        np.full((arrays, MAX_RANK), -1, np.int64),
        np.zeros((arrays, MAX_RANK), np.uint8),
        np.zeros(len(names.types), np.int64),
    )
    room = min(ROOM, int(index.sizes.sum()) // XTC_HEADER + 1)
    found = list(_walk(parts, names, index, log, room))
    rows = np.concatenate([piece.row for piece, _ in found] or [np.empty(0, np.int64)])
    slots = np.concatenate([piece.slot for piece, _ in found] or [np.empty(0, np.int64)])
    everything = Records(
        rows,
        np.concatenate([piece.block for piece, _ in found] or [np.empty(0, np.int64)]),
        np.concatenate([part for _, part in found] or [np.empty(0, np.int32)]),
        np.concatenate([piece.damage for piece, _ in found] or [np.empty(0, np.int64)]),
        one_part=not np.any(np.diff(index.parts)),
    )
    order = np.argsort(slots, kind="stable")
    bounds = np.searchsorted(slots[order], np.arange(-1, len(names.types) + 1))
    groups = [everything.select(order[first:last]) for first, last in pairwise(bounds)]
    return RecordTable(parts, names, log, groups[1:], groups[0])


def _walk(
    parts: Sequence[Part], names: NamesTable, index: DgramIndex, log: ShapeLog, length: int
) -> Iterator[tuple[RecordRoom, Array]]:
    room = _room(length)
    done = 0
    ends = np.append(np.flatnonzero(np.diff(index.parts)) + 1, len(index))
    while done < len(index):
        stop = min(int(ends[np.searchsorted(ends, done, side="right")]), done + ROOM)
        piece = index.select(slice(done, stop))
        part = parts[int(piece.parts[0])]
        finished, count, status, where = walk_records(
            part.buffer,
            done,
            piece.times,
            piece.offsets,
            piece.sizes,
            piece.services,
            names.layout,
            log,
            room,
        )
        if status in PROBLEMS:
            raise _problem(part, where, status)
        if status == FULL and not finished:
            room = _room(2 * len(room.row))
        if count:
            copies = RecordRoom(*(array[:count].astype(array.dtype) for array in room))
            yield copies, np.full(count, piece.parts[0], np.int32)
        done += finished


def _room(length: int) -> RecordRoom:
    return RecordRoom(
        np.empty(length, np.int64),
        np.empty(length, np.int64),
        np.empty(length, np.int64),
        np.empty(length, np.int64),
    )


def _problem(part: Part, where: int, status: int) -> Xtc2Error:
    if status == CHANGED:
        return Xtc2Error(part.path, where, PROBLEMS[status], CHANGED_REMEDY)
    return Xtc2Error(part.path, where, PROBLEMS[status])


def _refuse_changed(part: Part, blocks: Ints, bad: int) -> None:
    if bad >= 0:
        raise _changed(part, int(blocks[bad]))


def _changed(part: Part, block: int) -> Xtc2Error:
    return Xtc2Error(part.path, block, "not the record that was there", CHANGED_REMEDY)


def _aligned(array: Array) -> Array:
    if array.flags.aligned:
        return array
    copy = array.copy()
    copy.flags.writeable = False
    return copy
