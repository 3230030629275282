"""Compressed chunks made by several threads at once; HDF5 itself makes one after the other."""

import zlib
from concurrent.futures import ThreadPoolExecutor

import h5py
import numpy as np

from workbench.core.arrays import Array
from workbench.core.local_workers import available_cores
from workbench.smalldata.specs import DatasetSpec

DEFLATE = 1  # level; higher ones make tables of zeros slower to write and no smaller to speak of


def write_deflated(
    dataset: h5py.Dataset, spec: DatasetSpec, length: int, start: int, values: Array
) -> None:
    """Write rows into whole chunks of `length` rows; the last one of the dataset may be cut off."""

    def chunk(first: int) -> bytes:
        return _chunk(spec, length, values[first : first + length])

    firsts = range(0, len(values), length)
    with ThreadPoolExecutor(available_cores()) as threads:
        for first, stored in zip(firsts, threads.map(chunk, firsts), strict=True):
            dataset.id.write_direct_chunk((start + first, *(0 for _ in spec.shape)), stored)


def _chunk(spec: DatasetSpec, length: int, values: Array) -> bytes:
    """Return a chunk as on file: first bytes of all numbers, all second ones..., then deflated."""
    if len(values) < length:
        values = np.concatenate([values, spec.blank(length - len(values))])
    places = np.ascontiguousarray(values).reshape(-1).view(np.uint8)
    return zlib.compress(places.reshape(-1, spec.stored.itemsize).T.tobytes(), DEFLATE)
