"""Datasets on file: how one is created, described by attributes and filled."""

from collections.abc import Mapping
from math import prod

import h5py
import numpy as np

from workbench.core.arrays import Array
from workbench.core.errors import InputError
from workbench.smalldata.layout import chunk_shape
from workbench.smalldata.specs import DatasetSpec, OnceValue

SPARSE = 0.5  # datasets with values in fewer rows than this are stored in small chunks
SPARSE_CHUNK_BYTES = 1 << 16
TEXT = h5py.string_dtype("utf-8")


def create_final(
    h5: h5py.File, spec: DatasetSpec, rows: int, *, filled: int | None = None
) -> h5py.Dataset:
    """Create a dataset of the merged file, shape (rows, *shape), with all its attributes.

    `filled` rows will be written, None: all. Where they are few, chunks are small, so that many
    hold nothing but fill values; those take no room in the file.
    """
    shape = (rows, *spec.shape)
    hollow = 0 in shape  # HDF5 has no chunks for a dataset without elements
    packing = {"compression": "gzip", "shuffle": True} if spec.compress and not hollow else {}
    dataset = h5.create_dataset(
        spec.name,
        shape=shape,
        chunks=None if hollow else _chunks(spec, rows, rows if filled is None else filled),
        dtype=TEXT if spec.is_text else spec.stored,
        fillvalue=None if spec.is_text else spec.fill,
        **packing,
    )
    describe(dataset, spec.unit, spec.long_name)
    dataset.attrs["_FillValue"] = "" if spec.is_text else spec.stored.type(spec.fill)
    dataset.dims[0].label = "entry" if spec.ragged else "event"
    for axis, name in enumerate(spec.dims, start=1):
        dataset.dims[axis].label = name.rsplit("/", 1)[-1]
    return dataset


def describe(dataset: h5py.Dataset, unit: str, long_name: str) -> None:
    """Write the attributes that every dataset carries."""
    dataset.attrs["units"] = unit
    dataset.attrs["long_name"] = long_name


def write_once(h5: h5py.File, once: Mapping[str, OnceValue]) -> None:
    """Write the values kept once a file, in order of their names."""
    for name, item in sorted(once.items()):
        value = np.asarray(item.value)
        if value.dtype.kind in "US":
            dataset = h5.create_dataset(name, data=value.astype(object), dtype=TEXT)
        elif value.dtype.kind in "biuf":
            dataset = h5.create_dataset(name, data=value)
        else:
            raise InputError(f"{name}: cannot store {value.dtype} values; use numbers or text")
        describe(dataset, item.unit, item.long_name)
        if value.dtype.kind == "f":
            dataset.attrs["_FillValue"] = value.dtype.type(np.nan)


def as_stored(spec: DatasetSpec, values: Array) -> Array:
    """Return values in the type on file; `InputError` where they do not fit the spec."""
    values = np.asarray(values)
    if values.ndim == 0 or values.shape[1:] != spec.shape:
        raise InputError(
            f"{spec.name}: rows of shape {values.shape[1:]} given, {spec.shape} declared"
        )
    if spec.is_text:
        return values.astype(object)
    if not np.can_cast(values.dtype, spec.stored, "same_kind"):
        raise InputError(f"{spec.name}: {values.dtype} values for a dataset of {spec.stored}")
    narrower = values.dtype.kind in "iu" and values.dtype.itemsize > spec.stored.itemsize
    if narrower and values.size:
        limits = np.iinfo(spec.stored.name)
        if values.min() < limits.min or values.max() > limits.max:
            raise InputError(
                f"{spec.name}: a value does not fit {spec.stored}; declare it as int64"
            )
    return values.astype(spec.stored)


def _chunks(spec: DatasetSpec, rows: int, filled: int) -> tuple[int, ...]:
    usual, *rest = chunk_shape(spec.shape, spec.stored, rows)
    row_bytes = prod(spec.shape) * spec.stored.itemsize
    few = max(1, SPARSE_CHUNK_BYTES // row_bytes)
    return (min(usual, few) if filled < rows * SPARSE else usual, *rest)
