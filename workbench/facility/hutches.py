"""Hutches: what stands in each of them and how its beam status is decided."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from workbench.core.errors import InputError, UnknownNameError
from workbench.facility.facts import known_names, read_facts

GENERATIONS = ("lcls1", "lcls2")


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
    """

    name: str
    unit: str = ""
    long_name: str = ""
    source: str = ""
    channel: int | None = None
    dims: tuple[str, ...] = ()


@dataclass(frozen=True)
class DetectorFact:
    """One default detector: where it comes from, where it goes.

    Parameters
    ----------
    source
        Name in the DAQ.
    group
        Folder in the small-data file.
    kind
        "generic" (every field as it is), or one that needs more: "scan", "timing", "encoder",
        "timetool", "epics", "damage".
    fields
        What is known of its values; those not listed are stored too, without a unit.
    """

    source: str
    group: str
    kind: str = "generic"
    fields: tuple[FieldFact, ...] = ()

    def field(self, name: str) -> FieldFact:
        """Return what is known of the value of this name; an empty fact for an unlisted one."""
        found = (fact for fact in self.fields if fact.name == name)
        return next(found, FieldFact(name, source=name))


@dataclass(frozen=True)
class StatusRule:
    """Event codes that decide whether X-rays and laser were on.

    A positive code present means OFF, a negative code -c means c must be present for ON.
    """

    generation: str
    xray: tuple[int, ...]
    laser: tuple[int, ...]
    first_run: int = 0
    last_run: int | None = None
    experiment: str = ""

    def covers(self, generation: str, run: int | None, experiment: str) -> bool:
        """Tell whether the rule holds for this run; a rule without experiment holds for all."""
        if generation != self.generation or self.experiment not in {"", experiment}:
            return False
        if run is None:
            return self.first_run == 0 and self.last_run is None
        return self.first_run <= run and (self.last_run is None or run <= self.last_run)


@dataclass(frozen=True)
class Hutch:
    """One experimental station.

    Parameters
    ----------
    name
        Lower case, as experiment names begin: "xpp".
    title
        As people write it: "XPP".
    rules
        Status rules in order; the first that covers a run is used.
    detectors
        Default detectors of each generation: "lcls1", "lcls2".
    epics
        Aliases (or record names) of the slow values that every run keeps.
    """

    name: str
    title: str
    rules: tuple[StatusRule, ...]
    detectors: Mapping[str, tuple[DetectorFact, ...]]
    epics: tuple[str, ...]

    def status_rule(
        self, generation: str, run: int | None = None, experiment: str = ""
    ) -> StatusRule | None:
        """Return the rule for a run; None where nobody has published one."""
        fitting = (rule for rule in self.rules if rule.covers(generation, run, experiment))
        return next(fitting, None)

    def defaults(self, generation: str) -> tuple[DetectorFact, ...]:
        """Return the default detectors of a generation; empty where none are published."""
        check_generation(generation)
        return self.detectors[generation]

    def fact(self, name: str, generation: str) -> FieldFact:
        """Return what is known of a dataset, by its path in the small-data file."""
        group, _, leaf = name.rpartition("/")
        return _dictionary(self.name, generation).get(name, FieldFact(leaf or group))


def hutch(name: str) -> Hutch:
    """Return a hutch by its name ("xpp") or by an experiment's ("xpplx1234")."""
    return _load(hutch_name(name))


def hutch_name(name: str) -> str:
    """Return the lower-case hutch name of a hutch or experiment; `UnknownNameError` otherwise."""
    known = known_names("hutches")
    match = re.fullmatch(rf"({'|'.join(known)})\w*", name.lower())
    if match is None:
        raise UnknownNameError("hutch", name, known, f"the known ones ({', '.join(known)})")
    return match.group(1)


def check_generation(generation: str) -> None:
    """Raise `InputError` for a generation that is not "lcls1" or "lcls2"."""
    if generation not in GENERATIONS:
        raise InputError(f"generation {generation!r}: it is one of {', '.join(GENERATIONS)}")


def epics_fact(name: str) -> FieldFact:
    """Return what is known of a slow control value, by its alias."""
    entry = read_facts("fields", "beamline")["epics"].get(name, {})
    return _field(name, entry)


@cache
def _load(name: str) -> Hutch:
    facts = read_facts("hutches", name)
    rules = tuple(
        StatusRule(**{**entry, "xray": tuple(entry["xray"]), "laser": tuple(entry["laser"])})
        for entry in facts["status"]
    )
    detectors = {
        generation: tuple(_detector(entry, generation) for entry in facts.get(generation, []))
        for generation in GENERATIONS
    }
    return Hutch(name, facts["name"], rules, detectors, tuple(facts["epics"]["names"]))


def _detector(entry: dict[str, Any], generation: str) -> DetectorFact:
    section = entry.get("facts")
    table = read_facts("fields", "beamline")[generation][section] if section else {}
    merged = {**table, **entry.get("fields", {})}
    fields = tuple(_field(name, fact) for name, fact in merged.items())
    return DetectorFact(entry["source"], entry["group"], entry.get("kind", "generic"), fields)


def _field(name: str, entry: dict[str, Any]) -> FieldFact:
    return FieldFact(
        name,
        entry.get("unit", ""),
        entry.get("long_name", ""),
        entry.get("from", name),
        entry.get("channel"),
        tuple(entry.get("dims", ())),
    )


_EVERYWHERE = {  # group in the file -> section of the field dictionary, in every hutch
    "lcls1": {
        "ebeam": "ebeam",
        "gas_detector": "gasdet",
        "phase_cav": "pcav",
        "tt": "timetool",
        "scan": "scan",
        "lightStatus": "status",
    },
    "lcls2": {
        "ebeam": "ebeam",
        "ebeamh": "ebeam",
        "gasdet": "gasdet",
        "pcav": "pcav",
        "tt": "timetool",
        "timing": "timing",
        "scan": "scan",
        "lightStatus": "status",
    },
}


@cache
def _dictionary(name: str, generation: str) -> dict[str, FieldFact]:
    check_generation(generation)
    known = read_facts("fields", "beamline")
    facts = {
        f"{group}/{field}": _field(field, entry)
        for group, section in _EVERYWHERE[generation].items()
        for field, entry in known[generation][section].items()
    }
    for detector in _load(name).detectors[generation]:
        facts.update({f"{detector.group}/{fact.name}": fact for fact in detector.fields})
    facts.update(
        {f"epics/{alias}": _field(alias, entry) for alias, entry in known["epics"].items()}
    )
    return facts
