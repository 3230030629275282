"""Many part files into one small-data file: sorted by time, in bounded memory, all or nothing."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

from workbench.core.arrays import Array, Ints
from workbench.core.atomic import replacing
from workbench.core.errors import InputError
from workbench.smalldata.catalogue import append_catalogue
from workbench.smalldata.columns import create_final, write_once
from workbench.smalldata.layout import TIME_NAMES
from workbench.smalldata.missing import missing_rows
from workbench.smalldata.opening import DamagedFileError, open_hdf5
from workbench.smalldata.record import write_failures, write_identity, write_provenance
from workbench.smalldata.sink import create_hdf5
from workbench.smalldata.specs import DatasetSpec, OnceValue

BLOCK_BYTES = 16 << 20  # of one dataset, held at a time
GAP_BYTES = 1 << 16  # rows closer than this are read in one go


def merge_parts(
    parts: Sequence[Path],
    target: Path,
    *,
    specs: Sequence[DatasetSpec],
    once: Mapping[str, OnceValue] | None = None,
    provenance: Mapping[str, object] | None = None,
    attributes: Mapping[str, str | int] | None = None,
    failures: Mapping[str, Mapping[str, int]] | None = None,
) -> int:
    """Write one small-data file from parts and return its number of events.

    Rows are sorted by time stamp; events with equal time stamps are all kept, in the order of
    the parts, and their number is the file's attribute ``duplicate_events``. `target` appears
    by a rename when everything is on disk: it is never half-written.

    Parameters
    ----------
    specs
        As given to `create_part`.
    once
        Values kept once a file, by path.
    provenance
        JSON-able record of how the file was made: config text and hash, inputs, versions...
    attributes
        Root attributes: experiment, run, generation.
    failures
        Counts of events per detector and state: present, absent, partial, damaged, error_<what>.
    """
    once = once or {}
    _no_clash([*(spec.name for spec in specs), *once])
    target = Path(target)
    with ExitStack() as stack:
        sources = [stack.enter_context(open_hdf5(Path(part))) for part in parts]
        _same_datasets(sources, parts, specs)
        order = _time_order(sources)
        with replacing(target) as part_path:
            with create_hdf5(part_path) as (h5, sink):
                write_identity(h5, {**(attributes or {}), "duplicate_events": order.duplicates})
                write_once(h5, once)
                for spec in specs:
                    _merge_column(h5, sources, spec, order, sink.check)
                _merge_lengths(h5, sources, specs, order)
                _attach_scales(h5, specs, once)
                write_provenance(h5, provenance or {})
                write_failures(h5, failures or {})
            append_catalogue(part_path)
    return len(order.part)


@dataclass(frozen=True)
class _Order:
    """Where each row of the merged file comes from."""

    part: Ints
    row: Ints
    duplicates: int


def _time_order(sources: Sequence[h5py.File]) -> _Order:
    key = next((name for name in TIME_NAMES if all(name in source for source in sources)), "")
    columns = [source[key][:] for source in sources]
    stamps = np.concatenate([np.empty(0, dtype=np.int64), *columns]).view(np.uint64)
    part = np.repeat(np.arange(len(columns)), [len(column) for column in columns])
    row = np.concatenate(
        [np.empty(0, dtype=np.int64), *(np.arange(len(column)) for column in columns)]
    )
    order = np.argsort(stamps, kind="stable")
    repeated = int(np.count_nonzero(np.diff(stamps[order]) == 0))
    return _Order(part[order], row[order], repeated)


def _merge_column(
    h5: h5py.File,
    sources: Sequence[h5py.File],
    spec: DatasetSpec,
    order: _Order,
    check_disk: Callable[[], None],
) -> None:
    columns = [source[spec.name] for source in sources]
    if spec.ragged:
        _merge_ragged(h5, sources, spec, order, check_disk)
        return
    dataset = create_final(h5, spec, len(order.part))
    lacking = 0
    for start, stop in _blocks(len(order.part), _row_bytes(spec)):
        values = _gather(columns, order.part[start:stop], order.row[start:stop], spec)
        lacking += int(np.count_nonzero(missing_rows(values)))
        dataset[start:stop] = values
        check_disk()
    dataset.attrs["missing_events"] = lacking


def _merge_ragged(
    h5: h5py.File,
    sources: Sequence[h5py.File],
    spec: DatasetSpec,
    order: _Order,
    check_disk: Callable[[], None],
) -> None:
    columns = [source[spec.name] for source in sources]
    counts, starts = _entries(sources, spec.length_name, order)
    ends = np.cumsum(counts)
    total = int(ends[-1]) if len(ends) else 0
    dataset = create_final(h5, spec, total)
    low = done = 0
    entries = max(1, BLOCK_BYTES // _row_bytes(spec))
    while low < len(counts):
        high = max(low + 1, int(np.searchsorted(ends, done + entries, side="right")))
        lengths = counts[low:high]
        first = np.repeat(starts[low:high] - (np.cumsum(lengths) - lengths), lengths)
        rows = first + np.arange(len(first))
        block = _gather(columns, np.repeat(order.part[low:high], lengths), rows, spec)
        if len(block):
            dataset[done : done + len(block)] = block
            check_disk()
        done += len(block)
        low = high


def _merge_lengths(
    h5: h5py.File, sources: Sequence[h5py.File], specs: Sequence[DatasetSpec], order: _Order
) -> None:
    for name in dict.fromkeys(spec.length_name for spec in specs if spec.ragged):
        counts, _ = _entries(sources, name, order)
        dataset = create_final(
            h5, DatasetSpec(name, "int64", long_name="entries per event"), len(counts)
        )
        if len(counts):
            dataset[:] = counts
        dataset.attrs["missing_events"] = 0


def _entries(sources: Sequence[h5py.File], name: str, order: _Order) -> tuple[Ints, Ints]:
    """Return entries per event and where they start in their part, in merged order."""
    counts = np.empty(len(order.part), dtype=np.int64)
    starts = np.empty(len(order.part), dtype=np.int64)
    for index, source in enumerate(sources):
        lengths = source[name][:]
        here = order.part == index
        rows = order.row[here]
        counts[here] = lengths[rows]
        starts[here] = (np.cumsum(lengths) - lengths)[rows]
    return counts, starts


def _gather(columns: Sequence[h5py.Dataset], part: Ints, row: Ints, spec: DatasetSpec) -> Array:
    values = np.empty((len(part), *spec.shape), dtype=spec.stored)
    gap = max(1, GAP_BYTES // _row_bytes(spec))
    for index in np.unique(part):
        column = columns[index].asstr() if spec.is_text else columns[index]
        places = np.flatnonzero(part == index)
        places = places[np.argsort(row[places], kind="stable")]
        breaks = np.flatnonzero(np.diff(row[places]) > gap) + 1
        for run in np.split(places, breaks):
            rows = row[run]
            values[run] = _read(column, columns[index], rows)
    return values


def _read(column: h5py.Dataset, dataset: h5py.Dataset, rows: Ints) -> Array:
    try:
        block: Array = column[rows[0] : rows[-1] + 1]
    except OSError as error:
        raise DamagedFileError(
            f"{dataset.file.filename}: cannot read {dataset.name} ({error}); produce it again"
        ) from error
    chosen: Array = block[rows - rows[0]]
    return chosen


def _blocks(rows: int, row_bytes: int) -> Iterator[tuple[int, int]]:
    step = max(1, BLOCK_BYTES // row_bytes)
    for start in range(0, rows, step):
        yield start, min(rows, start + step)


def _row_bytes(spec: DatasetSpec) -> int:
    return max(1, int(np.prod(spec.shape, dtype=np.int64)) * spec.stored.itemsize)


def _attach_scales(
    h5: h5py.File, specs: Sequence[DatasetSpec], once: Mapping[str, OnceValue]
) -> None:
    for spec in specs:
        for axis, name in enumerate(spec.dims):
            if name not in once:
                continue
            scale = h5[name]
            if scale.shape != (spec.shape[axis],):
                raise InputError(
                    f"{spec.name}: its axis {axis} has length {spec.shape[axis]}, the scale {name} "
                    f"shape {scale.shape}"
                )
            if not scale.is_scale:
                scale.make_scale(name.rsplit("/", 1)[-1])
            h5[spec.name].dims[axis + 1].attach_scale(scale)


def _same_datasets(
    sources: Sequence[h5py.File], parts: Sequence[Path], specs: Sequence[DatasetSpec]
) -> None:
    for source, part in zip(sources, parts, strict=True):
        lacking = [spec.name for spec in specs if spec.name not in source]
        if lacking:
            raise InputError(
                f"{part}: lacks {lacking[:5]}; it was written with other specs, remove it and "
                "produce again"
            )


def _no_clash(names: Sequence[str]) -> None:
    folders = {parent for name in names for parent in _parents(name)}
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise InputError(f"the dataset {name} is declared twice")
        if name in folders:
            raise InputError(f"{name} is declared as a dataset and as a folder of datasets")
        seen.add(name)


def _parents(name: str) -> Iterator[str]:
    while "/" in name:
        name = name.rsplit("/", 1)[0]
        yield name
