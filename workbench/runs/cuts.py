"""Cuts: frozen, serialisable conditions on events, combined with ``& | ~`` in any order.

A cut gives each event one of four answers: pass, fail, missing (the value was not measured:
neither the cut nor its opposite selects the event) or not concerned (the event is outside the
cut's scope). The rule for scopes: for each class of events a selection is the same expression
with the cuts of other scopes left out. So a time-tool cut of scope "on" neither rejects a
laser-off event nor, inverted or in an "or", selects one.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import reduce
from math import isinf, isnan
from typing import Any, get_args

import numpy as np

from workbench.runs.answers import Answer, Beam, CutError, Events, Scope, check_scope, judge


@dataclass(frozen=True)
class Cut(ABC):
    """A condition on events; combine with ``&``, ``|`` and ``~``, give to `Run.mask`."""

    @abstractmethod
    def answer(self, events: Events) -> Answer:
        """Judge every event."""

    @abstractmethod
    def to_dict(self) -> dict[str, Any]:  # Any: JSON
        """Return plain values for JSON; `Cut.from_dict` is the way back."""

    @abstractmethod
    def scoped(self, scope: Scope) -> "Cut":
        """Return this cut applied to one class of events only."""

    @property
    @abstractmethod
    def scopes(self) -> frozenset[Scope]:
        """Classes of events that the cut judges."""

    @staticmethod
    def from_dict(plain: Mapping[str, Any]) -> "Cut":
        """Rebuild a cut from `to_dict`."""
        return cut_from_dict(plain)

    @property
    def parts(self) -> tuple["Cut", ...]:
        """The cuts that are joined by ``&`` at the top; the cut itself where there are none."""
        return (self,)

    def __and__(self, other: "Cut") -> "Cut":
        return AllOf((*self.parts, *other.parts))

    def __or__(self, other: "Cut") -> "Cut":
        return AnyOf((*_alternatives(self), *_alternatives(other)))

    def __invert__(self) -> "Cut":
        return Not(self)

    def __bool__(self) -> bool:
        raise CutError("join cuts with & and |, not with 'and', 'or', 'not'")


@dataclass(frozen=True)
class _Leaf(Cut):
    @property
    def scopes(self) -> frozenset[Scope]:
        """Classes of events that the cut judges."""
        return frozenset({vars(self)["scope"]})

    def scoped(self, scope: Scope) -> Cut:
        """Return this cut applied to one class of events only."""
        check_scope(scope)
        return replace(self, scope=scope)  # type: ignore[call-arg]  # every leaf has a scope


@dataclass(frozen=True)
class Between(_Leaf):
    """Half-open range ``low <= value < high``; None is an open end."""

    field: str
    low: float | None = None
    high: float | None = None
    scope: Scope = "all"

    def __post_init__(self) -> None:
        check_scope(self.scope)
        for name in ("low", "high"):
            end = getattr(self, name)
            if end is None:
                continue
            if isnan(float(end)):
                raise CutError(f"cut on {self.field}: {name} is NaN; None is an open end")
            object.__setattr__(self, name, None if isinf(end) else float(end))
        if self.low is None and self.high is None:
            raise CutError(f"cut on {self.field}: give low, high or both")
        if self.low is not None and self.high is not None and self.low >= self.high:
            raise CutError(
                f"cut on {self.field}: low {self.low:g} must lie below high {self.high:g}"
            )

    def __str__(self) -> str:
        low = "" if self.low is None else f"{self.low:g} <= "
        high = "" if self.high is None else f" < {self.high:g}"
        return f"{low}{self.field}{high}"

    def answer(self, events: Events) -> Answer:
        """Judge every event; a value that was not measured is missing."""
        values, missing = events.cut_values(self.field)
        with np.errstate(invalid="ignore"):
            good = np.ones(len(values), dtype=np.bool_)
            if self.low is not None:
                good &= values >= self.low
            if self.high is not None:
                good &= values < self.high
        return judge(good, missing, events.in_scope(self.scope))

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {"cut": "between", **_plain(self)}


@dataclass(frozen=True)
class Equals(_Leaf):
    """The value is exactly this one: a number, a text, or a boolean (True: not zero)."""

    field: str
    value: float | int | str | bool
    scope: Scope = "all"

    def __post_init__(self) -> None:
        check_scope(self.scope)
        if isinstance(self.value, np.generic):
            object.__setattr__(self, "value", self.value.item())

    def __str__(self) -> str:
        return f"{self.field} == {self.value}"

    def answer(self, events: Events) -> Answer:
        """Judge every event; a value that was not measured is missing."""
        values, missing = events.cut_values(self.field)
        if isinstance(self.value, bool):
            good = (values != 0) == self.value
        else:
            good = np.asarray(values == self.value, dtype=np.bool_)
        return judge(good, missing, events.in_scope(self.scope))

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {"cut": "equals", **_plain(self)}


@dataclass(frozen=True)
class EventCode(_Leaf):
    """An event code that the timing system sent with the event."""

    code: int
    scope: Scope = "all"

    def __post_init__(self) -> None:
        check_scope(self.scope)
        object.__setattr__(self, "code", int(self.code))

    def __str__(self) -> str:
        return f"event code {self.code}"

    def answer(self, events: Events) -> Answer:
        """Judge every event."""
        present = events.code_present(self.code)
        return judge(present, np.zeros_like(present), events.in_scope(self.scope))

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {"cut": "event_code", **_plain(self)}


@dataclass(frozen=True)
class BeamState(_Leaf):
    """X-rays or laser on or off by the event's trigger; events of unknown state are missing."""

    which: Beam
    on: bool = True
    scope: Scope = "all"

    def __post_init__(self) -> None:
        check_scope(self.scope)
        if self.which not in get_args(Beam):
            raise CutError(f"beam {self.which!r}: use 'xray' or 'laser'")

    def __str__(self) -> str:
        return f"{'X-rays' if self.which == 'xray' else 'laser'} {'on' if self.on else 'off'}"

    def answer(self, events: Events) -> Answer:
        """Judge every event."""
        state = events.beam(self.which)
        return judge(state == int(self.on), state < 0, events.in_scope(self.scope))

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {"cut": "beam", **_plain(self)}


