"""Pictures of a whole run: what was there, how strong the beam was, which delays were covered."""

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import wraps

import numpy as np

from workbench.core.arrays import Array, Floats, Ints
from workbench.core.bounds import Bounds
from workbench.core.clock import nanoseconds
from workbench.core.errors import UnknownNameError, WorkbenchError
from workbench.core.findings import Finding, worst_first
from workbench.core.table import Table
from workbench.facility import hutch
from workbench.plots import bars
from workbench.plots.correlations import Axis, correlation
from workbench.plots.curves import trend
from workbench.plots.histograms import Panel, histograms
from workbench.plots.images import Frame, images
from workbench.plots.style import Picture, nothing
from workbench.recipes.run_summary import presence_counts
from workbench.recipes.shots_by_light import ShotsByLight
from workbench.regions import pixel_places
from workbench.runs import Channel
from workbench.runs.protocol import AnyRun

MONITORS = 3  # of the hutch's list are drawn
TIME_TOOL = ("tt_amplitude", "tt_width", "tt_position")
_REGION = re.compile(r"UserDataCfg/(?P<detector>[^/]+)/(?P<name>.+)__(?P=name)_(?:ROI|bound)")


def _or_reason(draw: Callable[[AnyRun], Picture]) -> Callable[[AnyRun], Picture]:
    @wraps(draw)
    def draw_or_say(run: AnyRun) -> Picture:
        try:
            return draw(run)
        except WorkbenchError as error:
            return nothing(str(error))

    return draw_or_say


def presence_of(run: AnyRun) -> Picture:
    """Draw in what share of the events each detector is there."""
    return bars.presence(presence_counts(run), run.n_events)


@_or_reason
def monitors(run: AnyRun) -> Picture:
    """Draw the intensity monitors, with and without X-rays."""
    lit = run.classes.on | run.classes.off
    return histograms(
        [
            Panel(_split(channel, {"X-rays": lit, "no X-rays": run.classes.dark}), *_names(channel))
            for channel in _monitors(run)
        ]
    )


@_or_reason
def monitor_correlation(run: AnyRun) -> Picture:
    """Draw the second intensity monitor of the hutch's list against the first."""
    chosen = _monitors(run)
    if len(chosen) < 2:
        return nothing(f"{run.label} has one intensity monitor: nothing to compare it with")
    lit = run.classes.on | run.classes.off
    first, second = (Axis(_floats(one)[lit], *_names(one)) for one in chosen[:2])
    return correlation(first, second)


@_or_reason
def intensity_trend(run: AnyRun) -> Picture:
    """Draw the intensity over the time of the run, dropped shots left out."""
    channel = run.role("i0")
    lit = run.classes.on | run.classes.off
    order = run.time_order[lit[run.time_order]]
    since = nanoseconds(run.timestamps) - nanoseconds(run.timestamps[run.time_order[:1]])
    return trend(since[order] * 1e-9, _floats(channel)[order], *_names(channel))


def shots_by_light(shots: ShotsByLight) -> Picture:
    """Draw I0 of the shots with and without X-rays, and the level that parts them."""
    if shots.message:
        return nothing(shots.message)
    classes = {"X-rays": shots.lit, "no X-rays": shots.dark}
    return histograms([Panel(classes, shots.name, shots.unit, low=shots.level)])


@_or_reason
def time_tool(run: AnyRun) -> Picture:
    """Draw what the time tool saw in the events with X-rays and laser, with the usual cuts."""
    shown = []
    for role in TIME_TOOL:
        channel = run.role(role)
        usual = next(field.good for field in run.role_fields(role) if field.name == channel.name)
        low, high = usual or (None, None)
        shown.append(Panel(_floats(channel)[run.classes.on], *_names(channel), low, high))
    arrival = run.role("jitter")
    shown.append(Panel(_floats(arrival)[run.classes.on], arrival.long_name, arrival.unit))
    return histograms(shown, columns=2)


@_or_reason
def delay_coverage(run: AnyRun) -> Picture:
    """Draw which delays were measured: as set, and corrected by the time tool."""
    nominal = run.delay(time_tool=False)
    on, off = run.classes.on, run.classes.off
    text = "delay as set, positive = pump before X-rays"
    shown = [Panel(_split(nominal, {"laser on": on, "laser off": off}), text, "ps")]
    text = "delay with time tool, positive = pump before X-rays"
    shown.append(Panel({"laser on": _floats(run.delay())[on]}, text, "ps"))
    return histograms(shown, columns=2)


@_or_reason
def event_codes_of(run: AnyRun) -> Picture:
    """Draw how many events carried each event code, and what the hutch's rule makes of it."""
    counts = _code_counts(run)
    codes = np.flatnonzero(counts)
    return bars.event_codes(codes.tolist(), counts[codes], names=_code_meanings(run))


