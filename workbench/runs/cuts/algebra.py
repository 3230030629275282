"""Cut, and how cuts join: all of them, any of them, the opposite."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import reduce
from typing import Any

from workbench.core.table import Table
from workbench.runs.answers import Answer, CutError, Events, Scope, check_scope


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

    @abstractmethod
    def freeze(self, events: Events) -> "Cut":
        """Return this cut with everything that depends on the data turned into numbers."""

    @property
    @abstractmethod
    def scopes(self) -> frozenset[Scope]:
        """Classes of events that the cut judges."""

    @property
    @abstractmethod
    def fields(self) -> frozenset[str]:
        """Channels and roles whose values decide."""

    @staticmethod
    def from_dict(plain: Mapping[str, Any]) -> "Cut":
        """Rebuild a cut from `to_dict`."""
        from workbench.runs.cuts.plain import cut_from_dict

        return cut_from_dict(plain)

    @staticmethod
    def from_toml(text: str) -> "Cut":
        """Rebuild a cut from `to_toml`."""
        from workbench.runs.cuts.plain import cut_from_toml

        return cut_from_toml(text)

    def to_toml(self) -> str:
        """Return the cut as TOML; `Cut.from_toml` is the way back."""
        from workbench.runs.cuts.plain import cut_to_toml

        return cut_to_toml(self)

    @property
    def parts(self) -> tuple["Cut", ...]:
        """The cuts that are joined by ``&`` at the top; the cut itself where there are none."""
        return (self,)

    def _repr_html_(self) -> str:
        rows = tuple((str(part), ", ".join(sorted(part.scopes))) for part in self.parts)
        return Table(("cut", "applies to"), rows)._repr_html_()

    def __and__(self, other: "Cut") -> "Cut":
        return AllOf((*self.parts, *other.parts))

    def __or__(self, other: "Cut") -> "Cut":
        return AnyOf((*_alternatives(self), *_alternatives(other)))

    def __invert__(self) -> "Cut":
        return Not(self)

    def __bool__(self) -> bool:
        raise CutError("join cuts with & and |, not with 'and', 'or', 'not'")


@dataclass(frozen=True)
class Leaf(Cut):
    """A cut that is not made of others; a subclass has a field ``scope``."""

    @property
    def scopes(self) -> frozenset[Scope]:
        """Classes of events that the cut judges."""
        return frozenset({vars(self)["scope"]})

    def scoped(self, scope: Scope) -> Cut:
        """Return this cut applied to one class of events only."""
        check_scope(scope)
        return replace(self, scope=scope)  # type: ignore[call-arg]  # every leaf has a scope

    def freeze(self, events: Events) -> Cut:  # noqa: ARG002  most leaves are numbers already
        """Return this cut: nothing in it depends on the data."""
        return self


@dataclass(frozen=True)
class Joined(Cut):
    """Several cuts as one."""

    cuts: tuple[Cut, ...]

    @property
    def scopes(self) -> frozenset[Scope]:
        """Classes of events that the cuts judge."""
        return frozenset().union(*(part.scopes for part in self.cuts))

    @property
    def fields(self) -> frozenset[str]:
        """Channels and roles whose values decide."""
        return frozenset().union(*(part.fields for part in self.cuts))

    def scoped(self, scope: Scope) -> Cut:
        """Return the same combination with every cut in it applied to one class only."""
        return type(self)(tuple(part.scoped(scope) for part in self.cuts))

    def freeze(self, events: Events) -> Cut:
        """Return the same combination of frozen cuts."""
        return type(self)(tuple(part.freeze(events) for part in self.cuts))

    def _text(self, word: str) -> str:
        return word.join(
            f"({part})" if isinstance(part, Joined) else str(part) for part in self.cuts
        )


@dataclass(frozen=True)
class AllOf(Joined):
    """Every one of the cuts; without any, every event."""

    def __str__(self) -> str:
        return self._text(" and ") or "every event"

    @property
    def parts(self) -> tuple[Cut, ...]:
        """The cuts joined here."""
        return self.cuts

    def answer(self, events: Events) -> Answer:
        """Judge every event."""
        nobody = ~events.in_scope("all")
        start = Answer(nobody, nobody, nobody)  # concerns no event: leaves what follows as it is
        return reduce(Answer.__and__, (part.answer(events) for part in self.cuts), start)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {"all": [part.to_dict() for part in self.cuts]}


@dataclass(frozen=True)
class AnyOf(Joined):
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

    @property
    def fields(self) -> frozenset[str]:
        """Channels and roles whose values decide."""
        return self.inner.fields

    def scoped(self, scope: Scope) -> Cut:
        """Return the opposite of the cut applied to one class only."""
        return Not(self.inner.scoped(scope))

    def freeze(self, events: Events) -> Cut:
        """Return the opposite of the frozen cut."""
        return Not(self.inner.freeze(events))

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {"not": self.inner.to_dict()}


def _alternatives(any_of: Cut) -> tuple[Cut, ...]:
    return any_of.cuts if isinstance(any_of, AnyOf) else (any_of,)
