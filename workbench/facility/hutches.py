"""Hutches: what stands in each of them and how its beam status is decided."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cache
from typing import Any

from workbench.core.errors import InputError, UnknownNameError
from workbench.facility.facts import checked, known_names, read_facts
from workbench.facility.meanings import (
    FieldFact,
    common_facts,
    fact_by_pattern,
    field_fact,
    section,
)

GENERATIONS = ("lcls1", "lcls2")


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
        "timetool", "epics", "damage", "status", "codes".
    fields
        What is known of its values; those not listed are stored too, without a unit.
    also
        Other sources that write the same group, in other runs.
    assumed
        No public file or list shows it: the name follows the renaming rules.
    lcls1
        Its folder under the names of LCLS-I; empty where that is the same or there is none.
    """

    source: str
    group: str
    kind: str = "generic"
    fields: tuple[FieldFact, ...] = ()
    also: tuple[str, ...] = ()
    assumed: bool = False
    lcls1: str = ""

    def field(self, name: str) -> FieldFact:
        """Return what is known of the value of this name; an empty fact for an unlisted one."""
        found = (fact for fact in self.fields if fact.name == name)
        return next(found, FieldFact(name, source=name))


@dataclass(frozen=True)
class StatusRule:
    """What decides whether X-rays and laser were on.

    A positive event code present means OFF, a negative code -c means c must be present for ON.

    Parameters
    ----------
    generation
        "lcls1" or "lcls2".
    xray, laser
        Signed event codes; without any the state is unknown.
    destination
        Superconducting beam: X-rays are on where the linac sent the pulse there; None: by codes.
    first_run, last_run, experiment
        Runs that the rule holds for; `last_run` is included.
    assumed
        No public list shows it.
    """

    generation: str
    xray: tuple[int, ...] = ()
    laser: tuple[int, ...] = ()
    destination: int | None = None
    first_run: int = 0
    last_run: int | None = None
    experiment: str = ""
    assumed: bool = False

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
        known = _dictionary(self.name, generation).get(name)
        return known or fact_by_pattern(name, generation)


def hutch(name: str) -> Hutch:
    """Return a hutch by its name ("xpp") or by an experiment's ("xpplx1234")."""
    return _load(hutch_name(name))


def hutch_name(name: str) -> str:
    """Return the lower-case hutch name of a hutch or experiment; `UnknownNameError` otherwise."""
    known = known_names("hutches")
    match = re.fullmatch(rf"({'|'.join(known)})\w*", name.lower())
    if match is None:
        hint = f"names of experiments begin with their hutch: {', '.join(sorted(known))}"
        where = "what the workbench knows of LCLS"
        raise UnknownNameError("hutch", name, known, where, hint if len(name) > 3 else "")
    return match.group(1)


def check_experiment_name(name: str) -> None:
    """Refuse what no experiment can be called.

    Names are the hutch, then what the proposal is called, with a number at the end, all in small
    letters: xpptut15, xpplx1234, xppc00121, mfxl1001221.

    Raises
    ------
    InputError
        For any other name.
    UnknownNameError
        For a name that begins with no hutch.
    """
    hutch_name(name)
    if re.fullmatch(r"[a-z]{3}[a-z0-9]*[0-9]", name) is None:
        small = name.lower()
        way = (
            f"did you mean {small}?"
            if small != name and small[-1].isdecimal()
            else ("give it as in the eLog, like xpplx1234 or xppl1001021")
        )
        raise InputError(
            f"{name!r} is no name of an experiment: after the hutch come small letters and digits, "
            f"a digit at the end; {way}"
        )


def check_generation(generation: str) -> None:
    """Raise `InputError` for a generation that is not "lcls1" or "lcls2"."""
    if generation not in GENERATIONS:
        raise InputError(f"generation {generation!r}: it is one of {', '.join(GENERATIONS)}")


@cache
def _load(name: str) -> Hutch:
    facts = read_facts("hutches", name)
    place = f"hutches/{name}.toml"
    checked(facts, place, ("version", "name", "status", "lcls1", "lcls2", "epics"), ("name",))
    everywhere = read_facts("fields", "beamline")["everywhere"]
    detectors: dict[str, tuple[DetectorFact, ...]] = {}
    for generation in GENERATIONS:
        own = facts.get(generation, [])
        common = everywhere.get(generation, []) if own else []
        detectors[generation] = tuple(
            _detector(entry, generation, place) for entry in (*common, *own)
        )
    rules = tuple(_rule(entry, place) for entry in facts["status"])
    return Hutch(name, facts["name"], rules, detectors, tuple(facts["epics"]["names"]))


def _rule(entry: dict[str, Any], place: str) -> StatusRule:
    known = [each.name for each in fields(StatusRule)]
    checked(entry, f"{place}, status", known, needed=("generation", "laser"))
    xray, laser = tuple(entry.get("xray", ())), tuple(entry["laser"])
    return StatusRule(**{**entry, "xray": xray, "laser": laser})


def _detector(entry: dict[str, Any], generation: str, place: str) -> DetectorFact:
    known = ("source", "group", "kind", "facts", "fields", "also", "assumed", "lcls1")
    checked(entry, f"{place}, {entry.get('source')}", known, needed=("source", "group"))
    kind = entry.get("facts")
    named = {name: field_fact(name, fact) for name, fact in entry.get("fields", {}).items()}
    merged = {**(section(kind, generation) if kind else {}), **named}
    return DetectorFact(
        entry["source"],
        entry["group"],
        entry.get("kind", "generic"),
        tuple(merged.values()),
        tuple(entry.get("also", ())),
        entry.get("assumed", False),
        entry.get("lcls1", ""),
    )


@cache
def _dictionary(name: str, generation: str) -> dict[str, FieldFact]:
    check_generation(generation)
    known = dict(common_facts(generation))
    for detector in _load(name).detectors[generation]:
        known.update({f"{detector.group}/{fact.name}": fact for fact in detector.fields})
    return known
