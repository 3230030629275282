"""Fields of a run by bins of its axes: ratio of sums, error, sums and counts.

What `bin_run` gives for each field: `<field>`, the ratio of sums; `<field>_error` from the scatter
of the shots, sqrt(N/(N-1) Σ(S - R I)²)/ΣI, NaN for N = 1; `<field>_sum`, `<field>_norm` (ΣI) and
`<field>_count`; with the dark mean subtracted also `<field>_error_dark`, its error, common to all
bins; and `<field>_error_jackknife` over contiguous blocks of 1 s, which sees drift. For images of
which the sums of blocks would take more than `JACKKNIFE_BYTES` it is left out: the attribute
"jackknife" of the field says so.

For one value per event also `<field>_<axis>_mean` and `_std` of the events in which the field was
measured; over one axis `<field>_error_at_mean`, the error of the value at that mean: from the
scatter around a line through the bin; a fit to mean positions needs it.

Axes of arrays are called as in ``run.to_xarray``: `<det>_<func>_q`.

For each axis: bin centres, `<axis>_edges`, `<axis>_mean` and `<axis>_std` of all events in the bin,
weighted by I. The attribute "excluded" counts the events in no bin by reason.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from workbench.binning.background import DarkMean, dark_mean
from workbench.binning.bias import warn_of_signal_cuts
from workbench.binning.jackknife import (
    BLOCK_SECONDS,
    Blocks,
    BlockSums,
    block_jackknife,
    block_residuals,
    time_blocks,
)
from workbench.binning.labels import (
    Variables,
    axis_coordinates,
    axis_moments,
    field_coordinates,
    field_dims,
    own_axes,
    ratio_unit,
    run_attributes,
)
from workbench.binning.nothing_left import nothing_left
from workbench.binning.plan import Background, Plan, dark_events, make_axes, make_plan
from workbench.binning.scatter import error_at_mean
from workbench.binning.sums import Ratio, RatioSums
from workbench.core.arrays import Bools, Floats, Ints
from workbench.core.errors import InputError
from workbench.runs import Channel, Cut, need_events
from workbench.runs.protocol import AnyRun
from workbench.runs.storage import opened_once

if TYPE_CHECKING:
    import xarray as xr

PROVISIONAL_EVENTS = 64  # give the provisional ratio around which squares are summed
JACKKNIFE_BYTES = 1 << 30  # of memory for the sums of blocks: 22 million pixels over all bins
FROM_BLOCKS = f"error from blocks of {BLOCK_SECONDS:g} s"
NO_DARK = DarkMean(np.zeros(()), np.zeros(()), 0)


@opened_once()
def bin_run(
    run: AnyRun,
    axes: Mapping[str | Channel, ArrayLike],
    fields: Sequence[str | Channel] | str | Channel,
    where: Cut | None = None,
    by: str | Channel | None = None,
    *,
    of: str = "all",
    background: Background = "none",
    stack_size: int | None = None,
) -> "xr.Dataset":
    """Bin fields of a run; with `by` the ratio of sums ΣS/ΣI, without it the mean.

    Beside the values the result holds their errors, sums, counts and positions; the list is in
    `workbench.binning.binned`. Bins are half-open [e_i, e_i+1). An event whose I0 is zero or
    negative is left out and counted.

    Parameters
    ----------
    run
        From `open_run`.
    axes
        Name, role or channel to bin edges, as in ``{"delay": edges}``.
    fields
        Names or channels; arrays (spectra, images) are read stack by stack.
    where
        Which events.
    by
        Normalisation, as "i0".
    of
        Class of events: "all", "on", "off", "dark".
    background
        "dark": subtract the mean over events without X-rays from S and I first; only cuts of
        scope "dark" apply to them.
    stack_size
        Events read at a time; by default what fits 16 MiB. Does not change the result.
    """
    need_events(run)
    where = None if where is None else where.freeze(run)
    channels = [run.channel(field) for field in _listed(fields)]
    made = make_axes(run, axes)
    norm, norm_dark, norm_channel = normalisation(run, by, where, background)
    plan = make_plan(made, run.mask(where, of=of), norm, norm_channel, run.label)
    dark = dark_events(run, where)
    named = own_axes(channels)
    blocks = in_order(run, time_blocks(run.timestamps, run.run_index))
    variables: Variables = {}
    coordinates: Variables = {}
    for channel in channels:
        own = named[channel.name]
        darks = (dark_mean(channel, dark), norm_dark) if background == "dark" else None
        variables |= _field(channel, plan, field_dims(own, plan), darks, blocks, stack_size)
        coordinates |= field_coordinates(channel, own)
    bias = warn_of_signal_cuts(run, made, where, channels)
    about = {"events": of, "background": background, "bias": bias}
    return _dataset(run, plan, (variables, coordinates), where, about)


def normalisation(
    run: AnyRun, by: str | Channel | None, where: Cut | None, background: Background
) -> tuple[Floats, DarkMean, Channel | None]:
    """Return I of each event, dark mean subtracted; its dark mean; and the channel."""
    if background not in {"none", "dark"}:
        raise InputError(f"background {background!r}: use 'none' or 'dark'")
    if by is None:
        return np.ones(run.n_events), NO_DARK, None
    channel = run.channel(by)
    if channel.shape != (run.n_events,):
        raise InputError(f"by={channel.name}: one value per event is needed, not {channel.shape}")
    offset = dark_mean(channel, dark_events(run, where)) if background == "dark" else NO_DARK
    return channel.read().astype(np.float64) - offset.mean, offset, channel


def provisional_ratio(channel: Channel, plan: Plan, offset: Floats) -> Floats:
    """Return ΣS/ΣI of the first events used: where the running sums are centred."""
    first = np.flatnonzero(plan.used)[:PROVISIONAL_EVENTS]
    if not first.size:
        raise nothing_left(plan, "event")
    chosen = np.zeros(len(plan.numbers), dtype=np.bool_)
    chosen[first] = True
    values = channel.read(where=chosen, rows=slice(0, int(first[-1]) + 1)).astype(np.float64)
    shape = (-1, *(1 for _ in channel.shape[1:]))
    there = np.isfinite(values)
    weight = (plan.norm[first].reshape(shape) * there).sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = np.where(there, values - offset, 0).sum(axis=0) / weight
    return np.asarray(np.nan_to_num(ratio))


def too_large(needed: int) -> str:
    """Say why sums of blocks that need so much memory [bytes] are not made; empty if they are."""
    if needed <= JACKKNIFE_BYTES:
        return ""
    return (
        f"not computed: its sums would take {needed / 1e9:.1f} GB, more than "
        f"{JACKKNIFE_BYTES / 1e9:.1f} GB; use fewer bins or a smaller region"
    )


def in_order(run: AnyRun, blocks: Ints) -> Blocks:
    """Return the blocks of a run's events with the order in which they must come, if not theirs."""
    return Blocks(blocks, None if (np.diff(blocks) >= 0).all() else run.time_order)


