"""The shot table: shots of runs joined with the group's sheet and with files of other programs."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from workbench.binning import Verdict, verdict_on
from workbench.core.run_numbers import runs_text
from workbench.core.table import Cell, Table
from workbench.recipes.file_patterns import FilePattern, Found
from workbench.recipes.shot_sheet import SheetLine, ShotSheet
from workbench.recipes.shots import RunShots, Shot, changing
from workbench.runs import Truth

KEY = ("run", "shot")
FIXED = ("state", "phase", "beams", "time")
NOTES = "notes"
UNKNOWN = "unit not known"
PHASES = ("before", "driven", "after")


@dataclass(frozen=True)
class Join:
    """Which columns of the sheet say what.

    Parameters
    ----------
    phase
        Heading of the column that says before, driven or after; empty: none does.
    target
        Heading of the column that names the target; empty: none does. Shots without laser on a
        target are "before" its first driven shot and "after" its last.
    """

    phase: str = ""
    target: str = ""


@dataclass(frozen=True)
class ShotTable:
    """A table with a row per shot, and what of either side found no partner.

    Parameters
    ----------
    table
        `KEY`, `FIXED`, values with their unit, missing detectors, files, columns of the sheet,
        notes.
    unmatched
        Where from (small data, sheet, files), run, shot, what.
    doubts
        What contradicts itself: run, shot, what.
    shots
        As they were read.
    i0
        Name and unit of the monitor that is I0; several where the runs differ.
    """

    table: Table
    unmatched: Table
    doubts: Table
    shots: tuple[Shot, ...]
    i0: str = ""

    @property
    def numbers(self) -> dict[str, int]:
        """Counts by the names that the truth of a made-up run has for them."""
        real = [shot for shot in self.shots if shot.state == "shot"]
        present = [there for shot in real for there in shot.present.values()]
        return {
            "shots": len(real),
            "shots_driven": sum(shot.beams == "driven" for shot in real),
            "detectors_missing": present.count(False),
        }

    def against(self, truths: Sequence[Truth]) -> Verdict:
        """Compare the counts with the sum of what made-up runs were made with."""
        planted: dict[str, Cell] = {}
        for name in self.numbers:
            values = [truth[name].value for truth in truths if name in truth]
            planted[name] = sum(int(value) for value in values if not isinstance(value, tuple))
        return verdict_on(self.numbers, planted)


def build_shot_table(
    runs: Sequence[RunShots],
    *,
    sheet: ShotSheet | None = None,
    join: Join | None = None,
    files: Sequence[tuple[FilePattern, Sequence[Found]]] = (),
) -> ShotTable:
    """Join shots, the sheet and files.

    A line of the sheet with a shot joins that shot; one without joins all shots of its run. Lines
    that compete for the same shots are joined to none of them and listed.
    """
    join = join or Join()
    shots = tuple(shot for run in runs for shot in run.shots)
    lines, unmatched = _lines_of(shots, sheet)
    values, detectors = changing(shots), _everywhere(shots)
    phases, doubts = _phases(shots, lines, join)
    others = ("missing", *(one.name for one, _ in files))
    own = (*KEY, *FIXED, *(_with_unit(name, runs) for name in values), *others)
    headings = _headings(sheet, (*own, *values))
    rows: list[tuple[Cell, ...]] = []
    for shot, line, phase in zip(shots, lines, phases, strict=True):
        told = line.values if line else {}
        rows.append(
            (
                shot.run,
                shot.shot,
                shot.state,
                phase,
                shot.beams if shot.state == "shot" else None,
                shot.time or None,
                *(shot.values.get(name) for name in values),
                _missing(shot, detectors),
                *(_files_of(shot, found) for _, found in files),
                *(told.get(name) for name in headings),
                None,
            )
        )
    unmatched += _stray(shots, files)
    doubts += [(run.run, None, run.why) for run in runs if run.why]
    i0, mixed = _monitors(runs)
    doubts += [(None, None, mixed)] if mixed else []
    caption = f"shots of runs {runs_text([run.run for run in runs])}"
    columns, notes = (*own, *headings.values(), NOTES), (f"i0: {i0}",) if i0 else ()
    return ShotTable(
        Table(columns, tuple(rows), caption=caption, notes=notes),
        Table(("from", "run", "shot", "what"), tuple(unmatched), caption="without a partner"),
        Table(("run", "shot", "what"), tuple(doubts), caption="to be looked at"),
        shots,
        i0,
    )


def _with_unit(name: str, runs: Sequence[RunShots]) -> str:
    """Return the heading of values, with their unit; with all of them where runs differ."""
    units = dict.fromkeys(run.units[name] or UNKNOWN for run in runs if name in run.units)
    return f"{name} [{' or '.join(units) or UNKNOWN}]"


def _stray(
    shots: Sequence[Shot], files: Sequence[tuple[FilePattern, Sequence[Found]]]
) -> list[tuple[Cell, ...]]:
    """Return the files that belong to none of the shots."""
    return [
        ("files", found.numbers["run"], found.numbers.get("shot"), f"{pattern.name}: {found.path}")
        for pattern, every in files
        for found in every
        if not any(found.belongs(shot.run, shot.shot, shot.stamp) for shot in shots)
    ]


def _monitors(runs: Sequence[RunShots]) -> tuple[str, str]:
    """Return which monitor I0 is, with its unit, and a sentence where runs differ in it."""
    units = {run.i0: run.unit for run in runs if run.i0}
    named = ", ".join(f"{name} [{unit or UNKNOWN}]" for name, unit in units.items())
    if len(units) < 2:
        return named, ""
    which = ", ".join(
        f"{name} in runs {runs_text([run.run for run in runs if run.i0 == name])}" for name in units
    )
    return named, f"i0 is not the same monitor everywhere: {which}"


def _lines_of(
    shots: Sequence[Shot], sheet: ShotSheet | None
) -> tuple[list[SheetLine | None], list[tuple[Cell, ...]]]:
    """Return the line of the sheet for each shot, and what of either side has no partner."""
    if sheet is None:
        return [None] * len(shots), []
    unmatched: list[tuple[Cell, ...]] = [
        ("sheet", None, None, f"line {line} names no run: {text}") for line, text in sheet.unread
    ]
    asked = {shot.run for shot in shots}
    meant = Counter((line.run, line.shot) for line in sheet.lines)
    by_key = {(line.run, line.shot): line for line in sheet.lines}
    there = {(shot.run, shot.shot) for shot in shots}
    runs = {shot.run for shot in shots if shot.state == "shot"}
    for line in sheet.lines:
        why = ""
        if meant[line.run, line.shot] > 1:
            why = f"{meant[line.run, line.shot]} lines are about the same shots: none is joined"
        elif line.run not in asked:
            why = "of a run that is not in this table"
        elif line.shot is not None and (line.run, line.shot) not in there:
            why = "of a shot that the small data do not have"
        elif line.shot is None and line.run not in runs:
            why = "of a run whose shots the small data do not show; joined to the run's line"
        if why:
            unmatched.append(("sheet", line.run, line.shot, f"line {line.line}: {why}"))
    usable = {key: line for key, line in by_key.items() if meant[key] == 1}
    found = [usable.get((shot.run, shot.shot)) or usable.get((shot.run, None)) for shot in shots]
    unmatched += [
        ("small data", shot.run, shot.shot, "no line of the sheet")
        for shot, line in zip(shots, found, strict=True)
        if line is None
    ]
    return found, unmatched


def _phases(
    shots: Sequence[Shot], lines: Sequence[SheetLine | None], join: Join
) -> tuple[list[str | None], list[tuple[Cell, ...]]]:
    """Return before, driven or after for each shot, and where sheet and light disagree."""
    doubts: list[tuple[Cell, ...]] = []
    found: list[str | None] = []
    for number, shot in enumerate(shots):
        line = lines[number]
        told = line.values if line else {}
        seen = _by_target(number, shots, lines, join.target)
        said = told.get(join.phase, "").strip().lower() if join.phase else ""
        if said and shot.state == "shot" and (said == "driven") != (shot.beams == "driven"):
            text = f"the sheet says {said!r}, the flags of the small data {shot.beams!r}"
            doubts.append((shot.run, shot.shot, text))
        found.append(said or seen)
    return found, doubts


def _by_target(
    number: int, shots: Sequence[Shot], lines: Sequence[SheetLine | None], column: str
) -> str | None:
    """Return the phase of a shot by the laser, and by the driven shots on the same target."""
    shot, line = shots[number], lines[number]
    if shot.state != "shot":
        return None
    target = line.values.get(column, "") if line and column else ""
    if shot.beams != "not driven" or not target:
        return shot.beams
    driven = [
        other.stamp or 0
        for other, its in zip(shots, lines, strict=True)
        if other.beams == "driven" and its is not None and its.values.get(column) == target
    ]
    if not driven:
        return shot.beams
    stamp = shot.stamp or 0
    return "before" if stamp < min(driven) else "after" if stamp > max(driven) else "between"


def _everywhere(shots: Sequence[Shot]) -> tuple[str, ...]:
    return tuple(sorted({name for shot in shots for name in shot.present}))


def _missing(shot: Shot, detectors: Sequence[str]) -> str | None:
    """Return the detectors that are not in this shot, those that its run lacks in brackets."""
    if shot.state != "shot":
        return None
    absent = [name for name in detectors if not shot.present.get(name, True)]
    lacking = [f"({name})" for name in detectors if name not in shot.present]
    return ", ".join(absent + lacking) or "none"


def _files_of(shot: Shot, found: Sequence[Found]) -> str | None:
    own = [one.path.name for one in found if one.belongs(shot.run, shot.shot, shot.stamp)]
    return None if not own else own[0] if len(own) == 1 else f"{len(own)} files"


def _headings(sheet: ShotSheet | None, taken: Sequence[str]) -> Mapping[str, str]:
    """Return the heading in the table for each column of the sheet."""
    reserved = {*taken, NOTES}
    names = sheet.columns if sheet else ()
    return {name: f"sheet: {name}" if name in reserved else name for name in names}


def files_for(
    patterns: Sequence[FilePattern], folder: Path
) -> list[tuple[FilePattern, Sequence[Found]]]:
    """Find the files of every pattern; relative ones begin in `folder`."""
    return [(one, one.find(folder)) for one in patterns]
