"""Which events hold which detectors: all segments, some, or damaged ones."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from workbench.core.arrays import Bools, Ints
from workbench.sources.xtc2.plans import AlgPlan
from workbench.sources.xtc2.records import Records, RecordTable


@dataclass(frozen=True)
class Presence:
    """States of one algorithm or detector in a range of events, each of shape (event,).

    Parameters
    ----------
    complete
        All configured segments are there.
    some
        At least one segment is there.
    damaged
        A record is marked as damaged, or was lost with a corrupted container.
    """

    complete: Bools
    some: Bools
    damaged: Bools

    @property
    def partial(self) -> Bools:
        """Some, but not all, segments are there."""
        return self.some & ~self.complete


def between(records: Records, start: int, stop: int) -> slice:
    """Return which of the records, sorted by event, lie in ``start <= event < stop``."""
    first, last = np.searchsorted(records.rows, [start, stop])
    return slice(int(first), int(last))


def alg_presence(plan: AlgPlan, tables: Sequence[RecordTable], start: int, stop: int) -> Presence:
    """Return the states of one algorithm in the events ``start <= index < stop``."""
    count = np.zeros(stop - start, np.int64)
    damaged = np.zeros(stop - start, np.bool_)
    for slots in plan.slots:
        there = np.zeros(stop - start, np.bool_)
        for piece, slot in slots:
            records = tables[piece].records[slot]
            span = between(records, start, stop)
            rows = records.rows[span] - start
            there[rows] = True
            damaged[rows[records.damage[span] != 0]] = True
        for piece in {piece for piece, _ in slots}:
            lost = _lost(tables[piece].corrupted, start, stop)
            damaged[lost[~there[lost]]] = True
        count += there
    return Presence(count == len(plan.slots), count > 0, damaged)


def detector_presence(algs: Sequence[Presence]) -> Presence:
    """Return the states of a detector: complete where any of its algorithms is."""
    if len(algs) == 1:
        return algs[0]
    return Presence(
        np.logical_or.reduce([alg.complete for alg in algs]),
        np.logical_or.reduce([alg.some for alg in algs]),
        np.logical_or.reduce([alg.damaged for alg in algs]),
    )


def _lost(corrupted: Records, start: int, stop: int) -> Ints:
    if not len(corrupted):
        return corrupted.rows
    return corrupted.rows[between(corrupted, start, stop)] - start
