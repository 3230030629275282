"""``experiment.toml`` from text to plain values, every mistake named with its line."""

import math
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from workbench.core.errors import InputError, near
from workbench.core.units import UnitError, factor
from workbench.facility import ROLES
from workbench.runs.experiment.codes import CODES
from workbench.runs.experiment.expressions import Expression, parse_condition, parse_expression
from workbench.runs.experiment.lines import line_of
from workbench.runs.experiment.setup import (
    Acknowledged,
    DelaySetup,
    FriendlyName,
    RunSetup,
    State,
    StatusSetup,
    TimeToolSetup,
)

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

    from workbench.runs.experiment.schema import FileTable, RunsTable, Section

FILE_NAME = "experiment.toml"
TOP_ONLY = {"version", "experiment", "archiver", "runs"}  # keys that no range of runs has
REFERENCE = "docs/reference/experiment-toml.md"
FINDINGS = "docs/reference/findings.md"
NO_ADDRESS = (
    'is no address of an archiver: write one, as "https://pswww.slac.stanford.edu/archiveviewer", '
    'or "none"; `workbench produce --archiver` overrules it'
)
WAY_OUT = "mend it, or open the run without it: open_run(..., experiment_file=False)"
CHOSEN_ROLES = tuple(role for role in ROLES if role != "delay")  # [delay] says more than a field


class ExperimentFileError(InputError):
    """An ``experiment.toml`` that cannot be used.

    Parameters
    ----------
    path
        The file.
    field
        The key concerned, dotted; empty where the text is no TOML at all.
    line
        Where it stands; 0 where that is not known.
    reason
        What is wrong, and what would do.
    """

    def __init__(self, path: Path, field: str, line: int, reason: str) -> None:
        super().__init__(reason)
        self.path = path
        self.field = field
        self.line = line
        self.reason = reason

    def __reduce__(self) -> tuple[type, tuple[Path, str, int, str]]:
        return type(self), (self.path, self.field, self.line, self.reason)

    def __str__(self) -> str:
        place = f"{self.path}:{self.line}" if self.line else str(self.path)
        field = f"{self.field}: " if self.field else ""
        return f"{place}: {field}{self.reason} ({REFERENCE}); {WAY_OUT}"


@dataclass(frozen=True)
class ExperimentFile:
    """One ``experiment.toml``, checked.

    Parameters
    ----------
    path
        The file.
    text
        Its text, for line numbers.
    table
        Its content.
    """

    path: Path
    text: str
    table: "FileTable"

    def setup(self, run: int | None) -> RunSetup:
        """Return what holds for one run: the top of the file, overridden by the run's range."""
        ranges = [
            (number, each)
            for number, each in enumerate(self.table.runs)
            if run is not None and each.first <= run and (each.last is None or run <= each.last)
        ]
        merged = _given(self.table)
        why = str(self.path)
        for _, each in ranges:
            merged = _merge(merged, _given(each))
            why += f" ({_range_text(each)})"
        return _to_setup(merged, self.path, why)

    def fail(self, place: Sequence[str | int], reason: str) -> ExperimentFileError:
        """Return the error for one place of the file, to be raised."""
        field = ".".join(str(part) for part in place)
        return ExperimentFileError(self.path, field, line_of(self.text, place), reason)


def read_experiment_file(path: Path) -> ExperimentFile:
    """Read and check one ``experiment.toml``; `ExperimentFileError` names the first mistake."""
    from pydantic import ValidationError

    from workbench.runs.experiment.schema import FileTable

    text, plain = text_and_content(path)
    try:
        table = FileTable.model_validate(plain)
    except ValidationError as error:
        raise _explained(path, text, error.errors()) from error
    file = ExperimentFile(path, text, table)
    _check(file)
    return file


def text_and_content(path: Path) -> tuple[str, dict[str, Any]]:
    """Return the text of a TOML file, and what it says, of which nothing is checked yet."""
    try:
        text = path.read_text(encoding="utf-8")
        return text, tomllib.loads(text)
    except (OSError, UnicodeDecodeError) as error:
        raise ExperimentFileError(path, "", 0, f"cannot be read: {error}") from error
    except tomllib.TOMLDecodeError as error:
        raise ExperimentFileError(path, "", _toml_line(error), f"is no TOML: {error}") from error


def _toml_line(error: tomllib.TOMLDecodeError) -> int:
    words = str(error).replace(",", "").replace(")", "").split()
    return int(words[words.index("line") + 1]) if "line" in words else 0


