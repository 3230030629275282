"""Alignment of a run at one look: lags, darks, saturation, flags, time tool, and what they mean."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from workbench.core.findings import Finding, Severity, worst_first
from workbench.core.table import Table
from workbench.runs.alignment import judge, of_run
from workbench.runs.alignment.darks import DarkLevel
from workbench.runs.alignment.flags import XRAY, Contradiction
from workbench.runs.alignment.lags import Lag
from workbench.runs.alignment.saturation import Saturation
from workbench.runs.alignment.swaps import Swap
from workbench.runs.alignment.time_tool import Segment, Track
from workbench.runs.alignment.timeline import Timeline
from workbench.runs.storage import opened_once

if TYPE_CHECKING:
    from workbench.runs.run import Run


@dataclass(frozen=True, repr=False)
class Alignment:
    """What the checks of alignment and drift measured in one run.

    Parameters
    ----------
    label
        The run.
    lags, darks, saturation, flags, swaps
        The numbers of each check.
    gain_ranges
        For regions kept as raw pixels: part of the pixels in each gain range.
    track
        Time tool per block; None where the run has none.
    segments
        Parts of the run between jumps of the time tool; each has a `cut`.
    findings
        What could mislead, worst first.
    """

    label: str
    lags: tuple[Lag, ...]
    darks: tuple[DarkLevel, ...]
    saturation: tuple[Saturation, ...]
    gain_ranges: Mapping[str, Mapping[int, float]]
    flags: tuple[Contradiction, ...]
    swaps: tuple[Swap, ...]
    track: Track | None
    segments: tuple[Segment, ...]
    findings: tuple[Finding, ...]

    @property
    def tables(self) -> tuple[Table, ...]:
        """Every check as a table."""
        return (
            self._findings,
            self._lags,
            self._darks,
            self._saturation,
            self._gain_ranges,
            self._flags,
            self._segments,
        )

    def __repr__(self) -> str:
        return "\n\n".join(str(table) for table in self.tables if len(table))

    def _repr_html_(self) -> str:
        return "".join(table._repr_html_() for table in self.tables if len(table))

    @property
    def _findings(self) -> Table:
        rows = tuple((str(f.severity), f.code, f.field, f.count, f.message) for f in self.findings)
        columns = ("severity", "code", "field", "count", "what")
        return Table(columns, rows, caption=f"{self.label}: alignment and drift")

    @property
    def _lags(self) -> Table:
        rows = tuple(
            (lag.follower, lag.reference, lag.best, lag.correlation, len(lag.shifted))
            for lag in self.lags
            if lag.correlated
        )
        columns = ("channel", "against", "late by [events]", "rank correlation", "shifted blocks")
        return Table(columns, rows, caption="Shot lag")

    @property
    def _darks(self) -> Table:
        rows = tuple(
            (
                dark.name,
                dark.events,
                dark.level,
                dark.error,
                dark.change,
                dark.signal,
                dark.unit or "not known",
            )
            for dark in self.darks
        )
        columns = ("region", "dark shots", "dark level", "error", "drift", "with X-rays", "unit")
        return Table(columns, rows, caption="Without X-rays")

    @property
    def _saturation(self) -> Table:
        rows = tuple((s.name, s.events, s.saturated, 100 * s.fraction) for s in self.saturation)
        return Table(("channel", "readings", "saturated", "percent"), rows, caption="Saturation")

    @property
    def _gain_ranges(self) -> Table:
        rows = tuple(
            (name, number, 100 * part)
            for name, parts in self.gain_ranges.items()
            for number, part in parts.items()
        )
        return Table(("region", "gain range", "percent of pixels"), rows, caption="Gain ranges")

    @property
    def _flags(self) -> Table:
        rows = tuple(
            (each.flag, ", ".join(each.monitors), int(each.unlit.sum()), int(each.lit.sum()))
            for each in self.flags
            if each.monitors
        )
        columns = ("flag", "compared with", "on, but dark", "off, but lit")
        return Table(columns, rows, caption="Flags and light")

    @property
    def _segments(self) -> Table:
        rows = tuple(
            (
                s.name,
                s.first,
                s.last,
                s.position,
                s.position_error,
                100 * s.found,
                "" if s.cut is None else str(s.cut),
            )
            for s in self.segments
        )
        columns = ("segment", "first", "end", "position [ps]", "error", "found [%]", "cut")
        return Table(columns, rows, caption="Time tool")


@opened_once()
def align(run: "Run") -> Alignment:
    """Measure alignment and drift of a run."""
    line = Timeline(run)
    lags = of_run.find_lags(line)
    darks = of_run.find_darks(line)
    saturation = of_run.find_saturation(line)
    flags = of_run.find_contradictions(line)
    swaps, untold = of_run.find_swaps(line)
    followed = of_run.find_segments(line)
    late = list(judge.judge_lags(lags))
    exchanged = list(judge.judge_swaps(swaps))
    explained = {f.field for f in late} | {n for s in swaps for n in (s.first, s.second)}
    contradicted = list(judge.judge_flags(flags, of_run.code_mismatches(line), explained))
    explained |= {finding.field for finding in contradicted}
    found = [
        *late,
        *exchanged,
        *contradicted,
        *judge.judge_darks(_trusted(darks, lags, explained), _thresholded(run)),
        *judge.judge_saturation(saturation),
        *judge.judge_limits(of_run.unused_limits(line, saturation), saturation),
        *_judge_time_tool(line, followed),
        *_unverified(line, lags, darks, flags, untold),
        *_no_limits(of_run.without_limit(line, saturation)),
    ]
    track, segments = followed if followed else (None, ())
    return Alignment(
        run.label,
        tuple(lags),
        tuple(darks),
        tuple(saturation),
        of_run.find_gain_ranges(line),
        tuple(flags),
        tuple(swaps),
        track,
        segments,
        tuple(worst_first(found)),
    )


def _judge_time_tool(
    line: Timeline, followed: tuple[Track, tuple[Segment, ...]] | None
) -> Iterator[Finding]:
    if followed is not None:
        yield from judge.judge_segments(*followed, line.role("jitter"))


def _trusted(darks: list[DarkLevel], lags: list[Lag], explained: set[str]) -> list[DarkLevel]:
    """Leave out regions whose dark shots are not dark.

    Those that X-rays do not light, as a camera on a laser; those stored in other events; and
    all, where the X-ray flag is wrong.
    """
    blind = {lag.follower for lag in lags if not lag.correlated}
    if XRAY in explained:
        return []
    return [dark for dark in darks if dark.name not in blind | explained]


def _thresholded(run: "Run") -> list[str]:
    """Return the region sums with a pixel threshold: noise above it leaves them above 0."""
    found = []
    for name in run:
        if not name.startswith("UserDataCfg/") or not name.endswith("_thresADU"):
            continue
        if run[name].dtype.kind not in "iuf" or not np.any(np.nan_to_num(run[name].read()) > 0):
            continue
        _, detector, key = name.split("/", 2)
        found.append(f"{detector}/{key.split('__')[0]}_sum")
    return found


def _unverified(
    line: Timeline,
    lags: list[Lag],
    darks: list[DarkLevel],
    flags: list[Contradiction],
    untold: list[str],
) -> Iterator[Finding]:
    """Name what the file has no second source for: an absent warning then proves nothing."""
    blind = [lag.follower for lag in lags if not lag.correlated]
    regions = [name for name in line.region_sums if name not in {dark.name for dark in darks}]
    dark_of = [each.flag for each in flags if not each.monitors]
    topics = (
        ("shot lag", blind if lags else ["every channel"], "they do not follow I0"),
        ("dark level", regions, "too few shots without X-rays"),
        ("flags", dark_of, "no monitor sees their light"),
        (
            "exchange of monitors",
            untold if len(untold) > 1 else [],
            "no diodes of their own and no usual range",
        ),
        ("time tool", [] if line.role("jitter") else ["arrival time"], "the file has no time tool"),
    )
    for topic, names, why in topics:
        if names:
            text = (
                f"cannot be told for {_few(names)}: {why}; compare with another run or the logbook"
            )
            yield Finding("unverified", Severity.INFO, text, topic, len(names))


def _no_limits(detectors: list[str]) -> Iterator[Finding]:
    if detectors:
        text = (
            f"cannot be told for {_few(detectors)}: the file says neither where pixels saturate "
            "nor how many did; give the limit under [saturation] in experiment.toml"
        )
        yield Finding("unverified", Severity.INFO, text, "saturation", len(detectors))


def _few(names: list[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
