"""Frames of many events as views on the files: nothing is copied that can be read in place."""

from collections.abc import Iterator, Sequence

import numpy as np

from workbench.core.arrays import Array, Ints
from workbench.sources.base import Frame
from workbench.sources.xtc2.plans import AlgPlan, FieldPlan, stored_type
from workbench.sources.xtc2.presence import alg_presence
from workbench.sources.xtc2.records import RecordTable
from workbench.sources.xtc2.stacks import StackReader


def frames(
    tables: Sequence[RecordTable],
    reader: StackReader,
    plan: AlgPlan,
    field: FieldPlan,
    *,
    start: int,
    stop: int,
    size: int,
) -> Iterator[tuple[Ints, list[Frame]]]:
    """Yield events that have all segments, up to `size` at a time, and their frames."""
    events = start + np.flatnonzero(alg_presence(plan, tables, start, stop).complete)
    for first in range(0, len(events), size):
        some = events[first : first + size]
        low, high = int(some[0]), int(some[-1]) + 1
        kept = np.zeros(high - low, np.bool_)
        kept[some - low] = True
        sources = reader.sources(plan, low, high, kept)
        many = len(field.places) > 1
        shape = field.field.shape[1:] if many else field.field.shape
        columns = []
        for places in field.places:
            column: list[Array] = [np.zeros(shape, stored_type(field.field))] * len(some)
            for place in places:
                chosen = sources[place.piece, place.slot]
                table = tables[place.piece]
                targets = np.searchsorted(some, chosen.targets + low).tolist()
                arrays = table.views(place.slot, place.field, chosen.records, shape)
                for target, array in zip(targets, arrays, strict=True):
                    column[target] = array
            columns.append(column)
        yield some, list(zip(*columns, strict=True))
