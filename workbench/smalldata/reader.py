"""Reading small-data files of both generations: opened late, closed surely, refused early."""

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from pathlib import Path

import h5py
import numpy as np

from workbench.core.arrays import Array, Ints, Times
from workbench.core.errors import InputError, UnknownNameError, WorkbenchError
from workbench.smalldata.catalogue import find_catalogue, read_catalogue
from workbench.smalldata.direct import Fill, Spans, direct_filler
from workbench.smalldata.fields import (
    FieldInfo,
    describe_field,
    facts_of,
    is_text,
    is_variable,
    scale_names,
)
from workbench.smalldata.identity import FIDUCIAL_KEYS, Identity, identify, pack_times
from workbench.smalldata.layout import (
    FORMAT,
    HDF5_ERRORS,
    MISSING_INTEGER,
    OWN_GROUPS,
    length_name,
)
from workbench.smalldata.listing import Listing, list_datasets, list_file
from workbench.smalldata.opening import DamagedFileError, open_hdf5
from workbench.smalldata.record import read_failures, read_provenance
from workbench.smalldata.virtual import Parts, as_text, part_names, up_to

READ_LIMIT = 1 << 30  # bytes; a claim above this and 300 times the file's size is damage


@contextmanager
def open_file(
    path: str | Path,
    *,
    known: Mapping[str, FieldInfo] | None = None,
    identity: Identity | None = None,
) -> Generator["SmallDataFile"]:
    """Open one small-data file of either generation for the length of a ``with`` block.

    Nothing but what the file is gets read; a file that was opened before need not be listed again
    if its `SmallDataFile.fields` are given as `known`, and if it did not change since, what it is
    need not be found out again: `SmallDataFile.identity`.

    Raises `NotThereError`, `NoPermissionError`, `NotSmallDataError`, `TruncatedFileError`,
    `DamagedFileError`, `StillWrittenError` or `MissingPartsError`.
    """
    path = Path(path)
    with open_hdf5(path) as h5, Parts(path) as parts:
        with reading(path, "what it is"):
            file = SmallDataFile(h5, path, parts, identity or identify(h5, path, FORMAT))
            if known is not None:
                file.fields = known
            elif file.ours:
                file.catalogue = find_catalogue(path)
        yield file


@contextmanager
def reading(path: Path, what: str) -> Generator[None]:
    """Turn what HDF5 raises on damaged content into `DamagedFileError`."""
    try:
        yield
    except WorkbenchError:
        raise
    except HDF5_ERRORS as error:
        raise DamagedFileError(
            f"{path}: damaged, cannot read {what} ({error}); copy it or produce the run again"
        ) from error