@dataclass(frozen=True)
class _Joined(Cut):
    cuts: tuple[Cut, ...]

    @property
    def scopes(self) -> frozenset[Scope]:
        """Classes of events that the cuts judge."""
        return frozenset().union(*(part.scopes for part in self.cuts))

    def scoped(self, scope: Scope) -> Cut:
        """Return the same combination with every cut in it applied to one class only."""
        return type(self)(tuple(part.scoped(scope) for part in self.cuts))

    def _text(self, word: str) -> str:
        return word.join(
            f"({part})" if isinstance(part, _Joined) else str(part) for part in self.cuts
        )


@dataclass(frozen=True)
class AllOf(_Joined):
    """Every one of the cuts."""

    def __str__(self) -> str:
        return self._text(" and ")

    @property
    def parts(self) -> tuple[Cut, ...]:
        """The cuts joined here."""
        return self.cuts

    def answer(self, events: Events) -> Answer:
        """Judge every event."""
        return reduce(Answer.__and__, (part.answer(events) for part in self.cuts))

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {"all": [part.to_dict() for part in self.cuts]}


@dataclass(frozen=True)
class AnyOf(_Joined):
    """At least one of the cuts."""

    def __str__(self) -> str:
        return self._text(" or ")

    def answer(self, events: Events) -> Answer:
        """Judge every event."""
        return reduce(Answer.__or__, (part.answer(events) for part in self.cuts))

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {"any": [part.to_dict() for part in self.cuts]}


@dataclass(frozen=True)
class Not(Cut):
    """The opposite of a cut; missing stays missing."""

    inner: Cut

    def __str__(self) -> str:
        return f"not ({self.inner})"

    def answer(self, events: Events) -> Answer:
        """Judge every event."""
        return ~self.inner.answer(events)

    @property
    def scopes(self) -> frozenset[Scope]:
        """Classes of events that the cut judges."""
        return self.inner.scopes

    def scoped(self, scope: Scope) -> Cut:
        """Return the opposite of the cut applied to one class only."""
        return Not(self.inner.scoped(scope))

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {"not": self.inner.to_dict()}


def cut(
    field: str, low: float | None = None, high: float | None = None, *, scope: Scope = "all"
) -> Cut:
    """Keep events with ``low <= field < high``, in the unit of the field; None is an open end."""
    return Between(field, low, high, scope)


def equals(field: str, value: float | int | str | bool, *, scope: Scope = "all") -> Cut:
    """Keep events whose field has exactly this value; True means "not zero"."""
    return Equals(field, value, scope)


def event_code(code: int, *, scope: Scope = "all") -> Cut:
    """Keep events with which the timing system sent this code."""
    return EventCode(code, scope)


def xray_on() -> Cut:
    """Keep events with X-rays."""
    return BeamState("xray")


def xray_off() -> Cut:
    """Keep events whose X-rays were dropped."""
    return BeamState("xray", on=False)


def laser_on() -> Cut:
    """Keep events with the laser triggered."""
    return BeamState("laser")


def laser_off() -> Cut:
    """Keep events without the laser."""
    return BeamState("laser", on=False)


_LEAVES: Mapping[str, Callable[..., Cut]] = {
    "between": Between,
    "equals": Equals,
    "event_code": EventCode,
    "beam": BeamState,
}


def cut_from_dict(plain: Mapping[str, Any]) -> Cut:
    """Rebuild a cut from `Cut.to_dict`; `CutError` names what it cannot read."""
    try:
        if "all" in plain:
            return AllOf(tuple(cut_from_dict(part) for part in plain["all"]))
        if "any" in plain:
            return AnyOf(tuple(cut_from_dict(part) for part in plain["any"]))
        if "not" in plain:
            return Not(cut_from_dict(plain["not"]))
        kind = _LEAVES[plain["cut"]]
        return kind(**{name: value for name, value in plain.items() if name != "cut"})
    except (KeyError, TypeError) as error:
        raise CutError(
            f"cannot read a cut from {dict(plain)!r} ({error}); it needs 'all', 'any', 'not' or "
            f"'cut' with one of {', '.join(_LEAVES)}"
        ) from error


def _alternatives(any_of: Cut) -> tuple[Cut, ...]:
    return any_of.cuts if isinstance(any_of, AnyOf) else (any_of,)


def _plain(leaf: Cut) -> dict[str, Any]:
    return dict(vars(leaf))
