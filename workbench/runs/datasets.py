"""Fields of a run, or of several runs, as one xarray Dataset or one pandas table."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from workbench.core.errors import InputError
from workbench.runs.channel import Channel, Where
from workbench.runs.protocol import AnyRun
from workbench.smalldata import EVENT, Axes, dataset_dims

if TYPE_CHECKING:
    import pandas as pd  # type: ignore[import-untyped]  # ships no types
    import xarray as xr

Fields = Sequence[str | Channel] | str | Channel


def to_dataset(run: AnyRun, fields: Fields, where: Where = None) -> "xr.Dataset":
    """Return fields of the selected events, read into memory, with common axes.

    Axes are called ``<det>_<func>_<axis>``; "event" holds the numbers of the events, "time" their
    UTC time. What is kept once a run comes whole.
    """
    import xarray as xr

    channels = chosen(run, fields)
    refuse_ragged(run, channels)
    arrays = {
        channel.name: channel.to_xarray(where if channel.per_event else None)
        for channel in channels
    }
    named = dataset_dims({channel.name: axes_of(channel) for channel in channels})
    variables, coordinates = {}, {}
    for name, array in arrays.items():
        new = dict(zip((str(dim) for dim in array.dims), named[name], strict=True))
        variables[name] = (named[name], array.values, array.attrs)
        for key, label in array.coords.items():
            dims = tuple(new[str(dim)] for dim in label.dims)
            coordinates[new.get(str(key), str(key))] = (dims, label.values, label.attrs)
    return xr.Dataset(variables, coordinates, described(run))


def to_table(run: AnyRun, fields: Fields | None = None, where: Where = None) -> "pd.DataFrame":
    """Return fields with one value per event as columns, by event number, after time and run.

    The run is there where there are several. Units are in ``table.attrs["units"]``. Without
    `fields` all of them.
    """
    import pandas as pd

    if fields is None:
        alone = ((run.n_events,), "event")
        fields = [n for n, info in run.infos.items() if (info.shape, info.kind) == alone]
    channels = chosen(run, fields)
    refuse_ragged(run, channels)
    wide = [channel.name for channel in channels if channel.shape != (run.n_events,)]
    if wide:
        raise InputError(
            f"a table holds one value per event, which {', '.join(wide)} do not have; use "
            "to_xarray for arrays"
        )
    every = Channel.from_values(EVENT, np.arange(run.n_events), unit="1", select=run.mask)
    numbers = every.numbers(where)
    columns = {"time": run.times[numbers]}
    if len(run.paths) > 1:
        columns["run"] = run["run"].read()[numbers]
    columns |= {channel.name: channel.read(where) for channel in channels}
    table = pd.DataFrame(columns, index=pd.Index(numbers, name=EVENT))
    table.attrs["units"] = {channel.name: channel.unit for channel in channels}
    return table


def chosen(run: AnyRun, fields: Fields) -> list[Channel]:
    """Return the channels that were asked for, each once; refuses an empty list."""
    listed: Iterable[str | Channel]
    listed = [fields] if isinstance(fields, (str, Channel)) else list(fields)
    found = {channel.name: channel for channel in map(run.channel, listed)}
    if not found:
        raise InputError("name at least one field, as in ['ipm2/sum']")
    return list(found.values())


def axes_of(channel: Channel) -> Axes:
    """Return names, lengths and values of a channel's axes."""
    labels = channel.labels()
    values = tuple(labels[dim][1] if dim in labels else None for dim in channel.dims)
    return Axes(channel.dims, channel.shape, values)


def described(run: AnyRun) -> dict[str, str]:
    """Return where the values come from, as attributes."""
    return {"run": run.label, "file": ", ".join(str(path) for path in run.paths)}


def refuse_ragged(run: AnyRun, channels: Iterable[Channel]) -> None:
    """Refuse channels with another number of values in each event."""
    kinds = {name: info.kind for name, info in run.infos.items()}
    ragged = [channel.name for channel in channels if kinds.get(channel.name) == "ragged"]
    if ragged:
        raise InputError(
            f"{', '.join(ragged)}: another number of values in each event does not fit a common "
            "array; use run.ragged(name)"
        )
