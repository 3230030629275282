"""The delay between pump and X-rays, event by event: nominal value, time tool, sign and units."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.core.arrays import Floats
from workbench.runs.arrival import Arrival, find_arrival, read_arrival
from workbench.runs.channel import Channel
from workbench.runs.few_events import need_events
from workbench.runs.nominal import DelayError, Nominal, find_nominal, slow_remarks
from workbench.runs.storage import opened_once

if TYPE_CHECKING:
    from workbench.runs.run import Run

FEWEST = 20  # events from which a slope says something
SLOPE_OFF = 0.5  # of the slope: far beyond what a wrong calibration does
DIRECTION = "Positive: the pump arrives before the X-rays."


@opened_once()
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
    need_events(run)
    sense = time_tool_sign(run, sign)
    zero = _first(t0, run.setup.delay.t0, 0.0)
    nominal, others, reason = find_nominal(run, source, unit)
    forced = source is not None or bool(run.setup.delay.source)
    warnings = nominal.remarks + slow_remarks(run, nominal, forced=forced)
    if not time_tool or nominal.time_tool == "none":
        values, sentence = nominal.values, nominal.text
        warnings += _gaps(run, None, nominal)
    else:
        arrival, _ = find_arrival(run)
        values, sentence = _combine(nominal, arrival, sense)
        warnings += _gaps(run, arrival, nominal) + _not_followed(nominal, arrival, sense)
    if zero:
        sentence += f" - {zero:g} ps"
    return Channel.from_values(
        "delay",
        values - zero,
        unit="ps",
        long_name="delay, positive: pump before X-rays",
        select=run.mask,
        why=f"delay = {sentence}. {_reasons(run, nominal, reason, unit, t0, sign)} {DIRECTION}",
        alternatives=tuple(
            f"{other.name} ({'moves' if other.moves else 'does not move'}, not added)"
            for other in others
        ),
        warnings=warnings,
    )


@dataclass(frozen=True)
class DelayRule:
    """How the delay of a run is made: gives some of its events the delay that they have in the run.

    Parameters
    ----------
    source, unit
        Nominal delay, and the unit of its values.
    time_tool
        Name of the time-tool correction; empty: it is not added.
    sense
        Of the time tool: +1 or -1.
    constant
        What takes the place of the nominal delay where the time tool sees all of it [ps]; None:
        nominal delay and correction are added.
    t0
        Time zero that is subtracted [ps].
    why
        The delay in a sentence.
    """

    source: str
    unit: str
    time_tool: str
    sense: int
    constant: float | None
    t0: float
    why: str

    def of(self, part: "Run") -> Floats:
        """Return the delay of each event of a part of the run [ps], shape (event,)."""
        nominal, _, _ = find_nominal(part, self.source, self.unit)
        base = nominal.values
        if self.constant is not None:
            base = np.where(np.isfinite(base), self.constant, np.nan)
        if self.time_tool:
            base = base + self.sense * read_arrival(part, self.time_tool)
        return np.asarray(base - self.t0)


def delay_rule(run: "Run", **given: Any) -> DelayRule:
    """Return how `Run.delay` makes the delay of a run, with its arguments."""
    made = delay(run, **given)
    source, unit = given.get("source"), given.get("unit")
    nominal, _, _ = find_nominal(run, source, unit)
    sense, constant, name = time_tool_sign(run, given.get("sign")), None, ""
    if given.get("time_tool", True) and nominal.time_tool != "none":
        arrival, _ = find_arrival(run)
        name = arrival.name
        if nominal.time_tool == "uncompensated":
            constant = _constant(nominal, arrival, sense)
    zero = _first(given.get("t0"), run.setup.delay.t0, 0.0)
    return DelayRule(nominal.name, nominal.unit, name, sense, constant, zero, made.why)


def jitter(run: "Run") -> Channel:
    """Return the time-tool correction of every event [ps]; NaN where it found no edge."""
    need_events(run)
    arrival, _ = find_arrival(run)
    return Channel.from_values(
        "jitter",
        arrival.values,
        unit="ps",
        long_name="arrival time by the time tool",
        select=run.mask,
        why=arrival.how,
    )


def time_tool_sign(run: "Run", sign: int | None = None) -> int:
    """Return the sense of the time tool: as given, as ``experiment.toml`` says, else +1."""
    sense = int(_first(sign, run.setup.delay.sign, 1))
    if sense not in {1, -1}:
        raise DelayError(f"sign {sense}: the time tool is added (+1) or subtracted (-1)")
    return sense


def _first(*given: float | None) -> float:
    return next(value for value in given if value is not None)


def _reasons(
    run: "Run",
    nominal: Nominal,
    reason: str,
    unit: str | None,
    t0: float | None,
    sign: int | None,
) -> str:
    """Return why this source, and what was forced or set by the experiment."""
    text = f"{nominal.name}: {reason}"
    if nominal.unit != "ps" or unit:
        text += f"; it is in {nominal.unit}{', as forced' if unit else ''}"
    given = run.setup.delay
    says = f"as {run.setup.why} says"
    if sign is None and given.sign is not None:
        text += f"; sign {given.sign:+d}, {says}"
    if t0 is None and given.t0:
        text += f"; t0, {says}"
    if nominal.time_tool == "none":
        text += "; the time tool does not see this delay"
    return f"{text}."


def _combine(nominal: Nominal, arrival: Arrival, sign: int) -> tuple[Floats, str]:
    word = "+" if sign > 0 else "-"
    alone = "" if sign > 0 else "-"
    if nominal.time_tool != "uncompensated":
        text = f"{nominal.text} {word} {arrival.name} [ps]"
        return nominal.values + sign * arrival.values, text
    # The time tool sees this axis move: adding both would count the step twice.
    constant = _constant(nominal, arrival, sign)
    text = (
        f"{alone}{arrival.name} [ps] + {constant:.6g} ps ({nominal.name} moves without the time "
        "tool's stage, so the time tool measures the whole delay; the constant is the median "
        f"of {nominal.name} minus it)"
    )
    return sign * arrival.values + np.where(np.isfinite(nominal.values), constant, np.nan), text


def _constant(nominal: Nominal, arrival: Arrival, sign: int) -> float:
    both = nominal.values - sign * arrival.values
    return float(np.median(both[np.isfinite(both)])) if np.isfinite(both).any() else np.nan


def _not_followed(nominal: Nominal, arrival: Arrival, sign: int) -> tuple[str, ...]:
    """Say that the time tool does not see a delay that it should measure by itself.

    By the slope of its value against the nominal delay; `delay_findings` judges it more finely.
    """
    good = np.isfinite(nominal.values) & np.isfinite(arrival.values)
    if nominal.time_tool != "uncompensated" or good.sum() < FEWEST:
        return ()
    moved = nominal.values[good] - nominal.values[good].mean()
    seen = sign * arrival.values[good]
    square = float((moved**2).sum())
    if not square:
        return ()
    slope = float((moved * seen).sum()) / square
    rest = seen - seen.mean() - slope * moved
    error = float(np.sqrt((rest**2).mean() / square))
    if abs(slope - 1) < max(SLOPE_OFF, 5 * error):
        return ()
    return (
        f"the time tool moves by {slope:.2f} of {nominal.name}, which it should follow by 1: this "
        "delay does not cover the scan; run.delay(time_tool=False) does, and near -1 the sign is "
        "the other",
    )


def _gaps(run: "Run", arrival: Arrival | None, nominal: Nominal) -> tuple[str, ...]:
    texts = []
    missing = np.zeros(run.n_events, np.bool_) if arrival is None else ~np.isfinite(arrival.values)
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
