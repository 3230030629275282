"""Reading the facts that ship with the package as TOML files, each key checked."""

import tomllib
from collections.abc import Collection, Mapping
from functools import cache
from importlib import resources
from typing import Any

from workbench.core.errors import WorkbenchError, near

VERSION = 1  # of the schema in docs/reference/field-dictionary.md

Facts = dict[str, Any]  # Any: the shape of each table is checked where it is used


class FactsError(WorkbenchError, ValueError):
    """A file of facts that does not follow its schema; the text names file, place and key."""


@cache
def read_facts(folder: str, name: str) -> Facts:
    """Return one file of facts, ``workbench/facility/<folder>/<name>.toml``.

    Raises `FactsError` where its schema has another version than ours.
    """
    place = resources.files("workbench.facility").joinpath(folder, f"{name}.toml")
    facts = tomllib.loads(place.read_text(encoding="utf-8"))
    if facts.get("version") != VERSION:
        raise FactsError(
            f"{folder}/{name}.toml: version {facts.get('version')!r}, this program reads {VERSION}"
        )
    return facts


@cache
def known_names(folder: str) -> tuple[str, ...]:
    """Return the names of the files of facts in one folder, sorted."""
    entries = resources.files("workbench.facility").joinpath(folder).iterdir()
    return tuple(sorted(e.name[:-5] for e in entries if e.name.endswith(".toml")))


def checked(
    entry: Mapping[str, Any], place: str, known: Collection[str], needed: Collection[str] = ()
) -> Mapping[str, Any]:
    """Return the entry if all its keys are known and the needed ones there; else `FactsError`."""
    for key in entry:
        if key not in known:
            close = near(key, known)
            hint = f"did you mean {close[0]}?" if close else f"known are {', '.join(sorted(known))}"
            raise FactsError(f"{place}: unknown key {key!r}; {hint}")
    for key in needed:
        if key not in entry:
            raise FactsError(f"{place}: the key {key!r} is missing")
    return entry
