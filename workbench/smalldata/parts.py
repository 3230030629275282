"""Part files: what one worker writes, in the order in which it met the events."""

from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import h5py
import numpy as np

from workbench.core.arrays import Array, Ints
from workbench.core.atomic import replacing
from workbench.core.errors import InputError
from workbench.smalldata.columns import as_stored, create_column
from workbench.smalldata.layout import CHUNK_ROWS, TIME_NAMES
from workbench.smalldata.sink import create_hdf5
from workbench.smalldata.specs import DatasetSpec

BUFFER_BYTES = 1 << 20  # of one dataset, kept in memory before it is written


@contextmanager
def create_part(path: Path, specs: Sequence[DatasetSpec]) -> Generator["Part"]:
    """Write one part file; it appears under `path` when the block succeeds.

    Raises `CannotWriteError` where the folder refuses or the disk is full.
    """
    with replacing(Path(path)) as target, create_hdf5(target) as (h5, sink):
        part = Part(h5, specs, sink.check)
        yield part
        part.flush()


class Part:
    """An open part file that takes stacks of events."""

    def __init__(
        self, h5: h5py.File, specs: Sequence[DatasetSpec], check_disk: Callable[[], None]
    ) -> None:
        self._check_disk = check_disk
        self._specs = {spec.name: spec for spec in specs}
        named = [name for name in TIME_NAMES if name in self._specs]
        if not named:
            raise InputError("a part needs the dataset 'timestamp' or 'event_time' (int64)")
        self._time = named[0]
        self._columns = {spec.name: _Column(h5, spec) for spec in specs}
        lengths = {
            spec.length_name: DatasetSpec(spec.length_name, "int64", long_name="entries per event")
            for spec in specs
            if spec.ragged
        }
        self._lengths = {name: _Column(h5, spec) for name, spec in lengths.items()}
        self.n_events = 0

    def append(self, values: Mapping[str, Array]) -> None:
        """Add the rows of one stack; every declared dataset must be given, all equally long."""
        missing = sorted(self._specs.keys() - values.keys())
        unknown = sorted(values.keys() - self._specs.keys())
        if missing or unknown:
            raise InputError(f"part file: lacks {missing}, does not know {unknown}")
        rows = len(values[self._time])
        lengths: dict[str, Ints] = {}
        for name, spec in self._specs.items():
            if len(values[name]) != rows:
                raise InputError(f"{name}: {len(values[name])} rows given, {rows} time stamps")
            if spec.ragged:
                _agree(lengths, spec, _lengths(values[name]))
                self._columns[name].add(_flat(spec, values[name]))
            else:
                self._columns[name].add(as_stored(spec, values[name]))
        for name, counts in lengths.items():
            self._lengths[name].add(counts)
        self.n_events += rows
        self._check_disk()

    def flush(self) -> None:
        """Write what is still in memory."""
        for column in (*self._columns.values(), *self._lengths.values()):
            column.flush()


class _Column:
    """One growing dataset and the rows not yet written to it."""

    def __init__(self, h5: h5py.File, spec: DatasetSpec) -> None:
        self._dataset = create_column(h5, spec, CHUNK_ROWS)
        self._waiting: list[Array] = []
        self._bytes = 0

    def add(self, rows: Array) -> None:
        """Take rows; write them when enough have come together."""
        self._waiting.append(rows)
        self._bytes += rows.nbytes
        if self._bytes >= BUFFER_BYTES:
            self.flush()

    def flush(self) -> None:
        """Write the waiting rows at the end of the dataset."""
        rows = sum(len(block) for block in self._waiting)
        if not rows:
            return
        start = len(self._dataset)
        self._dataset.resize(start + rows, axis=0)
        self._dataset[start:] = np.concatenate(self._waiting)
        self._waiting = []
        self._bytes = 0


def _lengths(rows: Array) -> Ints:
    return np.array([0 if row is None else len(row) for row in rows], dtype=np.int64)


def _agree(lengths: dict[str, Ints], spec: DatasetSpec, counts: Ints) -> None:
    known = lengths.setdefault(spec.length_name, counts)
    if not np.array_equal(known, counts):
        raise InputError(
            f"{spec.name}: not as many entries per event as its neighbours in {spec.length_name}"
        )


def _flat(spec: DatasetSpec, rows: Array) -> Array:
    filled = [as_stored(spec, row) for row in rows if row is not None and len(row)]
    if not filled:
        return np.empty((0, *spec.shape), dtype=spec.stored)
    return np.concatenate(filled)
