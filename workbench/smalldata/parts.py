"""Part files: what one worker writes, in the order in which it met the events."""

from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from workbench.core.arrays import Array, Ints
from workbench.core.atomic import appearing
from workbench.core.errors import InputError
from workbench.smalldata.columns import as_stored
from workbench.smalldata.layout import TIME_NAMES
from workbench.smalldata.packed import ALIGNMENT, NUMBER, Column, index_text
from workbench.smalldata.specs import DatasetSpec

BUFFER_BYTES = 1 << 20  # gathered before they are written


@dataclass(frozen=True)
class SomeRows:
    """Values of some events of a stack; the others lack them, and take no room in the part.

    Parameters
    ----------
    where
        Rows of the stack, rising, shape (n,).
    values
        Shape (n, ...).
    """

    where: Ints
    values: Array


Rows = Array | SomeRows


@contextmanager
def create_part(path: Path, specs: Sequence[DatasetSpec]) -> Generator["Part"]:
    """Write one part file; it appears under `path` when the block succeeds.

    It is not flushed to disk: when the machine goes down, the run is produced again.
    Raises `CannotWriteError` where the folder refuses or the disk is full.
    """
    with appearing(Path(path)) as place, place.open("wb", buffering=BUFFER_BYTES) as file:
        part = Part(file, specs)
        yield part
        part.finish()


class Part:
    """An open part file that takes stacks of events.

    Raises
    ------
    InputError
        Without a dataset of time stamps.
    """

    def __init__(self, file: BinaryIO, specs: Sequence[DatasetSpec]) -> None:
        self._file = file
        self._end = 0
        self._specs = {spec.name: spec for spec in specs}
        named = [name for name in TIME_NAMES if name in self._specs]
        if not named:
            raise InputError("a part needs the dataset 'timestamp' or 'event_time' (int64)")
        self._time = named[0]
        self._blocks: list[tuple[int, dict[str, Column]]] = []

    @property
    def n_events(self) -> int:
        """Number of events taken so far."""
        return sum(rows for rows, _ in self._blocks)

    def append(self, values: Mapping[str, Rows]) -> None:
        """Add the rows of one stack; every declared dataset must be given, all equally long.

        Raises
        ------
        InputError
            For a dataset that is missing, not declared, or of another number of rows.
        """
        missing = sorted(self._specs.keys() - values.keys())
        unknown = sorted(values.keys() - self._specs.keys())
        if missing or unknown:
            raise InputError(f"part file: lacks {missing}, does not know {unknown}")
        stamps = values[self._time]
        rows = 0 if isinstance(stamps, SomeRows) else len(stamps)
        lengths: dict[str, Ints] = {}
        columns: dict[str, Column] = {}
        for name, spec in self._specs.items():
            given = values[name]
            if isinstance(given, SomeRows) and spec.ragged:
                given = _everywhere(spec, given, rows)
            if isinstance(given, SomeRows):
                columns[name] = self._some(spec, given, rows)
                continue
            if len(given) != rows:
                raise InputError(f"{name}: {len(given)} rows given, {rows} time stamps")
            if spec.ragged:
                _agree(lengths, spec, _lengths(given))
                flat = _flat(spec, given)
                columns[name] = Column(self._write(flat), len(flat))
            elif spec.is_text:
                columns[name] = self._texts(as_stored(spec, given))
            else:
                columns[name] = Column(self._write(as_stored(spec, given)), rows)
        for name, counts in lengths.items():
            columns[name] = Column(self._write(counts), rows)
        self._blocks.append((rows, columns))

    def finish(self) -> None:
        """Write the index."""
        self._file.write(index_text(self._blocks))

    def _some(self, spec: DatasetSpec, given: SomeRows, rows: int) -> Column:
        where = _rising(spec, given, rows)
        values = as_stored(spec, given.values)
        return Column(self._write(values), len(where), self._write(where))

    def _texts(self, texts: Array) -> Column:
        encoded = [str(text).encode() for text in texts.ravel()]
        lengths = np.array([len(text) for text in encoded], NUMBER)
        data = lengths.tobytes() + b"".join(encoded)
        return Column(self._write(np.frombuffer(data, np.uint8)), len(texts))

    def _write(self, values: Array) -> int:
        """Write an array at the next aligned byte; return that byte."""
        gap = -self._end % ALIGNMENT
        start = self._end + gap
        self._file.write(bytes(gap))
        if values.size:
            self._file.write(np.ascontiguousarray(values).reshape(-1).view(np.uint8).data)
        self._end = start + values.nbytes
        return start


def _rising(spec: DatasetSpec, given: SomeRows, rows: int) -> Ints:
    where = np.asarray(given.where, NUMBER)
    rising = bool(np.all(np.diff(where, prepend=-1, append=rows) > 0))
    if spec.is_text or not rising or len(where) != len(given.values):
        raise InputError(
            f"{spec.name}: give numbers with rising row numbers below {rows}, as many of both"
        )
    return where


def _everywhere(spec: DatasetSpec, given: SomeRows, rows: int) -> Array:
    """Return one array per event of the stack; None where there is none."""
    every = spec.blank(rows)
    every[_rising(spec, given, rows)] = given.values
    return every


def _lengths(rows: Array) -> Ints:
    return np.array([0 if row is None else len(row) for row in rows], dtype=NUMBER)


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
