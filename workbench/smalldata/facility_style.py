"""Small-data files laid out as the facility's own writers do, for tests of the reader.

LCLS-I: one extendable dataset a leaf, in the chunks that PyTables chooses, without attributes;
what is kept once has shape (1,) where it is a number or a text. LCLS-II: a virtual file over
parts, by absolute paths; rows in the order of the parts, and 0 instead of NaN before a dataset's
first value in a part.
"""

from collections.abc import Mapping
from pathlib import Path

import h5py
import numpy as np

from workbench.core.arrays import Array, Bools, Ints
from workbench.core.atomic import replacing
from workbench.smalldata.missing import missing_rows

PARTS = 3  # as many as there were writing nodes
BATCH = 105  # events that a node takes at a time; the facility's default is 100
PYTABLES_CHUNK = 65_536  # bytes, what PyTables takes when not told how many rows will come
LCLS2_CACHE = 100  # rows of a chunk

Value = Array | float | int | str | list[str]


def write_lcls1(path: Path, columns: Mapping[str, Array], once: Mapping[str, Value]) -> None:
    """Write a file as the LCLS-I producer does.

    Parameters
    ----------
    columns
        One row per event by path; those of ``var_`` groups as object arrays of arrays, others
        with object arrays become variable-length datasets, as ``ragged_`` leaves are.
    once
        Values kept once a file, by path.
    """
    with replacing(path) as target, h5py.File(target, "w", libver="earliest") as h5:
        for name, values in columns.items():
            if values.dtype != object:
                _create(h5, name, values, PYTABLES_CHUNK)
            elif _is_var(name):
                flat, lengths = _flatten(values)
                _create(h5, name, flat, PYTABLES_CHUNK)
                _lengths(h5, name, lengths)
            else:
                _create_ragged(h5, name, values)
        for name, value in once.items():
            _write_once(h5, name, value)


def write_lcls2(path: Path, columns: Mapping[str, Array], once: Mapping[str, Value]) -> None:
    """Write a virtual file and its parts, ``<stem>_part<k>.h5``, as the LCLS-II producer does.

    Parameters are those of `write_lcls1`; all variable columns must be in ``var_`` groups.
    """
    events = np.arange(len(columns["timestamp"]))
    parts = [path.with_name(f"{path.stem}_part{k}.h5").absolute() for k in range(PARTS)]
    rows = [events[events // BATCH % PARTS == k] for k in range(PARTS)]
    for part, mine in zip(parts, rows, strict=True):
        with replacing(part) as target, h5py.File(target, "w") as h5:
            _write_part(h5, columns, mine)
    with replacing(path) as target, h5py.File(target, "w", libver="latest") as h5:
        _join(h5, parts)
        for name, value in once.items():
            _write_once(h5, name, value)


def _write_part(h5: h5py.File, columns: Mapping[str, Array], rows: Ints) -> None:
    """Write the rows of one node; one that saw no event makes no dataset."""
    for name, values in columns.items() if len(rows) else ():
        mine = values[: len(rows)] if _repeats(values) else values[rows]
        if values.dtype == object:
            flat, lengths = _flatten(mine)
            _create(h5, name, flat, 0)
            _lengths(h5, name, lengths)
        else:
            _create(h5, name, _back_filled(mine), 0)


def _back_filled(values: Array) -> Array:
    """Return a copy with 0 before the first row that has a value: the dataset was made then."""
    if _repeats(values):
        return values
    missing: Bools = missing_rows(values)
    if missing.all():
        return values
    filled = values.copy()
    filled[: int(np.argmin(missing))] = 0
    return filled


def _join(h5: h5py.File, parts: list[Path]) -> None:
    found: dict[str, list[h5py.VirtualSource]] = {}
    for part in parts:
        with h5py.File(part, "r") as source:
            for name in _dataset_names(source):
                found.setdefault(name, []).append(h5py.VirtualSource(source[name]))
    for name, sources in found.items():
        total = sum(source.shape[0] for source in sources)
        layout = h5py.VirtualLayout((total, *sources[0].shape[1:]), sources[0].dtype)
        start = 0
        for source in sources:
            layout[start : start + source.shape[0]] = source
            start += source.shape[0]
        fill = np.nan if sources[0].dtype.kind == "f" else -99999
        h5.create_virtual_dataset(name, layout, fillvalue=fill)


def _dataset_names(h5: h5py.File) -> list[str]:
    names: list[str] = []

    def note(name: str, item: h5py.HLObject) -> None:
        if isinstance(item, h5py.Dataset):
            names.append(name)

    h5.visititems(note)
    return names


def _create(h5: h5py.File, name: str, values: Array, chunk_bytes: int) -> h5py.Dataset:
    row = max(1, int(np.prod(values.shape[1:], dtype=np.int64)) * values.dtype.itemsize)
    rows = max(1, chunk_bytes // row) if chunk_bytes else LCLS2_CACHE
    dataset = h5.create_dataset(
        name,
        shape=values.shape,
        dtype=values.dtype,
        maxshape=(None, *values.shape[1:]),
        chunks=(rows, *(max(1, length) for length in values.shape[1:])),
        fillvalue=values.flat[0] if _repeats(values) else None,
    )
    if not _repeats(values):
        dataset[:] = values
    return dataset


def _repeats(values: Array) -> bool:
    """Tell whether an array is one number spread out: it is declared, not written."""
    return values.size > 1 and not any(values.strides)


def _create_ragged(h5: h5py.File, name: str, values: Array) -> None:
    kind = np.asarray(values[0]).dtype if len(values) else np.dtype(np.float64)
    dataset = h5.create_dataset(
        name, (len(values),), h5py.vlen_dtype(kind), maxshape=(None,), chunks=(512,)
    )
    dataset[:] = values


def _flatten(values: Array) -> tuple[Array, Ints]:
    lengths = np.array([len(row) for row in values], dtype=np.int64)
    flat: Array = np.concatenate(list(values)) if len(values) else np.empty(0)
    return flat, lengths


def _lengths(h5: h5py.File, name: str, lengths: Ints) -> None:
    sizes = f"{name.rpartition('/')[0]}_len"
    if sizes not in h5:
        _create(h5, sizes, lengths, PYTABLES_CHUNK)


def _is_var(name: str) -> bool:
    return name.split("/")[-2].startswith("var_")


def _write_once(h5: h5py.File, name: str, value: Value) -> None:
    stored = np.atleast_1d(np.asarray(value))
    if stored.dtype.kind in "US":
        stored = np.char.encode(stored.astype(str), "utf-8")  # text of a fixed length
    fill = stored.flat[0] if _repeats(stored) else None
    h5.create_dataset(
        name, stored.shape, stored.dtype, None if fill is not None else stored, fillvalue=fill
    )
