"""Shots of runs: what each small-data file says of every shot, and which detectors were in it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import prod
from pathlib import Path

import numpy as np

from workbench.core.arrays import Array, Bools
from workbench.core.errors import WorkbenchError
from workbench.core.findings import Finding, Severity, worst_first
from workbench.core.run_numbers import runs_text
from workbench.core.table import Cell
from workbench.runs import Run, Truth, open_run, read_truth
from workbench.smalldata import (
    FieldInfo,
    MissingPartsError,
    SmallDataFile,
    missing_rows,
    open_file,
    zero_filled,
)

MOST_SHOTS = 10  # of a run; runs of more events are not taken shot by shot
NO_DETECTORS = frozenset({
    "damage", "enc", "epics", "epicsAll", "epicsOnce", "epicsUser", "event_time", "evr",
    "fiducials", "lightStatus", "scan", "timestamp", "timing",
})  # fmt: skip
SLOW = ("epics", "epicsUser", "epicsAll")
BEAMS = {(1, 1): "driven", (1, 0): "not driven", (0, 1): "laser only", (0, 0): "dark"}


@dataclass(frozen=True)
class Shot:
    """One shot of a run, or a run of which no single shots are listed.

    Parameters
    ----------
    run
        Number of the run.
    shot
        From 1, in the order of time; None for a line about the whole run.
    state
        "shot"; else why there are none: "no small data", "unreadable", "no events", "many events".
    beams
        "driven" (X-rays and laser), "not driven", "laser only", "dark"; "not known".
    event
        Row in the file.
    stamp
        Time stamp as in the file: seconds in the high 32 bits, nanoseconds below.
    time
        UTC, to the millisecond.
    values
        By heading: numbers of this shot, None where not measured.
    present
        Detector of this run -> whether it is in this shot.
    """

    run: int
    shot: int | None
    state: str
    beams: str = "not known"
    event: int | None = None
    stamp: int | None = None
    time: str = ""
    values: Mapping[str, Cell] = field(default_factory=dict)
    present: Mapping[str, bool] = field(default_factory=dict)


@dataclass(frozen=True)
class RunShots:
    """The shots of one run.

    Parameters
    ----------
    run
        Its number.
    shots
        At least one line.
    path
        The file; None where there is none.
    why
        What went wrong, in words; empty where nothing did.
    i0
        Field that "i0" among the values is.
    units
        Unit of each heading of the values; empty where nobody knows it.
    """

    run: int
    shots: tuple[Shot, ...]
    path: Path | None = None
    why: str = ""
    i0: str = ""
    units: Mapping[str, str] = field(default_factory=dict)

    @property
    def unit(self) -> str:
        """Unit of I0."""
        return self.units.get("i0", "")


def read_shots(
    experiment: str,
    runs: Sequence[int],
    *,
    small_data: str = "",
    fields: Sequence[str] = (),
    most: int = MOST_SHOTS,
) -> tuple[RunShots, ...]:
    """Read the shots of runs; a run without a readable file gives a line that says so.

    Of a run with more than `most` events those with X-rays and laser are its shots, if they are
    not too many either; else it gets one line.

    Parameters
    ----------
    experiment
        Name of the experiment.
    runs
        Numbers.
    small_data
        Folder with the files; empty: where the experiment keeps them.
    fields
        Datasets to list, one number per event; empty: I0 and all slow values.
    most
        Shots of a run.
    """
    return tuple(_of_run(small_data or experiment, run, fields, most) for run in runs)


def changing(shots: Sequence[Shot], always: Sequence[str] = ("i0",)) -> tuple[str, ...]:
    """Return the headings of values that differ between shots, and those of `always`."""
    names = dict.fromkeys(name for shot in shots for name in shot.values)
    seen = {
        name: {shot.values[name] for shot in shots if shot.values.get(name) is not None}
        for name in names
    }
    return tuple(name for name in names if name in always or len(seen[name]) > 1)


def truths_of(runs: Sequence[RunShots]) -> tuple[Truth, ...]:
    """Return what made-up runs were made with; nothing on real data."""
    found = (read_truth(run.path) for run in runs if run.path is not None)
    return tuple(truth for truth in found if truth is not None)


def findings_of(runs: Sequence[RunShots]) -> list[Finding]:
    """Return what could mislead in the files of several runs, worst first.

    Findings of the same kind on the same field are one, which names its runs and adds up its
    events. Runs without a readable file are left out: their lines in the table say why.
    """
    alike: dict[tuple[Severity, str, str], dict[int, Finding]] = {}
    for one in runs:
        if one.path is not None:
            for finding in open_run(one.path).check():
                key = (finding.severity, finding.code, finding.field)
                alike.setdefault(key, {})[one.run] = finding
    return worst_first(
        replace(
            next(iter(found.values())),
            message=f"{_label(found)}: {next(iter(found.values())).message}",
            count=sum(finding.count for finding in found.values()),
        )
        for found in alike.values()
    )


def _label(runs: Collection[int]) -> str:
    """How messages name runs: "run 3", "runs 1-3, 8"."""
    return f"run{'s' if len(runs) > 1 else ''} {runs_text(sorted(runs))}"


def _of_run(place: str, number: int, fields: Sequence[str], most: int) -> RunShots:
    try:
        run = open_run(place, number)
        return _shots(run, number, fields, most)
    except (FileNotFoundError, WorkbenchError) as error:
        lost = isinstance(error, FileNotFoundError) and not isinstance(error, MissingPartsError)
        state = "no small data" if lost else "unreadable"
        return RunShots(number, (Shot(number, None, state),), why=str(error))


def _shots(run: Run, number: int, fields: Sequence[str], most: int) -> RunShots:
    rows = _chosen(run, most)
    if rows is None or not len(rows):
        state = "no events" if run.n_events == 0 else "many events"
        way_out = "raise the number of shots that a run may have, or name the shots in a sheet"
        if run.n_events == 0:
            way_out = "look at run.check()"
        why = f"{run.label}: {run.n_events} events, none of them read one by one; {way_out}"
        return RunShots(number, (Shot(number, None, state),), run.path, why)
    with open_file(run.path) as file:  # once: each opening costs several requests
        values, lacking = _values(run, file, fields, rows)
        present = _presence(run, file, rows)
    classes = run.classes
    shots = [
        Shot(
            number,
            place + 1,
            "shot",
            BEAMS.get((int(classes.xray[row]), int(classes.laser[row])), "not known"),
            int(row),
            int(run.timestamps[row]),
            str(run.times[row].astype("datetime64[ms]")).replace("T", " "),
            {name: _cell(column[place]) for name, column in values.items()},
            {name: bool(there[place]) for name, there in present.items()},
        )
        for place, row in enumerate(rows)
    ]
    repeated = len(rows) - len(np.unique(run.timestamps[rows]))
    if repeated:
        lacking.append(f"{repeated} shots have the same time stamp as another")
    i0 = i0_field(run)
    units = {name: run[i0 if name == "i0" else name].unit for name in values}
    return RunShots(number, tuple(shots), run.path, "; ".join(lacking), i0, units)


def _chosen(run: Run, most: int) -> Array | None:
    """Return the rows of the shots, in the order of time; None where there are too many."""
    if run.n_events <= most:
        return run.time_order
    driven = run.time_order[run.mask(of="on")[run.time_order]]
    return driven if 0 < len(driven) <= most else None


def _values(
    run: Run, file: SmallDataFile, fields: Sequence[str], rows: Array
) -> tuple[dict[str, Array], list[str]]:
    found: dict[str, Array] = {}
    lacking: list[str] = []
    name = i0_field(run)
    if name:
        found["i0"] = _column(file, name, rows)
    else:
        lacking.append("no I0: the file has none of the monitors that could serve")
    wanted = fields or [name for name in run.infos if name.partition("/")[0] in SLOW]
    for name in wanted:
        if _one_number(run, name):
            found[name] = _column(file, name, rows)
        elif fields:
            lacking.append(f"no field {name} with one number per event")
    return found, lacking


def i0_field(run: Run) -> str:
    """Return the best monitor that the file has; empty where it has none.

    Few shots do not show whether a monitor follows the beam, as `Run.role` would demand.
    """
    fields = (one.name for one in run.role_fields("i0"))
    return next((name for name in fields if _one_number(run, name)), "")


def _one_number(run: Run, name: str) -> bool:
    info = run.infos.get(name)
    return info is not None and info.shape == (run.n_events,) and info.dtype != "str"


def _column(file: SmallDataFile, name: str, rows: Array) -> Array:
    values = file.read(name)[rows]
    lacking = missing_rows(values) | zero_filled(file, name)[rows]
    return np.where(lacking, np.nan, values.astype(np.float64))


def _presence(run: Run, file: SmallDataFile, rows: Array) -> dict[str, Bools]:
    """Return for each detector in which shots any of its values was measured."""
    groups: dict[str, list[FieldInfo]] = {}
    for name, info in run.infos.items():
        group = name.partition("/")[0]
        if info.kind == "event" and "/" in name and group not in NO_DETECTORS:
            groups.setdefault(group, []).append(info)
    found: dict[str, Bools] = {}
    for group, infos in sorted(groups.items()):
        smallest = min(prod(info.shape[1:]) for info in infos)
        light = [info for info in infos if prod(info.shape[1:]) == smallest]
        there = np.zeros(len(rows), bool)
        for info in light:
            if there.all():
                break
            there |= ~_missing(file, info, rows)
        flag = f"damage/{group}"
        if flag in run.infos:
            there &= file.read(flag)[rows] != 0
        found[group] = there
    return found


def _missing(file: SmallDataFile, info: FieldInfo, rows: Array) -> Bools:
    if len(info.shape) == 1:
        return missing_rows(file.read(info.name)[rows])
    one = (file.read(info.name, slice(int(row), int(row) + 1)) for row in rows)
    return np.array([bool(missing_rows(values)[0]) for values in one])


def _cell(value: float) -> Cell:
    return float(value) if np.isfinite(value) else None
