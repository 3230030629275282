"""Laser on against laser off: ratio and difference per bin, with errors that add up honestly.

Errors of `difference` and `relative` are kept apart by where they come from:

- `<name>_error`: the on shots. Independent from bin to bin, so a fit may use it.
- `<name>_error_common`: the off shots. The same shots serve every bin, so it moves all bins
  together (for `relative` a common factor on 1 + relative); added bin by bin before a fit it would
  count once for every bin.
- `<name>_error_total`: both in quadrature, for one bin looked at alone.
- `<name>_error_jackknife`: contiguous blocks of 1 s of on and off shots left out together, so drift
  that both share cancels and drift that they do not is seen.
- `<name>_error_at_mean`: as `_error`, for the value at the mean position of the bin's shots:
  scatter around a straight line through the bin, smaller where the signal rises within a bin. A
  fit to mean positions needs this one.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from workbench.binning.background import DarkMean, dark_mean
from workbench.binning.binned import (
    NO_DARK,
    Variables,
    axis_coordinates,
    normalisation,
    provisional_ratio,
    run_attributes,
)
from workbench.binning.jackknife import block_residuals, time_blocks
from workbench.binning.plan import (
    Background,
    NothingLeftError,
    Plan,
    dark_events,
    make_axes,
    make_plan,
)
from workbench.binning.scatter import error_at_mean
from workbench.binning.sums import Ratio, RatioSums
from workbench.core.arrays import Floats, Ints
from workbench.core.errors import InputError
from workbench.runs import Channel, Cut, Run

if TYPE_CHECKING:
    import xarray as xr


def on_off(
    run: Run,
    axes: Mapping[str | Channel, ArrayLike],
    field: str | Channel,
    where: Cut | None = None,
    by: str | Channel | None = "i0",
    *,
    background: Background = "dark",
) -> "xr.Dataset":
    """Compare shots with laser, by bins, with all shots without laser.

    `on` is the ratio of sums of each bin, `off` that of all laser-off shots together (no bins);
    `difference` = on - off, `relative` = on / off - 1. Cuts of scope "on" (delay, time tool) do not
    touch the off shots.

    Fit with `_error` or `_error_at_mean` (on shots, independent); `_error_common` (off shots) moves
    all bins together; `_error_total` is both; `_error_jackknife` sees drift. The reasons are in
    `workbench.binning.onoff`.

    Parameters
    ----------
    run
        From `open_run`.
    axes
        As for `bin_run`; the off shots are not binned.
    field
        One value per event.
    where
        Which events; X-ray and laser state are taken care of here.
    by
        Normalisation.
    background
        "dark": subtract the dark mean of S and I first. The attribute "background" says over how
        many dark events each was averaged; where none holds a value, nothing is subtracted.
    """
    channel = run.channel(field)
    if channel.shape != (run.n_events,) or channel.dtype.kind not in "biuf":
        raise InputError(
            f"on_off({channel.name}): one number per event is needed, not shape {channel.shape}; "
            "use bin_run(..., of='on') and of='off' for arrays"
        )
    norm, norm_dark, norm_channel = normalisation(run, by, where, background)
    dark = dark_mean(channel, dark_events(run, where)) if background == "dark" else NO_DARK
    values = channel.read().astype(np.float64) - dark.mean
    on_plan = make_plan(make_axes(run, axes), run.mask(where, of="on"), norm, norm_channel)
    off_plan = make_plan((), run.mask(where, of="off"), norm, norm_channel)
    on = _reduce(channel, values, on_plan, dark.mean, "laser-on", where)
    off = _reduce(channel, values, off_plan, dark.mean, "laser-off", where)
    blocks = time_blocks(run.timestamps)
    pair = _Pair(on, off, values, blocks, on_plan, off_plan)
    about = {"field": channel.name, "background": _background(background, dark, norm_dark)}
    unit = channel.unit if norm_channel is None else f"{channel.unit}/{norm_channel.unit}"
    return _dataset(run, pair, unit, where, about)


@dataclass(frozen=True)
class _Pair:
    on: Ratio
    off: Ratio
    values: Floats
    blocks: Ints
    on_plan: Plan
    off_plan: Plan

    @property
    def reference(self) -> float:
        return float(self.off.value[0])

    @property
    def reference_error(self) -> float:
        return float(self.off.error[0])

    def jackknife(self, *, relative: bool) -> Floats:
        """Error of on - off, or on / off - 1, from blocks of on and off shots together."""
        on, off = (self._residuals(plan) for plan in (self.on_plan, self.off_plan))
        if relative:
            ratio = self.on.value / self.reference
            on, off = on / self.reference, off * ratio / self.reference
        on_factor, off_factor = (_bessel(part) for part in (on, off))
        on, off = np.nan_to_num(on), np.nan_to_num(off)
        both = np.sqrt(on_factor * off_factor)
        squares = on_factor * (on**2).sum(0) + off_factor * (off**2).sum(0)
        squares = squares - 2 * both * (on * off).sum(0)
        return np.asarray(np.sqrt(np.maximum(squares, 0)))

    def error_at_mean(self) -> Floats:
        """Error of `on` at the mean position of each bin's events."""
        plan = self.on_plan
        position = plan.axes[0].values
        good = plan.used & np.isfinite(self.values)
        return error_at_mean(
            self.values[good], plan.norm[good], plan.numbers[good], position[good], bins=plan.bins
        )

    def _residuals(self, plan: Plan) -> Floats:
        good = plan.used & np.isfinite(self.values)
        count = int(self.blocks.max(initial=-1)) + 1
        residuals = block_residuals(
            self.values[good],
            plan.norm[good],
            plan.numbers[good],
            self.blocks[good],
            bins=plan.bins,
        )
        missing = np.full((count - len(residuals), plan.bins), np.nan)
        return np.concatenate([residuals, missing])


