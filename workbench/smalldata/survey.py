"""One look at one column: how much is missing, whether it ever changes."""

from dataclasses import dataclass

import numpy as np

from workbench.core.arrays import Array, Bools
from workbench.smalldata.fields import FieldInfo
from workbench.smalldata.layout import MISSING_INTEGER
from workbench.smalldata.missing import missing_rows, sentinel, undecidable_rows
from workbench.smalldata.reader import SmallDataFile

BLOCK_BYTES = 64 << 20  # columns above this are looked at only at their ends
SURE = 5.0  # standard errors


@dataclass(frozen=True)
class Survey:
    """What one column of a file holds.

    Parameters
    ----------
    missing
        Events that lack the value; None where it was not counted.
    constant
        Whether all values present are the same; False where it was not looked at.
    wrapped
        Events whose -99999 was wrapped into a type too narrow for it, or without sign.
    undecidable
        Events with a 97 in 8 bits, where there are so many that some may be a cut-off -99999.
    """

    missing: int | None
    constant: bool = False
    wrapped: int = 0
    undecidable: int = 0


def survey(file: SmallDataFile, info: FieldInfo) -> Survey:
    """Look at one per-event column; large ones only at their ends and at the writer's count."""
    if _bytes(info) > BLOCK_BYTES:
        file.read(info.name, slice(0, 1))
        file.read(info.name, slice(info.shape[0] - 1, None))
        return Survey(info.missing)
    values = file.read(info.name)
    gone = missing_rows(values)
    present = values[~gone]
    numeric = present.dtype.kind in "biuf"
    return Survey(
        missing=int(np.count_nonzero(gone)),
        constant=bool(numeric and len(present) > 1 and (present == present[0]).all()),
        wrapped=_wrapped(values, gone),
        undecidable=_undecidable(values),
    )


def filled_fraction(
    file: SmallDataFile, info: FieldInfo, *, largest: int = BLOCK_BYTES
) -> float | None:
    """Return the part of all events that have the value, 0 to 1; None where it would take long.

    Counted by the writer, else in the column; for columns of other writers above `largest` bytes
    the detector's ``damage`` (1 = present) stands in.
    """
    if info.kind != "event" or file.n_events == 0:
        return None
    lacking = info.missing
    if lacking is None and _bytes(info) <= largest:
        lacking = int(np.count_nonzero(missing_rows(file.read(info.name))))
    if lacking is not None:
        return 1 - lacking / file.n_events
    flag = f"damage/{info.name.split('/')[0]}"
    if flag in file and file.info(flag).kind == "event":
        return float(np.mean(file.read(flag) == 1))
    return None


def _bytes(info: FieldInfo) -> int:
    size = 8 if info.dtype == "str" else np.dtype(info.dtype).itemsize
    return int(np.prod(info.shape, dtype=float)) * size


def _undecidable(values: Array) -> int:
    """Count events with 97 in 8 bits, if they are surely more than those with 96 and 98.

    A whole array of 97 is no reading: it is counted always.
    """
    alike = undecidable_rows(values)
    count = int(np.count_nonzero(alike))
    if not count or values[0].size > 1:
        return count
    beside = float(np.count_nonzero((values == 96) | (values == 98))) / 2
    return count if count > beside + SURE * np.sqrt(beside + 1) else 0


def _wrapped(values: Array, gone: Bools) -> int:
    """Count wrapped marks: those out of the range of all other values.

    In 16 bits -99999 becomes 31073, an ordinary value where others are as large.
    """
    if values.dtype.kind not in "iu" or sentinel(values.dtype) in {None, MISSING_INTEGER}:
        return 0
    others = values[~gone]
    mark = values.dtype.type(sentinel(values.dtype) or 0)
    if others.size and others.min() <= mark <= others.max():
        return 0
    return int(np.count_nonzero(gone))
