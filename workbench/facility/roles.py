"""Roles: which dataset of a file serves as I0, delay, laser status and so on, best first."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from workbench.facility.facts import read_facts
from workbench.facility.hutches import check_generation, hutch_name

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
    "energy",
    "scan",
)


@dataclass(frozen=True)
class RoleField:
    """One dataset that can play a role.

    Parameters
    ----------
    name
        Path in the small-data file.
    unit
        Unit of its values in the file.
    scale
        Factor that brings the values in the file to `unit`; 1 for all known so far.
    meaning
        One line: what it measures and what to beware of.
    time_tool
        For a delay: "compensated" (delay = nominal + time-tool correction) or "uncompensated".
    good
        Usual range of a default cut, half-open [low, high) in `unit`; None: no usual cut.
    """

    name: str
    unit: str = "1"
    scale: float = 1.0
    meaning: str = ""
    time_tool: str = ""
    good: tuple[float, float] | None = None


def roles(hutch: str, generation: str) -> Mapping[str, tuple[RoleField, ...]]:
    """Return for each role of a hutch (or experiment) its datasets, best first.

    Every role of `ROLES` is there; it is empty where the hutch has no dataset for it.
    """
    check_generation(generation)
    return _load(hutch_name(hutch), generation)


def role_names(hutch: str, generation: str) -> Mapping[str, str]:
    """Return for each dataset that can play a role the role's name."""
    table = roles(hutch, generation)
    return {field.name: role for role, fields in table.items() for field in fields}


@cache
def _load(name: str, generation: str) -> dict[str, tuple[RoleField, ...]]:
    table = read_facts("fields", name).get(generation, {})
    return {role: tuple(_field(entry) for entry in table.get(role, [])) for role in ROLES}


def _field(entry: dict[str, object]) -> RoleField:
    good = entry.get("good")
    plain = {key: value for key, value in entry.items() if key != "good"}
    return RoleField(**plain, good=tuple(good) if isinstance(good, list) else None)  # type: ignore[arg-type]
