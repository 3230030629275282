"""NetCDF-4 files of fields, with CF attributes; read by xarray, Matlab, Panoply and others."""

from pathlib import Path
from typing import Any

import numpy as np

from workbench.core.atomic import replacing
from workbench.core.extras import load
from workbench.smalldata.exports.columns import TEXT, Axis, Column, Export
from workbench.smalldata.layout import chunk_shape

SLASH = "__"  # stands for the slash, which NetCDF names must not hold
EPOCH = "nanoseconds since 1970-01-01T00:00:00"


def write_netcdf(export: Export, target: Path) -> Path:
    """Write an export as NetCDF-4, block by block; the file appears whole or not at all.

    Names have ``__`` for the slash. Missing integers hold the attribute ``_FillValue``, missing
    floats NaN. Raises `MissingToolError` without h5netcdf.
    """
    h5netcdf = load("h5netcdf", "writing NetCDF", extra="export")
    with replacing(target) as part, h5netcdf.File(part, "w") as file:
        file.dimensions = _lengths(export)
        file.attrs.update(_facts(export))
        for name, axis in export.axes.items():
            _write_axis(file, name, axis)
        for column in export.columns:
            _write_column(file, column)
    return target


def _lengths(export: Export) -> dict[str, int]:
    pairs = [pair for one in export.columns for pair in zip(one.dims, one.shape, strict=True)]
    return dict(pairs) | {axis.dim: len(axis.values) for axis in export.axes.values()}


def _facts(export: Export) -> dict[str, Any]:
    facts = {
        "Conventions": "CF-1.8",
        "title": export.title,
        "experiment": export.experiment,
        "run": export.run,
        "source": export.source,
        "left_out": "\n".join(export.left_out),
    }
    return {name: text for name, text in facts.items() if text}


def _write_axis(file: Any, name: str, axis: Axis) -> None:  # Any: h5netcdf carries no types
    values, unit = axis.values, axis.unit
    if values.dtype.kind == "M":
        values, unit = values.astype("datetime64[ns]").astype(np.int64), EPOCH
    variable = file.create_variable(name, (axis.dim,), values.dtype, data=values)
    variable.attrs.update({"units": unit, "long_name": axis.long_name})


def _write_column(file: Any, column: Column) -> None:
    import h5py

    dtype = h5py.string_dtype() if column.dtype == TEXT else column.dtype
    rows = column.shape[0] if column.shape else 1
    chunks = chunk_shape(column.shape[1:], column.dtype, rows) if column.shape else None
    fill = None if column.fill is None else np.asarray(column.fill).astype(column.dtype)[()]
    name = column.name.replace("/", SLASH)
    variable = file.create_variable(name, column.dims, dtype, chunks=chunks, fillvalue=fill)
    attributes = {"units": column.unit, "long_name": column.long_name}
    if column.per_event and "time" in file.variables:
        attributes["coordinates"] = "time"
    variable.attrs.update({key: text for key, text in attributes.items() if text})
    first = 0
    for values in column.blocks():
        if not column.shape:
            variable[...] = values.item()
            continue
        variable[first : first + len(values)] = values
        first += len(values)
