"""How fields of a run, or of several, leave: as xarray, pandas, NetCDF, NeXus or TIFF."""

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from workbench.core.arrays import Array, Bools
from workbench.core.errors import InputError
from workbench.facility import hutch_name
from workbench.runs.channel import Channel, Where
from workbench.runs.datasets import (
    Fields,
    axes_of,
    chosen,
    refuse_ragged,
    to_dataset,
    to_table,
)
from workbench.runs.protocol import AnyRun
from workbench.smalldata import EVENT, dataset_dims
from workbench.smalldata.exports import (
    Axis,
    Column,
    Export,
    TiffResult,
    write_netcdf,
    write_nexus,
    write_tables,
    write_tiffs,
)
from workbench.smalldata.missing import sentinel

if TYPE_CHECKING:
    import pandas as pd  # type: ignore[import-untyped]  # ships no types
    import xarray as xr

KEPT = {"event", "once", "archived"}  # kinds of fields that an export of everything holds


class Exits:
    """The ways in which fields of a run leave the workbench; a part of `Run` and `Runs`."""

    def to_xarray(self: AnyRun, fields: Fields, where: Where = None) -> "xr.Dataset":
        """Return fields of the selected events, read into memory, as one labelled Dataset.

        For all fields of a run, lazily: ``xr.open_dataset(run.path, engine="smalldata")``.
        """
        return to_dataset(self, fields, where)

    def to_pandas(
        self: AnyRun, fields: Fields | None = None, where: Where = None
    ) -> "pd.DataFrame":
        """Return fields with one value per event as a table, with the time; by default all."""
        return to_table(self, fields, where)

    def to_netcdf(
        self: AnyRun, path: str | Path, fields: Fields | None = None, where: Where = None
    ) -> Path:
        """Write fields of the selected events as a NetCDF-4 file; return its path.

        Names have ``__`` for the slash. Written block by block, under the final name only when
        it is whole; an older file of that name is replaced.

        Parameters
        ----------
        path
            The file to write.
        fields
            Names or channels; by default all but ragged fields, which the attribute "left_out"
            names.
        where
            Which events.
        """
        return write_netcdf(_export(self, fields, where, marks=True), Path(path))

    def to_nexus(
        self: AnyRun, path: str | Path, fields: Fields | None = None, where: Where = None
    ) -> Path:
        """Write fields of the selected events as a NeXus file; return its path.

        Detectors are NXdetector groups, every field with axes has an NXdata group; the layout is
        in `workbench.smalldata.exports.nexus`. As `to_netcdf` otherwise.
        """
        return write_nexus(_export(self, fields, where, marks=False), Path(path))

    def to_tiff(
        self: AnyRun,
        folder: str | Path,
        fields: Sequence[str],
        *,
        pack: bool = False,
        assembled: bool = False,
        tables: bool = False,
    ) -> list[TiffResult]:
        """Write pictures as TIFF files, one per event, or with `pack` one of many pages per field.

        Of each file of the run, whichever DAQ wrote it; names, what is in them and errors as of
        `workbench.smalldata.exports.write_tiffs`. With `tables` the numbers of each shot and
        control-system values are written beside them as text (`write_tables`).
        """
        place = Path(folder)
        for path in self.paths if tables else ():
            write_tables(path, place)
        return [
            write_tiffs(path, fields, place, pack=pack, assembled=assembled) for path in self.paths
        ]


