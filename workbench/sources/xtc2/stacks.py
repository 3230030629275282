"""Stacks of events: the wanted fields of a range of events, read together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from workbench.core.arrays import Array, Bools, Times
from workbench.core.stack import Stack
from workbench.sources.xtc2.columns import Chosen, fixed_record, read_column
from workbench.sources.xtc2.plans import AlgPlan, FieldPlan, Place
from workbench.sources.xtc2.presence import Presence, alg_presence, between, detector_presence
from workbench.sources.xtc2.records import RecordTable

Sources = Mapping[tuple[int, int], Chosen]


@dataclass(frozen=True)
class Wanted:
    """What to read of one algorithm of one detector.

    Parameters
    ----------
    det
        The detector.
    plan
        The algorithm.
    fields
        The wanted ones among its fields.
    """

    det: str
    plan: AlgPlan
    fields: tuple[FieldPlan, ...]


class StackReader:
    """Reads ranges of events out of the record tables of all streams.

    Parameters
    ----------
    tables
        Records of each stream; rows count the run's events.
    timestamps
        Of the run's events.
    detectors
        All algorithms of each detector, on which its presence depends.
    """

    def __init__(
        self,
        tables: Sequence[RecordTable],
        timestamps: Times,
        detectors: Mapping[str, Sequence[AlgPlan]],
    ) -> None:
        self._tables = tables
        self._timestamps = timestamps
        self._detectors = detectors
        self._packed: dict[str, np.dtype[np.void] | None] = {}

    def read(self, wanted: Sequence[Wanted], start: int, stop: int) -> Stack:
        """Return the wanted fields of the events ``start <= index < stop``."""
        states: dict[str, Presence] = {}
        for det in dict.fromkeys(want.det for want in wanted):
            states |= self.states(det, start, stop)
        arrays: dict[str, Array] = {}
        for want in wanted:
            complete = states[want.plan.name].complete
            sources = self.sources(want.plan, start, stop, complete)
            arrays.update(self._alg(want, sources, stop - start))
        return Stack(
            self._timestamps[start:stop],
            arrays,
            {name: state.complete for name, state in states.items()},
            {name: state.partial for name, state in states.items()},
            {name: state.damaged for name, state in states.items()},
            start,
        )

    def states(self, det: str, start: int, stop: int) -> dict[str, Presence]:
        """Return the states of a detector and of each of its algorithms, by their names."""
        algs = {
            plan.name: alg_presence(plan, self._tables, start, stop)
            for plan in self._detectors[det]
        }
        return {det: detector_presence(list(algs.values())), **algs}

    def sources(self, plan: AlgPlan, start: int, stop: int, keep: Bools) -> Sources:
        """Return by (stream, record type) the records of the events that are to be kept."""
        found = {}
        for slots in plan.slots:
            for piece, slot in slots:
                records = self._tables[piece].records[slot]
                records = records.select(between(records, start, stop))
                targets = records.rows - start
                kept = keep[targets]
                if not kept.all():
                    records, targets = records.select(kept), targets[kept]
                found[piece, slot] = Chosen(Place(piece, slot, 0), records, targets)
        return found

    def _alg(self, want: Wanted, sources: Sources, length: int) -> dict[str, Array]:
        packed = self.packed_type(want.plan) if len(want.fields) > 1 else None
        rows = None if packed is None else self._rows(want.plan, packed, sources, length)
        arrays = {}
        for field in want.fields:
            if rows is None or field.field.variable or field.field.dtype == "str":
                arrays[field.name] = self.field(field, sources, length)
            else:
                column = rows[f"f{field.places[0][-1].field}"]
                arrays[field.name] = np.ascontiguousarray(column).reshape(
                    length, *field.field.shape
                )
        return arrays

    def field(self, field: FieldPlan, sources: Sources, length: int) -> Array:
        """Return one field as an array of `length` rows from the records of its plan's types."""
        chosen = []
        for places in field.places:
            found = [(place, sources[place.piece, place.slot]) for place in places]
            chosen.append(
                [Chosen(place, source.records, source.targets) for place, source in found]
            )
        return read_column(field, self._tables, chosen, length)

    def packed_type(self, plan: AlgPlan) -> np.dtype[np.void] | None:
        """Return the type of whole records if all segments have the same small, fixed one."""
        if plan.name not in self._packed:
            kinds = {
                fixed_record(self._tables[piece], slot)
                for slots in plan.slots
                for piece, slot in slots
            }
            fields = {
                self._tables[piece].names.types[slot].fields
                for slots in plan.slots
                for piece, slot in slots
            }
            single = all(len(slots) == 1 for slots in plan.slots)
            unique = single and len(kinds) == len(fields) == 1
            self._packed[plan.name] = kinds.pop() if unique else None
        return self._packed[plan.name]

    def _rows(
        self, plan: AlgPlan, packed: np.dtype[np.void], sources: Sources, length: int
    ) -> Array:
        size = packed.itemsize
        out = np.zeros((length, len(plan.slots) * size), np.uint8)
        for segment, slots in enumerate(plan.slots):
            piece, slot = slots[0]
            chosen = sources[piece, slot]
            self._tables[piece].copy_data(chosen.records, size, chosen.targets, segment * size, out)
        return out.view(packed)