def sum_up(
    channel: Channel,
    plan: Plan,
    offset: DarkMean,
    stack_size: int | None = None,
    blocks: Blocks | None = None,
) -> Ratio:
    """Return the ratio of sums of a channel per bin, dark mean subtracted, read by stacks.

    With `blocks` also the jackknife error, of an array.
    """
    if channel.dtype.kind not in "biuf":
        raise InputError(f"cannot bin {channel.name}: its values are {channel.dtype}, not numbers")
    provisional = provisional_ratio(channel, plan, offset.mean)
    sums = RatioSums(plan.bins, provisional)
    of_blocks = BlockSums(plan.bins, provisional) if blocks else None
    order = blocks.order if blocks else None
    for events, values in channel.iter_stacks(stack_size, where=plan.used, order=order):
        dark_free = values - offset.mean if offset.count else values
        numbers, norm = plan.numbers[events], plan.norm[events]
        sums.add(numbers, dark_free, norm)
        if of_blocks and blocks:
            of_blocks.add(numbers, blocks.numbers[events], dark_free, norm)
    ratio = sums.result()
    return replace(ratio, jackknife=of_blocks.error(ratio)) if of_blocks else ratio


def _field(
    channel: Channel,
    plan: Plan,
    dims: tuple[str, ...],
    darks: tuple[DarkMean, DarkMean] | None,
    blocks: Blocks,
    stack_size: int | None,
) -> Variables:
    """Return all that is told of one field; `darks`: the dark means of S and I to subtract."""
    offset = darks[0] if darks else NO_DARK
    scalar, elements = len(channel.shape) == 1, int(np.prod(channel.shape[1:], dtype=np.int64))
    why_not = "" if scalar else too_large(BlockSums.nbytes(plan.bins, elements))
    ratio = sum_up(channel, plan, offset, stack_size, None if scalar or why_not else blocks)
    made = _variables(channel, plan, ratio, dims)
    made[channel.name][2].update(dark_events=offset.count, jackknife=why_not or FROM_BLOCKS)
    if darks:
        made |= _dark_error(channel, plan, ratio, dims, darks)
    return made | _scalar_errors(channel, plan, offset, blocks.numbers) if scalar else made


