"""Mean of S/I shot by shot: not the ratio of sums, and never under its name.

Shots with little intensity weigh as much as bright ones, so it scatters more, and noise of the
monitor biases it upwards by about the variance of I over the square of its mean. It answers another
question: that of the average of single-shot ratios.
"""

from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from workbench.binning.background import DarkMean, dark_mean
from workbench.binning.bias import warn_of_signal_cuts
from workbench.binning.binned import NO_DARK, normalisation, sum_up
from workbench.binning.labels import (
    Variables,
    axis_coordinates,
    field_coordinates,
    field_dims,
    own_axes,
    ratio_unit,
    run_attributes,
)
from workbench.binning.plan import Background, dark_events, make_axes, make_plan
from workbench.core.arrays import Array, Floats
from workbench.runs import Channel, Cut
from workbench.runs.channel import Rows
from workbench.runs.protocol import AnyRun

if TYPE_CHECKING:
    import xarray as xr


def mean_of_ratios(
    run: AnyRun,
    axes: Mapping[str | Channel, ArrayLike],
    fields: Sequence[str],
    where: Cut | None = None,
    by: str | Channel = "i0",
    *,
    of: str = "all",
    background: Background = "none",
) -> "xr.Dataset":
    """Return the mean of S/I per bin as ``<field>_mean_of_ratios``, with ``_error`` and ``_count``.

    Parameters as for `bin_run`; shots with I <= 0 are left out and counted. The error is the
    standard error of the mean. Shapes (bins of each axis..., axes of the field...), in the unit of
    S over that of I.
    """
    import xarray as xr

    where = None if where is None else where.freeze(run)
    made = make_axes(run, axes)
    norm, _, norm_channel = normalisation(run, by, where, background)
    assert norm_channel is not None
    plan = make_plan(made, run.mask(where, of=of), norm, norm_channel)
    flat = replace(plan, norm=np.ones(run.n_events))
    channels = [run.channel(field) for field in fields]
    bias = warn_of_signal_cuts(run, made, where, channels)
    variables: Variables = {}
    coordinates = axis_coordinates(flat, plan.used)
    named = own_axes(channels)
    for channel in channels:
        own = named[channel.name]
        dark = dark_mean(channel, dark_events(run, where)) if background == "dark" else NO_DARK
        ratio = sum_up(_ratio(channel, norm, dark), flat, NO_DARK)
        dims, shape = field_dims(own, plan), (*plan.shape, *channel.shape[1:])
        unit = {"units": ratio_unit(channel.unit, norm_channel.unit)}
        name = f"{channel.name}_mean_of_ratios"
        says = unit | {"long_name": f"mean of {channel.name} / {norm_channel.name}"}
        variables |= {
            name: (dims, ratio.value.reshape(shape), says | {"count": f"{name}_count"}),
            f"{name}_error": (dims, ratio.error.reshape(shape), unit),
            f"{name}_count": (dims, ratio.count.reshape(shape), {"units": "1"}),
        }
        coordinates |= field_coordinates(channel, own)
    about = {"events": of, "background": background, "bias": bias}
    return xr.Dataset(variables, coordinates, attrs=about | run_attributes(run, plan, where))


def _ratio(channel: Channel, norm: Floats, dark: DarkMean) -> Channel:
    """Return S/I of each event, divided as it is read."""

    @contextmanager
    def open_rows() -> Generator[Rows]:
        with channel.opened() as read:

            def divided(first: int, last: int) -> Array:
                gone = channel.missing[first:last]
                values = read(first, last).astype(np.float64) - dark.mean
                values[gone] = np.nan
                below = norm[first:last].reshape(-1, *(1 for _ in channel.shape[1:]))
                with np.errstate(invalid="ignore", divide="ignore"):
                    return np.asarray(values / below)

            yield divided

    return Channel(
        channel.name, channel.shape, np.dtype(np.float64), open_rows=open_rows, dims=channel.dims
    )
