"""The steps of a scan: which motor moved, where it was set, and in which direction it came."""

import re
from dataclasses import dataclass

import numpy as np

from workbench.core.arrays import Floats, Ints
from workbench.core.errors import InputError
from workbench.runs import Channel, need_events
from workbench.runs.measured import measured
from workbench.runs.protocol import AnyRun

COUNTERS = ("scan/varStep", "scan/step_value", "scan/nsteps")  # count steps, name no position
NAMELESS = re.compile(r"scan/var\d+")  # repeats a scanned variable under a number
FEWEST_EVENTS = 2.0  # in a step, on average; fewer: a sweep, not a step scan
ALIKE = 1 - 1e-9  # correlation of two motors that move as one


class ScanError(InputError):
    """A scan of which it cannot be told what moved; the text says what to name."""


@dataclass(frozen=True)
class Scanned:
    """A scanned variable.

    Parameters
    ----------
    channel
        Its set position in each event.
    unit
        Of the position; "" where nobody says.
    why
        Why this one, and what moved along.
    values
        Set position of each event, shape (event,); NaN where not known.
    """

    channel: Channel
    unit: str
    why: str
    values: Floats

    @property
    def name(self) -> str:
        """Name without the group: "sam_x"."""
        return self.channel.name.rpartition("/")[2]


@dataclass(frozen=True)
class Steps:
    """Steps of a scan in the order of time.

    Parameters
    ----------
    of_event
        Step of each event, -1 where its position is not known, shape (event,).
    position
        Set position, shape (step,).
    direction
        +1 where the motor came from below, -1 from above, shape (step,).
    """

    of_event: Ints
    position: Floats
    direction: Ints


def moving(run: AnyRun) -> list[Channel]:
    """Return every position under ``scan/`` that changes in the run, step counters left out."""
    names = [
        name
        for name, info in run.infos.items()
        if name.startswith("scan/") and name not in COUNTERS and info.shape == (run.n_events,)
    ]
    numbers = [run[name] for name in names if run[name].dtype.kind in "iuf"]
    return [channel for channel in numbers if _spread(measured(channel)) > 0]


def independent(run: AnyRun) -> list[Channel]:
    """Return one of each set of variables under ``scan/`` that move as one, by name."""
    need_events(run, 2)
    found = sorted(moving(run), key=lambda one: bool(NAMELESS.fullmatch(one.name)))
    return [group[0] for group in _alike(found)]


def scanned(run: AnyRun, motor: str = "", unit: str = "") -> Scanned:
    """Return the scanned variable: the one that is named, else the only one that moves.

    Variables that move as one count as one; those without a name of their own (``scan/var0``)
    come last. Raises `ScanError` where none moves, or several move independently, `FewEventsError`
    for less than two events.
    """
    need_events(run, 2)
    if motor:
        channel = run.channel(motor)
        values = measured(channel)
        if not _spread(values) > 0:
            raise ScanError(f"{run.label}: {motor} does not move; {_hint(run)}")
        return Scanned(channel, unit or _unit(channel), "as named", values)
    found = sorted(moving(run), key=lambda one: bool(NAMELESS.fullmatch(one.name)))
    if not found:
        raise ScanError(f"{run.label}: nothing under scan/ moves; {_hint(run)}")
    groups = _alike(found)
    if len(groups) > 1:
        names = ", ".join(group[0].name for group in groups)
        raise ScanError(
            f"{run.label}: {names} move independently; name one as motor, or use grid_scan"
        )
    first, *others = groups[0]
    along = f"; {', '.join(one.name for one in others)} moves with it" if others else ""
    why = f"{first.name}: the only variable under scan/ that moves{along}"
    return Scanned(first, unit or _unit(first), why, measured(first))


def steps_of(run: AnyRun, one: Scanned) -> Steps:
    """Return the steps of a scan: consecutive events at the same set position (and step number).

    Raises `ScanError` where the position changes from event to event.
    """
    order = run.time_order
    known = order[np.isfinite(one.values[order])]
    position = one.values[known]
    begins = np.r_[True, np.diff(position) != 0]
    if "scan/varStep" in run:
        begins |= np.r_[True, np.diff(measured(run["scan/varStep"])[known]) != 0]
    number = np.cumsum(begins) - 1
    count = int(number[-1]) + 1
    if len(known) < FEWEST_EVENTS * count:
        raise ScanError(
            f"{run.label}: {one.channel.name} changes from event to event, so there are no steps; "
            "bin by it instead, as the template custom_variable does"
        )
    of_event = np.full(run.n_events, -1, dtype=np.int64)
    of_event[known] = number
    places = position[begins]
    return Steps(of_event, places, _directions(places))


def _directions(position: Floats) -> Ints:
    """Return the sense of each step's move; a step that did not move takes that of the next."""
    sense = np.sign(np.diff(position, prepend=np.nan))
    for step in range(len(sense) - 2, -1, -1):
        if not abs(sense[step]) > 0:
            sense[step] = sense[step + 1]
    return np.where(sense < 0, -1, 1)


def _alike(channels: list[Channel]) -> list[list[Channel]]:
    """Group channels that move as one, each group in the given order."""
    groups: list[list[Channel]] = []
    for channel in channels:
        values = measured(channel)
        group = next((one for one in groups if _as_one(measured(one[0]), values)), None)
        if group is None:
            groups.append([channel])
        else:
            group.append(channel)
    return groups


def _as_one(first: Floats, second: Floats) -> bool:
    both = np.isfinite(first) & np.isfinite(second)
    if np.count_nonzero(both) < 3 or not min(_spread(first[both]), _spread(second[both])) > 0:
        return False
    return bool(abs(np.corrcoef(first[both], second[both])[0, 1]) > ALIKE)


def _hint(run: AnyRun) -> str:
    there = [channel.name for channel in moving(run)]
    if there:
        return f"what moves: {', '.join(there)}"
    return "name the motor's field, such as an encoder, if it is not under scan/"


def _unit(channel: Channel) -> str:
    return "" if channel.unit == "1" else channel.unit


def _spread(values: Floats) -> float:
    known = values[np.isfinite(values)]
    return float(np.ptp(known)) if known.size else 0.0
