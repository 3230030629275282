"""Many part files into one small-data file: sorted by time, in bounded memory, all or nothing."""

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager
from math import prod
from pathlib import Path

import h5py
import numpy as np
from h5py import h5s

from workbench.core.arrays import Array, Bools
from workbench.core.atomic import replacing
from workbench.core.ending import check_ended
from workbench.core.errors import InputError
from workbench.core.local_workers import available_cores
from workbench.smalldata.catalogue import append_facts
from workbench.smalldata.columns import create_final, put, write_once
from workbench.smalldata.deflated import Packed, packed_chunks
from workbench.smalldata.facts import Facts
from workbench.smalldata.missing import missing_rows
from workbench.smalldata.order import RowOrder
from workbench.smalldata.packed import read_parts
from workbench.smalldata.record import write_failures, write_identity, write_provenance
from workbench.smalldata.sink import Sink, create_hdf5
from workbench.smalldata.specs import DatasetSpec, OnceValue, OwnRows

BLOCK_BYTES = 16 << 20  # of one dataset, held at a time
_Packing = tuple[h5py.Dataset, Facts, Iterator[Packed]]


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
    with create_small_data(Path(target), attributes or {}) as file:
        file.keep(once or {})
        events = file.merge(parts, specs)
        file.record(provenance or {}, failures or {})
    return events


@contextmanager
def create_small_data(
    target: Path, attributes: Mapping[str, str | int], *, place: Path | None = None
) -> Generator["Assembly"]:
    """Write one small-data file; it appears under `target`, whole and on disk, by a rename.

    Until then it lies in the folder `place`, or beside `target`.
    """
    with replacing(target, place=place) as path:
        with create_hdf5(path) as (h5, sink), ThreadPoolExecutor(1) as beside:
            write_identity(h5, attributes)
            file = Assembly(h5, sink, beside)
            yield file
            file.wait()
        append_facts(path, file.facts)  # the same as in a listing of the file, which takes longer


