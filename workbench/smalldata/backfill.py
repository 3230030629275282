"""Zeros that stand for nothing: LCLS-II's writer fills a dataset from the run's start with 0.

It creates a dataset when a detector first appears and gives all events before it a 0, in each part
file anew. A 0 at the start is taken for filling where there is evidence: the detector's
``damage`` says that it was absent, or a quantity that changes from shot to shot is exactly 0 many
times and never again. Without evidence it stays a value, and is counted. For integrating detectors
(``intg/<det>/...``) the same holds with frames in place of events; no ``damage`` tells of them.
"""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from workbench.core.arrays import Array, Bools
from workbench.smalldata.fields import FieldInfo
from workbench.smalldata.missing import missing_rows
from workbench.smalldata.reader import SmallDataFile

MANY = 10  # exact zeros at the start; fewer are found in good data
LOOK = 1000  # values after them that are looked at
VARIES = 0.5  # of these must differ from each other: scans and slow values do not
BLOCK = 256  # events of an array field looked at together
FRAMES = "intg"  # kind of the fields of integrating detectors
LINKS = ("count", "timestamp_min", "timestamp_max")  # of frames and events: always written
NEVER = ("damage", "scan", "evr", "timing", "lightStatus")  # written for every event, or 0 is usual


def zero_filled(file: SmallDataFile, name: str) -> Bools:
    """Tell which events (frames) hold a 0 that stands for nothing, shape (event,)."""
    info = file.info(name)
    filled = np.zeros(info.shape[0] if info.kind == FRAMES else file.n_events, dtype=np.bool_)
    for start, stop in _spans(file, info):
        filled[start : start + _proven(file, info, start, stop)] = True
    return filled


def doubtful_zeros(file: SmallDataFile, name: str) -> int:
    """Count the events at the start, or at that of a part, with a 0 that may stand for nothing.

    Neither those that are proven to, nor zeros of quantities that are 0 again later.
    """
    info, doubtful = file.info(name), 0
    for start, stop in _spans(file, info):
        count = _leading(file, info, start, stop)
        if count and (len(info.shape) > 1 or _later(file, name, start + count, stop).all()):
            doubtful += count - _proven(file, info, start, stop)
    return doubtful


def absent_events(file: SmallDataFile, name: str) -> Bools | None:
    """Tell in which events ``damage`` calls a field's detector absent or damaged, shape (event,).

    None where the file does not say. Stored as 1 = good, 0 = absent or damaged.
    """
    flag = f"damage/{name.split('/')[0].replace('-', '_')}"
    if flag not in file or file.info(flag).shape != (file.n_events,):
        return None
    return np.asarray(file.read(flag) == 0)


def _spans(file: SmallDataFile, info: FieldInfo) -> Iterator[tuple[int, int]]:
    """Yield first event and end of each part that could start with such zeros."""
    folder, _, leaf = info.name.rpartition("/")
    if file.ours or file.generation != "lcls2" or info.dtype == "str":
        return
    if info.kind == FRAMES and "/" in folder and leaf not in LINKS:
        yield from pairwise((*file.frame_starts, info.shape[0]))
    if info.kind != "event":
        return
    folder = folder.split("/")[0]
    if folder and folder not in NEVER and not info.name.endswith("_len"):
        yield from pairwise((*file.part_starts, file.n_events))


def _leading(file: SmallDataFile, info: FieldInfo, start: int, stop: int) -> int:
    for first in range(start, stop, BLOCK):
        rows = file.read(info.name, slice(first, min(first + BLOCK, stop)))
        other = np.flatnonzero(rows.reshape(len(rows), -1).any(axis=1))
        if len(other):
            return first - start + int(other[0])
    return stop - start


def _proven(file: SmallDataFile, info: FieldInfo, start: int, stop: int) -> int:
    """Return how many events from `start` on hold a 0 that stands for nothing."""
    flagged = absent_events(file, info.name)
    if flagged is not None:  # nothing is read of a detector that was there from the start
        there = np.flatnonzero(~flagged[start:stop])
        return _leading(file, info, start, start + int(there[0]) if len(there) else stop)
    count = _leading(file, info, start, stop)
    if not count:
        return 0
    if _is_float(info) and count >= MANY and _never_again(file, info.name, start + count, stop):
        return count
    if _is_float(info) and len(info.shape) == 1:
        return 0
    return min(count, _beside(file, info, start, stop))


def _beside(file: SmallDataFile, info: FieldInfo, start: int, stop: int) -> int:
    """Return for how many events other numbers of the same detector prove that it was absent."""
    folder = info.name.rpartition("/")[0]
    most = 0
    for name in file.names:
        other = file.info(name) if name.rpartition("/")[0] == folder else info
        if name == info.name or not _is_float(other) or other.kind != info.kind:
            continue
        if len(other.shape) == 1:
            count = _leading(file, other, start, stop)
            if count >= MANY and _never_again(file, name, start + count, stop):
                most = max(most, count)
    return most


def _never_again(file: SmallDataFile, name: str, first: int, stop: int) -> bool:
    if first == stop or len(file.info(name).shape) != 1:
        return False
    values = _later(file, name, first, stop)
    near = values[:LOOK]
    return bool(values.all() and len(near) and len(np.unique(near)) > VARIES * len(near))


def _later(file: SmallDataFile, name: str, first: int, stop: int) -> Array:
    values: Array = file.read(name, slice(first, stop))
    measured: Array = values[~missing_rows(values)]
    return measured


def _is_float(info: FieldInfo) -> bool:
    return info.dtype.startswith("float")
