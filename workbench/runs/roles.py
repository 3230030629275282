"""Which channel serves as I0, delay, jitter and so on in a run, and why that one."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from workbench.core.errors import WorkbenchError
from workbench.facility import RoleField
from workbench.runs.channel import Channel

if TYPE_CHECKING:
    from workbench.runs.run import Run

MOSTLY = 0.5  # of the events must hold a value


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


def choose(run: "Run", role: str) -> Channel:
    """Return the first usable channel for a role; its `why` says why not the ones before it."""
    wanted = run.role_fields(role)
    present = [field for field in wanted if field.name in run]
    passed_over: list[str] = []
    for position, field in enumerate(present):
        channel = run[field.name]
        trouble = _trouble(run, channel, role)
        if trouble:
            passed_over.append(f"{field.name} {trouble}")
            continue
        others = tuple(other.name for other in present[position + 1 :])
        return _explained(channel, field, role, passed_over, others, len(wanted))
    hint = f" ({'; '.join(passed_over)})" if passed_over else ""
    raise RoleError(role, run.label, [field.name for field in wanted], hint)


def _explained(
    channel: Channel,
    field: RoleField,
    role: str,
    passed_over: Sequence[str],
    others: tuple[str, ...],
    known: int,
) -> Channel:
    why = f"{field.name} serves as {role}"
    why += f": {field.meaning}" if field.meaning else ""
    if passed_over:
        why += f"; passed over: {'; '.join(passed_over)}"
    elif known > 1:
        why += "; first of the hutch's list that is in the file"
    if others:
        why += f"; others: {', '.join(others)}"
    return channel.explained(why, unit=field.unit, alternatives=others)


def _trouble(run: "Run", channel: Channel, role: str) -> str:
    """Say why a channel cannot play the role; empty where it can."""
    if role not in {"i0", "jitter", "energy"} or len(channel.shape) != 1 or not len(channel):
        return ""
    values = channel.read().astype(np.float64)
    filled = np.isfinite(values)
    if filled.mean() < MOSTLY:
        return f"is measured in only {100 * filled.mean():.0f} % of the events"
    if role != "i0":
        return ""
    lit = filled & ~run.classes.dark
    if lit.any() and values[lit].mean() <= 0:
        return f"is negative on average ({values[lit].mean():.3g})"
    if lit.any() and np.ptp(values[lit]) == 0:
        return "never changes"
    return ""
