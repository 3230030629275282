"""The packed part file: raw columns of one stack of events after the other, an index at the end."""

import json
import mmap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from workbench.core import clock
from workbench.core.arrays import Array, Ints, Times
from workbench.core.errors import InputError, NotThereError
from workbench.smalldata.layout import TIME_NAMES
from workbench.smalldata.opening import DamagedFileError
from workbench.smalldata.specs import DatasetSpec

MAGIC = b"WBPART02"
ALIGNMENT = 8  # bytes to whose multiple each column begins
NUMBER = np.dtype("<i8")  # of row numbers and lengths
TAIL = 8 + len(MAGIC)  # bytes: length of the index, then the magic word


@dataclass(frozen=True)
class Column:
    """Where one dataset of one block lies in its file.

    Parameters
    ----------
    values
        First byte.
    count
        Rows stored; entries of ragged data.
    where
        First byte of the row numbers; -1 where every row is stored.
    """

    values: int
    count: int
    where: int = -1


@dataclass(frozen=True)
class Block:
    """One stack of events of a part file, mapped into memory.

    Parameters
    ----------
    path
        The file.
    rows
        Events in the block.
    columns
        By dataset name.
    data
        The bytes of the file.
    """

    path: Path
    rows: int
    columns: Mapping[str, Column]
    data: Array

    def where(self, name: str) -> Ints | None:
        """Return which rows of the block have values, rising; None where all have."""
        column = self.columns[name]
        return None if column.where < 0 else self._numbers(column.where, column.count)

    def values(self, spec: DatasetSpec) -> Array:
        """Return the stored rows of a dataset, as a view where it holds numbers."""
        column = self.columns[spec.name]
        if spec.is_text:
            return self._texts(column, spec.shape)
        shape = (column.count, *spec.shape)
        return np.ndarray(shape, spec.stored, self.data, column.values)

    def _texts(self, column: Column, shape: tuple[int, ...]) -> Array:
        lengths = self._numbers(column.values, column.count * prod(shape))
        ends = np.cumsum(lengths)
        first = column.values + lengths.nbytes
        whole = self.data[first : first + int(lengths.sum())].tobytes()
        texts = np.empty(len(lengths), object)
        for row, (length, end) in enumerate(zip(lengths.tolist(), ends.tolist(), strict=True)):
            texts[row] = whole[end - length : end].decode()
        return texts.reshape(column.count, *shape)

    def _numbers(self, start: int, count: int) -> Ints:
        return np.ndarray((count,), NUMBER, self.data, start)


def index_text(blocks: Sequence[tuple[int, Mapping[str, Column]]]) -> bytes:
    """Return the index of a part file: rows and columns of each block."""
    listed = [
        [rows, {name: [one.values, one.count, one.where] for name, one in columns.items()}]
        for rows, columns in blocks
    ]
    text = json.dumps(listed).encode()
    return text + len(text).to_bytes(8, "little") + MAGIC


def read_parts(parts: Sequence[Path], specs: Sequence[DatasetSpec]) -> list[Block]:
    """Map part files and return their blocks in order.

    Raises `DamagedFileError` for a part that is cut off, `InputError` for one of other specs.
    """
    return [block for part in parts for block in _blocks(Path(part), specs)]


def part_times(part: Path, specs: Sequence[DatasetSpec]) -> Times:
    """Return the time stamps of a part file as LCLS-II counts them, shape (event,).

    Raises as `read_parts` does.
    """
    spec = next(spec for spec in specs if spec.name in TIME_NAMES)
    rows = [block.values(spec) for block in read_parts([part], specs)]
    stamps = np.concatenate([np.empty(0, np.int64), *rows])
    later = (clock.EPICS_EPOCH << 32) if spec.name == "event_time" else 0
    times: Times = (stamps - later).view(np.uint64)
    return times


def _blocks(path: Path, specs: Sequence[DatasetSpec]) -> list[Block]:
    data = np.frombuffer(_mapped(path), np.uint8)
    length = int.from_bytes(bytes(data[-TAIL : -TAIL + 8]), "little")
    if bytes(data[-len(MAGIC) :]) != MAGIC or not 0 < length <= len(data) - TAIL:
        raise DamagedFileError(f"{path}: not a whole part file; produce it again")
    listed: list[Any] = json.loads(bytes(data[-TAIL - length : -TAIL]))
    blocks = [
        Block(path, rows, {name: Column(*place) for name, place in columns.items()}, data)
        for rows, columns in listed
    ]
    for block in blocks:
        lacking = [spec.name for spec in specs if spec.name not in block.columns]
        if lacking:
            raise InputError(
                f"{path}: lacks {lacking[:5]}; it was written with other specs, remove it and "
                "produce again"
            )
    return blocks


def _mapped(path: Path) -> mmap.mmap:
    try:
        with path.open("rb") as file:
            return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except FileNotFoundError:
        raise NotThereError(f"there is no part file {path}; produce the run again") from None
    except (OSError, ValueError) as error:
        raise DamagedFileError(f"{path}: cannot be read ({error}); produce it again") from error
