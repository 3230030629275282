"""From the numbers of the alignment checks to findings: what, its consequence, the way out."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import pairwise

import numpy as np

from workbench.core.arrays import Bools
from workbench.core.errors import near
from workbench.core.findings import Finding, Severity
from workbench.runs.alignment.darks import DarkLevel
from workbench.runs.alignment.flags import JOINED, XRAY, Contradiction
from workbench.runs.alignment.lags import Lag
from workbench.runs.alignment.saturation import Saturation
from workbench.runs.alignment.swaps import Swap
from workbench.runs.alignment.time_tool import COLLAPSE, Segment, Track
from workbench.runs.alignment.timeline import ranges

MANY_SATURATED = 0.01  # of the readings: ten times what sets the scale of a 99.9 % quantile
SHOWN = 3  # blocks named in a message


def judge_lags(lags: Sequence[Lag]) -> Iterator[Finding]:
    """Say which channels belong to other events; if most followers disagree, it is I0 itself."""
    told = [lag for lag in lags if lag.correlated]
    by_reference: dict[str, list[Lag]] = {}
    for lag in told:
        by_reference.setdefault(lag.reference, []).append(lag)
    for reference, followers in by_reference.items():
        common, votes = Counter(lag.best for lag in followers).most_common(1)[0]
        blame = common != 0 and votes >= 2 and votes > len(followers) / 2
        if blame:
            agreeing = next(lag for lag in followers if lag.best == common)
            yield _shifted(reference, agreeing, -common, _shots(agreeing))
        for lag in followers:
            if (blame and lag.best == common) or not (lag.best or lag.shifted):
                continue
            yield _shifted(lag.follower, lag, lag.best - (common if blame else 0), _shots(lag))


def _shots(lag: Lag) -> int:
    return sum(last - first for first, last, _ in lag.shifted) or lag.blocks[-1][1]


def _shifted(name: str, lag: Lag, events: int, count: int) -> Finding:
    events = events or lag.shifted[0][2]
    where = _named([(first, last) for first, last, _ in lag.shifted]) or "all events"
    late = (
        f"{abs(events)} event{'s' if abs(events) > 1 else ''} {'late' if events > 0 else 'early'}"
    )
    other = lag.reference if name != lag.reference else lag.follower
    now = np.tanh(lag.z[lag.lags.index(0)])
    return Finding(
        "shot-lag",
        Severity.WARNING,
        f"stored {late} against {other} (rank correlation {lag.correlation:.2f} there, {now:.2f} "
        f"as stored; {where}): normalising and sorting pair wrong shots; shift the channel or "
        "leave these events out",
        name,
        count,
    )


def judge_darks(levels: Sequence[DarkLevel], thresholded: Sequence[str] = ()) -> Iterator[Finding]:
    """Say which dark levels drift, and which are not 0 though they should be."""
    for dark in levels:
        unit = f" {dark.unit}" if dark.unit else ""
        if dark.drifts:
            matters = dark.matters(dark.change)
            yield Finding(
                "dark-drift",
                Severity.WARNING if matters else Severity.INFO,
                f"the level without X-rays moves by {dark.change:.3g}{unit} within the run "
                f"({_part(dark.change, dark)}; step of {dark.step:.3g} ± {dark.step_error:.2g}"
                f"{unit} at event {dark.step_at}, slope {dark.slope:.2g} ± {dark.slope_error:.1g}"
                f"{unit} per 1000 events): subtract the dark level of neighbouring shots, not of "
                "the run",
                dark.name,
                dark.events,
            )
        elif dark.offset and dark.name not in thresholded:
            yield Finding(
                "stale-pedestal",
                Severity.WARNING if dark.matters(dark.level) else Severity.INFO,
                f"reads {dark.level:.3g} ± {dark.error:.2g}{unit} without X-rays "
                f"({_part(dark.level, dark)}), a calibrated detector reads 0: signal/I0 depends on "
                "the intensity; take a dark run and produce again, or subtract the dark level",
                dark.name,
                dark.events,
            )


def _part(amount: float, dark: DarkLevel) -> str:
    signal = abs(dark.signal - dark.level)
    return f"{100 * abs(amount) / signal:.2g} % of the signal" if signal else "no signal to compare"


def judge_saturation(found: Sequence[Saturation]) -> Iterator[Finding]:
    """Say which channels reach the top of their range."""
    for each in found:
        if not each.saturated:
            continue
        at = f" at {each.limit:.5g}" if np.isfinite(each.limit) else ""
        yield Finding(
            "saturated",
            Severity.WARNING if each.fraction > MANY_SATURATED else Severity.INFO,
            f"{each.saturated} of {each.events} readings ({100 * each.fraction:.2g} %) are at the "
            f"top of the range{at} ({each.how}): they are too low by an unknown amount; cut them "
            "away or attenuate the beam",
            each.name,
            each.saturated,
        )


def judge_limits(unused: Sequence[str], found: Sequence[Saturation]) -> Iterator[Finding]:
    """Say which limits of ``experiment.toml`` nothing was compared with."""
    known = {name for one in found for name in (one.name, one.name.split("/")[0])}
    for name in unused:
        close = near(name, known)
        hint = f"did you mean {close[0]}?" if close else "it needs a brightest pixel (_max)"
        text = f"[saturation] of experiment.toml names it, but nothing was compared with it; {hint}"
        # Without a name like it, it may be meant for other runs.
        severity = Severity.WARNING if close else Severity.INFO
        yield Finding("limit-unused", severity, text, name)


def judge_flags(
    found: Sequence[Contradiction], mismatches: Mapping[str, Bools], explained: Collection[str]
) -> Iterator[Finding]:
    """Say which flags contradict the light or the event codes.

    Parameters
    ----------
    found
        Flags compared with light.
    mismatches
        For each flag the events in which the event codes say otherwise.
    explained
        Flags that other findings tell to be wrong. The laser's light is only looked for in shots
        with X-rays: where their flag is wrong, nothing can be said of the laser's.
    """
    if XRAY in explained:
        return
    for each in found:
        wrong = mismatches.get(each.flag, np.zeros_like(each.lit))
        if each.flag in explained or not (each.count or wrong.any()):
            continue
        yield _contradicted(each, wrong)
        if each.flag == XRAY:
            return


def _contradicted(each: Contradiction, by_codes: Bools) -> Finding:
    unlit, lit, told = (int(mask.sum()) for mask in (each.unlit, each.lit, by_codes))
    monitors = ", ".join(each.monitors[:SHOWN])
    seen = f"{monitors} read the same with either flag" if each.never else f"by {monitors}"
    texts = [f"{unlit} events flagged on are dark ({seen})"] if unlit else []
    texts += [f"{lit} events flagged off are lit ({seen})"] if lit else []
    texts += [f"the event codes say otherwise in {told}"] if told else []
    wrong = each.unlit | each.lit | by_codes
    where = _named(ranges(np.flatnonzero(wrong), JOINED))
    cause = "a closed shutter or " if unlit and not told else ""
    return Finding(
        "flags-contradict",
        Severity.WARNING,
        f"{', '.join(texts)} ({where}): these events are in "
        f"the wrong class, as with {cause}flags of another shot; cut on the monitor, or leave "
        "these blocks out",
        each.flag,
        int(wrong.sum()),
    )


def judge_swaps(found: Sequence[Swap]) -> Iterator[Finding]:
    """Say which channels seem exchanged."""
    for swap in found:
        yield Finding(
            "channels-swapped",
            Severity.WARNING,
            f"seems exchanged with {swap.second}: {swap.why}; check the cabling or the channel map "
            "and name the right fields in experiment.toml",
            swap.first,
            swap.count,
        )


def judge_segments(track: Track, segments: Sequence[Segment], name: str) -> Iterator[Finding]:
    """Say where the time tool jumps and where it hardly finds edges any more."""
    best = max((part.found for part in segments if np.isfinite(part.found)), default=0.0)
    for before, part in pairwise(segments):
        jumped = bool(part.step)
        lost = part.found < COLLAPSE * best <= before.found
        if not jumped and not lost:
            continue
        what = "loses its edge"
        means = (
            "most shots from there on have no delay; expected where a scan moves the edge off the "
            "camera, else look at laser and camera"
        )
        if jumped:
            means = "time zero of the nominal delay is another from there on"
            what = f"jumps by {part.step:.3g} ± {part.step_error:.1g} ps"
        matters = lost or abs(part.step) > track.spread
        yield Finding(
            "time-tool-jump",
            Severity.WARNING if matters else Severity.INFO,
            f"{what} at event {part.first} of {track.blocks[-1][1]} (edge found in "
            f"{100 * before.found:.0f} % of the shots before, {100 * part.found:.0f} % after): "
            f"{means}; analyse the segments apart (run.alignment().segments)",
            name,
            part.last - part.first,
        )


def _named(parts: Sequence[tuple[int, int]]) -> str:
    if not parts:
        return ""
    few = ", ".join(f"{first}-{last - 1}" for first, last in parts[:SHOWN])
    more = f" and {len(parts) - SHOWN} more blocks" if len(parts) > SHOWN else ""
    return f"events {few}{more} in time order"
