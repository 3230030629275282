"""Laser on against laser off: ratio and difference per bin, with errors that add up honestly.

Errors of `difference` and `relative` are kept apart by where they come from:

- `<name>_error`: the on shots, and off shots that serve this bin alone. Independent from bin to
  bin, so a fit may use it.
- `<name>_error_common`: off shots that serve other bins too. With one reference for all bins it
  moves all bins together (for `relative` a common factor on 1 + relative); added bin by bin before
  a fit it would count once for every bin.
- `<name>_error_total`: both in quadrature, for one bin looked at alone.
- `<name>_error_jackknife`: contiguous blocks of 1 s of on and off shots left out together, so drift
  that both share cancels and drift that they do not is seen.
- `<name>_error_at_mean`: as `_error`, for the value at the mean position of the bin's shots:
  scatter around a straight line through the bin, smaller where the signal rises within a bin. A
  fit to mean positions needs this one.

Along one axis `off_overlap` is the correlation of the references of two bins, from the weights of
the off shots that both use: with the errors of `on` and `off` it makes the covariance that a fit to
paired shots needs. `<axis>_parts` tells where in its bin each sixteenth of the shots lies.

Arrays (curves, images) have all of them, pixel by pixel, but the error at the mean. They are read
twice for it. Where the sums of blocks would take more than `binned.JACKKNIFE_BYTES`, the attribute
"jackknife" says so: then the error from blocks is left out, and paired off shots, whose common part
is not known, count in `_error` with all of their error.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike

from workbench.binning.background import DarkMean, dark_mean
from workbench.binning.bias import warn_of_signal_cuts
from workbench.binning.binned import (
    FROM_BLOCKS,
    NO_DARK,
    in_order,
    normalisation,
    sum_up,
    too_large,
)
from workbench.binning.block_products import BlockProducts, block_products
from workbench.binning.differences import Change, Shots, difference, relative
from workbench.binning.jackknife import Blocks, time_blocks
from workbench.binning.labels import (
    Variables,
    axis_coordinates,
    axis_parts,
    field_coordinates,
    field_dims,
    own_axes,
    ratio_unit,
    run_attributes,
)
from workbench.binning.nothing_left import nothing_left
from workbench.binning.plan import Background, Plan, dark_events, make_axes, make_plan
from workbench.binning.references import (
    Reference,
    of_all,
    of_pairs,
    reference_ratio,
    without_unpaired,
)
from workbench.binning.sums import Ratio
from workbench.core.arrays import Bools
from workbench.core.errors import InputError
from workbench.runs import Channel, Cut, Pairing, Pairs, find_pairs, need_events
from workbench.runs.pairs import NEAREST, WITHIN
from workbench.runs.protocol import AnyRun
from workbench.runs.storage import opened_once

if TYPE_CHECKING:
    import xarray as xr

Off = Literal["all"] | Pairing
BY_ITSELF = "on_off picks laser-on and -off itself, so leave laser_on() out of where"


@opened_once()
def on_off(
    run: AnyRun,
    axes: Mapping[str | Channel, ArrayLike],
    field: str | Channel,
    where: Cut | None = None,
    by: str | Channel | None = "i0",
    *,
    off: Off = "all",
    nearest: int = NEAREST,
    within: float = WITHIN,
    step: str | Channel | None = None,
    background: Background = "dark",
) -> "xr.Dataset":
    """Compare shots with laser, by bins, with shots without laser.

    `on` is the ratio of sums of each bin; `off` that of the laser-off shots: all together, or
    those that the on shots of the bin are paired with. `difference` = on - off, `relative` =
    on / off - 1. Cuts of scope "on" (delay, time tool) do not touch the off shots.

    Fit with `_error` or `_error_at_mean`; `workbench.binning.onoff` tells the errors apart.

    Parameters
    ----------
    run
        From `open_run`.
    axes
        As for `bin_run`; the off shots are not binned.
    field
        One value or one array per event; arrays are read stack by stack.
    where
        Which events; X-ray and laser state are taken care of here.
    by
        Normalisation.
    off
        "all", "nearest" (the `nearest` off shots next in time) or "interleaved" (those before and
        after), see `runs.pairs`. On shots without partner are left out and counted.
    nearest, within, step
        For pairs: how many, how far [s], and what partners share; see `find_pairs`.
    background
        "dark": subtract the dark means of S and I first, where there are dark events; the attribute
        "background" says how many.
    """
    need_events(run, 2)
    channel = _checked(run, field, off)
    where = None if where is None else where.freeze(run)
    norm, norm_dark, norm_channel = normalisation(run, by, where, background)
    dark = dark_mean(channel, dark_events(run, where)) if background == "dark" else NO_DARK
    made = make_axes(run, axes)
    about = {
        "background": _background(background, dark, norm_dark),
        "bias": warn_of_signal_cuts(run, made, where, (channel,)),
    }
    on_plan = make_plan(made, run.mask(where, of="on"), norm, norm_channel, run.label)
    off_plan = make_plan((), run.mask(where, of="off"), norm, norm_channel, run.label)
    pair = None
    if off != "all":
        pair = partial(find_pairs, run, pairing=off, nearest=nearest, within=within, step=step)
    blocks = in_order(run, time_blocks(run.timestamps, run.run_index))
    compared = _compare(channel, dark, (on_plan, off_plan), pair, blocks)
    return _dataset(run, compared, where, about)


@dataclass(frozen=True)
class _Compared:
    channel: Channel
    plan: Plan
    on: Ratio
    off: Ratio
    reference: Reference
    pairs: Pairs | None
    shots: Shots | BlockProducts | None  # None for arrays too large for it
    why_not: str

    @property
    def unit(self) -> str:
        by = self.plan.norm_channel
        return self.channel.unit if by is None else ratio_unit(self.channel.unit, by.unit)

    def changes(self) -> dict[str, tuple[Change, str]]:
        """Return difference and relative change, each with its unit."""
        parts = None
        if self.shots is not None:
            parts = self.shots.own_and_common(self.off)
        elif self.reference.shared:
            parts = (np.zeros_like(self.off.error), self.off.error)
        return {
            "difference": (difference(self.on, self.off, parts), self.unit),
            "relative": (relative(self.on, self.off, parts), "1"),
        }


def _checked(run: AnyRun, field: str | Channel, off: Off) -> Channel:
    if off not in ("all", *get_args(Pairing)):
        raise InputError(f"off={off!r}: use 'all', 'nearest' or 'interleaved'")
    channel = run.channel(field)
    if not channel.shape or channel.shape[0] != run.n_events or channel.dtype.kind not in "biuf":
        raise InputError(f"on_off({channel.name}): it holds no numbers for every event")
    return channel


def _compare(
    channel: Channel,
    dark: DarkMean,
    plans: tuple[Plan, Plan],
    pair: Callable[[Bools, Bools], Pairs] | None,
    blocks: Blocks,
) -> _Compared:
    on_plan, off_plan = (_measured(channel, plan) for plan in plans)
    _check(channel, on_plan, "laser-on")
    _check(channel, off_plan, "laser-off")
    reference, pairs = of_all(off_plan.used), None
    if pair is not None:
        pairs = pair(on_plan.used, off_plan.used)
        on_plan = without_unpaired(on_plan, pairs)
        _check(channel, on_plan, "paired laser-on")
        reference = of_pairs(pairs, on_plan)
    on, off = (
        sum_up(channel, on_plan, dark),
        reference_ratio(channel, reference, off_plan, dark),
    )
    shots: Shots | BlockProducts | None = None
    why_not = ""
    if len(channel.shape) == 1:
        values = channel.read().astype(np.float64) - dark.mean
        shots = Shots(values, blocks.numbers, on_plan, on_plan.norm, reference)
    elif not (why_not := too_large(BlockProducts.nbytes(on_plan, reference, channel))):
        shots = block_products(channel, dark, on_plan, reference, (on, off), blocks)
    return _Compared(channel, on_plan, on, off, reference, pairs, shots, why_not)


def _measured(channel: Channel, plan: Plan) -> Plan:
    """Return the plan without events in which the field was not measured, which are counted."""
    lost = plan.used & channel.missing
    excluded = {**plan.excluded, f"{channel.name} missing": int(np.count_nonzero(lost))}
    return replace(plan, numbers=np.where(lost, -1, plan.numbers), excluded=excluded)


def _check(channel: Channel, plan: Plan, name: str) -> None:
    if plan.used.any():
        return
    raise nothing_left(plan, f"{name} shot with {channel.name}", hint=BY_ITSELF)


def _background(background: Background, signal: DarkMean, norm: DarkMean) -> str:
    if background == "none":
        return "none"
    counts = f"signal over {signal.count} dark events, intensity over {norm.count}"
    return f"dark means subtracted: {counts}"


def _about(compared: _Compared) -> dict[str, Any]:  # Any: attributes
    about: dict[str, Any] = {
        "field": compared.channel.name,
        "reference": compared.reference.how,
        "off_used": len(np.unique(compared.reference.events)),
        "jackknife": compared.why_not or FROM_BLOCKS,
    }
    if compared.pairs is not None:
        about["pairs"] = json.dumps({str(row[0]): row[1] for row in compared.pairs.counts.rows})
    return about


def _dataset(
    run: AnyRun, compared: _Compared, where: Cut | None, about: Mapping[str, str]
) -> "xr.Dataset":
    import xarray as xr

    plan = compared.plan
    own = own_axes([compared.channel])[compared.channel.name]
    dims = field_dims(own, plan)
    shape = (*plan.shape, *compared.channel.shape[1:])
    variables: Variables = {}
    for name, (change, unit) in compared.changes().items():
        meaning = {"difference": "on - off", "relative": "on / off - 1"}[name]
        for suffix, array, text in (
            ("", change.value, meaning),
            ("_error", change.error, "error from the shots of this bin alone"),
            ("_error_common", change.common, "error from off shots, common to bins"),
            ("_error_total", change.total, "error from on and off shots"),
        ):
            if array is not None:
                attrs = {"units": unit, "long_name": text, "count": "on_count"}
                variables[f"{name}{suffix}"] = (dims, array.reshape(shape), attrs)
    variables |= _parts(compared, dims, shape)
    if compared.shots is not None:
        variables |= _block_errors(compared, compared.shots, dims, shape)
    if isinstance(compared.shots, Shots) and len(plan.axes) == 1:
        variables |= _errors_at_mean(compared, compared.shots, dims)
    if len(plan.axes) == 1:
        variables |= _for_fits(compared, dims[0])
    coordinates = axis_coordinates(plan, plan.used) | field_coordinates(compared.channel, own)
    attributes = {**about, **_about(compared), **run_attributes(run, plan, where)}
    return xr.Dataset(variables, coords=coordinates, attrs=attributes)


def _parts(compared: _Compared, dims: tuple[str, ...], shape: tuple[int, ...]) -> Variables:
    on, off = compared.on, compared.off
    unit, tells = {"units": compared.unit}, {"units": "1"}
    off_dims, off_shape = dims, shape
    if compared.reference.shared:
        off_dims, off_shape = dims[len(compared.plan.axes) :], off.value.shape[1:]
    return {
        "on": (dims, on.value.reshape(shape), unit | {"long_name": "laser on"}),
        "on_error": (dims, on.error.reshape(shape), unit | {"long_name": "laser on, error"}),
        "on_count": (dims, on.count.reshape(shape), tells | {"long_name": "laser-on shots"}),
        "off": (off_dims, off.value.reshape(off_shape), unit | {"long_name": "laser off"}),
        "off_error": (
            off_dims,
            off.error.reshape(off_shape),
            unit | {"long_name": "laser off, error"},
        ),
        "off_count": (
            off_dims,
            off.count.reshape(off_shape),
            tells | {"long_name": "laser-off shots"},
        ),
    }


def _block_errors(
    compared: _Compared, shots: Shots | BlockProducts, dims: tuple[str, ...], shape: tuple[int, ...]
) -> Variables:
    found: Variables = {}
    for name, unit in (("difference", compared.unit), ("relative", "1")):
        error = shots.jackknife(compared.on, compared.off, relative=name == "relative")
        attrs = {"units": unit, "long_name": FROM_BLOCKS}
        found[f"{name}_error_jackknife"] = (dims, error.reshape(shape), attrs)
    return found


def _for_fits(compared: _Compared, axis: str) -> Variables:
    """Return where in its bin each share of the shots lies, and how far bins share off shots."""
    (one,) = compared.plan.axes
    parts = axis_parts(one, compared.plan, compared.plan.used)
    about = {"units": one.channel.unit, "long_name": "mean position of each share of the shots"}
    found: Variables = {f"{axis}_parts": ((axis, "part"), parts, about)}
    if not compared.reference.shared:
        text = "correlation of the laser-off shots of two bins"
        attrs = {"units": "1", "long_name": text}
        found["off_overlap"] = ((axis, f"{axis}_other"), compared.reference.overlap(), attrs)
    return found


def _errors_at_mean(compared: _Compared, shots: Shots, dims: tuple[str, ...]) -> Variables:
    on, off = compared.on, compared.off
    at_mean, own = shots.at_mean(), shots.own_and_common(off)[0]
    factor = np.abs(on.value / off.value)
    found: Variables = {}
    for name, error, unit in (
        ("difference", np.hypot(at_mean, own), compared.unit),
        ("relative", np.hypot(at_mean, factor * own) / np.abs(off.value), "1"),
    ):
        attrs = {"units": unit, "long_name": "error at the mean position in the bin"}
        found[f"{name}_error_at_mean"] = (dims, error, attrs)
    return found
