"""Rows of plain datasets read straight from where they lie in the file, at the disk's speed."""

import os
from collections.abc import Callable

import h5py
import numpy as np
from h5py import h5d

from workbench.core.arrays import Array, Ints

Fill = Callable[[Array, int, int], None]


def direct_filler(dataset: h5py.Dataset) -> Fill | None:
    """Return a function (buffer, first, last) that puts rows at the start of a buffer.

    HDF5 copies every byte once more than needed. None where the values are packed, converted, cut
    across the rows, not all written, or not in a file of the operating system's: then HDF5 reads.
    """
    places = _places(dataset)
    if places is None:
        return None
    rows, starts = places
    handle = dataset.file.id.get_vfd_handle()
    row = dataset.dtype.itemsize * int(np.prod(dataset.shape[1:], dtype=np.int64))

    def fill(buffer: Array, first: int, last: int) -> None:
        target = memoryview(buffer.data).cast("B")
        done = 0
        while first < last:
            piece, into = divmod(first, rows)
            stop = min(last, (piece + 1) * rows)
            size = (stop - first) * row
            if os.preadv(handle, [target[done : done + size]], starts[piece] + into * row) != size:
                raise OSError(f"{dataset.name} ends before row {stop}")
            done += size
            first = stop

    return fill


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
