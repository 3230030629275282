"""The live file: rows of a run that is still being taken, readable while they are added (SWMR).

A reader sees rows as soon as they are flushed; it must open the file as HDF5's SWMR readers do,
which `open_file` does by itself. SWMR needs a file system on which writes appear in order: local
disks, Lustre, Weka; not NFS.
"""

from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from math import prod
from pathlib import Path
from shutil import disk_usage

import h5py
import numpy as np

from workbench.core.arrays import Array
from workbench.core.atomic import CannotWriteError
from workbench.smalldata.columns import as_stored, describe, put, write_once
from workbench.smalldata.layout import LIBRARY_BOUNDS, TIME_NAMES, length_name
from workbench.smalldata.packed import Block, read_parts
from workbench.smalldata.parts import Rows, SomeRows
from workbench.smalldata.record import write_identity
from workbench.smalldata.specs import DatasetSpec, OnceValue

CHUNK_ROWS = 256  # two seconds of events: a chunk is written anew each time that it grows
CHUNK_BYTES = 1 << 18
TEXT_BYTES = 128  # of a text: rows of texts without a limit cannot be read along
TEXT = h5py.string_dtype("utf-8", TEXT_BYTES)
ROOM = 64 << 20  # bytes to leave on a disk: HDF5 does not survive one that is full


def live_name(target: Path) -> Path:
    """Return the live file that belongs to a small-data file."""
    return target.with_name(f"{target.stem}.live.h5")


def final_name(path: Path) -> Path:
    """Return the file that a live file becomes; any other file is what it is."""
    return path.with_name(f"{path.name.removesuffix('.live.h5')}.h5") if is_live(path) else path


def is_live(path: Path) -> bool:
    """Tell by its name whether a file is a live file."""
    return path.name.endswith(".live.h5")


@contextmanager
def create_live(
    target: Path,
    specs: Sequence[DatasetSpec],
    *,
    place: Path,
    attributes: Mapping[str, str | int],
    once: Mapping[str, OnceValue],
) -> Generator["LiveFile"]:
    """Write a live file; it appears under `target` by a rename, when others may read along.

    At the end of the block it stays, with the rows that it has. Texts are cut after 128 bytes;
    run sums are not in it. Raises `CannotWriteError` where the folder refuses or the disk is full.

    Parameters
    ----------
    specs
        Of the rows.
    place
        Folder, on the same file system, in which the file is begun.
    attributes
        Root attributes: experiment, run, generation.
    once
        Values kept once a file that are known already.
    """
    begun = place / target.name
    try:
        h5 = h5py.File(begun, "w", libver=LIBRARY_BOUNDS)
    except OSError as error:
        raise CannotWriteError(
            f"cannot write {begun}: {error}; free space or choose another folder"
        ) from error
    with h5:
        write_identity(h5, attributes)
        write_once(h5, once)
        datasets = {spec.name: _create(h5, spec) for spec in _all_specs(specs)}
        h5.swmr_mode = True
        begun.replace(target)
        yield LiveFile(target, specs, datasets)


class LiveFile:
    """An open live file that takes stacks of events."""

    def __init__(
        self, path: Path, specs: Sequence[DatasetSpec], datasets: Mapping[str, h5py.Dataset]
    ) -> None:
        self.path = path
        self._specs = specs
        self._datasets = datasets

    def append(self, values: Mapping[str, Rows]) -> int:
        """Add the rows of one stack, its time stamps last, which count them; return how many."""
        stamps = next(values[name] for name in TIME_NAMES if name in values)
        n_events = 0 if isinstance(stamps, SomeRows) else len(stamps)
        flat = {spec.name: _column(spec, values[spec.name], n_events) for spec in self._specs}
        self._check_room(sum(rows.nbytes for rows in flat.values()))
        lengths = {
            spec.length_name: _lengths(values[spec.name], n_events)
            for spec in self._specs
            if spec.ragged
        }
        for name, rows in sorted((flat | lengths).items(), key=lambda item: _turn(item[0])):
            dataset = self._datasets[name]
            first = len(dataset)
            dataset.resize(first + len(rows), axis=0)
            dataset[first:] = rows
            dataset.flush()
        return n_events

    def append_part(self, part: Path) -> None:
        """Add the rows of a finished part file."""
        for block in read_parts([part], self._specs):
            self.append({spec.name: _rows_of(block, spec) for spec in self._specs})

    def _check_room(self, needed: int) -> None:
        free = disk_usage(self.path.parent).free
        if free < needed + ROOM:
            raise CannotWriteError(
                f"cannot go on with {self.path}: {free >> 20} MB are free on its disk; free space, "
                "then go on with --live --resume"
            )


def _turn(name: str) -> int:
    """Return when a dataset is written: entries before their counts, time stamps at the end."""
    return 2 if name in TIME_NAMES else int(name.endswith("_len"))


def _all_specs(specs: Sequence[DatasetSpec]) -> Iterator[DatasetSpec]:
    yield from specs
    for name in dict.fromkeys(spec.length_name for spec in specs if spec.ragged):
        yield DatasetSpec(name, "int64", long_name="entries per event")


def _create(h5: h5py.File, spec: DatasetSpec) -> h5py.Dataset:
    dtype = TEXT if spec.is_text else spec.stored
    row = max(1, prod(spec.shape) * (TEXT_BYTES if spec.is_text else spec.stored.itemsize))
    rows = max(1, min(CHUNK_ROWS, CHUNK_BYTES // row))
    dataset = h5.create_dataset(
        spec.name,
        (0, *spec.shape),
        dtype,
        maxshape=(None, *spec.shape),
        chunks=(rows, *(max(1, length) for length in spec.shape)),
        fillvalue=None if spec.is_text else spec.fill,
    )
    describe(dataset, spec.unit, spec.long_name)
    put(dataset, "_FillValue", "" if spec.is_text else spec.stored.type(spec.fill))
    return dataset


def _column(spec: DatasetSpec, given: Rows, n_events: int) -> Array:
    """Return what is added to a dataset: a row per event, or the entries of ragged data."""
    if spec.ragged:
        entries = given.values if isinstance(given, SomeRows) else given
        filled = [as_stored(spec, one) for one in entries if one is not None and len(one)]
        return np.concatenate([np.empty((0, *spec.shape), spec.stored), *filled])
    if isinstance(given, SomeRows):
        rows = spec.blank(n_events)
        rows[given.where] = as_stored(spec, given.values)
        return rows
    stored = as_stored(spec, given)
    if not spec.is_text:
        return stored
    cut = [str(text).encode()[:TEXT_BYTES] for text in stored.ravel()]
    whole = [text.decode("utf-8", "ignore").encode() for text in cut]
    return np.array(whole, TEXT).reshape(stored.shape)


def _lengths(given: Rows, n_events: int) -> Array:
    lengths = np.zeros(n_events, np.int64)
    if isinstance(given, SomeRows):
        lengths[given.where] = [len(one) for one in given.values]
    else:
        lengths[:] = [0 if one is None else len(one) for one in given]
    return lengths


def _rows_of(block: Block, spec: DatasetSpec) -> Rows:
    values = block.values(spec)
    if spec.ragged:
        lengths = block.values(DatasetSpec(length_name(spec.name), "int64"))
        ends = np.cumsum(lengths)
        rows = np.empty(block.rows, object)
        for event, (length, end) in enumerate(zip(lengths.tolist(), ends.tolist(), strict=True)):
            rows[event] = values[end - length : end]
        return rows
    where = block.where(spec.name)
    return values if where is None else SomeRows(where, values)
