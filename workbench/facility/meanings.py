"""What the values of default detectors mean: unit, one line of text, names of axes."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import translate
from functools import cache, lru_cache
from typing import Any

from workbench.facility.facts import checked, read_facts

SLOW_GROUPS = ("epics", "epicsUser", "epicsAll", "epicsOnce")  # folders of slow control values
_KEYS = ("unit", "long_name", "from", "channel", "dims", "lcls1")


@dataclass(frozen=True)
class FieldFact:
    """One value of a detector as it is stored.

    Parameters
    ----------
    name
        Last part of the dataset's name.
    unit
        UDUNITS string; empty where nobody wrote it down.
    long_name
        One line for plots and tables.
    source
        The field of the raw data; the same as `name` unless renamed.
    channel
        Which element of the raw field; None: all of it.
    dims
        Names of the axes after "event".
    lcls1
        What LCLS-I calls it; empty where it has no such value.
    """

    name: str
    unit: str = ""
    long_name: str = ""
    source: str = ""
    channel: int | None = None
    dims: tuple[str, ...] = ()
    lcls1: str = ""


def epics_fact(name: str) -> FieldFact:
    """Return what is known of a slow control value, by its alias."""
    return field_fact(name, read_facts("fields", "beamline")["epics"].get(name, {}))


def section(name: str, generation: str) -> dict[str, FieldFact]:
    """Return the facts of one kind of detector ("bmmon", "ebeam"), by the value's name."""
    entries = read_facts("fields", "beamline")[generation][name]
    return {key: field_fact(key, entry) for key, entry in entries.items()}


def field_fact(name: str, entry: Mapping[str, Any]) -> FieldFact:
    """Return one entry of the dictionary as a fact."""
    checked(entry, f"fact of {name}", _KEYS)
    return FieldFact(
        name,
        entry.get("unit", ""),
        entry.get("long_name", ""),
        entry.get("from", name),
        entry.get("channel"),
        tuple(entry.get("dims", ())),
        entry.get("lcls1", ""),
    )


@cache
def common_facts(generation: str) -> Mapping[str, FieldFact]:
    """Return what is known of datasets that mean the same in every hutch, by their path."""
    facts = read_facts("fields", "beamline")
    known = {
        f"{group}/{name}".removeprefix("/"): fact
        for group, kind in facts["groups"][generation].items()
        for name, fact in section(kind, generation).items()
    }
    for name in facts["epics"]:
        known.update({f"{group}/{name}": epics_fact(name) for group in SLOW_GROUPS})
    return known


@lru_cache(maxsize=4096)
def fact_by_pattern(name: str, generation: str) -> FieldFact:
    """Return what the patterns of names tell of a dataset; an empty fact where none fits."""
    leaf = name.rpartition("/")[2]
    expression, entries = _patterns(generation)
    match = expression.fullmatch(name)
    if match is None or match.lastgroup is None:
        return FieldFact(leaf)
    return field_fact(leaf, entries[match.lastgroup])


@cache
def _patterns(generation: str) -> tuple[re.Pattern[str], dict[str, dict[str, Any]]]:
    """Return all patterns as one expression, and the entry that belongs to each of its groups."""
    entries: dict[str, dict[str, Any]] = {}
    parts = []
    for number, entry in enumerate(read_facts("fields", "beamline")["pattern"]):
        place = f"fields/beamline.toml, pattern {number + 1}"
        checked(entry, place, (*_KEYS, "match", "generation"), needed=("match",))
        if entry.get("generation", generation) == generation:
            parts.append(f"(?P<p{number}>{translate(entry['match'])})")
            entries[f"p{number}"] = {key: entry[key] for key in _KEYS if key in entry}
    return re.compile("|".join(parts)), entries