def _explained(path: Path, text: str, errors: "list[ErrorDetails]") -> ExperimentFileError:
    """Return the first error in our words; those about unknown keys carry a suggestion."""
    first = next((each for each in errors if each["type"] == "extra_forbidden"), errors[0])
    place = tuple(part for part in first["loc"] if not _is_branch(part))
    reason = first["msg"][0].lower() + first["msg"][1:]
    if first["type"] == "extra_forbidden":
        key = str(place[-1])
        close = near(key, _keys_beside(place))
        known = ", ".join(_keys_beside(place))
        reason = f"unknown key; {f'did you mean {close[0]}?' if close else f'known are {known}'}"
    elif first["type"] == "missing":
        reason = "is missing" + ("; write version = 1" if place == ("version",) else "")
    field = ".".join(str(part) for part in place)
    return ExperimentFileError(path, field, line_of(text, place), reason)


def _is_branch(part: str | int) -> bool:
    """Tell names of alternatives of a type, which pydantic puts into a path, from keys."""
    return isinstance(part, str) and (part in {"str", "ChannelTable"} or "[" in part)


def _keys_beside(place: Sequence[str | int]) -> list[str]:
    from workbench.runs.experiment import schema

    tables: dict[str | int, type[schema.Strict]] = {
        "status": schema.StatusTable,
        "delay": schema.DelayTable,
        "time_tool": schema.TimeToolTable,
        "acknowledged": schema.AcknowledgedTable,
        "channels": schema.ChannelTable,
        "runs": schema.RunsTable,
    }
    parents = [part for part in place[:-1] if part in tables]
    return sorted((tables[parents[-1]] if parents else schema.FileTable).model_fields)


def _check(file: ExperimentFile) -> None:
    """Check what the types of the schema do not say."""
    if "archiver" in file.table.model_fields_set and not is_address(file.table.archiver):
        raise file.fail(("archiver",), NO_ADDRESS)
    for place, section in _sections(file.table):
        _check_section(file, place, section)
    ranges = sorted(
        ((each.first, math.inf if each.last is None else each.last, number))
        for number, each in enumerate(file.table.runs)
    )
    for first, last, number in ranges:
        if last < first:
            raise file.fail(("runs", number, "last"), f"lies before first = {first}")
    for (_, last, number), (first, _, other) in pairwise(ranges):
        if first <= last:
            one, two = (_range_text(file.table.runs[each]) for each in (number, other))
            raise file.fail(("runs", other, "first"), f"{two} overlaps {one}; one range a run")


def is_address(text: object) -> bool:
    """Tell whether this is the address of an archiver, or says that none is asked."""
    if not isinstance(text, str):
        return False
    try:
        parts = urlsplit(text)
        return text == "none" or (parts.scheme in {"http", "https"} and bool(parts.hostname))
    except ValueError:  # brackets of an address of IPv6 that do not match
        return False


def _sections(table: "FileTable") -> "Iterator[tuple[tuple[str | int, ...], Section]]":
    yield (), table
    for number, each in enumerate(table.runs):
        yield ("runs", number), each


def _check_section(file: ExperimentFile, place: tuple[str | int, ...], section: "Section") -> None:
    friendly = {*file.table.channels, *section.channels}
    for name in section.channels:
        if not name.isidentifier() or name in ROLES:
            raise file.fail(
                (*place, "channels", name), "a friendly name is one word that is no role's name"
            )
    for role in section.roles:
        if role == "delay":
            raise file.fail((*place, "roles", role), "write [delay] with source = ...")
        _check_name(file, (*place, "roles", role), role, CHOSEN_ROLES, "role")
    for name, (low, high) in section.good.items():
        if "/" not in name:
            _check_name(
                file, (*place, "good", name), name, (*ROLES, *friendly), "role or friendly name"
            )
        if not low < high:
            raise file.fail((*place, "good", name), f"low {low:g} must lie below high {high:g}")
    for number, entry in enumerate(section.acknowledged):
        _check_code(file, (*place, "acknowledged", number, "code"), entry.code)
    for table, unit in _units(section):
        _check_time_unit(file, (*place, table, "unit"), unit, section)
    try:
        _to_setup(_given(section), file.path, "")
    except InputError as error:
        raise file.fail((*place, *_guilty(section)), str(error)) from error