def _variables(channel: Channel, plan: Plan, ratio: Ratio, dims: tuple[str, ...]) -> Variables:
    shape = (*plan.shape, *channel.shape[1:])
    name = channel.name
    own = {"units": channel.unit}
    by = plan.norm_channel
    norm = {"units": by.unit if by else "1", "long_name": by.name if by else "events"}
    main = _says(channel, plan, "") | {"count": f"{name}_count"}
    made: Variables = {
        name: (dims, ratio.value.reshape(shape), main),
        f"{name}_error": (dims, ratio.error.reshape(shape), _says(channel, plan, "error")),
        f"{name}_sum": (dims, ratio.total.reshape(shape), own | {"long_name": f"sum of {name}"}),
        f"{name}_norm": (dims, ratio.norm.reshape(shape), norm),
        f"{name}_count": (
            dims,
            ratio.count.reshape(shape),
            {"units": "1", "long_name": "events in the bin"},
        ),
    }
    if ratio.jackknife is not None:
        error = ratio.jackknife.reshape(shape)
        made[f"{name}_error_jackknife"] = (dims, error, _says(channel, plan, FROM_BLOCKS))
    return made


def _says(channel: Channel, plan: Plan, what: str) -> dict[str, Any]:
    by = plan.norm_channel
    unit = channel.unit if by is None else ratio_unit(channel.unit, by.unit)
    text = channel.long_name or channel.name
    text = text if by is None else f"{text} over {by.name}"
    return {"units": unit, "long_name": f"{text}, {what}" if what else text}


def _dark_error(
    channel: Channel,
    plan: Plan,
    ratio: Ratio,
    dims: tuple[str, ...],
    darks: tuple[DarkMean, DarkMean],
) -> Variables:
    """Return by how much the errors of both dark means, of S and of I, move every bin."""
    signal, norm = darks
    with np.errstate(invalid="ignore", divide="ignore"):
        share = ratio.count / ratio.norm
        error = share * np.hypot(signal.error, ratio.value * norm.error)
    error = np.asarray(error).reshape((*plan.shape, *channel.shape[1:]))
    about = _says(channel, plan, "dark")
    return {f"{channel.name}_error_dark": (dims, error, about)}


def _scalar_errors(channel: Channel, plan: Plan, offset: DarkMean, blocks: Ints) -> Variables:
    dims = field_dims((), plan)
    values = channel.read().astype(np.float64) - offset.mean
    good: Bools = plan.used & np.isfinite(values)
    signal, norm, numbers = values[good], plan.norm[good], plan.numbers[good]
    residuals = block_residuals(signal, norm, numbers, blocks[good], bins=plan.bins)
    jackknife = block_jackknife(residuals).reshape(plan.shape)
    about = _says(channel, plan, FROM_BLOCKS)
    errors: Variables = {f"{channel.name}_error_jackknife": (dims, jackknife, about)}
    if len(plan.axes) == 1:
        position = plan.axes[0].values[good]
        error = error_at_mean(signal, norm, numbers, position, bins=plan.bins)
        about = _says(channel, plan, "error at the mean position in the bin")
        errors[f"{channel.name}_error_at_mean"] = (dims, error, about)
    return errors | _positions(channel.name, plan, good)


def _positions(name: str, plan: Plan, good: Bools) -> Variables:
    """Return mean and spread on each axis of the events in which one field was measured."""
    dims = tuple(axis.name for axis in plan.axes)
    found: Variables = {}
    for axis in plan.axes:
        mean, spread = axis_moments(axis, plan, good)
        unit = {"units": axis.channel.unit}
        text = f"{axis.name} where {name} was measured"
        found[f"{name}_{axis.name}_mean"] = (dims, mean, unit | {"long_name": f"{text}, mean"})
        found[f"{name}_{axis.name}_std"] = (dims, spread, unit | {"long_name": f"{text}, spread"})
    return found


def _dataset(
    run: AnyRun,
    plan: Plan,
    content: tuple[Variables, Variables],
    where: Cut | None,
    attrs: dict[str, str],
) -> "xr.Dataset":
    import xarray as xr

    variables, coordinates = content
    return xr.Dataset(
        variables,
        coords=axis_coordinates(plan, plan.used) | coordinates,
        attrs=attrs | run_attributes(run, plan, where),
    )


def _listed(fields: Sequence[str | Channel] | str | Channel) -> list[str | Channel]:
    listed = [fields] if isinstance(fields, (str, Channel)) else list(fields)
    if not listed:
        raise InputError("name at least one field to bin")
    return listed
