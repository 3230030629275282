"""The rows of all parts in the order of the merged file, read block by block of memory."""

from collections.abc import Iterator, Sequence
from copy import copy
from dataclasses import dataclass

import numpy as np

from workbench.core.arrays import Array, Bools, Ints
from workbench.smalldata.layout import TIME_NAMES
from workbench.smalldata.packed import NUMBER, Block
from workbench.smalldata.specs import DatasetSpec

Which = slice | Ints


@dataclass(frozen=True)
class Piece:
    """Rows of one block and where they go.

    Parameters
    ----------
    block
        The block.
    rows
        In the block.
    targets
        In the result.
    """

    block: Block
    rows: Which
    targets: Which


class RowOrder:
    """All rows of all blocks, sorted by time; rows of equal time keep the order of the blocks.

    Parameters
    ----------
    blocks
        Of all parts, in their order.
    """

    def __init__(self, blocks: Sequence[Block]) -> None:
        self.blocks = blocks
        self._starts = _starts([block.rows for block in blocks])
        known = [name for name in TIME_NAMES if all(name in block.columns for block in blocks)]
        stamps = _joined([_column(block, known[0]) for block in blocks]).view(np.uint64)
        self.order: Ints = np.argsort(stamps, kind="stable")
        self.duplicates = int(np.count_nonzero(np.diff(stamps[self.order]) == 0))
        self._known: tuple[slice, list[Piece]] | None = None

    def __len__(self) -> int:
        return len(self.order)

    def only(self, rows: Ints) -> "RowOrder":
        """Return the order of some of the merged rows."""
        some = copy(self)
        some.order = self.order[rows]
        some._known = None  # noqa: SLF001 - one of its own kind
        return some

    def read(self, spec: DatasetSpec, rows: Which) -> Array:
        """Return some of the merged rows of a dataset that is not ragged."""
        wanted = self.order[rows]
        pieces = self._pieces(rows) if isinstance(rows, slice) else self._split_rows(wanted)
        wheres = [piece.block.where(spec.name) for piece in pieces]
        if not spec.is_text and all(where is None for where in wheres):
            values = np.empty((len(wanted), *spec.shape), spec.stored)
        else:
            values = spec.blank(len(wanted))
        for piece, where in zip(pieces, wheres, strict=True):
            given = piece.block.values(spec)
            if where is None:
                values[piece.targets] = given[piece.rows]
            else:
                _scatter(piece, where, given, values)
        return values

    def present(self, name: str) -> Bools:
        """Tell for each merged row whether a dataset has a value stored for it."""
        wheres = [block.where(name) for block in self.blocks]
        if all(where is None for where in wheres):
            return np.ones(len(self), np.bool_)
        known = np.ones(sum(block.rows for block in self.blocks), np.bool_)
        for where, block, start in zip(wheres, self.blocks, self._starts.tolist(), strict=True):
            if where is not None:
                known[start : start + block.rows] = False
                known[start + where] = True
        return known[self.order]

    def lengths(self, name: str) -> tuple[Ints, Ints]:
        """Return entries per event, and the first of them among those of all blocks."""
        counts = _joined([_column(block, name) for block in self.blocks])
        return counts[self.order], (np.cumsum(counts) - counts)[self.order]

    def entries(self, spec: DatasetSpec, wanted: Ints) -> Array:
        """Return entries of a ragged dataset by their numbers among those of all blocks."""
        starts = _starts([block.columns[spec.name].count for block in self.blocks])
        values = np.empty((len(wanted), *spec.shape), spec.stored)
        for piece in _split(self.blocks, starts, wanted):
            values[piece.targets] = piece.block.values(spec)[piece.rows]
        return values

    def _pieces(self, rows: slice) -> list[Piece]:
        """Return where rows lie; all columns of one size ask for the same ones."""
        if self._known is None or self._known[0] != rows:
            self._known = (rows, self._split_rows(self.order[rows]))
        return self._known[1]

    def _split_rows(self, wanted: Ints) -> list[Piece]:
        return list(_split(self.blocks, self._starts, wanted))


def _split(blocks: Sequence[Block], starts: Ints, wanted: Ints) -> Iterator[Piece]:
    """Yield which of the numbered rows lie in which block; slices where they can be."""
    together = _slice(wanted)
    if isinstance(together, slice):  # as nearly always: quicker than to look each of them up
        low, high = together.start, together.stop
        ends = [*starts[1:].tolist(), high]
        for block, start, end in zip(blocks, starts.tolist(), ends, strict=True):
            first, last = max(start, low), min(end, high)
            if first < last:
                yield Piece(
                    block, slice(first - start, last - start), slice(first - low, last - low)
                )
        return
    numbers = np.searchsorted(starts, wanted, side="right") - 1
    for number in np.unique(numbers).tolist():
        targets = np.flatnonzero(numbers == number)
        rows = wanted[targets] - starts[number]
        yield Piece(blocks[number], _slice(rows), _slice(targets))


def _slice(rows: Ints) -> Which:
    even = len(rows) and bool(np.all(np.diff(rows) == 1))
    return slice(int(rows[0]), int(rows[-1]) + 1) if even else rows


def _scatter(piece: Piece, where: Ints, given: Array, values: Array) -> None:
    """Fill in the rows that a block has stored."""
    if not len(where):
        return
    rows = np.arange(piece.block.rows)[piece.rows]
    targets = np.arange(len(values))[piece.targets]
    found = np.minimum(np.searchsorted(where, rows), len(where) - 1)
    stored = where[found] == rows
    values[targets[stored]] = given[found[stored]]


def _starts(lengths: Sequence[int]) -> Ints:
    """Return the number of the first row of each block; empty blocks have none of their own."""
    counts = np.array(lengths, np.int64)
    return np.cumsum(counts) - counts


def _column(block: Block, name: str) -> Ints:
    return np.asarray(block.values(DatasetSpec(name, "int64")), NUMBER)


def _joined(columns: Sequence[Ints]) -> Ints:
    return np.concatenate([np.empty(0, np.int64), *columns])
