"""One event: each of its records is read when one of its fields is first asked for."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from workbench.core.arrays import Array, Ints
from workbench.core.errors import UnknownNameError
from workbench.sources.base import Value
from workbench.sources.xtc2.columns import Chosen
from workbench.sources.xtc2.plans import AlgPlan, FieldPlan, Place
from workbench.sources.xtc2.records import RecordTable
from workbench.sources.xtc2.stacks import Sources, StackReader

HERE = np.zeros(1, np.int64)  # the only row of a stack of one event


class EventReader:
    """Finds the records of single events and reads them.

    Parameters
    ----------
    tables
        Records of each stream; rows count the run's events.
    reader
        For fields whose records have no fixed length.
    n_events
        In the run.
    """

    def __init__(self, tables: Sequence[RecordTable], reader: StackReader, n_events: int) -> None:
        self._tables = tables
        self._reader = reader
        self._n_events = n_events
        self._latest: dict[tuple[int, int], Ints] = {}

    def packed(self, plan: AlgPlan, field: FieldPlan) -> np.dtype[np.void] | None:
        """Return the type of the whole record that holds a field; None if it has no fixed one."""
        if field.field.variable or field.field.dtype == "str":
            return None
        return self._reader.packed_type(plan)

    def record(self, plan: AlgPlan, packed: np.dtype[np.void], index: int) -> Array | None:
        """Return the records of all segments, shape (segment,); None unless all are there."""
        size = packed.itemsize
        out = np.empty(len(plan.slots) * size, np.uint8)
        for number, ((piece, slot),) in enumerate(plan.slots):
            found = self._find(piece, slot, index)
            if found < 0:
                return None
            data = self._tables[piece].data_of(slot, found, size)
            out[number * size : (number + 1) * size] = data
        return out.view(packed)

    def field(self, plan: AlgPlan, field: FieldPlan, index: int) -> Value:
        """Return one field, None unless all segments are there."""
        sources = self._sources(plan, index)
        if not all(any(len(sources[slot].records) for slot in slots) for slots in plan.slots):
            return None
        return self._reader.field(field, sources, 1)[0]

    def segments(self, plan: AlgPlan, field: FieldPlan, index: int) -> dict[int, Value]:
        """Return segment number to value for the segments that are there."""
        sources = self._sources(plan, index)
        numbers = {
            source: number
            for number, slots in zip(plan.segments, plan.slots, strict=True)
            for source in slots
        }
        return {
            numbers[place.piece, place.slot]: self._stored(place, chosen)
            for places in field.places
            for place in places
            if len((chosen := sources[place.piece, place.slot]).records)
        }

    def _find(self, piece: int, slot: int, index: int) -> int:
        """Return which record of a type the event has, the last if several; -1 for none."""
        if (piece, slot) not in self._latest:
            rows = self._tables[piece].records[slot].rows
            latest = np.full(self._n_events, -1, np.int64)
            latest[rows] = np.arange(len(rows))
            self._latest[piece, slot] = latest
        return int(self._latest[piece, slot][index])

    def _sources(self, plan: AlgPlan, index: int) -> Sources:
        found = {}
        for slots in plan.slots:
            for piece, slot in slots:
                at = self._find(piece, slot, index)
                records = (
                    self._tables[piece]
                    .records[slot]
                    .select(slice(at, at + 1) if at >= 0 else slice(0))
                )
                found[piece, slot] = Chosen(Place(piece, slot, 0), records, HERE[: len(records)])
        return found

    def _stored(self, place: Place, chosen: Chosen) -> Value:
        table = self._tables[place.piece]
        kind = table.names.types[place.slot].fields[place.field]
        if kind.dtype == "str":
            return table.texts(place.slot, place.field, chosen.records)[-1]
        return table.values(place.slot, place.field, chosen.records)[-1][()]


class Xtc2Event(Mapping[str, Value]):
    """One event: each value is read when it is asked for, None where the detector is absent."""

    def __init__(
        self,
        reader: EventReader,
        fields: Mapping[str, tuple[AlgPlan, FieldPlan]],
        index: int,
        where: str,
    ) -> None:
        self._reader = reader
        self._fields = fields
        self._where = where
        self._records: dict[str, Array | None] = {}
        self.index = index

    def __iter__(self) -> Iterator[str]:
        return iter(self._fields)

    def __len__(self) -> int:
        return len(self._fields)

    def __getitem__(self, name: str) -> Value:
        plan, field = self._plan(name)
        packed = self._reader.packed(plan, field)
        if packed is None:
            return self._reader.field(plan, field, self.index)
        if plan.name not in self._records:
            self._records[plan.name] = self._reader.record(plan, packed, self.index)
        record = self._records[plan.name]
        if record is None:
            return None
        column = record[f"f{field.places[0][-1].field}"]
        return column.reshape(field.field.shape).copy()[()]

    def segments(self, name: str) -> dict[int, Value]:
        """Return segment number to value for the segments that are there, complete or not."""
        return self._reader.segments(*self._plan(name), self.index)

    def _plan(self, name: str) -> tuple[AlgPlan, FieldPlan]:
        try:
            return self._fields[name]
        except KeyError:
            raise UnknownNameError("field", name, self._fields, self._where) from None
