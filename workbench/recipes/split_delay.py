"""Split-and-delay: which branch was open in each shot, its intensity and its signal over delay.

The shutters of the two branches are seen by analog inputs, another pair in each experiment. A shot
belongs to a branch where that input alone is high; shots with both, with none, or between the
levels are left out and counted.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from workbench.binning import Parameter, bin_run, edges_around, edges_by_width
from workbench.core.arrays import Bools, Floats
from workbench.core.errors import InputError
from workbench.core.table import Table
from workbench.runs import Channel, Cut, Run, need_events

MIDDLE = 0.25  # of the distance between the levels, from either, that a clear reading keeps
BETWEEN = 0.02  # of the shots between the levels, worth telling
RARE = 0.005  # of the shots, below which a level does not count as one
FEWEST = 2  # shots of a branch
MOST_STEPS = 500  # of the motor


class BranchError(InputError):
    """Analog inputs that tell no branches; the text names those that could."""


@dataclass(frozen=True)
class Branch:
    """Shots in which one branch alone was open.

    Parameters
    ----------
    name
        "first" or "second".
    shots
        True for its shots, shape (event,).
    intensity
        Mean of I0, dark mean subtracted, with its error [unit of I0].
    signal
        Signal over I0 of all its shots, ratio of sums.
    delay
        Delay of each point [ps], shape (point,).
    value, error, count
        Signal over I0 at each delay, its error and the shots, each of shape (point,).
    """

    name: str
    shots: Bools
    intensity: Parameter
    signal: Parameter
    delay: Floats
    value: Floats
    error: Floats
    count: Floats


@dataclass(frozen=True)
class SplitDelay:
    """Both branches.

    Parameters
    ----------
    first, second
        The branches.
    counts
        Selected shots with X-rays by what was open.
    volts
        Readings of the two inputs in these shots, shape (2, shot).
    threshold
        Which divides them [V].
    names
        The two inputs.
    notes
        What a user should know.
    """

    first: Branch
    second: Branch
    counts: Mapping[str, int]
    volts: Floats
    threshold: float
    names: tuple[str, str]
    notes: tuple[str, ...]

    @property
    def parameters(self) -> Mapping[str, Parameter]:
        """Intensity and signal of the branches, and both ratios second over first."""
        one, two = self.first, self.second
        return {
            "intensity_first": one.intensity,
            "intensity_second": two.intensity,
            "intensity_ratio": _ratio(two.intensity, one.intensity),
            "signal_first": one.signal,
            "signal_second": two.signal,
            "signal_ratio": _ratio(two.signal, one.signal),
        }

    @property
    def state(self) -> str:
        """Return "measured" or "doubtful", see the message."""
        return "doubtful" if self.notes else "measured"

    @property
    def message(self) -> str:
        """The notes in one line."""
        return "; ".join(self.notes) or "shots with both branches open are in neither"

    @property
    def table(self) -> Table:
        """What was open in how many shots, and the numbers of the branches."""
        rows = [(f"shots, {name}", str(number)) for name, number in self.counts.items()]
        rows += [(name, str(entry)) for name, entry in self.parameters.items()]
        caption = f"first: {self.names[0]}, second: {self.names[1]}, above {self.threshold:g} V"
        return Table(("quantity", "value"), tuple(rows), caption, (self.message,))

    def __str__(self) -> str:
        return str(self.table)

    def _repr_html_(self) -> str:
        return self.table._repr_html_()


def split_delay(
    run: Run,
    signal: str,
    first: str,
    second: str,
    *,
    motor: str = "",
    slope: float = 1.0,
    offset: float = 0.0,
    width: float | None = None,
    threshold: float = 2.0,
    by: str = "i0",
    where: Cut | None = None,
    diode: str = "",
) -> SplitDelay:
    """Tell the branches apart and compare their signals over delay.

    Parameters
    ----------
    run
        From `open_run`.
    signal
        Field to analyse, one value per event.
    first, second
        Analog inputs, high [V] where the branch is open.
    motor, slope, offset
        Delay = `slope` * (motor - `offset`) [ps]; without motor all shots are at delay 0.
    width
        Width of a bin of delay [ps]; None: one bin for each step of the motor.
    threshold
        Between closed and open [V].
    by
        Normalisation; it must see the beam behind the split.
    where
        Which events; of these, the shots with X-rays are taken.
    diode
        A field that sees the first branch only, to check the assignment; empty: not checked.

    Raises `BranchError` where an input does not have two levels on either side of the threshold.
    """
    if first == second:
        raise BranchError(f"both branches are told by {first}: name two inputs")
    need_events(run, 2 * FEWEST)
    lit = run.mask(where) & (run.classes.xray == 1)
    volts = np.array([_numbers(run, name) for name in (first, second)])
    one, two, counts = _shots(run, (first, second), volts, lit, threshold)
    delay = _delay(run, motor, slope, offset)
    notes = [*_notes(counts), *_exchanged(run, diode, one, two)]
    return SplitDelay(
        _branch(run, "first", one, signal, by, delay, width),
        _branch(run, "second", two, signal, by, delay, width),
        counts,
        volts[:, lit],
        threshold,
        (first, second),
        tuple(notes),
    )


def two_level_inputs(run: Run, threshold: float, group: str = "ai/") -> tuple[str, ...]:
    """Return the analog inputs that are sometimes below and sometimes above a voltage."""
    lit = run.classes.xray == 1
    names = [name for name in run.infos if name.startswith(group)]
    return tuple(name for name in names if _has_levels(_numbers(run, name)[lit], threshold))


def _shots(
    run: Run, names: tuple[str, str], volts: Floats, lit: Bools, threshold: float
) -> tuple[Bools, Bools, dict[str, int]]:
    """Return the shots of either branch alone, and all selected shots by what was open."""
    opened, clear = _levels(run, names, volts, lit, threshold)
    one, two = lit & clear & opened[0] & ~opened[1], lit & clear & ~opened[0] & opened[1]
    counts = _counts(opened, clear, lit)
    if min(one.sum(), two.sum()) < FEWEST:
        text = ", ".join(f"{name} {number}" for name, number in counts.items())
        raise BranchError(
            f"{run.label}: too few shots with one branch alone ({text}); check the inputs, or "
            "loosen the cuts"
        )
    return one, two, counts


def _counts(opened: Bools, clear: Bools, lit: Bools) -> dict[str, int]:
    """Return the selected shots by what was open."""
    first, second = opened
    return {
        "first alone": int((lit & clear & first & ~second).sum()),
        "second alone": int((lit & clear & ~first & second).sum()),
        "both": int((lit & clear & first & second).sum()),
        "neither": int((lit & clear & ~first & ~second).sum()),
        "not told": int((lit & ~clear).sum()),
    }


def _numbers(run: Run, name: str) -> Floats:
    return np.asarray(run[name].read(), np.float64)


def _has_levels(volts: Floats, threshold: float) -> bool:
    known = volts[np.isfinite(volts)]
    share = float((known > threshold).mean()) if len(known) else 0.0
    return RARE <= share <= 1 - RARE


def _levels(
    run: Run, names: tuple[str, str], volts: Floats, lit: Bools, threshold: float
) -> tuple[Bools, Bools]:
    """Return which input is high, shape (2, event), and where both readings are clear."""
    clear: Bools = np.asarray(np.isfinite(volts).all(axis=0))
    for name, each in zip(names, volts, strict=True):
        if not _has_levels(each[lit], threshold):
            found = ", ".join(two_level_inputs(run, threshold)) or "none"
            raise BranchError(
                f"{run.label}: {name} is not both below and above {threshold:g} V in the selected "
                f"shots, so it tells no branch; name an input that is ({found}), "
                "or loosen the cuts"
            )
        known = each[lit & np.isfinite(each)]
        low = float(np.median(known[known <= threshold]))
        high = float(np.median(known[known > threshold]))
        margin = MIDDLE * (high - low)
        clear = clear & ((each <= low + margin) | (each >= high - margin))
    return volts > threshold, clear


def _delay(run: Run, motor: str, slope: float, offset: float) -> Floats:
    moved = _numbers(run, motor) if motor else np.full(run.n_events, offset)
    return np.asarray(slope * (moved - offset))


def _branch(
    run: Run, name: str, shots: Bools, signal: str, by: str, delay: Floats, width: float | None
) -> Branch:
    own = np.where(shots, delay, np.nan)
    over = Channel.from_values("split_delay", own, unit="ps", select=run.mask)
    every = Channel.from_values("shots", 0 * own, unit="1", select=run.mask)
    edges = _edges(own[np.isfinite(own)], width)
    found = bin_run(run, {over: edges}, [signal], by=by, background="dark")
    whole = bin_run(run, {every: [-0.5, 0.5]}, [signal], by=by, background="dark")
    norm = run.channel(by)
    values = norm.read(where=shots).astype(np.float64)
    dark = norm.read(where=run.classes.dark).astype(np.float64)
    level = float(np.nanmean(dark)) if np.isfinite(dark).any() else 0.0
    known = values[np.isfinite(values)] - level
    spread = float(known.std(ddof=1) / np.sqrt(len(known)))
    unit = str(whole[signal].attrs["units"])
    total, its = (float(whole[each].values[0]) for each in (signal, f"{signal}_error"))
    return Branch(
        name,
        shots,
        Parameter(float(known.mean()), spread, norm.unit),
        Parameter(total, its, unit),
        (edges[1:] + edges[:-1]) / 2,
        np.asarray(found[signal].values, np.float64),
        np.asarray(found[f"{signal}_error"].values, np.float64),
        np.asarray(found[f"{signal}_count"].values, np.float64),
    )


def _edges(delay: Floats, width: float | None) -> Floats:
    """Return bins around the steps of the motor, or of one width [ps]."""
    if not len(delay):
        raise BranchError("the motor has no value in the shots of a branch: name another field")
    low, high = float(delay.min()), float(delay.max())
    if width is not None:
        return edges_by_width(low, high + width, width)
    steps = np.unique(np.round(delay, 6))
    if len(steps) == 1:
        return np.array([low - 0.5, low + 0.5])
    if len(steps) > MOST_STEPS:
        raise BranchError(
            f"the motor has {len(steps)} different values, from {low:.4g} to {high:.4g} ps: it is "
            "a readback; give the width of a bin of delay"
        )
    return edges_around(steps)


def _notes(counts: Mapping[str, int]) -> list[str]:
    total = max(1, sum(counts.values()))
    if counts["not told"] <= BETWEEN * total:
        return []
    return [
        f"{counts['not told']} of {total} shots lie between the levels of an input or lack it: "
        "the shutters moved in them, or the threshold is wrong"
    ]


def _exchanged(run: Run, diode: str, one: Bools, two: Bools) -> list[str]:
    if not diode:
        return []
    seen = [float(np.nanmean(run[diode].read(where=shots))) for shots in (one, two)]
    if seen[0] > seen[1]:
        return []
    return [
        f"{diode}, which should see the first branch only, reads {seen[0]:.4g} in its shots and "
        f"{seen[1]:.4g} in those of the second: exchange the two inputs"
    ]


def _ratio(above: Parameter, below: Parameter) -> Parameter:
    value = above.value / below.value
    error = abs(value) * float(np.hypot(above.error / above.value, below.error / below.value))
    return Parameter(value, error, "1")
