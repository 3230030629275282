"""What could mislead in a delay: units, moves counted twice, stuck encoders, the time tool."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from workbench.core.arrays import Bools, Floats
from workbench.core.errors import WorkbenchError
from workbench.core.findings import Finding, Severity
from workbench.runs.arrival import Arrival, Uncalibrated, find_arrival
from workbench.runs.delay import time_tool_sign
from workbench.runs.measured import measured
from workbench.runs.nominal import DelayError, Nominal, all_nominals, find_nominal, slow_remarks

if TYPE_CHECKING:
    from workbench.runs.run import Run

FEWEST = 50  # events for a slope that means something
COMPENSATED_SLOPE = 0.1  # of the time tool against a delay that its stage follows
UNCOMPENSATED_SLOPE = 0.05  # deviation from the sign where it does not
SURE = 5.0  # errors by which a slope must leave its band
TOGETHER = 0.99  # correlation of two sources that follow the same delay
RATIO = 0.05  # relative tolerance of the ratio of two such sources
LONGEST_REST = 120  # events, 1 s: an encoder that flickers does not repeat a number so long
FLICKERS = 0.9  # of the events an encoder must change in, to tell rest from failure
MOST_ZEROS = 0.5  # of the events with both beams
STORED = ("delay", "delay_ps")  # delays that a user computed and stored


@dataclass(frozen=True)
class Slope:
    """How the time tool moves with the nominal delay, by a straight line through the events.

    Parameters
    ----------
    value, error
        Slope and its standard error, robust to unequal scatter.
    n_events
        Events that it rests on.
    """

    value: float
    error: float
    n_events: int


def delay_findings(run: "Run") -> list[Finding]:
    """Return every finding about the delay of a run; none where it has neither delay nor time tool.

    Codes: delay-unit, delay-refused, delay-double-counted, encoder-stuck, time-tool-zero,
    time-tool-uncalibrated, time-tool-slope, unverified.
    """
    findings = list(_unusable(run))
    nominals, _ = all_nominals(run)
    findings += double_counted(run, nominals)
    findings += stuck_encoders(run, nominals)
    arrival = None
    if any(line.name in run for line in run.role_fields("jitter")):
        arrival, problems = _arrival(run)
        findings += problems
    chosen = None if _refused(findings) else _chosen(run)
    if chosen is not None:
        findings += unverified_scale(run, chosen, nominals)
    if chosen is not None and arrival is not None:
        findings += time_tool_slope(run, chosen, arrival)
    return findings


def _refused(findings: Sequence[Finding]) -> bool:
    return any(finding.code == "delay-refused" for finding in findings)


def _chosen(run: "Run") -> Nominal | None:
    try:
        return find_nominal(run, None, None)[0]
    except WorkbenchError:  # named by `_unusable`
        return None


def _unusable(run: "Run") -> Iterator[Finding]:
    """Yield sources that cannot be added, and those whose unit only their spread told."""
    nominals, refused = all_nominals(run)
    for error in refused:
        yield Finding(error.code, Severity.WARNING, str(error), _field_of(run, str(error)))
    for nominal in nominals:
        for remark in nominal.remarks:
            yield Finding("delay-unit", Severity.INFO, remark, nominal.name)
    if refused or not (nominals or run.setup.delay.source):
        return
    try:
        nominal, _, _ = find_nominal(run, None, None)
        slow_remarks(run, nominal, forced=bool(run.setup.delay.source))
    except WorkbenchError as error:
        code = error.code if isinstance(error, DelayError) else "delay-refused"
        yield Finding(code, Severity.WARNING, str(error), "delay")


def _field_of(run: "Run", text: str) -> str:
    lines = (line.name for line in run.role_fields("delay"))
    return next((name for name in lines if f"{name} " in text), "delay")


def double_counted(run: "Run", nominals: Sequence[Nominal]) -> list[Finding]:
    """Find sources that follow each other with a ratio other than 1.

    A ratio of 2 is a delay to which the same move was added twice (as old tools do with
    ``lxt_ttc``), a power of 1000 another unit, -1 the opposite direction.
    """
    series = [(each.name, each.values) for each in nominals if each.moves]
    series += [(name, measured(run[name])) for name in _stored(run)]
    findings = []
    for position, (name, values) in enumerate(series):
        for other, reference in series[:position]:
            ratio = _ratio(values, reference)
            if ratio is None:
                continue
            told = _meaning(name, other, ratio)
            if told:
                code, wrong, text = told
                count = int(np.isfinite(values if wrong == name else reference).sum())
                findings.append(Finding(code, Severity.WARNING, text, wrong, count))
    return findings


def unverified_scale(run: "Run", chosen: Nominal, nominals: Sequence[Nominal]) -> list[Finding]:
    """Say where nothing in the file tells whether the delay's scale and direction are right.

    A second source that moves with it tells; so does the time tool where it sees the move.
    """
    if not chosen.moves or chosen.time_tool == "uncompensated":
        return []
    series = [each.values for each in nominals if each.name != chosen.name and each.moves]
    series += [measured(run[name]) for name in _stored(run)]
    if any(_ratio(values, chosen.values) is not None for values in series):
        return []
    text = (
        "no second source of the delay moves with it, so its unit and direction cannot be "
        "verified, nor whether a move was counted twice"
    )
    count = int(np.isfinite(chosen.values).sum())
    return [Finding("unverified", Severity.INFO, text, chosen.name, count)]


def _stored(run: "Run") -> list[str]:
    """Return delays that a user computed and stored."""
    return [name for name in STORED if name in run and run[name].shape == (run.n_events,)]


def _ratio(values: Floats, reference: Floats) -> float | None:
    """Return how much further one moves than the other; None where they do not move together."""
    known = np.isfinite(values) & np.isfinite(reference)
    if known.sum() < FEWEST:
        return None
    x, y = reference[known] - reference[known].mean(), values[known] - values[known].mean()
    spread = float(np.sqrt((x * x).sum() * (y * y).sum()))
    if not spread or abs(float((x * y).sum())) < TOGETHER * spread:
        return None
    return float((x * y).sum() / (x * x).sum())


def _meaning(name: str, other: str, ratio: float) -> tuple[str, str, str] | None:
    """Return code, field and sentence for a ratio of two sources; None where they agree."""
    if _near(ratio, 2) or _near(ratio, 0.5):
        twice, once = (name, other) if _near(ratio, 2) else (other, name)
        text = (
            f"{twice} moves twice as far as {once}, which it follows: the same move was added "
            f"twice; use run.delay(source={once!r})"
        )
        return "delay-double-counted", twice, text
    if _near(ratio, -1):
        text = (
            f"{name} moves as far as {other}, but in the opposite direction: one of the signs is "
            "wrong; set scale = -1 under [delay] in experiment.toml, or take the other source"
        )
        return "delay-unit", name, text
    power = round(float(np.log10(abs(ratio))) / 3)
    if power and _near(abs(ratio), 10.0 ** (3 * power)):
        text = (
            f"{name} moves {ratio:.3g} times as far as {other}, which it follows: one of their "
            "units is wrong; say which, as in run.delay(source=..., unit=...)"
        )
        return "delay-unit", name, text
    return None


def _near(ratio: float, wanted: float) -> bool:
    return abs(ratio - wanted) <= RATIO * abs(wanted)


def stuck_encoders(run: "Run", nominals: Sequence[Nominal]) -> list[Finding]:
    """Find encoders that repeat one number while the delay goes on."""
    findings = []
    for nominal in nominals:
        if not nominal.name.startswith("enc/"):
            continue
        others = [each for each in nominals if each.moves and not each.name.startswith("enc/")]
        if nominal.spread == 0:
            findings += _parked(nominal, others)
        else:
            findings += _stopped(nominal, run)
    return findings


def _parked(nominal: Nominal, others: Sequence[Nominal]) -> list[Finding]:
    known = int(np.isfinite(nominal.values).sum())
    if not others or not known:
        return []
    stepped = [each.name for each in others if each.name.startswith("scan/")]
    severity = Severity.INFO if stepped else Severity.WARNING
    consequence = (
        "it was parked, or it failed; the delay does not use it"
        if stepped
        else "it failed, or another stage was moved; compare before using either"
    )
    names = ", ".join(stepped or [each.name for each in others])
    text = f"repeats one number in every event while {names} moves: {consequence}"
    return [Finding("encoder-stuck", severity, text, nominal.name, known)]


def _stopped(nominal: Nominal, run: "Run") -> list[Finding]:
    """Find a stretch of one number in an encoder that elsewhere changes with every event."""
    order = run.time_order
    values = nominal.values[order]
    values = values[np.isfinite(values)]
    if len(values) < 2 * LONGEST_REST:
        return []
    changes = np.flatnonzero(np.diff(values)) + 1
    bounds = np.concatenate([[0], changes, [len(values)]])
    lengths = np.diff(bounds)
    longest = int(lengths.max())
    rest = len(values) - longest
    if longest < LONGEST_REST or not rest or (len(lengths) - 1) < FLICKERS * rest:
        return []
    first = int(bounds[int(lengths.argmax())])
    text = (
        f"repeats one number for {longest} events (from the {first + 1}th in time), though it "
        "changes with every event elsewhere: it stood still or failed; leave these events out"
    )
    return [Finding("encoder-stuck", Severity.WARNING, text, nominal.name, longest)]


def _arrival(run: "Run") -> tuple[Arrival | None, list[Finding]]:
    try:
        arrival, passed_over = find_arrival(run)
    except DelayError as error:
        return None, [Finding(error.code, Severity.WARNING, str(error), "jitter")]
    except WorkbenchError as error:
        return None, [Finding("time-tool-uncalibrated", Severity.WARNING, str(error), "jitter")]
    return arrival, [*_uncalibrated(arrival, passed_over), *time_tool_zeros(run, arrival)]


def _uncalibrated(arrival: Arrival, passed_over: Sequence[Uncalibrated]) -> list[Finding]:
    return [
        Finding(
            "time-tool-uncalibrated",
            Severity.INFO,
            f"{each.reason}: not calibrated, so {arrival.name} is used instead",
            each.name,
        )
        for each in passed_over
    ]


def time_tool_zeros(run: "Run", arrival: Arrival) -> list[Finding]:
    """Count events with both beams whose correction is exactly 0, which is a failed fit."""
    of = run.classes.on if run.classes.on.any() else np.ones(run.n_events, np.bool_)
    zeros = int((arrival.zeros & of).sum())
    if not zeros:
        return []
    share = zeros / max(1, int(of.sum()))
    severity = Severity.WARNING if share > MOST_ZEROS else Severity.INFO
    text = (
        f"is exactly 0 in {zeros} of {of.sum()} events with X-rays and laser ({100 * share:.0f} "
        "%): the fit found no edge; their delay is NaN, not the nominal one"
    )
    return [Finding("time-tool-zero", severity, text, arrival.name, zeros)]


def slope_of(values: Floats, against: Floats, good: Bools) -> Slope | None:
    """Return the slope of `values` against another quantity; None where nothing moves.

    The standard error is that of White (1980), which holds for unequal scatter.
    """
    known = good & np.isfinite(values) & np.isfinite(against)
    if known.sum() < FEWEST or np.ptp(against[known]) == 0:
        return None
    x, y = against[known] - against[known].mean(), values[known] - values[known].mean()
    square = float((x * x).sum())
    slope = float((x * y).sum()) / square
    error = float(np.sqrt((((y - slope * x) * x) ** 2).sum())) / square
    return Slope(slope, error, int(known.sum()))


def time_tool_slope(run: "Run", nominal: Nominal, arrival: Arrival) -> list[Finding]:
    """Compare how the time tool moves with the delay with what the source's kind demands.

    Compensated: 0 within 0.1, as the stage follows; then nothing in the file tells the sign.
    Uncompensated: the sign of the time tool within 0.05.
    """
    if nominal.time_tool == "none":
        return []
    on = run.classes.on if run.classes.on.any() else ~run.classes.dark
    slope = slope_of(arrival.values, nominal.values, on)
    if slope is None:
        return []
    sign = time_tool_sign(run)
    moves = nominal.time_tool == "uncompensated"
    expected, band = (sign, UNCOMPENSATED_SLOPE) if moves else (0, COMPENSATED_SLOPE)
    if abs(slope.value - expected) - band > SURE * slope.error:
        return [_wrong_slope(slope, nominal, arrival, sign=sign, moves=moves)]
    if moves:
        return []
    text = (
        f"its sign ({sign:+d}) cannot be told from this run, as its stage follows {nominal.name}; "
        "a scan of scan/lxt alone tells"
    )
    return [Finding("unverified", Severity.INFO, text, arrival.name, slope.n_events)]


def _wrong_slope(
    slope: Slope, nominal: Nominal, arrival: Arrival, *, sign: int, moves: bool
) -> Finding:
    measured_slope = f"{slope.value:.2f} ± {slope.error:.2f}"
    if moves and abs(slope.value + sign) < UNCOMPENSATED_SLOPE + SURE * slope.error:
        advice = f"the time tool has the opposite sense: use run.delay(sign={-sign})"
    elif moves:
        advice = "it should see this delay move; its calibration or the unit of the delay is wrong"
    else:
        advice = (
            "its stage should follow; the calibration or the choice of the source is wrong, or "
            "the stage did not move"
        )
    text = (
        f"moves by {measured_slope} of {nominal.name}, expected "
        f"{f'{sign:+d}' if moves else '0'}: {advice}"
    )
    return Finding("time-tool-slope", Severity.WARNING, text, arrival.name, slope.n_events)
