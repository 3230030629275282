"""Which events hold which detectors: all segments, some, or damaged ones."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from workbench.core.arrays import Bools
from workbench.sources.xtc2.plans import AlgPlan
from workbench.sources.xtc2.records import RecordTable


@dataclass(frozen=True)
class Presence:
    """States of one algorithm or detector, each of shape (event,).

    Parameters
    ----------
    complete
        All configured segments are there.
    some
        At least one segment is there.
    partial
        Some, but not all, segments are there.
    damaged
        A record is marked as damaged, or was lost with a corrupted container.
    """

    complete: Bools
    some: Bools
    partial: Bools
    damaged: Bools


def alg_presence(plan: AlgPlan, tables: Sequence[RecordTable], n_events: int) -> Presence:
    """Return the states of one algorithm."""
    count = np.zeros(n_events, np.int32)
    damaged = np.zeros(n_events, np.bool_)
    for slots in plan.slots:
        there = np.zeros(n_events, np.bool_)
        for piece, slot in slots:
            records = tables[piece].records[slot]
            there[records.rows] = True
            damaged[records.rows[records.damage != 0]] = True
        lost = np.zeros(n_events, np.bool_)
        for piece in {piece for piece, _ in slots}:
            lost[tables[piece].corrupted.rows] = True
        damaged |= lost & ~there
        count += there
    complete, some = count == len(plan.slots), count > 0
    return Presence(complete, some, some & ~complete, damaged)


def detector_presence(algs: Sequence[Presence]) -> Presence:
    """Return the states of a detector: complete where any of its algorithms is."""
    complete = np.logical_or.reduce([alg.complete for alg in algs])
    some = np.logical_or.reduce([alg.some for alg in algs])
    damaged = np.logical_or.reduce([alg.damaged for alg in algs])
    return Presence(complete, some, some & ~complete, damaged)