def findings_table(findings: Sequence[Finding], most: int | None = None) -> Table:
    """List findings, worst first: severity, kind, field, count and message.

    With `most`, so many of them; below, how many of which kind are left out.
    """
    ordered = worst_first(findings)
    rows = tuple(
        (str(finding.severity), finding.code, finding.field, finding.count, finding.message)
        for finding in ordered[:most]
    )
    caption = "" if rows else "nothing that could mislead was found"
    kinds = Counter(finding.code for finding in ordered[len(rows) :])
    more = ", ".join(f"{code} ({count})" for code, count in kinds.items())
    notes = (f"not shown, and no worse: {more}; run summary shows them",) if more else ()
    return Table(("severity", "kind", "field", "events", "what"), rows, caption, notes)


@_or_reason
def average_images(run: AnyRun) -> Picture:
    """Draw the run's sums as images, per event where that makes sense, with the regions."""
    frames = [_frame(run, name) for name in run.infos if name.startswith("Sums/")]
    drawn = [frame for frame in frames if frame.values.ndim in {2, 3}]
    return images(drawn) if drawn else nothing(f"{run.label} holds no sums of frames (Sums/)")


def regions_of(run: AnyRun, detector: str) -> Mapping[str, Bounds]:
    """Return the regions of interest that the producer used on one detector, by name."""
    found = {}
    for name in run.infos:
        match = _REGION.fullmatch(name)
        if match and match["detector"] == detector:
            pairs = np.atleast_2d(np.squeeze(run[name].read()))
            found[match["name"]] = Bounds.from_pairs(pairs.tolist())
    return found


def _frame(run: AnyRun, name: str) -> Frame:
    channel = run[name]
    known = {*run.failures, *(path.split("/")[1] for path in run.infos if "UserDataCfg/" in path)}
    stem = name.removeprefix("Sums/")
    detector = max((det for det in known if stem.startswith(f"{det}_")), key=len, default="")
    algorithm = stem.removeprefix(f"{detector}_")
    words = set(algorithm.split("_"))
    events = _events_in_sum(run, detector, algorithm)
    values = np.squeeze(_floats(channel))
    good = _once(run, f"UserDataCfg/{detector}/mask", values.shape)
    if good is not None:
        values = np.where(good == 1, values, np.nan)
    x, y = (_once(run, f"UserDataCfg/{detector}/{axis}", values.shape) for axis in "xy")
    places = None if x is None or y is None or values.ndim == 2 else pixel_places(x, y)
    title = f"{detector or stem} {algorithm}"
    if events and not {"max", "square"} & words:
        values, title = values / events, f"{title}, mean of {events:,} events"
    elif not {"max", "square"} & words:
        title = f"{title}, sum of an unknown number of events"
    regions = regions_of(run, detector) if detector else {}
    fitting = {key: one for key, one in regions.items() if len(one.low) == values.ndim}
    return Frame(values, title, channel.unit, fitting, places)


def _events_in_sum(run: AnyRun, detector: str, algorithm: str) -> int:
    """Return how many events a sum was taken over; 0 where the file does not tell.

    Events that have the detector are those of a sum over all of them, not over dropped shots.
    """
    name = f"UserDataCfg/{detector}/{algorithm}__n_events"
    if name in run:
        return int(np.squeeze(run[name].read_stored()))
    if "dropped" in algorithm.split("_"):
        return 0
    return run.failures.get(detector, {}).get("present", 0)


def _once(run: AnyRun, name: str, shape: tuple[int, ...]) -> Array | None:
    if name not in run:
        return None
    values = np.squeeze(run[name].read())
    return values if values.shape == shape else None


def _monitors(run: AnyRun) -> list[Channel]:
    first = run.role("i0")
    return [first, *(run[name] for name in first.alternatives)][:MONITORS]


def _split(channel: Channel, classes: Mapping[str, Array]) -> Mapping[str, Array]:
    values = _floats(channel)
    return {name: values[mask] for name, mask in classes.items() if mask.any()}


def _floats(channel: Channel) -> Floats:
    return channel.read().astype(np.float64)


def _names(channel: Channel) -> tuple[str, str]:
    return channel.name, channel.unit


def _code_counts(run: AnyRun) -> Ints:
    if "timing/eventcodes" in run:
        channel = run["timing/eventcodes"]
        total = np.zeros(channel.shape[1], np.int64)
        for _, codes in channel.iter_stacks():
            total += (codes == 1).sum(axis=0)
        return total
    names = [name for name in run.infos if re.fullmatch(r"evr/code_\d+", name)]
    if not names:
        raise UnknownNameError("channel", "timing/eventcodes", run.infos, run.label)
    found = {int(name.rpartition("_")[2]): run[name].read() for name in names}
    total = np.zeros(max(found) + 1, np.int64)
    for code, values in found.items():
        total[code] = np.count_nonzero(values == 1)
    return total


def _code_meanings(run: AnyRun) -> Mapping[int, str]:
    try:
        rule = hutch(run.experiment).status_rule(run.generation, run.run, run.experiment)
    except UnknownNameError:
        return {}
    if rule is None:
        return {}
    meanings: dict[int, str] = {}
    for codes, what in ((rule.xray, "X-rays"), (rule.laser, "laser")):
        meanings |= {abs(code): f"{what} {'off' if code > 0 else 'on'}" for code in codes}
    return meanings
