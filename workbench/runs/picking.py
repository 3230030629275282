"""Selected rows of a large dataset: each from its place, or in pieces that stay in the cache."""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import numpy as np

from workbench.core.arrays import Array, Bools
from workbench.core.errors import InputError

CACHE_LINE = 64  # bytes
PIECE_BYTES = 1 << 20  # read and picked from before the next: fits in the cache of one core
SPAN_BYTES = (
    1 << 14
)  # spans that are longer on average are read one by one, straight to their place
Spans = Sequence[tuple[int, int]]  # first row and end of each stretch of rows


@runtime_checkable
class FillsBuffer(Protocol):
    """Reads rows of a dataset into an array that is used again and again."""

    @property
    def whole(self) -> int:
        """Rows that the file keeps together."""

    @property
    def straight(self) -> bool:
        """Whether each span of rows is read from its place in the file."""

    def fill(self, buffer: Array, spans: Spans) -> None:
        """Put spans of stored rows, one after the other, at the start of a buffer."""


class Plain:
    """Reads rows into a buffer by way of a function that returns them."""

    whole = 1
    straight = False

    def __init__(self, read: "Read") -> None:
        self._read = read

    def fill(self, buffer: Array, spans: Spans) -> None:
        """Put spans of rows, one after the other, at the start of a buffer."""
        done = 0
        for first, last in spans:
            buffer[done : done + last - first] = self._read(first, last)
            done += last - first


class Read(Protocol):
    """Returns stored rows."""

    def __call__(self, first: int, last: int, /) -> Array:
        """Return the rows first to last."""


def pick(read: Read, first: int, good: Bools, out: Array) -> Array:
    """Return the rows of `out`, filled with the selected rows in the order of the file.

    HDF5 takes minutes over a list of rows. Long spans of plain rows are read straight to where
    they go; else pieces are read whole, and the rows wanted copied while a piece is in the cache.

    Parameters
    ----------
    read
        Returns rows, or fills a buffer with them (`FillsBuffer`).
    first
        Row of the dataset that the first entry of `good` stands for.
    good
        True for the rows wanted.
    out
        Where they go, shape (rows wanted, ...), of the type on file.
    """
    source: FillsBuffer = read if isinstance(read, FillsBuffer) else Plain(read)
    row = max(1, out.dtype.itemsize * int(np.prod(out.shape[1:], dtype=np.int64)))
    step = max(1, PIECE_BYTES // row // source.whole) * source.whole
    if len(out) and source.straight and out.flags.c_contiguous:
        spans = _spans(good, first)
        if out.nbytes >= SPAN_BYTES * len(spans):
            source.fill(out, spans)
            return out
    buffer = _aligned((min(step, max(1, len(good))), *out.shape[1:]), out.dtype)
    filled = 0
    start = -(first % source.whole)  # pieces begin where those of the file do
    for low in range(start, len(good), step):
        picked = np.flatnonzero(good[max(0, low) : low + step]) + max(0, low)
        if not picked.size:
            continue
        near, far = int(picked[0]), int(picked[-1]) + 1
        source.fill(buffer, [(first + near, first + far)])
        # "clip" copies without a check of every index, which `good` makes needless
        np.take(buffer, picked - near, axis=0, out=out[filled : filled + len(picked)], mode="clip")
        filled += len(picked)
    return out


def _spans(good: Bools, first: int) -> list[tuple[int, int]]:
    """Return the stretches of rows wanted, each with its first row and its end."""
    edges = np.flatnonzero(np.diff(good, prepend=False, append=False)) + first
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))


def check_out(out: Array | None, shape: tuple[int, ...], dtype: np.dtype[np.generic]) -> Array:
    """Return the array to fill: a new one, or the one given if the rows fit it exactly."""
    if out is None:
        return np.empty(shape, dtype=dtype)
    if out.shape != shape or out.dtype != dtype or not out.flags.writeable:
        raise InputError(
            f"out has shape {out.shape} and type {out.dtype}; the selected rows need a writeable "
            f"array of shape {shape} and type {dtype}"
        )
    return out


def _aligned(shape: tuple[int, ...], dtype: np.dtype[np.generic]) -> Array:
    """Return an array that begins where a cache line does; NumPy's own begin 16 bytes behind.

    The system copies to it four times faster.
    """
    if dtype.hasobject:  # texts and ragged rows are references, not bytes
        return np.empty(shape, dtype=dtype)
    size = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
    room = np.empty(size + CACHE_LINE, dtype=np.uint8)
    start = -room.ctypes.data % CACHE_LINE
    return room[start : start + size].view(dtype).reshape(shape)
