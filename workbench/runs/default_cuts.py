"""The hutch's usual cuts as an ordinary cut: time-tool quality, and what the experiment sets."""

from collections.abc import Sequence
from math import inf
from typing import TYPE_CHECKING

from workbench.core.errors import InputError
from workbench.facility import ROLES
from workbench.runs.answers import Scope
from workbench.runs.cuts import AllOf, Between, Cut
from workbench.runs.storage import opened_once

if TYPE_CHECKING:
    from workbench.runs.run import Run

TIME_TOOL_CUTS = ("tt_amplitude", "tt_width")
ON_ONLY = ("delay", "jitter", "tt_amplitude", "tt_width", "tt_position", "tt_next", "tt_reference")


@opened_once()
def default_cuts(run: "Run", roles: Sequence[str] = TIME_TOOL_CUTS) -> Cut:
    """Return the usual ranges of these roles and every range that ``experiment.toml`` sets.

    Ranges of the experiment (``[good]``) replace the hutch's. Cuts on the time tool and the delay
    apply to events with X-rays and laser only, others to all. A role that no dataset of the run
    plays, or that has no usual range, gives no cut; where nothing is left every event passes.
    Raises `InputError` where a field that the experiment cuts on is not in the file.

    Parameters
    ----------
    run
        The run.
    roles
        Roles whose usual range is wanted; "i0" and "jitter" have ranges at some hutches too.
    """
    ranges: dict[str, tuple[float, float]] = {}
    scopes: dict[str, Scope] = {}
    for role in (*roles, *run.setup.good):
        field, usual = _field(run, role)
        good = run.setup.good.get(role, usual)
        if field and good:
            ranges[field] = good
            scopes[field] = "on" if role in ON_ONLY or field in _time_tool_fields(run) else "all"
    return AllOf(
        tuple(
            Between(field, *_ends(good), scope=scopes[field])
            for field, good in ranges.items()
            if good != (-inf, inf)
        )
    )


def _field(run: "Run", role: str) -> tuple[str, tuple[float, float] | None]:
    """Return the dataset to cut on, and its usual range; no dataset where there is nothing to."""
    if role not in ROLES:
        if role not in run:
            raise InputError(
                f"{run.label}: {role} is not in the file, but {run.setup.why} sets a cut on it; "
                "limit that to the runs that have it, with [[runs]]"
            )
        return role, None
    line = next((line for line in run.role_fields(role) if line.name in run), None)
    if role in run.setup.good and (line is None or role in {"delay", "i0"}):
        return role, None  # chosen by value, when the cut is applied
    return (line.name, line.good) if line else ("", None)


def _time_tool_fields(run: "Run") -> set[str]:
    return {line.name for role in ON_ONLY for line in run.role_fields(role)}


def _ends(good: tuple[float, float]) -> tuple[float | None, float | None]:
    low, high = good
    return (None if low == -inf else low), (None if high == inf else high)
