"""``xr.open_dataset(path, engine="smalldata")``: a small-data file as a lazy, labelled Dataset."""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from xarray.backends import BackendArray, BackendEntrypoint
from xarray.core import indexing

from workbench.core import clock
from workbench.core.arrays import Array, Bools
from workbench.core.errors import UnknownNameError, WorkbenchError
from workbench.smalldata.axes import EVENT, INTG_EVENT, Axes, dataset_dims, plain_dims
from workbench.smalldata.backfill import zero_filled
from workbench.smalldata.coordinates import Coordinate, axis_names
from workbench.smalldata.coordinates import coordinates as coordinates_of
from workbench.smalldata.fields import FieldInfo
from workbench.smalldata.identity import EPOCHS
from workbench.smalldata.missing import missing_elements, sentinel
from workbench.smalldata.opening import DamagedFileError
from workbench.smalldata.reader import SmallDataFile, open_file

BLOCK_BYTES = 16 << 20  # read at a time, and the size that dask chunks aim at
IDENTIFIERS = ("timestamp", "event_time", "fiducials", "pulseId", "timestamp_min", "timestamp_max")


class SmallDataBackend(BackendEntrypoint):
    """Opens small-data files of either generation for xarray; registered as "smalldata"."""

    description = "LCLS small data (HDF5) of either DAQ generation: lazy, with units and times"
    open_dataset_parameters = ("filename_or_obj", "drop_variables", "group", "mask_and_scale")

    def open_dataset(  # type: ignore[override]  # xarray lets backends add options
        self,
        filename_or_obj: str | os.PathLike[str],
        *,
        drop_variables: str | Iterable[str] | None = None,
        group: str | None = None,
        mask_and_scale: bool = True,
    ) -> xr.Dataset:
        """Return all numbers of a file as a Dataset; values are read when they are used.

        Names are those of the file, axes are called ``<det>_<func>_<axis>``. Text and ragged
        fields do not fit a Dataset of numbers: the attribute "left_out" names them. No file stays
        open, and the arrays travel to dask workers by their path.

        Parameters
        ----------
        filename_or_obj
            Path of the file.
        drop_variables
            Fields to leave out.
        group
            Take only the fields below this folder ("epix_1"), without its name in theirs.
        mask_and_scale
            True: integers that can be missing are float64 with NaN; only identifiers such as
            time stamps stay integers. False: as stored, with the attribute "_FillValue".
        """
        path = Path(filename_or_obj).absolute()
        with open_file(path) as file:
            infos = {name: file.info(name) for name in file.names}
            dataset = _dataset(file, infos, path, masked=mask_and_scale)
        dropped = [drop_variables] if isinstance(drop_variables, str) else drop_variables or ()
        dataset = dataset.drop_vars(list(dropped), errors="ignore")
        return dataset if group is None else _below(dataset, group.strip("/"), path)

    def guess_can_open(self, filename_or_obj: Any) -> bool:  # Any: whatever a user gives xarray
        """Tell whether this is the path of a small-data file; never raises."""
        if not isinstance(filename_or_obj, (str, os.PathLike)):
            return False
        path = Path(filename_or_obj)
        if path.suffix not in {".h5", ".hdf5"}:
            return False
        try:
            with open_file(path) as file:
                return file.ours or (file.run is not None and bool(file.experiment))
        except (WorkbenchError, OSError):
            return False


