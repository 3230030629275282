"""Rows of plain datasets read straight from where they lie in the file, at the disk's speed."""

import os
from collections.abc import Callable, Sequence

import h5py
import numpy as np
from h5py import h5d

from workbench.core.arrays import Array, Ints

Spans = Sequence[tuple[int, int]]  # first row and end of each stretch of rows
Fill = Callable[[Array, Spans], None]


def direct_filler(dataset: h5py.Dataset) -> Fill | None:
    """Return a function (buffer, spans) that puts spans of rows at the start of a buffer.

    HDF5 copies every byte once more than needed. None where the values are packed, converted, cut
    across the rows, not all written, or not in a file of the operating system's: then HDF5 reads.
    """
    places = _places(dataset)
    if places is None:
        return None
    rows, starts = places
    handle = dataset.file.id.get_vfd_handle()
    row = dataset.dtype.itemsize * int(np.prod(dataset.shape[1:], dtype=np.int64))

    def fill(buffer: Array, spans: Spans) -> None:
        target = memoryview(buffer.data).cast("B")
        done = 0
        for first, last in spans:
            while first < last:
                piece, into = divmod(first, rows)
                stop = min(last, (piece + 1) * rows)
                end = done + (stop - first) * row
                if not _read(handle, target[done:end], starts[piece] + into * row):
                    raise OSError(f"{dataset.name} ends before row {stop}")
                done, first = end, stop

    return fill


def _read(handle: int, target: memoryview, start: int) -> bool:
    """Fill a target from a place in the file; False where the file ends before."""
    count = os.preadv(handle, [target], start)
    while 0 < count < len(target):  # the system reads at most 2 GB at a time
        target, start = target[count:], start + count
        count = os.preadv(handle, [target], start)
    return count == len(target)


def _places(dataset: h5py.Dataset) -> tuple[int, list[int]] | None:
    """Return the rows of each piece and the byte at which each piece begins."""
    plain = dataset.dtype.kind in "iuf" and dataset.dtype.isnative and dataset.file.driver == "sec2"
    if not plain or dataset.id.get_create_plist().get_nfilters() or 0 in dataset.shape:
        return None
    if dataset.chunks is None:
        start = None if dataset.is_virtual or dataset.external else dataset.id.get_offset()
        return None if start is None else (len(dataset), [start])
    if dataset.chunks[1:] != dataset.shape[1:]:
        return None
    return _chunk_places(dataset.id, dataset.chunks[0], -(-len(dataset) // dataset.chunks[0]))


def _chunk_places(dataset: h5d.DatasetID, rows: int, count: int) -> tuple[int, list[int]] | None:
    starts: Ints = np.full(count, -1)

    def note(chunk: h5d.StoreInfo) -> None:
        starts[chunk.chunk_offset[0] // rows] = chunk.byte_offset

    dataset.chunk_iter(note)
    return None if (starts < 0).any() else (rows, starts.tolist())
