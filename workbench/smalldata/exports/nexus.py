"""NeXus files of fields (https://manual.nexusformat.org): every number with unit, axes and plot.

``/entry/instrument/<detector>`` (NXdetector) holds the fields of a detector; what is no detector's
(scan, epics, ...) lies in ``/entry/<group>`` (NXcollection). For every field with axes, but for
settings, there is an NXdata group that links to it with ``signal`` and ``axes``; the attributes
``default`` lead a viewer to the first that is no run sum. Names keep letters, digits and ``_``; the
attribute ``field`` has the original one.
"""

import re
from datetime import UTC, datetime
from pathlib import Path

import h5py
import numpy as np

from workbench import __version__
from workbench.core.arrays import Array
from workbench.core.atomic import replacing
from workbench.smalldata.exports.columns import TEXT, Axis, Column, Export
from workbench.smalldata.layout import LIBRARY_BOUNDS, chunk_shape

COLLECTIONS = {
    *("scan", "epics", "epicsUser", "epicsAll", "epicsOnce", "lightStatus", "damage", "timing"),
    *("evr", "UserDataCfg", "Sums", "enc", "ai", "adc", "EOrbits"),
}
SETTINGS = "UserDataCfg"
_NOT_ALLOWED = re.compile(r"[^A-Za-z0-9_]")


def write_nexus(export: Export, target: Path) -> Path:
    """Write an export as NeXus, block by block; the file appears whole or not at all."""
    with replacing(target) as part, h5py.File(part, "w", libver=LIBRARY_BOUNDS) as root:
        root.attrs.update(
            {
                "NX_class": "NXroot",
                "default": "entry",
                "file_name": target.name,
                "file_time": datetime.now(UTC).isoformat(timespec="seconds"),
                "creator": f"workbench {__version__}",
                "HDF5_Version": h5py.version.hdf5_version,
                "h5py_version": h5py.version.version,
            }
        )
        entry = _group(root, "entry", "NXentry")
        _describe(entry, export)
        axes = {name: _write_axis(entry, name, one) for name, one in export.axes.items()}
        plots = [_write_column(entry, column, export, axes) for column in export.columns]
        shown = min(filter(None, plots), key=lambda plot: plot.startswith("plot_Sums"), default="")
        if shown:
            entry.attrs["default"] = shown
    return target


def _describe(entry: h5py.Group, export: Export) -> None:
    start, end = _ends(export)
    texts = {
        "title": export.title,
        "experiment_identifier": export.experiment,
        "entry_identifier": export.run,
        "program_name": "workbench",
        "start_time": start,
        "end_time": end,
    }
    for name, text in texts.items():
        if text:
            entry[name] = text
    entry["program_name"].attrs["version"] = __version__
    instrument = _group(entry, "instrument", "NXinstrument")
    if export.hutch:
        instrument["name"] = f"LCLS {export.hutch.upper()}"
        instrument["name"].attrs["short_name"] = export.hutch.upper()
    note = _group(entry, "source_files", "NXnote")
    note["description"] = "small-data files that the values come from"
    note["data"] = export.source
    if export.left_out:
        note = _group(entry, "left_out", "NXnote")
        note["description"] = "fields that do not fit, with the reason"
        note["data"] = "\n".join(export.left_out)


def _ends(export: Export) -> tuple[str, str]:
    """Return the times of the first and the last event; texts are empty where not known."""
    time = export.axes.get("time")
    if time is None:
        return "", ""
    first, last = (np.datetime_as_string(end, unit="us") for end in _range(time.values))
    return f"{first}Z", f"{last}Z"


def _range(times: Array) -> tuple[np.datetime64, np.datetime64]:
    return times.min(), times.max()


def _write_axis(entry: h5py.Group, name: str, axis: Axis) -> h5py.Dataset:
    group = entry.get("axes") or _group(entry, "axes", "NXcollection")
    values, attributes = axis.values, {"units": axis.unit, "long_name": axis.long_name}
    if values.dtype.kind == "M":
        start = values.min()
        values = (values - start) / np.timedelta64(1, "s")
        attributes |= {"units": "s", "start": f"{np.datetime_as_string(start, unit='ns')}Z"}
    dataset = group.create_dataset(_allowed(name), data=values)
    _attribute(dataset, attributes)
    dataset.attrs["target"] = dataset.name
    return dataset


def _write_column(
    entry: h5py.Group, column: Column, export: Export, axes: dict[str, h5py.Dataset]
) -> str:
    """Write one field; return the name of the group that plots it, "" without axes."""
    folder, _, leaf = column.name.rpartition("/")
    detector = folder.partition("/")[0] not in COLLECTIONS and bool(folder)
    parent = entry["instrument"] if detector else entry
    home = parent.require_group(_allowed(folder) or "fields")
    home.attrs["NX_class"] = "NXdetector" if detector else "NXcollection"
    dataset = _dataset(home, _allowed(leaf), column)
    first = 0
    for values in column.blocks():
        if not column.shape:
            dataset[()] = values.item()
            continue
        dataset[first : first + len(values)] = values
        first += len(values)
    settings = column.name.startswith(f"{SETTINGS}/")
    if not column.shape or column.dtype == TEXT or settings:
        return ""  # nothing to look at
    return _plot(entry, column, dataset, export, axes)


def _dataset(home: h5py.Group, name: str, column: Column) -> h5py.Dataset:
    dtype = h5py.string_dtype() if column.dtype == TEXT else column.dtype
    rows = column.shape[0] if column.shape else 1
    large = column.shape and int(np.prod(column.shape)) > 1
    chunks = chunk_shape(column.shape[1:], column.dtype, rows) if large else None
    dataset = home.create_dataset(_free(home, name), column.shape, dtype, chunks=chunks)
    _attribute(dataset, {"units": column.unit, "long_name": column.long_name})
    dataset.attrs["field"] = column.name
    dataset.attrs["target"] = dataset.name
    return dataset


def _plot(
    entry: h5py.Group,
    column: Column,
    dataset: h5py.Dataset,
    export: Export,
    axes: dict[str, h5py.Dataset],
) -> str:
    name = _allowed(column.name)
    plot = _free(entry, f"plot_{name}")
    group = _group(entry, plot, "NXdata")
    signal = name.rpartition("/")[2]
    group[signal] = dataset
    along = [_axis_of(dim, export) for dim in column.dims]
    group.attrs["signal"] = signal
    group.attrs["axes"] = [_allowed(axis) if axis else "." for axis in along]
    group["title"] = f"{column.long_name} ({export.title})"
    for place, axis in enumerate(along):
        if axis:
            group[_allowed(axis)] = axes[axis]
            group.attrs[f"{_allowed(axis)}_indices"] = [place]
    return plot


def _axis_of(dim: str, export: Export) -> str:
    if dim == "event":
        return "time" if "time" in export.axes else "event"
    return dim if dim in export.axes else ""


def _group(parent: h5py.Group, name: str, kind: str) -> h5py.Group:
    group = parent.create_group(name)
    group.attrs["NX_class"] = kind
    return group


def _attribute(dataset: h5py.Dataset, texts: dict[str, str]) -> None:
    dataset.attrs.update({name: text for name, text in texts.items() if text})


def _allowed(name: str) -> str:
    """Return a name as NeXus allows it."""
    return _NOT_ALLOWED.sub("_", name)


def _free(group: h5py.Group, name: str) -> str:
    """Return a name that is not taken: two names may become one when letters are replaced."""
    taken = name in group
    return name if not taken else _free(group, f"{name}_2")
