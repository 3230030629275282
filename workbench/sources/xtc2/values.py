"""Slow values: what the last transition at or before a moment said."""

from collections.abc import Sequence

import numpy as np

from workbench.core.arrays import Array, Bools, Ints, Times
from workbench.core.errors import UnknownNameError
from workbench.sources.base import RawField
from workbench.sources.xtc2.columns import Chosen, read_column
from workbench.sources.xtc2.pieces import RunPiece
from workbench.sources.xtc2.plans import FieldPlan, Place, plan_algs, plan_field, stored_type


class Xtc2Values:
    """The variables of one reserved detector ("epics", "scan") over all streams of a run."""

    def __init__(self, pieces: Sequence[RunPiece], det: str) -> None:
        self._pieces = pieces
        self._det = det
        tables = [piece.transition_records for piece in pieces]
        places: dict[str, list[Place]] = {}
        algs = plan_algs(pieces, tables, lambda name, _: name == det)
        for plan in algs.get(det, {}).values():
            for name, field in plan.fields.items():
                for segment in field.places:
                    places.setdefault(name, []).extend(segment)
        self._plans = {
            name: plan_field(f"{det}.{name}", name, [places[name]], tables)
            for name in sorted(places)
        }

    @property
    def names(self) -> tuple[str, ...]:
        """The names, sorted."""
        return tuple(self._plans)

    def field(self, name: str) -> RawField:
        """Return type and shape of one variable."""
        return self._plan(name).field

    def read(self, name: str, timestamps: Times) -> tuple[Array, Bools]:
        """Return the value at or before each time stamp, and whether there was one."""
        return latest(self._pieces, self._plan(name), np.asarray(timestamps, np.uint64))

    def _plan(self, name: str) -> FieldPlan:
        try:
            return self._plans[name]
        except KeyError:
            raise UnknownNameError(
                "variable", name, self._plans, f"the {self._det} values of this run"
            ) from None


def latest(pieces: Sequence[RunPiece], plan: FieldPlan, timestamps: Times) -> tuple[Array, Bools]:
    """Return the value of a field at or before each time stamp, and whether there was one.

    The field has one segment. Of values set at the same time the one in the last stream is
    taken; what Configure says holds from the beginning.
    """
    places = plan.places[0]
    source, record = _last_record(pieces, places, timestamps)
    known = source >= 0
    pairs, which = _changes(np.stack([source[known], record[known]]))
    chosen = []
    for number, place in enumerate(places):
        targets = np.flatnonzero(pairs[0] == number)
        records = pieces[place.piece].transition_records.records[place.slot]
        chosen.append(Chosen(place, records.select(pairs[1, targets]), targets))
    tables = [piece.transition_records for piece in pieces]
    column = read_column(plan, tables, [chosen], pairs.shape[1])
    values = _unknown(plan.field, column, len(timestamps))
    values[known] = column[which]
    return values, known


def _changes(pairs: Ints) -> tuple[Ints, Ints]:
    """Return the pairs, shape (2, time), that differ from the one before, and which each one is."""
    fresh = np.ones(pairs.shape[1], np.bool_)
    fresh[1:] = np.any(pairs[:, 1:] != pairs[:, :-1], axis=0)
    return pairs[:, fresh], np.cumsum(fresh) - 1


def _last_record(
    pieces: Sequence[RunPiece], places: Sequence[Place], timestamps: Times
) -> tuple[Ints, Ints]:
    """Return for each time stamp the place, -1 if none, and the record in it that holds."""
    source = np.full(len(timestamps), -1, np.int64)
    record = np.zeros(len(timestamps), np.int64)
    set_at = np.zeros(len(timestamps), np.uint64)
    for number, place in enumerate(places):
        piece = pieces[place.piece]
        rows = piece.transition_records.records[place.slot].rows
        if not len(rows):
            continue
        times = np.where(rows == 0, np.uint64(0), piece.transitions.times[rows])
        order = np.argsort(times, kind="stable")
        found = np.searchsorted(times[order], timestamps, side="right") - 1
        at = times[order][np.maximum(found, 0)]
        better = (found >= 0) & ((source < 0) | (at >= set_at))
        source[better] = number
        record[better] = order[found[better]]
        set_at[better] = at[better]
    return source, record


def _unknown(field: RawField, column: Array, length: int) -> Array:
    if field.dtype == "str":
        return np.full(length, "", object)
    if field.variable:
        return np.full(length, None, object)
    return np.zeros((length, *column.shape[1:]), stored_type(field))