def _export(run: AnyRun, fields: Fields | None, where: Where, *, marks: bool) -> Export:
    """Collect what to write; with `marks` missing integers keep one, else they become NaN."""
    left_out: tuple[str, ...] = ()
    if fields is None:
        fields = [name for name, info in run.infos.items() if info.kind in KEPT]
        rest = {name: info.kind for name, info in run.infos.items() if info.kind not in KEPT}
        left_out = tuple(f"{name} ({kind})" for name, kind in rest.items())
    channels = chosen(run, fields)
    refuse_ragged(run, channels)
    left_out += tuple(f"{one.name} (no elements)" for one in channels if 0 in one.shape)
    channels = [one for one in channels if 0 not in one.shape]
    every = Channel.from_values(EVENT, np.arange(run.n_events), unit="1", select=run.mask)
    numbers = every.numbers(where)
    if not numbers.size:
        raise InputError(f"{run.label}: no event is selected: there is nothing to export")
    good = np.zeros(run.n_events, dtype=np.bool_)
    good[numbers] = True
    dims = dataset_dims({channel.name: axes_of(channel) for channel in channels})
    columns = tuple(_column(one, dims[one.name], good, marks=marks) for one in channels)
    axes = {EVENT: Axis(EVENT, numbers, "1", "event number in the file")}
    axes["time"] = Axis(EVENT, run.times[numbers], "", "time of the event (UTC)")
    for channel in channels:
        axes |= _axes(channel, dims[channel.name], numbers)
    return Export(
        title=run.label,
        experiment=run.experiment,
        run="" if run.run is None else str(run.run),
        hutch=hutch_name(run.experiment) if run.experiment else "",
        source="\n".join(map(str, run.paths)),
        n_events=len(numbers),
        columns=columns,
        axes=axes,
        left_out=left_out,
    )


def _axes(channel: Channel, dims: tuple[str, ...], numbers: Array) -> dict[str, Axis]:
    new = dict(zip(channel.dims, dims, strict=True))
    found = {}
    for name, (along, values, about) in channel.labels().items():
        if len(along) == 1 and name != "time":
            picked = values[numbers] if along == (EVENT,) else values
            texts = (about.get("units", ""), about.get("long_name", name))
            found[new.get(name, name)] = Axis(new[along[0]], picked, *texts)
    return found


def _column(channel: Channel, dims: tuple[str, ...], good: Bools, *, marks: bool) -> Column:
    dtype, fill = _stored_as(channel, good, marks=marks)
    rows = int(good.sum()) if channel.per_event else None
    shape = channel.shape if rows is None else (rows, *channel.shape[1:])
    return Column(
        channel.name,
        dims,
        shape,
        dtype,
        channel.unit,
        channel.long_name or channel.name,
        fill,
        channel.per_event,
        partial(_blocks, channel, good, dtype, fill),
    )


def _stored_as(
    channel: Channel, good: Bools, *, marks: bool
) -> tuple[np.dtype[np.generic], float | int | None]:
    """Return the type on file, and what stands for missing values."""
    dtype = channel.dtype
    if dtype.kind == "b":
        return np.dtype(np.int8), None
    if dtype.kind == "f":
        return np.promote_types(dtype, np.float32), np.nan
    if dtype.kind not in "iu":
        if dtype.kind != "O":
            raise InputError(
                f"{channel.name}: {dtype} does not fit the exported file; leave it out"
            )
        return dtype, None
    if not channel.per_event or not (channel.missing & good).any():
        return dtype, None
    mark = sentinel(dtype)
    return (dtype, mark) if marks and mark is not None else (np.dtype(np.float64), np.nan)


def _blocks(
    channel: Channel, good: Bools, dtype: np.dtype[np.generic], fill: float | int | None
) -> Iterator[Array]:
    if not channel.per_event:
        yield _filled(channel.read_stored(), dtype, None)
        return
    for first in range(0, len(channel), channel.block_rows):
        rows = slice(first, min(first + channel.block_rows, len(channel)))
        if good[rows].any():
            yield _filled(channel.read(good, rows, masked=fill is not None), dtype, fill)


def _filled(values: Array, dtype: np.dtype[np.generic], fill: float | int | None) -> Array:
    kept = np.asarray(np.ma.getdata(values)).astype(dtype)
    if fill is not None:
        kept[np.ma.getmaskarray(values)] = fill
    return kept