class Rows(BackendArray):
    """One field of a file, read in blocks of rows when it is indexed.

    Parameters
    ----------
    path
        The file.
    info
        The field.
    masked
        NaN where not measured: integers as float64, floats in their own type.
    filled_up
        The writer may have stored 0 for the events before the detector first appeared.
    """

    def __init__(self, path: Path, info: FieldInfo, *, masked: bool, filled_up: bool) -> None:
        self.path = path
        self.name = info.name
        self.shape = info.shape
        self.stored = np.dtype(info.dtype)
        self.masked = masked
        self.filled_up = filled_up
        self._zeros: Bools | None = None
        integers = self.stored.kind in "iu"
        self.dtype = np.dtype(np.float64) if masked and integers else self.stored

    def __getitem__(self, key: indexing.ExplicitIndexer) -> Array:
        values: Array = indexing.explicit_indexing_adapter(
            key, self.shape, indexing.IndexingSupport.OUTER, self._read
        )
        return values

    def _read(self, key: tuple[Any, ...]) -> Array:
        with open_file(self.path) as file:
            info = file.info(self.name)
            if info.shape[1:] != self.shape[1:] or np.dtype(info.dtype) != self.stored:
                raise DamagedFileError(
                    f"{self.path}: {self.name} is no longer {self.stored} of shape {self.shape}: "
                    "the file was written anew; open the dataset again"
                )
            if info.kind == "once" or not self.shape:
                return np.asarray(_outer(np.asarray(file.read(self.name))[None], key)[0])
            return self._blocks(file, key[0], key[1:])

    def _blocks(self, file: SmallDataFile, wanted: Any, inner: tuple[Any, ...]) -> Array:
        if isinstance(wanted, (int, np.integer)):
            row = int(wanted) % self.shape[0]
            return np.asarray(_outer(self._rows(file, row, row + 1), inner)[0])
        rows = np.arange(self.shape[0])[wanted]
        nothing = _outer(np.empty((0, *self.shape[1:]), self.dtype), inner)
        found = np.empty((len(rows), *nothing.shape[1:]), self.dtype)
        size = rows_of_block(self.shape, self.stored)
        for first in range(0, self.shape[0], size):
            places = np.flatnonzero((rows >= first) & (rows < first + size))
            if places.size:
                near, far = int(rows[places].min()), int(rows[places].max()) + 1
                values = self._rows(file, near, far)
                found[places] = _outer(values[rows[places] - near], inner)
        return found

    def _rows(self, file: SmallDataFile, first: int, last: int) -> Array:
        values = file.read(self.name, slice(first, last))
        if len(values) != last - first:
            raise DamagedFileError(
                f"{self.path}: {self.name} has fewer than {self.shape[0]} rows now: the file was "
                "written anew; open the dataset again"
            )
        if not self.masked:
            return values
        zeros = self._find_zeros(file)[first:last] if self.filled_up else None
        return _with_nan(values, zeros)

    def _find_zeros(self, file: SmallDataFile) -> Bools:
        if self._zeros is None:
            self._zeros = zero_filled(file, self.name)
        return self._zeros


class Times(BackendArray):
    """UTC time of every event, read when it is used, shape (event,)."""

    dtype = np.dtype("datetime64[ns]")

    def __init__(self, path: Path, name: str, shape: tuple[int, ...]) -> None:
        self.path = path
        self.name = name
        self.shape = shape

    def __getitem__(self, key: indexing.ExplicitIndexer) -> Array:
        values: Array = indexing.explicit_indexing_adapter(
            key, self.shape, indexing.IndexingSupport.OUTER, self._read
        )
        return values

    def _read(self, key: tuple[Any, ...]) -> Array:
        with open_file(self.path) as file:
            stamps = file.read(self.name).astype(np.int64).view(np.uint64) if self.name else None
            found = file.timestamps if stamps is None else stamps
            return np.asarray(clock.datetimes(found, epoch=EPOCHS[file.generation])[key])


