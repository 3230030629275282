"""The delay between pump and X-rays, event by event: nominal value, time tool, sign and units."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from workbench.core.arrays import Bools, Floats
from workbench.core.errors import InputError
from workbench.core.units import UnitError, factor
from workbench.facility import RoleField
from workbench.runs.channel import Channel
from workbench.runs.roles import RoleError

if TYPE_CHECKING:
    from workbench.runs.run import Run

SMALLEST_SPREAD = 1e-6  # ps; a source that moves by less was given in s
LARGEST_SPREAD = 1e9  # ps, 1 ms; a source that moves by more was given in ps, called s
STILL = 1e-3  # ps; an encoder's noise, not a scan
DIRECTION = "Positive: the pump arrives before the X-rays."


class DelayError(InputError):
    """A delay that cannot be trusted; the text says which source and what to give instead."""


@dataclass(frozen=True)
class _Nominal:
    """The delay as it was set: values [ps], and whether the time tool moves with it."""

    name: str
    unit: str
    values: Floats
    compensated: bool

    @property
    def spread(self) -> float:
        known = self.values[np.isfinite(self.values)]
        return float(np.ptp(known)) if known.size else 0.0


@dataclass(frozen=True)
class _Arrival:
    """The time-tool correction: values [ps], NaN where it found no edge."""

    name: str
    values: Floats
    how: str


def delay(
    run: "Run",
    *,
    time_tool: bool = True,
    source: str | None = None,
    unit: str | None = None,
    sign: int | None = None,
    t0: float | None = None,
) -> Channel:
    """Build the delay of every event [ps]; see `Run.delay`."""
    sign = 1 if sign is None else sign
    t0 = 0.0 if t0 is None else t0
    if sign not in {1, -1}:
        raise DelayError(f"sign {sign}: the time tool is added (+1) or subtracted (-1)")
    nominal, others = _choose(run, source, unit)
    warnings = _slow_source_warnings(run, nominal, forced=source is not None)
    if not time_tool:
        values, sentence = nominal.values, _nominal_text(nominal)
    else:
        arrival = _arrival(run)
        values, sentence = _combine(nominal, arrival, sign)
        warnings += _gaps(run, arrival, nominal)
    if t0:
        sentence += f" - {t0:g} ps"
    why = f"delay = {sentence}. {DIRECTION}"
    if nominal.unit != "ps" or unit:
        why += f" {nominal.name} is in {nominal.unit}{', as forced' if unit else ''}."
    return Channel.from_values(
        "delay",
        values - t0,
        unit="ps",
        long_name="delay, positive: pump before X-rays",
        select=run.mask,
        why=why,
        alternatives=others,
        warnings=warnings,
    )


def jitter(run: "Run") -> Channel:
    """Return the time-tool correction of every event [ps]; NaN where it found no edge."""
    arrival = _arrival(run)
    return Channel.from_values(
        "jitter",
        arrival.values,
        unit="ps",
        long_name="arrival time by the time tool",
        select=run.mask,
        why=arrival.how,
    )


def _choose(run: "Run", source: str | None, unit: str | None) -> tuple[_Nominal, tuple[str, ...]]:
    if source is not None:
        fact = next(
            (f for f in run.role_fields("delay") if f.name == source), RoleField(source, "")
        )
        return _nominal(run, fact, unit), ()
    facts = [fact for fact in run.role_fields("delay") if fact.name in run]
    if not facts:
        raise RoleError("delay", run.label, [fact.name for fact in run.role_fields("delay")])
    found: list[_Nominal] = []
    refused: list[DelayError] = []
    for fact in facts:
        try:
            found.append(_nominal(run, fact, unit))
        except DelayError as error:
            refused.append(error)
    if not found or (refused and facts[0].name not in {nominal.name for nominal in found}):
        raise refused[0]
    moving = [nominal for nominal in found if nominal.spread > STILL]
    chosen = (moving or found)[0]
    others = tuple(
        f"{nominal.name} ({'moves' if nominal in moving else 'does not move'}, not added)"
        for nominal in found
        if nominal is not chosen
    )
    return chosen, others


def _nominal(run: "Run", fact: RoleField, unit: str | None) -> _Nominal:
    channel = run[fact.name]
    stated = unit or channel.unit or fact.unit
    if not stated or stated == "1":
        raise DelayError(
            f"{run.label}: {fact.name} has no unit; give it, as in "
            f"run.delay(source={fact.name!r}, unit='ps')"
        )
    values = channel.read().astype(np.float64) * _check_time(run, fact.name, stated)
    nominal = _Nominal(fact.name, stated, values, fact.time_tool != "uncompensated")
    if not unit:
        _check_spread(run, nominal)
    return nominal


def _check_spread(run: "Run", nominal: _Nominal) -> None:
    likely = ""
    if 0 < nominal.spread < SMALLEST_SPREAD and nominal.unit != "s":
        likely = "s"
    if nominal.spread > LARGEST_SPREAD and nominal.unit != "ps":
        likely = "ps"
    if likely:
        raise DelayError(
            f"{run.label}: {nominal.name} in {nominal.unit} moves by {nominal.spread:.2g} ps: its "
            f"values look like {likely}. Say which it is: run.delay(source={nominal.name!r}, "
            f"unit={likely!r} or {nominal.unit!r})"
        )


def _check_time(run: "Run", name: str, unit: str) -> float:
    try:
        return factor(unit, "ps")
    except UnitError as error:
        raise DelayError(
            f"{run.label}: {name} is in {unit}, which is no time and cannot be added to ps; choose "
            "another source, as in run.delay(source=...)"
        ) from error


def _arrival(run: "Run") -> _Arrival:
    facts = [fact for fact in run.role_fields("jitter") if fact.name in run]
    if not facts:
        names = [fact.name for fact in run.role_fields("jitter")]
        raise RoleError("jitter", run.label, names, hint="; or run.delay(time_tool=False)")
    for fact in facts:
        channel = run[fact.name]
        scale = _check_time(run, fact.name, channel.unit or fact.unit)
        values = channel.read().astype(np.float64) * scale
        failed, how = _no_edge(run, values)
        values[failed] = np.nan
        known = values[np.isfinite(values)]
        if known.size and np.ptp(known) > 0:
            return _Arrival(fact.name, values, f"{fact.name}; missing where {how}")
    tried = ", ".join(fact.name for fact in facts)
    raise DelayError(
        f"{run.label}: the time tool never varies ({tried}): it was not calibrated or found no "
        "edge; use run.delay(time_tool=False)"
    )


def _no_edge(run: "Run", values: Floats) -> tuple[Bools, str]:
    position = next((f.name for f in run.role_fields("tt_position") if f.name in run), None)
    if position is None:
        # Without the position only an exact zero tells that the fit failed.
        return np.asarray(values == 0), "the correction is exactly 0 or NaN"
    edge = run[position].read().astype(np.float64)
    return ~np.isfinite(edge) | (edge == 0), f"{position} is 0 or NaN"


def _combine(nominal: _Nominal, arrival: _Arrival, sign: int) -> tuple[Floats, str]:
    word = "+" if sign > 0 else "-"
    if nominal.compensated:
        text = f"{_nominal_text(nominal)} {word} {arrival.name} [ps]"
        return nominal.values + sign * arrival.values, text
    # The time tool sees this axis move: adding both would count the step twice.
    constant = float(np.nanmedian(nominal.values - sign * arrival.values))
    text = (
        f"{word} {arrival.name} [ps] + {constant:.6g} ps ({nominal.name} moves without the time "
        "tool's stage, so the time tool measures the whole delay; the constant is the median "
        f"of {nominal.name} minus it)"
    )
    return sign * arrival.values + np.where(np.isfinite(nominal.values), constant, np.nan), text


def _nominal_text(nominal: _Nominal) -> str:
    if nominal.unit == "ps":
        return f"{nominal.name} [ps]"
    return f"{factor(nominal.unit, 'ps'):g} x {nominal.name} [{nominal.unit}]"


def _gaps(run: "Run", arrival: _Arrival, nominal: _Nominal) -> tuple[str, ...]:
    missing = ~np.isfinite(arrival.values)
    texts = []
    if missing.any():
        on = run.classes.on
        texts.append(
            f"the time tool has no value in {missing.sum()} of {len(missing)} events "
            f"({(missing & on).sum()} of {on.sum()} with X-rays and laser): their delay is NaN"
        )
    unset = int(np.count_nonzero(~np.isfinite(nominal.values)))
    if unset:
        texts.append(f"{nominal.name} is missing in {unset} events: their delay is NaN")
    return tuple(texts)


def _slow_source_warnings(run: "Run", nominal: _Nominal, *, forced: bool) -> tuple[str, ...]:
    if not nominal.name.startswith("epics"):
        return ()
    text = (
        f"{nominal.name} is a slow control value, repeated from its last update: it is not matched "
        "to the event and lags behind a moving stage"
    )
    if _moves_within_steps(run, nominal.values) and not forced:
        raise DelayError(
            f"{run.label}: {text}; it even changes within scan steps. Use another source, or force "
            f"it with run.delay(source={nominal.name!r})"
        )
    return (text,)


def _moves_within_steps(run: "Run", values: Floats) -> bool:
    if "scan/varStep" not in run:
        return False
    steps = run["scan/varStep"].read()
    numbers = [number for number in np.unique(steps[np.isfinite(steps)]) if number >= 0]
    if len(numbers) < 2:
        return False
    inside = (values[(steps == number) & np.isfinite(values)] for number in numbers)
    return any(part.size and np.ptp(part) > STILL for part in inside)
