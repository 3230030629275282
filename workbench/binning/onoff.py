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

For arrays (curves, images) there are `_error` and `_error_total`, with all off shots together also
`_error_common`; paired with off shots of its own, `_error` is the total.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike

from workbench.binning.background import DarkMean, dark_mean
from workbench.binning.binned import (
    NO_DARK,
    Variables,
    axis_coordinates,
    field_coordinates,
    field_dims,
    normalisation,
    ratio_unit,
    run_attributes,
    sum_up,
)
from workbench.binning.differences import Change, Shots, difference, relative
from workbench.binning.jackknife import time_blocks
from workbench.binning.plan import (
    Background,
    NothingLeftError,
    Plan,
    dark_events,
    make_axes,
    make_plan,
)
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
from workbench.runs import Channel, Cut, Pairing, Pairs, find_pairs
from workbench.runs.pairs import NEAREST, WITHIN
from workbench.runs.protocol import AnyRun

if TYPE_CHECKING:
    import xarray as xr

Off = Literal["all"] | Pairing


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

    Fit with `_error` or `_error_at_mean` (independent); `_error_common` moves all bins together;
    `_error_total` is both; `_error_jackknife` sees drift. The reasons are in
    `workbench.binning.onoff`.

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
        "dark": subtract the dark mean of S and I first. The attribute "background" says over how
        many dark events each was averaged; where none holds a value, nothing is subtracted.
    """
    channel = run.channel(field)
    if not channel.shape or channel.shape[0] != run.n_events or channel.dtype.kind not in "biuf":
        raise InputError(f"on_off({channel.name}): it holds no numbers for every event")
    if off not in ("all", *get_args(Pairing)):
        raise InputError(f"off={off!r}: use 'all', 'nearest' or 'interleaved'")
    where = None if where is None else where.freeze(run)
    norm, norm_dark, norm_channel = normalisation(run, by, where, background)
    dark = dark_mean(channel, dark_events(run, where)) if background == "dark" else NO_DARK
    measured = ~channel.missing
    on_plan = make_plan(make_axes(run, axes), run.mask(where, of="on"), norm, norm_channel)
    off_plan = make_plan((), run.mask(where, of="off"), norm, norm_channel)
    _check(channel, on_plan, measured, "laser-on", where)
    _check(channel, off_plan, measured, "laser-off", where)
    lit, unlit = on_plan.used & measured, off_plan.used & measured
    pairs = None
    reference = of_all(unlit)
    if off != "all":
        pairs = find_pairs(run, lit, unlit, pairing=off, nearest=nearest, within=within, step=step)
        on_plan = without_unpaired(on_plan, pairs)
        _check(channel, on_plan, measured, "paired laser-on", where)
        reference = of_pairs(pairs, on_plan)
    off_plan = replace(off_plan, numbers=np.where(unlit, off_plan.numbers, -1))
    compared = _Compared(
        channel,
        on_plan,
        sum_up(channel, on_plan, dark),
        reference_ratio(channel, reference, off_plan, dark),
        reference,
        _shots(run, channel, dark, on_plan, reference),
    )
    about = _about(compared, pairs, _background(background, dark, norm_dark))
    return _dataset(run, compared, measured, where, about)


@dataclass(frozen=True)
class _Compared:
    channel: Channel
    plan: Plan
    on: Ratio
    off: Ratio
    reference: Reference
    shots: Shots | None  # None for arrays

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


def _shots(
    run: AnyRun, channel: Channel, dark: DarkMean, plan: Plan, reference: Reference
) -> Shots | None:
    if len(channel.shape) > 1:
        return None
    values = channel.read().astype(np.float64) - dark.mean
    return Shots(values, time_blocks(run.timestamps), plan, plan.norm, reference)


def _check(channel: Channel, plan: Plan, measured: Bools, name: str, where: Cut | None) -> None:
    if (plan.used & measured).any():
        return
    reasons = ", ".join(f"{why} {count}" for why, count in plan.excluded.items() if count)
    hint = "; on_off picks laser-on and -off itself: leave laser_on() out of where"
    text = f"no {name} shot with {channel.name} is left ({reasons})"
    raise NothingLeftError(text if where is None else text + hint)


def _background(background: Background, signal: DarkMean, norm: DarkMean) -> str:
    if background == "none":
        return "none"
    counts = f"signal over {signal.count} dark events, intensity over {norm.count}"
    return f"dark means subtracted: {counts}"


def _about(compared: _Compared, pairs: Pairs | None, background: str) -> dict[str, Any]:
    about: dict[str, Any] = {
        "field": compared.channel.name,
        "background": background,
        "reference": compared.reference.how,
        "off_used": len(np.unique(compared.reference.events)),
    }
    if pairs is not None:
        about["pairs"] = json.dumps(dict(pairs.counts.rows))  # type: ignore[arg-type]
    return about


def _dataset(
    run: AnyRun, compared: _Compared, measured: Bools, where: Cut | None, about: dict[str, Any]
) -> "xr.Dataset":
    import xarray as xr

    plan = compared.plan
    dims = field_dims(compared.channel, plan)
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
        variables |= _shot_errors(compared, compared.shots, dims)
    coordinates = axis_coordinates(plan, plan.used & measured) | field_coordinates(compared.channel)
    attributes = about | run_attributes(run, plan, where)
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


def _shot_errors(compared: _Compared, shots: Shots, dims: tuple[str, ...]) -> Variables:
    on, off, shape = compared.on, compared.off, compared.plan.shape
    found: Variables = {}
    for name, unit in (("difference", compared.unit), ("relative", "1")):
        error = shots.jackknife(on, off, relative=name == "relative")
        attrs = {"units": unit, "long_name": "error from blocks of 1 s"}
        found[f"{name}_error_jackknife"] = (dims, error.reshape(shape), attrs)
    if len(compared.plan.axes) == 1:
        at_mean, own = shots.at_mean(), shots.own_and_common(off)[0]
        factor = np.abs(on.value / off.value)
        for name, error, unit in (
            ("difference", np.hypot(at_mean, own), compared.unit),
            ("relative", np.hypot(at_mean, factor * own) / np.abs(off.value), "1"),
        ):
            attrs = {"units": unit, "long_name": "error at the mean position in the bin"}
            found[f"{name}_error_at_mean"] = (dims, error, attrs)
    return found