def rows_of_block(shape: tuple[int, ...], dtype: np.dtype[np.generic], whole: int = 1) -> int:
    """Return how many rows fit a block of `BLOCK_BYTES`, as a multiple of `whole`."""
    row = int(np.prod(shape[1:], dtype=np.int64)) * dtype.itemsize
    return max(1, BLOCK_BYTES // max(1, row) // whole) * whole


def _dataset(
    file: SmallDataFile, infos: Mapping[str, FieldInfo], path: Path, *, masked: bool
) -> xr.Dataset:
    numeric = {name: info for name, info in infos.items() if not _why_not(info)}
    known = {name: _labels(file, info) for name, info in numeric.items()}
    axes = {name: _axes(file, info, known[name]) for name, info in numeric.items()}
    dims = dataset_dims(axes)
    coordinates = _events(file, path, infos)
    for name, one in axes.items():
        for dim, plain in zip(dims[name], one.dims, strict=True):
            if plain in known[name]:
                coordinates.setdefault(dim, _along(dim, known[name][plain]))
    variables = {
        name: _variable(file, path, info, dims[name], masked=masked)
        for name, info in numeric.items()
    }
    return xr.Dataset(variables, coordinates, _attributes(file, infos))


def _labels(file: SmallDataFile, info: FieldInfo) -> dict[str, Coordinate]:
    if len(info.shape) - (info.kind == "event") < 1:
        return {}
    return {one.dim: one for one in coordinates_of(file, info.name)}


def _axes(file: SmallDataFile, info: FieldInfo, known: Mapping[str, Coordinate]) -> Axes:
    inner = len(info.shape) - (info.kind == "event") > 0
    dims = axis_names(file, info.name) if inner else plain_dims(info)
    values = tuple(known[dim].values if dim in known else None for dim in dims)
    return Axes(dims, info.shape, values)


def _along(dim: str, one: Coordinate) -> xr.Variable:
    return xr.Variable((dim,), one.values, {"units": one.unit, "long_name": one.long_name})


def _why_not(info: FieldInfo) -> str:
    if info.kind == "ragged":
        return "ragged"
    if info.dtype == "str":
        return "text"
    return "" if np.dtype(info.dtype).kind in "biufc" else info.dtype


def _variable(
    file: SmallDataFile, path: Path, info: FieldInfo, dims: tuple[str, ...], *, masked: bool
) -> xr.Variable:
    gaps = _can_lack(info)
    masked = masked and (gaps or np.dtype(info.dtype).kind == "f")
    filled_up = info.kind in {"event", "intg"} and file.generation == "lcls2" and not file.ours
    rows = Rows(path, info, masked=masked, filled_up=filled_up)
    attributes: dict[str, Any] = {"units": info.unit, "long_name": info.long_name or info.name}
    fill = sentinel(rows.stored) if rows.stored.kind in "iu" else None
    if gaps and not rows.masked:
        attributes["_FillValue"] = rows.stored.type(fill)
    encoding: dict[str, Any] = {"preferred_chunks": _chunks(info, dims)}
    if gaps and rows.masked:  # what is written back has the type of the file
        encoding |= {"dtype": rows.stored, "_FillValue": rows.stored.type(fill)}
    return xr.Variable(dims, indexing.LazilyIndexedArray(rows), attributes, encoding)


def _can_lack(info: FieldInfo) -> bool:
    """Tell whether integers of a field may hold the sentinel: that it holds none must be known."""
    dtype = np.dtype(info.dtype)
    return (
        dtype.kind in "iu"
        and sentinel(dtype) is not None
        and info.kind in {"event", "intg"}
        and info.missing != 0
        and info.name.rpartition("/")[2] not in IDENTIFIERS
    )


def _chunks(info: FieldInfo, dims: tuple[str, ...]) -> dict[str, int]:
    chunks = dict(zip(dims, info.shape, strict=True))
    if dims and info.kind != "once":
        whole = info.chunks[0] if info.chunks else 1
        chunks[dims[0]] = min(
            rows_of_block(info.shape, np.dtype(info.dtype), whole), max(1, info.shape[0])
        )
    return chunks


def _events(
    file: SmallDataFile, path: Path, infos: Mapping[str, FieldInfo]
) -> dict[str, xr.Variable]:
    about = {"long_name": "event number in the file", "units": "1"}
    found = {
        EVENT: xr.Variable((EVENT,), np.arange(file.n_events), about),
        "time": _times(path, "", EVENT, file.n_events),
    }
    stamps = infos.get("intg/timestamp")
    if stamps is not None:
        found["intg_time"] = _times(path, stamps.name, INTG_EVENT, stamps.shape[0])
    return found


def _times(path: Path, name: str, dim: str, length: int) -> xr.Variable:
    lazy = indexing.LazilyIndexedArray(Times(path, name, (length,)))
    return xr.Variable((dim,), lazy, {"long_name": "time of the event (UTC)"})


def _attributes(file: SmallDataFile, infos: Mapping[str, FieldInfo]) -> dict[str, Any]:
    attributes: dict[str, Any] = {
        "experiment": file.experiment,
        "generation": file.generation,
        "file": str(file.path),
    }
    if file.run is not None:
        attributes["run"] = file.run
    left_out = [f"{name} ({why})" for name, info in infos.items() if (why := _why_not(info))]
    return attributes | ({"left_out": left_out} if left_out else {})


def _below(dataset: xr.Dataset, group: str, path: Path) -> xr.Dataset:
    inside = {str(name): str(name).removeprefix(f"{group}/") for name in dataset.data_vars}
    inside = {name: short for name, short in inside.items() if name != short}
    if not inside:
        groups = {str(name).rpartition("/")[0] for name in dataset.data_vars}
        raise UnknownNameError("group", group, groups - {""}, str(path))
    return dataset[list(inside)].rename(inside)


def _with_nan(values: Array, zeros: Bools | None) -> Array:
    gone = missing_elements(values)
    if zeros is not None:
        gone[zeros] = True
    kept = values.astype(np.float64) if values.dtype.kind in "iu" else values
    if gone.any():
        kept = kept.copy() if kept is values else kept
        kept[gone] = np.nan
    return kept


def _outer(values: Array, inner: tuple[Any, ...]) -> Array:
    """Index every axis but the first by its own key, as xarray means it."""
    for axis in reversed(range(len(inner))):
        values = values[(*(slice(None),) * (axis + 1), inner[axis])]
    return values