def _reduce(
    channel: Channel, values: Floats, plan: Plan, offset: Floats, name: str, where: Cut | None
) -> Ratio:
    good = plan.used & np.isfinite(values)
    if not good.any():
        reasons = ", ".join(f"{why} {count}" for why, count in plan.excluded.items() if count)
        hint = "; on_off picks laser-on and -off itself: leave laser_on() out of where"
        text = f"no {name} shot with {channel.name} is left ({reasons})"
        raise NothingLeftError(text if where is None else text + hint)
    sums = RatioSums(plan.bins, provisional_ratio(channel, plan, offset))
    sums.add(plan.numbers[good], values[good], plan.norm[good])
    return sums.result()


def _background(background: Background, signal: DarkMean, norm: DarkMean) -> str:
    if background == "none":
        return "none"
    counts = f"signal over {signal.count} dark events, intensity over {norm.count}"
    return f"dark means subtracted: {counts}"


def _bessel(residuals: Floats) -> Floats:
    number = np.isfinite(residuals).sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(number > 1, number / (number - 1), np.nan)


def _dataset(
    run: Run, pair: _Pair, unit: str, where: Cut | None, about: dict[str, str]
) -> "xr.Dataset":
    import xarray as xr

    on, reference, off_error = pair.on, pair.reference, pair.reference_error
    ratio = on.value / reference
    curves: dict[str, tuple[Floats, Floats, Floats, Floats, str]] = {
        "difference": (
            on.value - reference,
            on.error,
            np.full_like(on.value, off_error),
            pair.jackknife(relative=False),
            unit,
        ),
        "relative": (
            ratio - 1,
            on.error / abs(reference),
            np.abs(ratio) * off_error / abs(reference),
            pair.jackknife(relative=True),
            "1",
        ),
    }
    dims, shape = tuple(axis.name for axis in pair.on_plan.axes), pair.on_plan.shape
    variables: Variables = {}
    for name, (value, error, common, jackknife, its_unit) in curves.items():
        for suffix, array, meaning in (
            ("", value, {"difference": "on - off", "relative": "on / off - 1"}[name]),
            ("_error", error, "error from the on shots alone"),
            ("_error_common", common, "error from the off shots, common to all bins"),
            ("_error_total", np.hypot(error, common), "error from on and off shots"),
            ("_error_jackknife", jackknife, "error from blocks of 1 s"),
        ):
            attrs: dict[str, Any] = {"units": its_unit, "long_name": meaning, "count": "on_count"}
            variables[f"{name}{suffix}"] = (dims, array.reshape(shape), attrs)
    variables |= _parts(pair, dims, unit)
    if len(pair.on_plan.axes) == 1:
        at_mean = pair.error_at_mean()
        meaning = "error at the mean position in the bin"
        for name, scale, its_unit in (("difference", 1.0, unit), ("relative", reference, "1")):
            attrs = {"units": its_unit, "long_name": meaning}
            variables[f"{name}_error_at_mean"] = (dims, at_mean / abs(scale), attrs)
    attributes = about | run_attributes(run, pair.on_plan, where)
    attributes["off_used"] = int(pair.off.count[0])
    measured = pair.on_plan.used & np.isfinite(pair.values)
    return xr.Dataset(variables, coords=axis_coordinates(pair.on_plan, measured), attrs=attributes)


def _parts(pair: _Pair, dims: tuple[str, ...], unit: str) -> Variables:
    shape = pair.on_plan.shape
    has, tells = {"units": unit}, {"units": "1"}
    return {
        "on": (dims, pair.on.value.reshape(shape), has | {"long_name": "laser on"}),
        "on_error": (dims, pair.on.error.reshape(shape), has | {"long_name": "laser on, error"}),
        "on_count": (dims, pair.on.count.reshape(shape), tells | {"long_name": "laser-on shots"}),
        "off": ((), pair.off.value[0], has | {"long_name": "laser off"}),
        "off_error": ((), pair.off.error[0], has | {"long_name": "laser off, error"}),
        "off_count": ((), pair.off.count[0], tells | {"long_name": "laser-off shots"}),
    }