class SmallDataFile:
    """An open small-data file; datasets are read when asked for.

    Parameters
    ----------
    path
        The file.
    identity
        What it is; most of it has a name of its own below.
    experiment
        From the file's attributes, else from its name; may be empty.
    run
        Likewise; None where neither says.
    generation
        "lcls1" or "lcls2".
    n_events
        Rows of every per-event dataset.
    ours
        Whether the workbench wrote the file.
    catalogue
        What the file carries behind its end (`workbench.smalldata.catalogue`); None: nothing.
    growing
        Whether its writer lets others read along (SWMR): it holds the events up to now. Or that
        writer was killed.
    """

    def __init__(self, h5: h5py.File, path: Path, parts: Parts, identity: Identity) -> None:
        self._h5 = h5
        self.identity = identity
        self._parts = parts
        self.path = path
        self.experiment = identity.experiment
        self.run = identity.run
        self.generation = identity.generation
        self.n_events = identity.n_events
        self.ours = identity.ours
        self.growing = identity.growing
        self.catalogue: bytes | None = None
        self._known: dict[str, FieldInfo] = {}
        parts.require(part_names(h5[identity.time_key].id.get_create_plist()))

    def __contains__(self, name: str) -> bool:
        name = name.strip("/")
        if "fields" in self.__dict__:
            return name in self.fields
        return name.split("/")[0] not in OWN_GROUPS and self._has(name)

    @cached_property
    def fields(self) -> Mapping[str, FieldInfo]:
        """What is known of every dataset except the file's own record, sorted by name.

        Raises `MissingPartsError` where any of them lies in a part file that is not there.
        """
        with reading(self.path, "its list of datasets"):
            if self.catalogue is not None:
                listing = Listing(read_catalogue(self.catalogue))
            elif self.growing:  # only its own opening sees what the writer adds
                listing = list_datasets(self._h5)
            else:
                listing = list_file(self.path)
            infos = [describe_field(facts, self.identity) for facts in listing.facts]
        self._parts.require(set(listing.parts))
        return {info.name: self._fitted(info) for info in infos}

    @property
    def names(self) -> tuple[str, ...]:
        """The names of `fields`."""
        return tuple(self.fields)

    def info(self, name: str) -> FieldInfo:
        """Return what is known of one dataset; `UnknownNameError` suggests near names."""
        name = name.strip("/")
        if "fields" in self.__dict__ and name in self.fields:
            return self.fields[name]
        if name not in self._known:
            dataset = self._dataset(name)
            with reading(self.path, name):
                info = describe_field(
                    facts_of(name, dataset.id, dataset.id.get_create_plist()), self.identity
                )
            self._known[name] = self._fitted(info)
        return self._known[name]

    def scales(self, name: str) -> tuple[str, ...]:
        """Return for each axis of a dataset the dataset attached as its scale; "" for none."""
        dataset = self._dataset(self.info(name).name)
        with reading(self.path, f"the scales of {name}"):
            return scale_names(dataset)

    def read(self, name: str, rows: slice | None = None) -> Array:
        """Return one dataset, or the events of a slice of it.

        Text comes as an object array of str, ragged data as an object array with one array per
        event. What is kept once a file has no events: it takes no `rows`.

        Raises
        ------
        InputError
            For rows of a dataset that is kept once a file, and for a slice backwards.
        """
        info = self.info(name)
        if rows is not None and info.kind == "once":
            raise InputError(f"{info.name} is kept once a file: it has no rows to choose")
        if rows is not None and rows.step is not None and rows.step < 1:
            raise InputError(f"{info.name}: a slice of events goes forward, not by {rows.step}")
        dataset = self._dataset(info.name)
        self._plausible(dataset, info, rows)
        with reading(self.path, info.name):
            if info.kind == "ragged" and not is_variable(dataset.dtype):
                return self._read_ragged(info.name, dataset, rows)
            if info.shape == ():
                return np.asarray(dataset.asstr()[()] if is_text(dataset) else dataset[()])
            return self._take(dataset, info, rows if rows is not None else slice(None))

    def filler(self, name: str) -> tuple[Fill, bool]:
        """Return a function (buffer, spans) that puts spans of events at the start of a buffer.

        For many small pieces of a large dataset: what can be asked once is asked here. And tell
        whether each span is read from its place in the file, so that short ones cost no more.
        """
        info, dataset = self.info(name), self._dataset(name)
        self._plausible(dataset, info, slice(0, 1))
        with reading(self.path, name):
            plain = info.kind == "event" and not self.growing
            straight = direct_filler(dataset) if plain else None

        def fill(buffer: Array, spans: Spans) -> None:
            if straight is not None:
                with reading(self.path, name):
                    straight(buffer, spans)
                return
            done = 0
            for first, last in spans:
                buffer[done : done + last - first] = self.read(name, slice(first, last))
                done += last - first

        return fill, straight is not None

    @cached_property
    def timestamps(self) -> Times:
        """Time stamps as on file; shape (event,). Seconds in the high 32 bits, ns in the low."""
        return pack_times(self.read(self.identity.time_key))

    @cached_property
    def fiducials(self) -> Ints | None:
        """The 360 Hz counter of LCLS-I, shape (event,); None where the file has none."""
        for key in FIDUCIAL_KEYS:
            if self._has(key) and self.info(key).shape == (self.n_events,):
                return np.asarray(self.read(key).astype(np.int64))
        return None

    @cached_property
    def part_starts(self) -> tuple[int, ...]:
        """Events at which the rows of each part file begin; (0,) for a file without parts."""
        clock = self._h5[self.identity.time_key]
        if not clock.is_virtual:
            return (0,)
        with reading(self.path, "the places of its parts"):
            starts = {source.vspace.get_select_bounds()[0][0] for source in clock.virtual_sources()}
        return tuple(sorted(int(start) for start in starts))

    @cached_property
    def frame_starts(self) -> tuple[int, ...]:
        """Frames of integrating detectors at which each part file begins; (0,) without parts."""
        clock = self._h5[self.identity.time_key]
        if not clock.is_virtual:
            return (0,)
        with reading(self.path, "the places of its parts"):
            return self._parts.frame_starts(clock)

    @cached_property
    def provenance(self) -> dict[str, object]:
        """How the file was made; empty for files of other writers."""
        with reading(self.path, "provenance"):
            return read_provenance(self._h5)

    @cached_property
    def failures(self) -> dict[str, dict[str, int]]:
        """Events per detector and state (present, absent, partial, damaged, error_<what>)."""
        with reading(self.path, "presence"):
            return read_failures(self._h5)

    def _has(self, name: str) -> bool:
        with reading(self.path, name):
            return isinstance(self._h5.get(name), h5py.Dataset)

    def _dataset(self, name: str) -> h5py.Dataset:
        if name.split("/")[0] not in OWN_GROUPS:
            with reading(self.path, name):
                found = self._h5.get(name)
            if isinstance(found, h5py.Dataset):
                return found
        raise UnknownNameError("dataset", name, self.names, str(self.path))

    def _fitted(self, info: FieldInfo) -> FieldInfo:
        """Correct rows and type where the dataset's own are not those of its data as read."""
        if info.kind == "intg" and info.shape and self._h5[info.name].is_virtual:
            clock = self._h5[self.identity.time_key]
            with reading(self.path, info.name):
                kind = info.dtype
                if kind in {"int8", "uint8"}:
                    kind = str(self._parts.type_of_frames(self._h5[info.name], clock))
                shape = (self._parts.n_frames(clock), *info.shape[1:])
                return replace(info, shape=shape, dtype=kind)
        if info.dtype in {"int8", "uint8"} and self._h5[info.name].is_virtual:
            with reading(self.path, info.name):
                return replace(info, dtype=str(self._parts.type_of(self._h5[info.name])))
        if self.growing and info.kind == "event":
            return replace(info, shape=(self.n_events, *info.shape[1:]))
        return info

    def _plausible(self, dataset: h5py.Dataset, info: FieldInfo, rows: slice | None) -> None:
        """Refuse to make room for what the file cannot hold; rows never written take none in it."""
        shape = info.shape
        if rows is not None and shape:
            shape = (len(range(*rows.indices(shape[0]))), *shape[1:])
        asked = int(np.prod(shape, dtype=float) * dataset.dtype.itemsize)
        if asked > max(READ_LIMIT, 300 * self.path.stat().st_size) and not dataset.is_virtual:
            raise DamagedFileError(
                f"{self.path}: damaged, {info.name} claims shape {info.shape}, far more than the "
                "file can hold; copy it or produce the run again, or, if most of it was never "
                "written, read part of its rows"
            )

    def _take(self, dataset: h5py.Dataset, info: FieldInfo, rows: slice) -> Array:
        if dataset.is_virtual and info.kind == "intg":
            values = self._parts.frames(dataset, self._h5[self.identity.time_key], rows)
        elif dataset.is_virtual:
            values = self._parts.read(dataset, rows)
        elif info.kind == "event" and len(dataset) != self.n_events:  # a growing file
            values = up_to(dataset, self.n_events)[rows]
        else:
            values = (dataset.asstr() if is_text(dataset) else dataset)[rows]
        return as_text(values) if is_text(dataset) else values

    def _read_ragged(self, name: str, dataset: h5py.Dataset, rows: slice | None) -> Array:
        lengths = self.read(length_name(name)).astype(np.int64)
        absent = lengths == MISSING_INTEGER
        stored = np.where(absent, 0, lengths)
        if len(dataset) == stored.sum() + absent.sum():
            # A part that never saw the detector pads the dataset with one element per event; a
            # copy made of a virtual file keeps them.
            stored[absent] = 1
        ends = np.cumsum(stored)
        counted = int(ends[-1]) if len(ends) else 0
        ahead = self.growing and counted < len(dataset)  # entries are written before their counts
        if (stored < 0).any() or (counted != len(dataset) and not ahead):
            raise DamagedFileError(
                f"{self.path}: damaged, {name} has {len(dataset)} entries, {length_name(name)} "
                "counts another number; produce the run again"
            )
        wanted = range(len(lengths))[rows if rows is not None else slice(None)]
        result = np.empty(len(wanted), dtype=object)
        if not wanted:
            return result
        first = int(ends[wanted[0]] - stored[wanted[0]])
        flat = self._take(dataset, self.info(name), slice(first, int(ends[wanted[-1]])))
        for place, event in enumerate(wanted):
            start = int(ends[event] - stored[event]) - first
            result[place] = flat[start : start + (0 if absent[event] else int(stored[event]))]
        return result
