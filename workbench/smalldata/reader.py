"""Reading small-data files of both generations: opened late, closed surely, refused early."""

from collections.abc import Generator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path

import h5py
import numpy as np

from workbench.core.arrays import Array, Ints, Times
from workbench.core.errors import InputError, UnknownNameError, WorkbenchError
from workbench.smalldata.fields import (
    FieldInfo,
    describe_field,
    is_text,
    is_variable,
    scale_names,
)
from workbench.smalldata.identity import identify, read_fiducials, read_times
from workbench.smalldata.layout import (
    FORMAT,
    HDF5_ERRORS,
    MISSING_INTEGER,
    OWN_GROUPS,
    length_name,
)
from workbench.smalldata.opening import DamagedFileError, MissingPartsError, open_hdf5
from workbench.smalldata.record import read_failures, read_provenance
from workbench.smalldata.virtual import missing_parts, read_virtual

READ_LIMIT = 1 << 30  # bytes; a claim above this and 300 times the file's size is damage


@contextmanager
def open_file(path: str | Path) -> Generator["SmallDataFile"]:
    """Open one small-data file of either generation for the length of a ``with`` block.

    Raises `NotThereError`, `NotSmallDataError`, `TruncatedFileError`, `DamagedFileError`,
    `StillWrittenError` or `MissingPartsError`.
    """
    path = Path(path)
    with open_hdf5(path) as h5:
        with reading(path, "its list of datasets"):
            file = SmallDataFile(h5, path)
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
    experiment
        From the file's attributes, else from its name; may be empty.
    run
        Likewise; None where neither says.
    generation
        "lcls1" or "lcls2".
    n_events
        Rows of every per-event dataset.
    names
        All datasets except the file's own record of provenance and presence, sorted.
    ours
        Whether the workbench wrote the file.
    """

    def __init__(self, h5: h5py.File, path: Path) -> None:
        identity = identify(h5, path, FORMAT)
        self._h5 = h5
        self._identity = identity
        self.path = path
        self.experiment = identity.experiment
        self.run = identity.run
        self.generation = identity.generation
        self.n_events = identity.n_events
        self.ours = identity.ours
        self.names = _dataset_names(h5)
        self._known: dict[str, FieldInfo] = {}
        lacking = missing_parts(h5[identity.time_key], path.parent)
        if lacking:
            raise MissingPartsError(
                f"{path}: its data lie in part files that are not there: {', '.join(lacking)}; "
                "copy them into the same folder"
            )

    def __contains__(self, name: str) -> bool:
        return name.strip("/") in self.names

    def info(self, name: str) -> FieldInfo:
        """Return what is known of one dataset; `UnknownNameError` suggests near names."""
        name = name.strip("/")
        if name not in self._known:
            dataset = self._dataset(name)
            with reading(self.path, name):
                self._known[name] = describe_field(name, dataset, self._identity)
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
        """
        info = self.info(name)
        if rows is not None and info.kind == "once":
            raise InputError(f"{info.name} is kept once a file: it has no rows to choose")
        if rows is not None and rows.step is not None and rows.step < 1:
            raise InputError(f"{info.name}: a slice of events goes forward, not by {rows.step}")
        dataset = self._dataset(info.name)
        self._plausible(dataset, info)
        with reading(self.path, info.name):
            if info.kind == "ragged" and not is_variable(dataset):
                return self._read_ragged(info.name, dataset, rows)
            if info.shape == ():
                return np.asarray(dataset.asstr()[()] if is_text(dataset) else dataset[()])
            return self._take(dataset, rows if rows is not None else slice(None))

    @cached_property
    def timestamps(self) -> Times:
        """Time stamps as on file, shape (event,): seconds in the high 32 bits, ns in the low."""
        with reading(self.path, self._identity.time_key):
            return read_times(self._h5, self._identity.time_key)

    @cached_property
    def fiducials(self) -> Ints | None:
        """The 360 Hz counter of LCLS-I, shape (event,); None where the file has none."""
        with reading(self.path, "fiducials"):
            return read_fiducials(self._h5, self.n_events)

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

    def _dataset(self, name: str) -> h5py.Dataset:
        if name not in self.names:
            raise UnknownNameError("dataset", name, self.names, str(self.path))
        with reading(self.path, name):
            return self._h5[name]

    def _plausible(self, dataset: h5py.Dataset, info: FieldInfo) -> None:
        claimed = int(np.prod(info.shape, dtype=float) * dataset.dtype.itemsize)
        if claimed > max(READ_LIMIT, 300 * self.path.stat().st_size) and not dataset.is_virtual:
            raise DamagedFileError(
                f"{self.path}: damaged, {info.name} claims shape {info.shape}, far more than the "
                "file can hold; copy it or produce the run again"
            )

    def _take(self, dataset: h5py.Dataset, rows: slice) -> Array:
        try:
            values: Array = (dataset.asstr() if is_text(dataset) else dataset)[rows]
        except OSError:
            if not dataset.is_virtual:
                raise
            values = read_virtual(dataset, self.path.parent)[rows]
        return values

    def _read_ragged(self, name: str, dataset: h5py.Dataset, rows: slice | None) -> Array:
        lengths = self.read(length_name(name)).astype(np.int64)
        absent = lengths == MISSING_INTEGER
        # A part that never saw the detector pads a virtual dataset with one element per event.
        stored = np.where(absent, int(dataset.is_virtual), lengths)
        ends = np.cumsum(stored)
        if (stored < 0).any() or (int(ends[-1]) if len(ends) else 0) != len(dataset):
            raise DamagedFileError(
                f"{self.path}: damaged, {name} has {len(dataset)} entries, {length_name(name)} "
                "counts another number; produce the run again"
            )
        wanted = range(len(lengths))[rows if rows is not None else slice(None)]
        result = np.empty(len(wanted), dtype=object)
        if not wanted:
            return result
        first = int(ends[wanted[0]] - stored[wanted[0]])
        flat = self._take(dataset, slice(first, int(ends[wanted[-1]])))
        for place, event in enumerate(wanted):
            start = int(ends[event] - stored[event]) - first
            result[place] = flat[start : start + (0 if absent[event] else int(stored[event]))]
        return result


def _dataset_names(h5: h5py.File) -> tuple[str, ...]:
    names: list[str] = []

    def note(name: str, item: h5py.HLObject) -> None:
        if isinstance(item, h5py.Dataset) and name.split("/")[0] not in OWN_GROUPS:
            names.append(name)

    h5.visititems(note)
    return tuple(sorted(names))
