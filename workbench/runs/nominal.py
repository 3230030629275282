"""The delay as it was set, before the time tool: which source, in which unit, as ps."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from workbench.core.arrays import Floats
from workbench.core.errors import InputError
from workbench.core.units import UnitError
from workbench.facility import RoleField
from workbench.runs.experiment.setup import DelaySetup
from workbench.runs.measured import measured
from workbench.runs.roles import RoleError

if TYPE_CHECKING:
    from workbench.runs.run import Run

SMALLEST_SPREAD = 1e-6  # ps; a source that moves by less was given in s
LARGEST_SPREAD = 1e9  # ps, 1 ms; a source that moves by more was given in ps, called s
STILL = 1e-3  # ps; an encoder's noise, not a scan
SECONDS = (1e-15, 1e-9)  # standard deviation of an encoder whose numbers are seconds, (low, high]
SLOW = ("epics", "epicsUser", "epicsAll")  # read by the control system, not matched to events


class DelayError(InputError):
    """A delay that cannot be trusted; the text says which source and what to give instead.

    Parameters
    ----------
    message
        What is wrong, and what to do.
    code
        Code of the finding that a check of the run makes of it.
    """

    def __init__(self, message: str, code: str = "delay-refused") -> None:
        super().__init__(message)
        self.code = code

    def __reduce__(self) -> tuple[type, tuple[str, str]]:
        return type(self), (str(self), self.code)


@dataclass(frozen=True)
class Nominal:
    """The delay as it was set.

    Parameters
    ----------
    name
        Where it comes from.
    unit
        Unit of the values in the file.
    values
        Delay of each event [ps], shape (event,).
    time_tool
        As in `facility.RoleField`.
    factor
        What the values in the file were multiplied by.
    remarks
        What a user should know of it.
    """

    name: str
    unit: str
    values: Floats
    time_tool: str
    factor: float
    remarks: tuple[str, ...] = ()

    @property
    def spread(self) -> float:
        """Distance from the smallest to the largest delay [ps]."""
        known = self.values[np.isfinite(self.values)]
        return float(np.ptp(known)) if known.size else 0.0

    @property
    def moves(self) -> bool:
        """Tell whether it was scanned."""
        return self.spread > STILL

    @property
    def text(self) -> str:
        """How it was made: factor, source, unit."""
        if self.factor == 1:
            return f"{self.name} [{self.unit}]"
        per = "" if self.unit in {"s", "ms", "us", "ns", "fs", "ps"} else f" ps/{self.unit}"
        return f"{self.factor:g}{per} x {self.name} [{self.unit}]"


def find_nominal(
    run: "Run", source: str | None, unit: str | None
) -> tuple[Nominal, tuple[Nominal, ...], str]:
    """Return the nominal delay, the sources that were not taken, and why this one.

    Raises `DelayError` for a source that cannot be used, `RoleError` where there is none.
    """
    given = run.setup.delay
    wanted = source or given.source
    if wanted:
        line = _line(run, wanted, given)
        why = "as named" if source else f"as {run.setup.why} says"
        return (
            read_nominal(run, line, unit or (given.unit if wanted == given.source else "")),
            (),
            why,
        )
    lines = [_adjusted(line, given) for line in run.role_fields("delay") if line.name in run]
    if not lines:
        raise RoleError("delay", run.label, [line.name for line in run.role_fields("delay")])
    found, refused = _usable(run, lines, unit or given.unit)
    if not found or (refused and lines[0].name not in {nominal.name for nominal in found}):
        raise refused[0]
    moving = [nominal for nominal in found if nominal.moves]
    chosen = (moving or found)[0]
    why = "the first source of the hutch's list that moves" if moving else "no source moves"
    meaning = next(line.meaning for line in lines if line.name == chosen.name)
    others = tuple(nominal for nominal in found if nominal is not chosen)
    return chosen, others, f"{why}: {meaning}" if meaning else why


def all_nominals(run: "Run") -> tuple[list[Nominal], list[DelayError]]:
    """Return every source of a delay that is in the run, and why others cannot be used."""
    given = run.setup.delay
    lines = [_adjusted(line, given) for line in run.role_fields("delay") if line.name in run]
    return _usable(run, lines, "")


def _usable(
    run: "Run", lines: Sequence[RoleField], unit: str
) -> tuple[list[Nominal], list[DelayError]]:
    found: list[Nominal] = []
    refused: list[DelayError] = []
    for line in lines:
        try:
            found.append(read_nominal(run, line, unit))
        except DelayError as error:
            refused.append(error)
    return found, refused


def _line(run: "Run", name: str, given: DelaySetup) -> RoleField:
    """Return what is known of a source that somebody named."""
    known = (line for line in run.role_fields("delay") if line.name == name)
    line = next(known, RoleField(name, ""))
    return _adjusted(line, given) if given.source in {"", name} else line


def _adjusted(line: RoleField, given: DelaySetup) -> RoleField:
    """Return a line with what the experiment says of its delay."""
    if given.unit:
        line = replace(line, unit_by_spread=False)
    return replace(
        line,
        scale=line.scale if given.scale is None else given.scale,
        kind=line.kind if given.kind is None else given.kind,
        time_tool=given.time_tool or line.time_tool,
    )


def read_nominal(run: "Run", line: RoleField, unit: str = "") -> Nominal:
    """Return one source as delay [ps]; `DelayError` where its unit is missing or impossible.

    Parameters
    ----------
    run
        The run.
    line
        What is known of the source.
    unit
        Unit that somebody stated; it is not questioned.
    """
    channel = run.channel(line.name)
    if channel.shape != (run.n_events,):
        raise DelayError(
            f"{run.label}: {line.name} has shape {channel.shape}; a delay needs one value per event"
        )
    values = measured(channel)
    remarks: tuple[str, ...] = ()
    stated = unit or channel.unit or line.unit
    stored = line.name in run.infos and run.infos[line.name].stored_unit
    if line.unit_by_spread and not unit and not stored:
        stated = unit_by_spread(values)
        if stated != line.unit:
            remarks = (f"{line.name} is in {stated}, not {line.unit}, as its spread tells",)
    if not stated or stated == "1":
        raise DelayError(
            f"{run.label}: {line.name} has no unit; give it, as in "
            f"run.delay(source={line.name!r}, unit='ps')",
            "delay-unit",
        )
    factor = _to_ps(run, line, stated)
    nominal = Nominal(line.name, stated, values * factor, line.time_tool, factor, remarks)
    if (not unit and not line.unit_by_spread) or (stored and not unit):
        _check_spread(run, nominal)
    return nominal


def unit_by_spread(values: Floats) -> str:
    """Return the unit of an encoder's numbers, which older runs stored in s, by their spread.

    A standard deviation above 1e-15 and up to 1e-9 means seconds; above, ps. One that does not
    move at all is taken as ps.
    """
    known = values[np.isfinite(values)]
    low, high = SECONDS
    return "s" if known.size and low < known.std() <= high else "ps"


def _check_spread(run: "Run", nominal: Nominal) -> None:
    likely = ""
    if 0 < nominal.spread < SMALLEST_SPREAD and nominal.unit != "s":
        likely = "s"
    if nominal.spread > LARGEST_SPREAD and nominal.unit != "ps":
        likely = "ps"
    if likely:
        raise DelayError(
            f"{run.label}: {nominal.name} in {nominal.unit} moves by {nominal.spread:.2g} ps: its "
            f"values look like {likely}. Say which it is: run.delay(source={nominal.name!r}, "
            f"unit={likely!r} or {nominal.unit!r})",
            "delay-unit",
        )


def _to_ps(run: "Run", line: RoleField, unit: str) -> float:
    try:
        return line.to_ps(unit)
    except UnitError as error:
        wrong = "no length of a stage" if line.kind == "stage" else "no time"
        raise DelayError(
            f"{run.label}: {line.name} is in {unit}, which is {wrong} and cannot be added to ps; "
            "choose another source, as in run.delay(source=...)",
            "delay-unit",
        ) from error


def slow_remarks(run: "Run", nominal: Nominal, *, forced: bool) -> tuple[str, ...]:
    """Return what to know of a slow control value; refuse one that moves within scan steps."""
    if nominal.name.partition("/")[0] not in SLOW:
        return ()
    text = (
        f"{nominal.name} is a slow control value, repeated from its last update: it is not matched "
        "to the event and lags behind a moving stage"
    )
    if _moves_within_steps(run, nominal.values) and not forced:
        raise DelayError(
            f"{run.label}: {text}; it even changes within scan steps. Use another source, or force "
            f"it with run.delay(source={nominal.name!r})"
        )
    return (text,)


def _moves_within_steps(run: "Run", values: Floats) -> bool:
    if "scan/varStep" not in run:
        return False
    steps = measured(run["scan/varStep"])
    numbers = [number for number in np.unique(steps[np.isfinite(steps)]) if number >= 0]
    if len(numbers) < 2:
        return False
    inside = (values[(steps == number) & np.isfinite(values)] for number in numbers)
    return any(part.size and np.ptp(part) > STILL for part in inside)
