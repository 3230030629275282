"""Cuts on the distance of a value from where it should be: a running median, a straight line."""

from dataclasses import dataclass
from math import isfinite
from typing import Any

import numpy as np

from workbench.core.arrays import Bools, Floats
from workbench.runs.answers import (
    Answer,
    CutError,
    Events,
    Reduce,
    Scope,
    check_reduce,
    check_scope,
)
from workbench.runs.cuts.algebra import Leaf
from workbench.runs.cuts.conditions import Measured, reduced_text
from workbench.runs.cuts.origin import Origin, plain_fields
from workbench.runs.medians import FEWEST, GAP, running_median


@dataclass(frozen=True)
class AroundMedian(Leaf):
    """Less than `width` away from the running median of the base class in time.

    An event without median, such as the first of a run, is missing.

    Parameters
    ----------
    field, scope, reduce
        As for `Between`.
    width
        Half width, in the unit of the field.
    events
        Events of the base class that each median is made of.
    of
        Base class.
    centred
        Look before and after the event; by default only before.
    gap
        Medians do not reach over gaps in the data that are longer than this [s].
    origin
        Where `width` comes from, if it was derived from data.

    Raises
    ------
    CutError
        With too few events for a running median.
    """

    field: str
    width: float
    events: int
    of: Scope = "all"
    centred: bool = False
    gap: float = GAP
    scope: Scope = "all"
    reduce: Reduce = ""
    origin: Origin | None = None

    def __post_init__(self) -> None:
        check_scope(self.of)
        check_scope(self.scope)
        check_reduce(self.field, self.reduce)
        check_width(self.field, "width", self.width)
        check_width(self.field, "gap", self.gap)
        if isinstance(self.origin, dict):
            object.__setattr__(self, "origin", Origin.from_dict(self.origin))
        if self.events < FEWEST:
            raise CutError(f"cut on {self.field}: a running median takes at least {FEWEST} events")

    def __str__(self) -> str:
        text = reduced_text(self.field, self.reduce)
        origin = "" if self.origin is None else f" ({self.origin})"
        return f"{text} within {self.width:g} of its median over {self.events} events{origin}"

    @property
    def fields(self) -> frozenset[str]:
        """The channel or role whose values decide."""
        return frozenset({self.field})

    def distance(self, events: Events) -> tuple[Floats, Bools]:
        """Return how far each event lies above the median, and where that is missing."""
        values, missing = events.cut_values(self.field, self.reduce)
        floats = np.where(missing, np.nan, np.asarray(values, dtype=np.float64))
        median = running_median(
            floats,
            events.timestamps,
            events=self.events,
            base=events.in_scope(self.of),
            centred=self.centred,
            gap=self.gap,
        )
        away = floats - median
        return away, np.isnan(away)

    def measure(self, events: Events) -> Measured:
        """Return the distance of each event and its limits."""
        away, missing = self.distance(events)
        text = f"{reduced_text(self.field, self.reduce)} - running median"
        return Measured(away, missing, -self.width, self.width, text, self.field)

    def answer(self, events: Events) -> Answer:
        """Judge every event."""
        return self.measure(events).answer(events.in_scope(self.scope))

    def to_dict(self) -> dict[str, Any]:  # Any: JSON
        """Return plain values for JSON."""
        return {"cut": "around_median", **plain_fields(self)}


@dataclass(frozen=True)
class NearLine(Leaf):
    """Less than `sigmas` times `sigma` away from a line of the field against another.

    Parameters
    ----------
    field, scope, reduce
        As for `Between`; usually a detector.
    against
        Usually the intensity monitor.
    intercept, slope, sigma
        field = intercept + slope * against, and the scatter around it.
    sigmas
        Half width in units of sigma.
    origin
        Where the line comes from, if it was fitted.

    Raises
    ------
    CutError
        For an intercept or slope that is not finite.
    """

    field: str
    against: str
    intercept: float
    slope: float
    sigma: float
    sigmas: float
    scope: Scope = "all"
    reduce: Reduce = ""
    origin: Origin | None = None

    def __post_init__(self) -> None:
        check_scope(self.scope)
        check_reduce(self.field, self.reduce)
        for name in ("sigma", "sigmas"):
            check_width(self.field, name, getattr(self, name))
        if not (isfinite(self.intercept) and isfinite(self.slope)):
            raise CutError(f"cut on {self.field}: intercept and slope must be finite")
        if isinstance(self.origin, dict):
            object.__setattr__(self, "origin", Origin.from_dict(self.origin))

    def __str__(self) -> str:
        text = reduced_text(self.field, self.reduce)
        line = f"{self.intercept:.4g} + {self.slope:.4g} * {self.against}"
        origin = "" if self.origin is None else f" ({self.origin})"
        return f"|{text} - ({line})| < {self.sigmas:g} * {self.sigma:.4g}{origin}"

    @property
    def fields(self) -> frozenset[str]:
        """The field and what it is compared with."""
        return frozenset({self.field, self.against})

    def measure(self, events: Events) -> Measured:
        """Return the distance of each event from the line and its limits."""
        values, missing = events.cut_values(self.field, self.reduce)
        others, lacking = events.cut_values(self.against)
        away = np.asarray(values, dtype=np.float64) - self.intercept - self.slope * others
        width = self.sigmas * self.sigma
        text = f"{reduced_text(self.field, self.reduce)} - line on {self.against}"
        return Measured(away, missing | lacking, -width, width, text, self.field)

    def answer(self, events: Events) -> Answer:
        """Judge every event; where either value was not measured it is missing."""
        return self.measure(events).answer(events.in_scope(self.scope))

    def to_dict(self) -> dict[str, Any]:  # Any: JSON
        """Return plain values for JSON."""
        return {"cut": "near_line", **plain_fields(self)}


def check_width(field: str, name: str, value: float) -> None:
    """Refuse a width that is not a positive number."""
    if not (isfinite(value) and value > 0):
        raise CutError(f"cut on {field}: {name} {value}: it must be a positive number")
