"""A run while it is taken: laser on against off, I0, time tool, presence, refreshed shot by shot.

Each refresh reads the shots that have come since the last one. The last shots are always up to
date; those since the start of the run are added newest first for as long as a refresh may take.
What it has no time for is left out, counted as `Snapshot.waiting`, and read when there is time: so
the picture never falls behind the run. Once the run has ended, all shots are read, and the values
are those of `on_off`.

What depends on the run as a whole (the delay's source, cuts derived from data, dark means) is
decided from all shots there are, and again whenever their number has doubled and at the end; the
sums are then made anew. In between it stays, so shots are added only once.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from time import monotonic
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from workbench.binning.background import dark_mean
from workbench.binning.edges import check_edges
from workbench.binning.live_sums import Shots, Side, Sums, Trend
from workbench.binning.plan import Axis, dark_events, make_plan
from workbench.core.arrays import Bools, Floats, Ints
from workbench.core.errors import InputError, WorkbenchError
from workbench.runs import Channel, Cut, Run
from workbench.runs.delay import DelayRule, delay_rule
from workbench.runs.measured import measured

DELAY = "delay"
FEWEST = 60  # shots before anything is decided
CHUNK = 1 << 14  # shots read at a time
DAMAGE = "damage/"  # folder of the datasets that are 1 where a detector was there


@dataclass(frozen=True)
class Snapshot:
    """What a live run shows at one moment.

    Parameters
    ----------
    label
        Experiment and run.
    ended
        Whether the run has ended and its file is finished.
    n_events
        Shots that the file holds.
    waiting
        Of these, shots that are not yet in the sums since the start.
    sides
        The last shots, and all since the start; None before there are enough.
    edges
        Of the bins, shape (bin + 1,).
    texts
        Axis, signal and normalisation with their units, and the edge position's, for labels.
    i0, position
        Time [s], mean and standard deviation of I0 and of the time tool's edge over the run.
    recent_from
        Time of the first of the last shots [s].
    why
        How the delay is made; or why there is nothing yet.
    seconds
        How long the refresh took [s].
    """

    label: str
    ended: bool
    n_events: int
    waiting: int
    sides: tuple[Side, Side] | None
    edges: Floats
    texts: Mapping[str, str]
    i0: tuple[Floats, Floats, Floats]
    position: tuple[Floats, Floats, Floats]
    recent_from: float
    why: str
    seconds: float


@dataclass(frozen=True)
class _Decided:
    """What was decided from all shots of a run at one moment."""

    n_events: int
    where: Cut | None
    delay: DelayRule | None
    norm: Channel | None
    norm_dark: float
    signal_dark: float
    provisional: float
    position: Channel | None
    begin: np.datetime64
    roles: Mapping[str, str]  # that cuts ask for, each with the channel that plays it
    detectors: tuple[str, ...]


class Live:
    """A run that is being taken, ready to be looked at again and again.

    Parameters
    ----------
    run
        From ``open_run(..., live=True)``; a finished one is fine too.
    axes
        One axis: name or role to bin edges, as in ``{"delay": edges}``.
    signal
        One number per shot, such as the sum of a region.
    where
        Which shots; X-ray and laser state are taken care of here. Cuts that look at neighbouring
        shots (running medians) see those of one piece of 16,384 shots.
    by
        Normalisation; None: mean per shot.
    last
        How many of the last shots are shown beside all of them.
    budget
        How long a refresh may take for shots since the start, while the run goes on [s].
    delay
        Arguments of ``run.delay``, as in ``{"time_tool": False}``.

    Raises
    ------
    InputError
        For other than one axis, a signal that is no number per shot, a budget or number of last
        shots that is not positive, and a run whose events are not in the order of time.
    """

    def __init__(
        self,
        run: Run,
        axes: Mapping[str, ArrayLike],
        signal: str,
        where: Cut | None = None,
        by: str | None = "i0",
        *,
        last: int = 1200,
        budget: float = 0.5,
        delay: Mapping[str, Any] | None = None,
    ) -> None:
        if len(axes) != 1:
            raise InputError("a live picture has one axis, as in {'delay': edges}")
        ((self._axis, edges),) = axes.items()
        self._edges = check_edges(self._axis, edges)
        if last < 1 or budget <= 0:
            raise InputError(f"last {last} must be at least 1 shot, budget {budget} above 0 s")
        channel = run.channel(signal)
        if len(channel.shape) != 1 or channel.dtype.kind not in "biuf":
            raise InputError(
                f"{signal} is no number per shot: a live picture needs one, such as the sum of a "
                "region (getROIs of the producer config)"
            )
        if not run.is_time_ordered:
            raise InputError(
                f"{run.label}: its events are not in the order of time, so there are no last ones; "
                "look at it with on_off"
            )
        self._run, self._signal, self._where, self._by = run, signal, where, by
        self._last, self._budget, self._delay = last, budget, dict(delay or {})
        self._path = run.path
        self._decided: _Decided | None = None
        self._reset()

    def _reset(self) -> None:
        provisional = self._decided.provisional if self._decided else 0.0
        self._whole = Sums(len(self._edges) - 1, provisional)
        self._trends = Trend(), Trend()
        self._left: list[tuple[int, int]] = []
        self._seen = 0

    @property
    def run(self) -> Run:
        """The run as it was at the last refresh."""
        return self._run

    def refresh(self) -> Snapshot:
        """Read what has come, and return what there is to show.

        Raises what `Run.delay` and `on_off` would for a finished run; while it is taken, that is
        `Snapshot.why`, for what is missing may still come.
        """
        started = monotonic()
        run = self._run = self._run.refresh()
        ended = not run.growing
        if run.path != self._path or run.n_events < self._seen:
            self._decided, self._path = None, run.path  # another file: the finished one
        trouble = self._decide(run, ended=ended)
        decided = self._decided
        if decided is None:
            return self._snapshot(run, None, 0.0, trouble, started)
        if run.n_events > self._seen:
            self._left.append((self._seen, run.n_events))
            self._seen = run.n_events
        self._catch_up(run, decided, None if ended else monotonic() + self._budget)
        recent = Sums(len(self._edges) - 1, decided.provisional)
        shots = self._read(run, decided, max(0, run.n_events - self._last), run.n_events)
        recent.add(shots)
        why = decided.delay.why if decided.delay else ""
        begin = float(shots.seconds[0]) if len(shots.seconds) else 0.0
        return self._snapshot(run, recent.side, begin, why, started)

    def _decide(self, run: Run, *, ended: bool) -> str:
        """Decide what depends on the run as a whole, where it is time to; tell why it failed."""
        before = self._decided
        if before and run.n_events < 2 * before.n_events and not ended:
            return ""
        if before and before.n_events == run.n_events:
            return ""
        if run.n_events < FEWEST and not ended:
            return f"{run.n_events} shots so far"
        try:
            self._decided = self._rules(run)
        except WorkbenchError as error:
            if ended:
                raise
            return str(error)
        self._reset()
        return ""

    def _rules(self, run: Run) -> _Decided:
        where = None if self._where is None else self._where.freeze(run)
        asked = frozenset[str]() if where is None else where.fields
        by_delay = DELAY in {self._axis, *asked}
        rule = delay_rule(run, **self._delay) if by_delay else None
        played = {name: run.channel(name).name for name in asked - {DELAY} if name not in run}
        dark = dark_events(run, where)
        norm = None if self._by is None else run.channel(self._by)
        signal = run.channel(self._signal)
        signal_dark = float(dark_mean(signal, dark).mean)
        norm_dark = 0.0 if norm is None else float(dark_mean(norm, dark).mean)
        lit = run.classes.on | run.classes.off
        total = float(np.nansum(measured(signal)[lit] - signal_dark))
        weight = np.ones(run.n_events) if norm is None else measured(norm) - norm_dark
        below = float(np.nansum(weight[lit]))
        position = next((one for one in run.role_fields("tt_position") if one.name in run), None)
        return _Decided(
            run.n_events,
            where,
            rule,
            norm,
            norm_dark,
            signal_dark,
            total / below if below else 0.0,
            None if position is None else run.channel("tt_position"),
            run.times[0],
            {role: name for role, name in played.items() if name in run},
            tuple(name.removeprefix(DAMAGE) for name in run.infos if name.startswith(DAMAGE)),
        )

    def _catch_up(self, run: Run, decided: _Decided, until: float | None) -> None:
        """Add shots to those since the start, newest first, until time is up."""
        while self._left and (until is None or monotonic() < until):
            first, last = self._left.pop()
            begin = max(first, last - CHUNK)
            if begin > first:
                self._left.append((first, begin))
            shots = self._read(run, decided, begin, last)
            self._whole.add(shots)
            for trend, values in zip(self._trends, (shots.i0, shots.position), strict=True):
                trend.add(shots, values)

    def _read(self, run: Run, decided: _Decided, first: int, last: int) -> Shots:
        part = run.part(first, last)
        if decided.delay is not None:
            values = decided.delay.of(part)
            part = part.with_channel(DELAY, Channel.from_values(DELAY, values, unit="ps"))
        for role, name in decided.roles.items():
            part = part.with_channel(role, part[name])
        axis_channel = part.channel(self._axis)
        axis = Axis(self._axis, axis_channel, measured(axis_channel), self._edges)
        norm = None if decided.norm is None else part.channel(decided.norm.name)
        reading = np.ones(len(part)) if norm is None else measured(norm)
        signal = measured(part.channel(self._signal)) - decided.signal_dark
        weight = reading - decided.norm_dark
        classes = part.classes
        on, off = (
            _used(make_plan(axes, part.mask(decided.where, of=of), weight, norm).numbers, signal)
            for axes, of in (((axis,), "on"), ((), "off"))
        )
        return Shots(
            np.arange(first, last),
            (part.times - decided.begin) / np.timedelta64(1, "s"),
            signal,
            weight,
            on,
            off,
            np.where(classes.on | classes.off, reading, np.nan),
            _edge_positions(part, decided.position, classes.on),
            classes.on,
            {name: measured(part[DAMAGE + name]) == 1 for name in decided.detectors},
        )

    def _snapshot(
        self, run: Run, recent: Side | None, begin: float, why: str, started: float
    ) -> Snapshot:
        return Snapshot(
            run.label,
            not run.growing,
            run.n_events,
            sum(last - first for first, last in self._left),
            None if recent is None else (recent, self._whole.side),
            self._edges,
            {} if recent is None else self._texts(run),
            self._trends[0].points,
            self._trends[1].points,
            begin,
            why,
            monotonic() - started,
        )

    def _texts(self, run: Run) -> dict[str, str]:
        decided = self._decided
        signal = run.channel(self._signal)
        found = {"axis": self._axis, "signal": signal.name, "signal_unit": signal.unit}
        for name, channel in (
            ("i0", decided.norm if decided else None),
            ("position", decided.position if decided else None),
        ):
            if channel is not None:
                found |= {name: channel.name, f"{name}_unit": channel.unit}
        return found


def _used(numbers: Ints, signal: Floats) -> Ints:
    return np.where(np.isfinite(signal), numbers, -1)


def _edge_positions(part: Run, position: Channel | None, on: Bools) -> Floats:
    """Return where the time tool found an edge in shots with both beams; 0 is its mark of none."""
    if position is None:
        return np.full(len(part), np.nan)
    values = measured(part.channel(position.name))
    return np.where(on & (values != 0), values, np.nan)
