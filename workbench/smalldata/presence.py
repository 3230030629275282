"""Presence: how many events of a field are in which state, from measured to damaged."""

from dataclasses import dataclass

import numpy as np

from workbench.smalldata.backfill import absent_events, doubtful_zeros, zero_filled
from workbench.smalldata.layout import length_name, var_group
from workbench.smalldata.missing import State, states, undecidable_rows
from workbench.smalldata.reader import SmallDataFile

BLOCK_BYTES = 16 << 20


@dataclass(frozen=True)
class Presence:
    """Events of one field by state.

    Parameters
    ----------
    field
        Path in the file.
    counts
        Events in each state of `State`; they add up to all events.
    undecidable
        Events among the present ones with a 97 in 8 bits: a value, or -99999 cut to 8 bits.
    zeros_at_start
        Events among the present ones with a 0 at the start of an LCLS-II file or part, which may
        stand for nothing although nothing else says so.
    """

    field: str
    counts: dict[State, int]
    undecidable: int = 0
    zeros_at_start: int = 0


def count_states(file: SmallDataFile, name: str) -> Presence:
    """Count the states of one per-event field, in bounded memory.

    Ragged data are looked at through their lengths: 0 entries were measured, -99999 were not.
    """
    info = file.info(name)
    source = length_name(name) if info.kind == "ragged" and var_group(name) else name
    flagged, filled = absent_events(file, name), zero_filled(file, source)
    counts = np.zeros(len(State), dtype=np.int64)
    unclear = 0
    for rows in _blocks(file, source):
        values = file.read(source, rows)
        flags = None if flagged is None else flagged[rows]
        found = states(values, zero_filled=filled[rows], flagged=flags)
        if flags is not None and source.endswith("_len"):
            found[flags & (values == 0)] = State.ABSENT  # no entries where there was no detector
        counts += np.bincount(found, minlength=len(State))
        unclear += int(np.count_nonzero(undecidable_rows(values) & (found == State.PRESENT)))
    return Presence(
        field=name,
        counts={state: int(counts[state]) for state in State},
        undecidable=unclear,
        zeros_at_start=doubtful_zeros(file, source),
    )


def _blocks(file: SmallDataFile, name: str) -> list[slice]:
    info = file.info(name)
    wide = 8 if info.dtype in {"str", "object"} else np.dtype(info.dtype).itemsize
    row = max(1, wide * int(np.prod(info.shape[1:], dtype=np.int64)))
    step = max(1, BLOCK_BYTES // row)
    return [slice(low, min(low + step, file.n_events)) for low in range(0, file.n_events, step)]