class Assembly:
    """A small-data file that is being put together."""

    def __init__(self, h5: h5py.File, sink: Sink, beside: Executor) -> None:
        self._h5 = h5
        self._sink = sink
        self._beside = beside
        self._syncing: list[Future[None]] = []
        self._once: list[str] = []
        self._declared: dict[str, tuple[h5py.Dataset, Facts]] = {}
        self.facts: list[Facts] = []
        self._merged: RowOrder | None = None

    def keep(self, once: Mapping[str, OnceValue]) -> None:
        """Write values that are kept once a file."""
        _no_clash([*self._once, *once])
        self.facts += write_once(self._h5, once)
        self._once += once
        self._sink.check()

    def declare(self, specs: Sequence[DatasetSpec], rows: int, filled: Mapping[str, int]) -> None:
        """Create datasets ahead of `merge`, as far as their size is known.

        `filled` is how many rows of a dataset will have values, where that is not all of them.
        """
        _no_clash([*(spec.name for spec in specs), *self._once])
        for spec in specs:
            if not spec.ragged:
                self._declared[spec.name] = create_final(
                    self._h5, spec, rows, filled=filled.get(spec.name)
                )

    def merge(
        self, parts: Sequence[Path], specs: Sequence[DatasetSpec], frames: OwnRows | None = None
    ) -> int:
        """Write every dataset with a row per event, or per frame; return the number of events.

        The once-per-file datasets that are axes of others must be there already.
        """
        with self.merging(parts, specs, frames) as merged:
            return merged()

    @contextmanager
    def merging(
        self, parts: Sequence[Path], specs: Sequence[DatasetSpec], frames: OwnRows | None = None
    ) -> Generator[Callable[[], int]]:
        """Give what does `merge`; until it is called, threads compress what is stored so."""
        every = [*specs, *(frames.specs if frames else ())]
        _no_clash([*(spec.name for spec in every), *self._once])
        order = RowOrder(read_parts(parts, every))
        tables = [(specs, order)]
        if frames is not None:
            tables.append((frames.specs, order.only(frames.rows)))
        with ThreadPoolExecutor(available_cores()) as threads:
            packing = {
                spec.name: self._packing(spec, rows, threads)
                for some, rows in tables
                for spec in some
                if spec.compress and not (spec.ragged or spec.is_text or 0 in spec.shape)
            }

            def merged() -> int:
                self._h5.attrs["duplicate_events"] = order.duplicates
                for some, rows in tables:
                    self._datasets(some, rows, packing)
                _attach_scales(self._h5, every, self._once)
                self._merged = order
                return len(order)

            yield merged

    def rows(self, spec: DatasetSpec, start: int, stop: int) -> Array:
        """Return rows of a dataset that was merged and is not ragged.

        Raises
        ------
        InputError
            Before anything was merged.
        """
        if self._merged is None:
            raise InputError(f"{spec.name}: nothing was merged yet")
        return self._merged.read(spec, slice(start, stop))

    def create(self, spec: DatasetSpec, rows: int) -> "Filling":
        """Create a dataset with rows of its own, to be filled from the first to the last."""
        dataset, facts = create_final(self._h5, spec, rows)
        return Filling(dataset, lambda missing: self._done(dataset, facts, missing=missing))

    def _datasets(
        self, specs: Sequence[DatasetSpec], order: RowOrder, packing: Mapping[str, _Packing]
    ) -> None:
        for spec in specs:
            if spec.ragged:
                self._entries(spec, order)
            elif spec.name in packing:
                self._chunks(*packing[spec.name])
            else:
                self._rows(spec, order)
        for name in dict.fromkeys(spec.length_name for spec in specs if spec.ragged):
            spec = DatasetSpec(name, "int64", long_name="entries per event")
            dataset, facts = create_final(self._h5, spec, len(order))
            dataset[...] = order.lengths(name)[0]
            self._done(dataset, facts, missing=0)

    def sync(self) -> None:
        """Begin to flush to disk what was written so far: at the end there is less to wait for."""
        self._syncing.append(self._beside.submit(self._sink.sync))

    def wait(self) -> None:
        """Wait until all that is flushed is on disk; OSError when the disk refused."""
        for one in self._syncing:
            one.result()

    def record(
        self, provenance: Mapping[str, object], failures: Mapping[str, Mapping[str, int]]
    ) -> None:
        """Write how the file was made and what was missing."""
        write_provenance(self._h5, provenance)
        write_failures(self._h5, failures)

    def _packing(self, spec: DatasetSpec, order: RowOrder, threads: Executor) -> _Packing:
        present = order.present(spec.name)
        dataset, facts = self._created(spec, present)
        length = facts.chunks[0] if facts.chunks else 1
        return dataset, facts, packed_chunks(spec, order, present, length, threads)

    def _chunks(self, dataset: h5py.Dataset, facts: Facts, chunks: Iterator[Packed]) -> None:
        lacking = 0
        for chunk in chunks:
            check_ended()
            if chunk.stored:
                dataset.id.write_direct_chunk(
                    (chunk.start, *(0 for _ in facts.shape[1:])), chunk.stored
                )
                self._sink.check()
            lacking += chunk.missing
        self._done(dataset, facts, missing=lacking)

    def _created(self, spec: DatasetSpec, present: Bools) -> tuple[h5py.Dataset, Facts]:
        declared = self._declared.pop(spec.name, None)
        if declared is None:
            filled = int(np.count_nonzero(present))
            return create_final(self._h5, spec, len(present), filled=filled)
        rows = declared[1].shape[0]
        if rows != len(present):
            raise InputError(f"{spec.name}: declared for {rows} events, not {len(present)}")
        return declared

    def _rows(self, spec: DatasetSpec, order: RowOrder) -> None:
        present = order.present(spec.name)
        dataset, facts = self._created(spec, present)
        lacking = int(np.count_nonzero(~present))
        for spans in _batches(present, facts.chunks, spec):
            check_ended()
            single = len(spans) == 1
            rows = slice(*spans[0]) if single else np.concatenate([np.arange(*s) for s in spans])
            values = order.read(spec, rows)
            lacking += int(np.count_nonzero(missing_rows(values) & present[rows]))
            first = 0
            for start, stop in spans:
                last = first + stop - start
                _write(dataset, facts, spec, start, values[first:last])
                first = last
            self._sink.check()
        self._done(dataset, facts, missing=lacking)

    def _entries(self, spec: DatasetSpec, order: RowOrder) -> None:
        lengths, firsts = order.lengths(spec.length_name)
        ends = np.cumsum(lengths)
        dataset, facts = create_final(self._h5, spec, int(ends[-1]) if len(ends) else 0)
        low = done = 0
        room = max(1, BLOCK_BYTES // _row_bytes(spec))
        while low < len(lengths):
            check_ended()
            high = max(low + 1, int(np.searchsorted(ends, done + room, side="right")))
            some = lengths[low:high]
            wanted = np.repeat(firsts[low:high] - (np.cumsum(some) - some), some)
            if len(wanted):
                wanted += np.arange(len(wanted))
                dataset[done : done + len(wanted)] = order.entries(spec, wanted)
                self._sink.check()
            done += len(wanted)
            low = high
        self._done(dataset, facts, missing=None)

    def _done(self, dataset: h5py.Dataset, facts: Facts, *, missing: int | None) -> None:
        if missing is not None:
            put(dataset, "missing_events", np.int64(missing))
        self.facts.append(facts._replace(missing=missing))


class Filling:
    """A dataset that is filled block by block; ``close`` when it is full."""

    def __init__(self, dataset: h5py.Dataset, done: Callable[[int], None]) -> None:
        self._dataset = dataset
        self._done = done
        self._end = self._missing = 0

    def append(self, values: Array) -> None:
        """Add rows."""
        if len(values):
            self._dataset[self._end : self._end + len(values)] = values
        self._end += len(values)
        self._missing += int(np.count_nonzero(missing_rows(values)))

    def close(self) -> None:
        """Note how many rows are missing."""
        self._done(self._missing)


def _write(
    dataset: h5py.Dataset, facts: Facts, spec: DatasetSpec, start: int, values: Array
) -> None:
    """Write rows as ``dataset[start:stop] = values`` does, in a third of the time if possible."""
    rows = len(values)
    if spec.is_text:
        dataset[start : start + rows] = values
    elif rows == facts.chunks[0]:
        dataset.id.write_direct_chunk((start, *(0 for _ in spec.shape)), values)
    elif rows == facts.shape[0]:
        dataset.id.write(h5s.ALL, h5s.ALL, values)
    else:
        dataset[start : start + rows] = values


def _batches(
    present: Bools, chunks: tuple[int, ...], spec: DatasetSpec
) -> Iterator[list[tuple[int, int]]]:
    """Yield ranges of rows to write, as many together as fit into memory.

    Each is of whole chunks; chunks without any value are left out.
    """
    if not chunks:
        return
    rows, length = len(present), chunks[0]
    if present.all() and rows * _row_bytes(spec) <= BLOCK_BYTES:
        yield [(0, rows)]
        return
    needed = np.add.reduceat(present, np.arange(0, rows, length)) > 0
    most = max(1, BLOCK_BYTES // (_row_bytes(spec) * length))  # chunks
    numbers = np.flatnonzero(needed)
    for first in range(0, len(numbers), most):
        some = numbers[first : first + most]
        ends = np.flatnonzero(np.diff(some) > 1)
        lows, highs = some[[0, *(ends + 1)]], some[[*ends, -1]] + 1
        stops = np.minimum(highs * length, rows)
        yield list(zip((lows * length).tolist(), stops.tolist(), strict=True))


def _row_bytes(spec: DatasetSpec) -> int:
    return max(1, prod(spec.shape) * spec.stored.itemsize)


def _attach_scales(h5: h5py.File, specs: Sequence[DatasetSpec], once: Sequence[str]) -> None:
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
