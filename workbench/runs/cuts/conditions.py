"""Cuts that are numbers from the start: ranges, equalities, event codes, beam states."""

from dataclasses import dataclass
from math import isinf, isnan
from typing import Any, get_args

import numpy as np

from workbench.core.arrays import Array, Bools
from workbench.runs.answers import (
    Answer,
    Beam,
    CutError,
    Events,
    Reduce,
    Scope,
    check_reduce,
    check_scope,
    judge,
)
from workbench.runs.cuts.algebra import Leaf
from workbench.runs.cuts.origin import Origin, plain_fields


@dataclass(frozen=True)
class Measured:
    """The number of each event that a cut judges, with the ends that it must lie between.

    Parameters
    ----------
    values, missing
        Shape (event,).
    low, high
        Half-open range; None is an open end.
    text
        What the number is.
    field
        Channel whose unit it has.
    """

    values: Array
    missing: Bools
    low: float | None
    high: float | None
    text: str
    field: str

    def answer(self, concerned: Bools) -> Answer:
        """Judge every event: ``low <= value < high``."""
        good = np.ones(len(self.values), dtype=np.bool_)
        with np.errstate(invalid="ignore"):
            if self.low is not None:
                good &= self.values >= self.low
            if self.high is not None:
                good &= self.values < self.high
        return judge(good, self.missing, concerned)


@dataclass(frozen=True)
class Between(Leaf):
    """Half-open range ``low <= value < high``; None is an open end.

    Parameters
    ----------
    field
        Channel or role.
    low, high
        In the unit of the field.
    scope
        Class of events that the cut judges.
    reduce
        For a field with an array per event: "sum", "mean" or "max" over it, or the number of the
        element to take.
    origin
        Where the numbers come from, if they were derived from data.

    Raises
    ------
    CutError
        Without an end, and unless low < high.
    """

    field: str
    low: float | None = None
    high: float | None = None
    scope: Scope = "all"
    reduce: Reduce = ""
    origin: Origin | None = None

    def __post_init__(self) -> None:
        check_scope(self.scope)
        check_reduce(self.field, self.reduce)
        if isinstance(self.origin, dict):
            object.__setattr__(self, "origin", Origin.from_dict(self.origin))
        for name in ("low", "high"):
            object.__setattr__(self, name, _end(self.field, name, getattr(self, name)))
        if self.low is None and self.high is None:
            raise CutError(f"cut on {self.field}: give low, high or both")
        if self.low is not None and self.high is not None and self.low >= self.high:
            raise CutError(
                f"cut on {self.field}: low {self.low:g} must lie below high {self.high:g}"
            )

    def __str__(self) -> str:
        low = "" if self.low is None else f"{self.low:g} <= "
        high = "" if self.high is None else f" < {self.high:g}"
        origin = "" if self.origin is None else f" ({self.origin})"
        return f"{low}{reduced_text(self.field, self.reduce)}{high}{origin}"

    @property
    def fields(self) -> frozenset[str]:
        """The channel or role whose values decide."""
        return frozenset({self.field})

    def measure(self, events: Events) -> Measured:
        """Return the number of each event and the ends of the range."""
        values, missing = events.cut_values(self.field, self.reduce)
        text = reduced_text(self.field, self.reduce)
        return Measured(values, missing, self.low, self.high, text, self.field)

    def answer(self, events: Events) -> Answer:
        """Judge every event; a value that was not measured is missing."""
        return self.measure(events).answer(events.in_scope(self.scope))

    def to_dict(self) -> dict[str, Any]:  # Any: JSON
        """Return plain values for JSON."""
        return {"cut": "between", **plain_fields(self)}


@dataclass(frozen=True)
class Equals(Leaf):
    """The value is exactly this one: a number, a text, or a boolean (True: not zero).

    Raises
    ------
    CutError
        For NaN, which nothing equals.
    """

    field: str
    value: float | int | str | bool
    scope: Scope = "all"
    reduce: Reduce = ""

    def __post_init__(self) -> None:
        check_scope(self.scope)
        check_reduce(self.field, self.reduce)
        if isinstance(self.value, np.generic):
            object.__setattr__(self, "value", self.value.item())
        if isinstance(self.value, float) and isnan(self.value):
            raise CutError(f"cut on {self.field}: nothing equals NaN; missing values never pass")

    def __str__(self) -> str:
        return f"{reduced_text(self.field, self.reduce)} == {self.value}"

    @property
    def fields(self) -> frozenset[str]:
        """The channel or role whose values decide."""
        return frozenset({self.field})

    def answer(self, events: Events) -> Answer:
        """Judge every event; a value that was not measured is missing."""
        values, missing = events.cut_values(self.field, self.reduce)
        if isinstance(self.value, bool):
            good = (values != 0) == self.value
        else:
            good = np.asarray(values == self.value, dtype=np.bool_)
        return judge(good, missing, events.in_scope(self.scope))

    def to_dict(self) -> dict[str, Any]:  # Any: JSON
        """Return plain values for JSON."""
        return {"cut": "equals", **plain_fields(self)}


@dataclass(frozen=True)
class EventCode(Leaf):
    """An event code that the timing system sent with the event."""

    code: int
    scope: Scope = "all"

    def __post_init__(self) -> None:
        check_scope(self.scope)
        object.__setattr__(self, "code", int(self.code))

    def __str__(self) -> str:
        return f"event code {self.code}"

    @property
    def fields(self) -> frozenset[str]:
        """None: codes are no channel."""
        return frozenset()

    def answer(self, events: Events) -> Answer:
        """Judge every event."""
        present = events.code_present(self.code)
        return judge(present, np.zeros_like(present), events.in_scope(self.scope))

    def to_dict(self) -> dict[str, Any]:  # Any: JSON
        """Return plain values for JSON."""
        return {"cut": "event_code", **plain_fields(self)}


@dataclass(frozen=True)
class BeamState(Leaf):
    """X-rays or laser on or off by the event's trigger; events of unknown state are missing.

    Raises
    ------
    CutError
        For a beam other than "xray" and "laser".
    """

    which: Beam
    on: bool = True
    scope: Scope = "all"

    def __post_init__(self) -> None:
        check_scope(self.scope)
        if self.which not in get_args(Beam):
            raise CutError(f"beam {self.which!r}: use 'xray' or 'laser'")

    def __str__(self) -> str:
        return f"{'X-rays' if self.which == 'xray' else 'laser'} {'on' if self.on else 'off'}"

    @property
    def fields(self) -> frozenset[str]:
        """None: the trigger is no measured value."""
        return frozenset()

    def answer(self, events: Events) -> Answer:
        """Judge every event."""
        state = events.beam(self.which)
        return judge(state == int(self.on), state < 0, events.in_scope(self.scope))

    def to_dict(self) -> dict[str, Any]:  # Any: JSON
        """Return plain values for JSON."""
        return {"cut": "beam", **plain_fields(self)}


def reduced_text(field: str, reduce: Reduce) -> str:
    """Return how a number per event is called: "sum of det/ROI_0_area", "diode/channels[2]"."""
    if isinstance(reduce, int):
        return f"{field}[{reduce}]"
    return f"{reduce} of {field}" if reduce else field


def _end(field: str, name: str, end: Any) -> float | None:  # Any: whatever a user gives
    if end is None:
        return None
    try:
        number = float("" if isinstance(end, str) else end)  # no text passes for a number
    except (TypeError, ValueError) as error:
        raise CutError(f"cut on {field}: {name} is {end!r}, not a number") from error
    if isnan(number):
        raise CutError(f"cut on {field}: {name} is NaN; None is an open end")
    return None if isinf(number) else number
