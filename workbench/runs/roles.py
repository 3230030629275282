"""Which channel serves as I0, delay, jitter and so on in a run, and why that one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from workbench.core.arrays import Floats
from workbench.core.errors import UnknownNameError, WorkbenchError
from workbench.facility import ROLES, RoleField, roles
from workbench.runs.channel import Channel
from workbench.runs.measured import measured
from workbench.runs.status import STORED
from workbench.smalldata import FieldInfo

if TYPE_CHECKING:
    from workbench.runs.run import Run

MOSTLY = 0.5  # of the events must hold a value
AT_TOP = 0.1  # of the events at exactly the largest value: the amplifier is at its end
FEWEST_AT_TOP = 10  # events, for a fraction that means something
CHECKED = ("i0", "energy", "electron_energy", "position_x", "position_y", "xray_diode")
INTENSITIES = ("i0", "xray_diode")


class RoleError(WorkbenchError, LookupError):
    """No channel of the run can play a role; the text names those that were looked for."""

    def __init__(self, role: str, run: str, wanted: Sequence[str], hint: str = "") -> None:
        super().__init__(role)
        self.role = role
        self.run = run
        self.wanted = tuple(wanted)
        self.hint = hint

    def __reduce__(self) -> tuple[type, tuple[str, str, tuple[str, ...], str]]:
        return type(self), (self.role, self.run, self.wanted, self.hint)

    def __str__(self) -> str:
        looked = ", ".join(self.wanted) or "no dataset is known for it at this hutch"
        return (
            f"{self.run}: nothing serves as {self.role} (looked for: {looked}); name a channel "
            f"yourself{self.hint}"
        )


@dataclass(frozen=True)
class Candidate:
    """One dataset that could play a role in a run, judged by its values.

    Parameters
    ----------
    field
        Its line of the field dictionary.
    trouble
        Why it cannot serve, with the number that says so; empty where it can.
    """

    field: RoleField
    trouble: str


def role_table(run: "Run") -> Mapping[str, tuple[RoleField, ...]]:
    """Return for each role the datasets that could play it in this run, best first.

    Those that ``experiment.toml`` names come first, then the lines of the field dictionary whose
    condition (`RoleField.needs`) holds, one for each dataset. Empty where the hutch is not known.
    """
    try:
        known = roles(run.experiment, run.generation)
    except UnknownNameError:  # an experiment of no hutch that we know
        known = dict.fromkeys(ROLES, ()) if run.setup.roles else {}
    return {role: _lines(run, role, lines) for role, lines in known.items()}


def without_foreign_ranges(
    run: "Run", table: Mapping[str, tuple[RoleField, ...]]
) -> Mapping[str, tuple[RoleField, ...]]:
    """Return the roles of a run, without usual ranges in another unit than the file states."""

    def holds(line: RoleField) -> bool:
        info = run.infos.get(line.name)
        return info is None or not info.stored_unit or info.unit in {"", line.unit}

    return {
        role: tuple(line if holds(line) else replace(line, good=None) for line in lines)
        for role, lines in table.items()
    }


def with_told_units(run: "Run") -> Mapping[str, FieldInfo]:
    """Return the datasets of a run, with the units that only the lines of their roles tell.

    ``ipm2/sum`` is in volts where the file has ``ipm2/channels``, not so beside ``ipm2/peaks``.
    What the file stores comes first.
    """
    told = {
        line.name: line.unit
        for lines in role_table(run).values()
        for line in reversed(lines)
        if line.name in run.infos and _untold(run.infos[line.name], line)
    }
    infos = {name: replace(run.infos[name], unit=unit) for name, unit in told.items()}
    return {**run.infos, **infos}


def _untold(info: FieldInfo, line: RoleField) -> bool:
    return not info.stored_unit and bool(line.needs or not info.unit)


def _lines(run: "Run", role: str, lines: Sequence[RoleField]) -> tuple[RoleField, ...]:
    fitting: dict[str, RoleField] = {}
    for line in lines:
        if not line.needs or line.needs in run:
            fitting.setdefault(line.name, line)
    own = run.setup.roles.get(role, ())
    named = {name: fitting.get(name, RoleField(name, unit="")) for name in own}
    return tuple({**named, **fitting}.values())


def candidates(run: "Run", role: str) -> tuple[Candidate, ...]:
    """Return every dataset known for a role, best first, with what speaks against it.

    Reads those that are in the file, one column each, and nothing else.
    """
    lines = run.role_fields(role)
    return tuple(Candidate(line, _trouble(run, line.name, role)) for line in lines)


def choose(run: "Run", role: str) -> Channel:
    """Return the first usable channel for a role; its `why` says why not the others.

    States of X-rays and laser that the file does not store, or that ``experiment.toml`` tells in
    another way, are those of the run's classes.
    """
    if role in STORED and role not in run.setup.roles:
        given = run.setup.status
        other = getattr(given, role) is not None
        other |= role == "xray" and given.destination is not None
        if other or STORED[role] not in run:
            return _state(run, role)
    judged = candidates(run, role)
    usable = [each.field for each in judged if not each.trouble]
    passed_over = [f"{each.field.name} {each.trouble}" for each in judged if each.trouble]
    if not usable:
        present = [text for text in passed_over if not text.endswith(ABSENT)]
        hint = f" ({'; '.join(present)})" if present else ""
        raise RoleError(role, run.label, [each.field.name for each in judged], hint)
    chosen, *others = usable
    names = tuple(dict.fromkeys(other.name for other in others))
    why = explanation(run, role, chosen, passed_over, names)
    told = overruled(run, role, chosen.name)
    return run[chosen.name].explained(
        why, unit=chosen.unit, alternatives=names, warnings=(told,) if told else ()
    )


def _state(run: "Run", role: str) -> Channel:
    """Return the state of a beam in every event, as the classes of the run have it."""
    state, why = getattr(run.classes, role), run.classes.why
    if (state < 0).all():
        raise RoleError(role, run.label, [STORED[role]], f" ({why})")
    text = "X-rays" if role == "xray" else "laser"
    return Channel.from_values(
        role,
        state,
        unit="1",
        long_name=f"{text}: 1 on, 0 off, -1 unknown",
        select=run.mask,
        why=f"made from what else tells: {why}",
    )


def overruled(run: "Run", role: str, chosen: str) -> str:
    """Say that nothing serves which ``experiment.toml`` names for a role; empty where it does."""
    own = run.setup.roles.get(role, ())
    if not own or chosen in own:
        return ""
    reasons = ", ".join(f"{name} {_trouble(run, name, role)}" for name in own)
    return (
        f"{run.setup.why} names {', '.join(own)} as {role}, but {reasons}: {chosen} serves "
        "instead; mend the name, or limit the line to the runs that have it, with [[runs]]"
    )


ABSENT = "is not in the file"


def explanation(
    run: "Run", role: str, chosen: RoleField, passed_over: Sequence[str], others: Sequence[str]
) -> str:
    """Return one sentence: what serves, what it is, what was passed over and what else could."""
    why = f"{chosen.name} serves as {role}"
    if chosen.name in run.setup.roles.get(role, ()):
        why += f", as {run.setup.why} says"
    if chosen.meaning:
        why += f": {chosen.meaning}"
    if chosen.assumed:
        why += " (assumed: no public file or list shows this field or its unit)"
    absent = [text.removesuffix(f" {ABSENT}") for text in passed_over if text.endswith(ABSENT)]
    unfit = [text for text in passed_over if not text.endswith(ABSENT)]
    if unfit:
        why += f"; passed over: {'; '.join(unfit)}"
    if absent:
        why += f"; not in the file: {', '.join(dict.fromkeys(absent))}"
    if others:
        why += f"; could serve too: {', '.join(others)}"
    return why


def _trouble(run: "Run", name: str, role: str) -> str:
    """Say why a dataset cannot play the role; empty where it can."""
    if name not in run:
        return ABSENT
    channel = run[name]
    if role not in CHECKED or len(channel.shape) != 1 or not len(channel):
        return ""
    if channel.dtype.kind not in "biuf":
        return f"holds {channel.dtype}, no numbers"
    values = measured(channel)
    filled = np.isfinite(values)
    if filled.mean() < MOSTLY:
        return f"is measured in only {100 * filled.mean():.0f} % of the events"
    if role == "energy" and not np.median(values[filled]) > 0:
        return f"is no energy ({np.median(values[filled]):.3g} on median)"
    return _intensity_trouble(values[filled & ~run.classes.dark]) if role in INTENSITIES else ""


def _intensity_trouble(lit: Floats) -> str:
    """Say why values with X-rays, or of unknown X-rays, are no intensity."""
    if not lit.size:
        return ""
    if lit.mean() <= 0 or np.median(lit) <= 0:
        what = "average" if lit.mean() <= 0 else "median"
        value = lit.mean() if lit.mean() <= 0 else np.median(lit)
        return f"is {'negative' if value < 0 else 'zero'} on {what} ({value:.3g})"
    largest = lit.max()
    if lit.size > 1 and lit.min() == largest:
        return f"never changes ({largest:.3g})"
    at_top = int((lit == largest).sum())
    if at_top >= FEWEST_AT_TOP and at_top > AT_TOP * lit.size:
        share = 100 * at_top / lit.size
        return f"is saturated: {share:.0f} % of the events are at its top, {largest:.3g}"
    return ""