def _check_name(
    file: ExperimentFile, place: tuple[str | int, ...], name: str, known: Sequence[str], kind: str
) -> None:
    if name not in known:
        close = near(name, known)
        hint = f"did you mean {close[0]}?" if close else f"known are {', '.join(known)}"
        raise file.fail(place, f"no {kind} of this name; {hint}")


def _check_code(file: ExperimentFile, place: tuple[str | int, ...], code: str) -> None:
    if code not in CODES:
        close = near(code, CODES)
        hint = (
            f"did you mean {' or '.join(close)}?" if close else "write it as `workbench check` does"
        )
        raise file.fail(place, f"no finding has the code {code!r}; {hint} (all: {FINDINGS})")


def _units(section: "Section") -> Iterator[tuple[str, str]]:
    if section.delay is not None and section.delay.unit:
        yield "delay", section.delay.unit
    if section.time_tool is not None:
        yield "time_tool", section.time_tool.unit


def _check_time_unit(
    file: ExperimentFile, place: tuple[str | int, ...], unit: str, section: "Section"
) -> None:
    stage = place[-2] == "delay" and section.delay is not None and section.delay.kind == "stage"
    try:
        factor(unit, "mm" if stage else "ps")
    except UnitError as error:
        raise file.fail(place, str(error)) from error


def _guilty(section: "Section") -> tuple[str, ...]:
    """Return the first key whose text cannot be read."""
    for name, entry in section.channels.items():
        if isinstance(entry, str) and not _readable(entry, condition=False):
            return "channels", name
    if section.status is not None:
        for beam in ("xray", "laser"):
            state = getattr(section.status, beam)
            if isinstance(state, str) and not _readable(state, condition=True):
                return "status", beam
            if isinstance(state, list):
                return "status", beam
    return ()


def _readable(text: str, *, condition: bool) -> bool:
    try:
        _state(text) if condition else parse_expression(text)
    except InputError:
        return False
    return True


def _given(section: "Section") -> dict[str, Any]:
    """Return only what the file says, without the defaults."""
    return section.model_dump(exclude_unset=True, exclude=TOP_ONLY)


def _merge(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Return both, tables joined key by key, lists one after the other."""
    merged = dict(below)
    for key, value in above.items():
        if isinstance(value, dict) and isinstance(merged.get(key), dict):
            merged[key] = {**merged[key], **value}
        elif isinstance(value, list) and isinstance(merged.get(key), list):
            merged[key] = [*merged[key], *value]
        else:
            merged[key] = value
    return merged


def _to_setup(given: Mapping[str, Any], path: Path, why: str) -> RunSetup:
    status = given.get("status") or {}
    delay = dict(given.get("delay") or {})
    if delay.get("kind") == "time":
        delay["kind"] = ""
    time_tool = dict(given.get("time_tool") or {})
    time_tool["polynomial"] = tuple(time_tool.get("polynomial") or ())
    return RunSetup(
        path,
        why,
        {name: _friendly(name, entry) for name, entry in given.get("channels", {}).items()},
        {
            role: (names,) if isinstance(names, str) else tuple(names)
            for role, names in given.get("roles", {}).items()
        },
        {name: (low, high) for name, (low, high) in given.get("good", {}).items()},
        StatusSetup(
            _state(status.get("xray")), _state(status.get("laser")), status.get("destination")
        ),
        DelaySetup(**delay),
        TimeToolSetup(**time_tool),
        tuple(Acknowledged(**entry) for entry in given.get("acknowledged", [])),
        dict(given.get("saturation", {})),
    )


def _friendly(name: str, entry: str | Mapping[str, Any]) -> FriendlyName:
    if isinstance(entry, str):
        return FriendlyName(name, parse_expression(entry))
    coefficients = (entry.get("offset", 0.0), entry.get("scale", 1.0))
    return FriendlyName(
        name,
        Expression(entry["field"], coefficients),
        entry.get("unit", ""),
        entry.get("long_name", ""),
    )


def _state(given: str | Sequence[int] | None) -> State:
    if given is None or isinstance(given, str):
        words: dict[str | None, State] = {None: None, "on": True, "off": False}
        return words[given] if given in words else parse_condition(str(given))
    for code in given:
        if not 0 < abs(code) < 288:
            raise InputError(f"event code {code}; codes are 1 to 287, with a sign")
    return tuple(given)


def _range_text(each: "RunsTable") -> str:
    return f"runs {each.first} to {'the end' if each.last is None else each.last}"
