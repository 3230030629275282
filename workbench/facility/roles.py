"""Roles: which dataset of a file serves as I0, delay, laser status and so on, best first."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cache
from typing import Any

from workbench.core.units import factor
from workbench.facility.facts import FactsError, checked, read_facts
from workbench.facility.hutches import GENERATIONS, check_generation, hutch_name

ROLES = (
    "event_id",
    "xray",
    "laser",
    "i0",
    "delay",
    "jitter",
    "tt_amplitude",
    "tt_width",
    "tt_position",
    "tt_next",
    "tt_reference",
    "energy",
    "electron_energy",
    "bunch_arrival",
    "scan",
    "position_x",
    "position_y",
    "transmission",
    "xray_diode",
    "laser_diode",
)
SPEED_OF_LIGHT = 0.299792458  # mm/ps
KINDS = ("", "stage")
TIME_TOOL = ("", "compensated", "uncompensated", "none")


@dataclass(frozen=True)
class RoleField:
    """One dataset that can play a role.

    Parameters
    ----------
    name
        Path in the small-data file; ``diode/channels[2]`` is one column of an array.
    unit
        Unit of its values in the file; empty where nobody knows.
    unit_by_spread
        Older runs hold s where newer hold ps: the spread of the values tells (`runs.nominal`).
    scale
        Factor on the values in the file; -1 turns the direction round, 0.5 is a stage that the
        light passes once.
    kind
        For a delay: "" for a time, "stage" for a position along which the light goes twice.
    meaning
        One line: what it measures and what to beware of.
    time_tool
        For a delay: "compensated" (delay = nominal + time-tool correction), "uncompensated" (the
        time tool measures the whole delay), or "none" (the time tool does not see it).
    good
        Usual range of a default cut, half-open [low, high) in `unit`; None: no usual cut.
    needs
        Another dataset that the file must hold for this line to be right.
    assumed
        No public file or list shows it.

    Raises
    ------
    FactsError
        For a kind or use of the time tool that there is not, and an empty range of good values.
    """

    name: str
    unit: str = "1"
    unit_by_spread: bool = False
    scale: float = 1.0
    kind: str = ""
    meaning: str = ""
    time_tool: str = ""
    good: tuple[float, float] | None = None
    needs: str = ""
    assumed: bool = False

    def __post_init__(self) -> None:
        if self.kind not in KINDS or self.time_tool not in TIME_TOOL:
            raise FactsError(
                f"{self.name}: kind is one of {', '.join(KINDS[1:])}, time_tool one of "
                f"{', '.join(TIME_TOOL[1:])}"
            )
        if self.good is not None and not self.good[0] < self.good[1]:
            raise FactsError(f"{self.name}: good {self.good} must be [low, high) with low < high")

    def to_ps(self, unit: str) -> float:
        """Return what to multiply values in `unit` by to have the delay [ps].

        A stage of the kind "stage" changes the way of the light by twice its own move: 2/c. Raises
        `core.units.UnitError` for a unit that is no time (for a stage: no length).
        """
        if self.kind == "stage":
            return self.scale * factor(unit, "mm") * 2 / SPEED_OF_LIGHT
        return self.scale * factor(unit, "ps")


def roles(hutch: str, generation: str) -> Mapping[str, tuple[RoleField, ...]]:
    """Return for each role of a hutch (or experiment) its datasets, best first.

    Every role of `ROLES` is there; it is empty where the hutch has no dataset for it. A dataset
    stands on several lines where its unit depends on others (`RoleField.needs`).
    """
    check_generation(generation)
    return _load(hutch_name(hutch))[generation]


def role_names(hutch: str, generation: str) -> Mapping[str, str]:
    """Return for each dataset that can play a role the role's name, the first of `ROLES`."""
    table = roles(hutch, generation)
    return {field.name: role for role in reversed(ROLES) for field in table[role]}


@cache
def _load(name: str) -> dict[str, dict[str, tuple[RoleField, ...]]]:
    facts = read_facts("fields", name)
    checked(facts, f"fields/{name}.toml", ("version", "hutch", *GENERATIONS), ("hutch",))
    return {generation: _table(facts, name, generation) for generation in GENERATIONS}


def _table(
    facts: Mapping[str, Any], name: str, generation: str
) -> dict[str, tuple[RoleField, ...]]:
    place = f"fields/{name}.toml, {generation}"
    table = checked(facts.get(generation, {}), place, ROLES)
    return {
        role: tuple(role_field(entry, f"{place}.{role}") for entry in table.get(role, []))
        for role in ROLES
    }


def role_field(entry: Mapping[str, Any], place: str) -> RoleField:
    """Return one line of the dictionary; `FactsError` names the place of a wrong key."""
    checked(entry, place, [each.name for each in fields(RoleField)], needed=("name",))
    good = entry.get("good")
    plain = {key: value for key, value in entry.items() if key != "good"}
    return RoleField(**plain, good=None if good is None else (float(good[0]), float(good[1])))
