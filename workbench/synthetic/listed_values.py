"""Made-up values for named fields: time stamps, flags and counters as such, noise for the rest."""

import re
import zlib
from collections.abc import Iterator, Mapping

import numpy as np

from workbench.core.arrays import Array, Ints
from workbench.core.clock import EPICS_EPOCH
from workbench.synthetic.dialect import FIDUCIALS
from workbench.synthetic.pump_probe import RATE, PumpProbe
from workbench.synthetic.shots import event_times

LARGEST = 64  # values of an event that are written; longer ones are only declared
PAGE = 4096  # values kept once that are written
_TEXT = re.compile(
    r"(name|detname|detNames|detAlias|PVlist\w*|ttNames|PV_\d+|PVname_\d+|\w*_name|\w*poni_file|"
    r"\w*int_units)"
)
_FLAG = re.compile(r"(evr/code_\d+|lightStatus/\w+|timing/eventcodes|l3t/accept)")
_COUNT = re.compile(r"(\w+/droplet_n\w+|scan/varStep|timing/\w+|.*_len)")
_SECONDS = re.compile(r"(epics|epicsAll|scan)/(lxt\w*|txt)")


class ListedColumns(Mapping[str, Array]):
    """The columns of a file by name, each made when it is asked for."""

    def __init__(self, shapes: Mapping[str, tuple[int, ...]], n_events: int) -> None:
        lengths = {_length_name(name) for name in shapes if _is_var(name)}
        self._shapes = {name: shape for name, shape in shapes.items() if name not in lengths}
        self._n_events = n_events

    def __getitem__(self, name: str) -> Array:
        return _column(name, self._shapes[name], np.arange(self._n_events))

    def __iter__(self) -> Iterator[str]:
        return iter(self._shapes)

    def __len__(self) -> int:
        return len(self._shapes)


def listed_once(name: str, shape: tuple[int, ...]) -> Array:
    """Return a value that is kept once a file; one of more than a page repeats one number."""
    leaf = name.rpartition("/")[2]
    if _TEXT.fullmatch(leaf):
        return np.full(shape, leaf, dtype="S32")
    kind = np.uint8 if "mask" in leaf.lower() else np.float32
    if int(np.prod(shape)) > PAGE:
        return np.broadcast_to(np.ones((), kind), shape)
    return np.ones(shape, kind) if kind is np.uint8 else _noise(name, shape)


def _column(name: str, shape: tuple[int, ...], events: Ints) -> Array:
    if name in {"event_time", "timestamp"}:
        stamps = event_times(PumpProbe(), events).astype(np.int64)
        return stamps + (EPICS_EPOCH << 32) * (name == "event_time")
    if name == "fiducials":
        return (events * (360 // RATE)) % FIDUCIALS
    if _is_var(name) or "/ragged_" in name:
        return _ragged(name, events)
    if name.startswith("damage/"):
        return np.ones(len(events), np.int64)
    whole = (len(events), *shape)
    if int(np.prod(shape)) > LARGEST and not _FLAG.fullmatch(name):
        return np.broadcast_to(np.full((), np.nan, np.float32), whole)
    if _FLAG.fullmatch(name):
        every = 2 + zlib.crc32(name.encode()) % 7
        shown = (events % every != 0).reshape(-1, *(1 for _ in shape))
        return np.broadcast_to(shown, whole).astype(np.int64)
    if _COUNT.fullmatch(name):
        steps = events * 10 // max(1, len(events))
        return np.broadcast_to(steps.reshape(-1, *(1 for _ in shape)), whole).copy()
    return _noise(name, whole) * (1e-12 if _SECONDS.fullmatch(name) else 1.0)


def _noise(name: str, shape: tuple[int, ...]) -> Array:
    return 1 + 0.1 * np.random.default_rng(zlib.crc32(name.encode())).standard_normal(shape)


def _ragged(name: str, events: Ints) -> Array:
    """Return event % 4 numbers for each event, of whole pixels for places."""
    counts = events % 4
    whole = name.rpartition("/")[2] in {"row", "col", "tile", "npix"}
    flat = np.arange(counts.sum()) % 500 if whole else _noise(name, (int(counts.sum()),))
    rows = np.empty(len(events), dtype=object)
    ends = np.cumsum(counts)
    for event, (end, count) in enumerate(zip(ends.tolist(), counts.tolist(), strict=True)):
        rows[event] = flat[end - count : end]
    return rows


def _is_var(name: str) -> bool:
    parts = name.split("/")
    return len(parts) > 1 and parts[-2].startswith("var_")


def _length_name(name: str) -> str:
    return f"{name.rpartition('/')[0]}_len"
