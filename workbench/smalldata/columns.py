"""Datasets on file: how one is created, described by attributes and filled."""

from collections.abc import Mapping
from functools import cache
from math import prod

import h5py
import numpy as np
from h5py import h5a, h5d, h5ds, h5p, h5s, h5t

from workbench.core.arrays import Array
from workbench.core.errors import InputError
from workbench.smalldata.deflated import DEFLATE
from workbench.smalldata.facts import Facts
from workbench.smalldata.layout import chunk_shape
from workbench.smalldata.specs import DatasetSpec, OnceValue

SPARSE = 0.5  # datasets with values in fewer rows than this are stored in small chunks
SPARSE_CHUNK_BYTES = 1 << 16
TEXT = h5py.string_dtype("utf-8")
_TEXT_TYPE = h5t.py_create(TEXT, logical=True)
_SCALAR = h5s.create(h5s.SCALAR)
_WITH_GROUPS = h5p.create(h5p.LINK_CREATE)
_WITH_GROUPS.set_create_intermediate_group(True)


def create_final(
    h5: h5py.File, spec: DatasetSpec, rows: int, *, filled: int | None = None
) -> tuple[h5py.Dataset, Facts]:
    """Create a dataset of the merged file, shape (rows, *shape), with all its attributes.

    Returns also what a listing of the file would say of it, as far as it is known: HDF5 takes
    longer to tell. `filled` rows will be written, None: all. Where they are few, chunks are small,
    so that many hold nothing but fill values; those take no room in the file.
    """
    shape = (rows, *spec.shape)
    chunks: tuple[int, ...] = ()
    layout = h5p.create(h5p.DATASET_CREATE)
    layout.set_obj_track_times(False)  # equal input gives equal bytes
    if 0 not in shape:  # HDF5 has no chunks for a dataset without elements
        chunks = _chunks(spec, rows, rows if filled is None else filled)
        layout.set_chunk(chunks)
        if spec.compress:
            layout.set_shuffle()
            layout.set_deflate(DEFLATE)
    if not spec.is_text:
        layout.set_fill_value(np.array(spec.fill, spec.stored))
    kind = _TEXT_TYPE if spec.is_text else _type_on_file(spec.stored)
    name, space = spec.name.encode(), h5s.create_simple(shape)
    dataset = h5py.Dataset(h5d.create(h5.id, name, kind, space, layout, _WITH_GROUPS))
    describe(dataset, spec.unit, spec.long_name)
    put(dataset, "_FillValue", "" if spec.is_text else spec.stored.type(spec.fill))
    labels = _labels(spec)
    for axis, label in enumerate(labels):
        if label:
            h5ds.set_label(dataset.id, axis, label.encode())
    dtype = "str" if spec.is_text else str(spec.stored)
    facts = Facts(
        spec.name, shape, dtype, spec.unit, spec.long_name, None, labels, chunks, grows=False
    )
    return dataset, facts


def describe(dataset: h5py.Dataset, unit: str, long_name: str) -> None:
    """Write the attributes that every dataset carries."""
    put(dataset, "units", unit)
    put(dataset, "long_name", long_name)


def put(item: h5py.HLObject, name: str, value: str | int | np.generic) -> None:
    """Add an attribute that is not there yet; three times faster than ``item.attrs[name] = ...``.

    A production writes hundreds of them.
    """
    if isinstance(value, str):
        h5a.create(item.id, name.encode(), _TEXT_TYPE, _SCALAR).write(np.array(value, TEXT))
    else:
        stored = np.asarray(value)
        kind = _type_on_file(stored.dtype)
        h5a.create(item.id, name.encode(), kind, _SCALAR).write(stored, kind)


def write_once(h5: h5py.File, once: Mapping[str, OnceValue]) -> list[Facts]:
    """Write the values kept once a file, in order of their names; return what they are."""
    facts: list[Facts] = []
    for name, item in sorted(once.items()):
        value = np.asarray(item.value)
        text = value.dtype.kind in "US"
        if text:
            dataset = h5.create_dataset(name, data=value.astype(object), dtype=TEXT)
        elif value.dtype.kind in "biuf":
            dataset = h5.create_dataset(name, data=value)
        else:
            raise InputError(f"{name}: cannot store {value.dtype} values; use numbers or text")
        describe(dataset, item.unit, item.long_name)
        if value.dtype.kind == "f":
            put(dataset, "_FillValue", value.dtype.type(np.nan))
        kind = "str" if text else str(value.dtype)
        facts.append(
            Facts(name, value.shape, kind, item.unit, item.long_name, None, (), (), grows=False)
        )
    return facts


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
    return values.astype(spec.stored, copy=False)


@cache
def _type_on_file(dtype: np.dtype[np.generic]) -> h5t.TypeID:
    return h5t.py_create(dtype, logical=True)


def _chunks(spec: DatasetSpec, rows: int, filled: int) -> tuple[int, ...]:
    usual, *rest = chunk_shape(spec.shape, spec.stored, rows)
    row_bytes = prod(spec.shape) * spec.stored.itemsize
    few = max(1, SPARSE_CHUNK_BYTES // row_bytes)
    return (min(usual, few) if filled < rows * SPARSE else usual, *rest)


def _labels(spec: DatasetSpec) -> tuple[str, ...]:
    """Return the name of each axis; "" for those that have none."""
    inner = spec.labels or tuple(dim.rsplit("/", 1)[-1] for dim in spec.dims)
    first = "intg_event" if spec.name.startswith("intg/") else "event"
    return ("entry" if spec.ragged else first, *(inner or ("",) * len(spec.shape)))
