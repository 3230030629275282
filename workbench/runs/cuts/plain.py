"""Cuts as plain values and as TOML, both ways."""

import json
import tomllib
from collections.abc import Callable, Mapping
from typing import Any

from workbench.runs.answers import CutError
from workbench.runs.cuts.algebra import AllOf, AnyOf, Cut, Not
from workbench.runs.cuts.bands import AroundMedian, NearLine
from workbench.runs.cuts.conditions import BeamState, Between, Equals, EventCode
from workbench.runs.cuts.derived import Correlated, NearMedian, Percentiles
from workbench.runs.cuts.functions import Passes

_LEAVES: Mapping[str, Callable[..., Cut]] = {
    "between": Between,
    "equals": Equals,
    "event_code": EventCode,
    "beam": BeamState,
    "passes": Passes,
    "around_median": AroundMedian,
    "near_line": NearLine,
    "percentiles": Percentiles,
    "near_median": NearMedian,
    "correlated": Correlated,
}


def cut_from_dict(plain: Mapping[str, Any]) -> Cut:  # Any: JSON
    """Rebuild a cut from `Cut.to_dict`; `CutError` names what it cannot read."""
    try:
        if "all" in plain:
            return AllOf(tuple(cut_from_dict(part) for part in plain["all"]))
        if "any" in plain:
            return AnyOf(tuple(cut_from_dict(part) for part in plain["any"]))
        if "not" in plain:
            return Not(cut_from_dict(plain["not"]))
        kind = _LEAVES[plain["cut"]]
        return kind(**{name: value for name, value in plain.items() if name != "cut"})
    except (KeyError, TypeError) as error:
        raise CutError(
            f"cannot read a cut from {dict(plain)!r} ({error}); it needs 'all', 'any', 'not' or "
            f"'cut' with one of {', '.join(_LEAVES)}"
        ) from error


def cut_to_toml(cut: Cut) -> str:
    """Write a cut as TOML: one table for each of the cuts joined by ``&``."""
    if isinstance(cut, AllOf):
        return "\n".join(f"[[all]]\n{_lines(part.to_dict())}" for part in cut.cuts)
    return _lines(cut.to_dict())


def cut_from_toml(text: str) -> Cut:
    """Rebuild a cut from TOML; `CutError` says where it cannot be read."""
    try:
        plain = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise CutError(f"cannot read a cut from TOML: {error}") from error
    return cut_from_dict(plain)


def _lines(plain: Mapping[str, Any]) -> str:
    return "".join(f"{name} = {_value(value)}\n" for name, value in plain.items())


def _value(value: Any) -> str:  # Any: JSON
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{name} = {_value(inner)}" for name, inner in value.items()) + " }"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_value(inner) for inner in value) + "]"
    return repr(value)
