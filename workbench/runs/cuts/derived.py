"""Cuts derived from data: percentiles, distance from a running median, from a straight line.

Each takes a named base class of events; `freeze` turns it into numbers, which remember where they
come from. Given to a run unfrozen, it is frozen for that run: the tally shows the numbers. Freeze
it yourself to use the numbers of one run in others.
"""

from abc import abstractmethod
from dataclasses import dataclass
from typing import Any, get_args

import numpy as np

from workbench.core.arrays import Array, Floats
from workbench.core.errors import InputError
from workbench.runs.answers import (
    Answer,
    CutError,
    Events,
    Reduce,
    Scope,
    check_reduce,
    check_scope,
)
from workbench.runs.cuts.algebra import Cut, Leaf
from workbench.runs.cuts.bands import AroundMedian, NearLine, check_width
from workbench.runs.cuts.conditions import Between, reduced_text
from workbench.runs.cuts.origin import Origin, plain_fields
from workbench.runs.lines import FEWEST, Method, fit_line, mad_sigma
from workbench.runs.medians import GAP


@dataclass(frozen=True)
class _Derived(Leaf):
    """A cut whose numbers the data decide."""

    @abstractmethod
    def freeze(self, events: Events) -> Cut:
        """Return the cut with numbers from the base class of these events."""

    @property
    def fields(self) -> frozenset[str]:
        """Channels and roles whose values decide."""
        return frozenset({vars(self)["field"]})

    def answer(self, events: Events) -> Answer:
        """Judge every event by the numbers that these events give."""
        return self.freeze(events).answer(events)


@dataclass(frozen=True)
class Percentiles(_Derived):
    """Between two percentiles of the field over the base class.

    Parameters
    ----------
    field, scope, reduce
        As for `Between`.
    low, high
        Percent, 0 to 100; None is an open end.
    of
        Base class.

    Raises
    ------
    CutError
        Unless 0 <= low < high <= 100, and for everything.
    """

    field: str
    low: float | None = None
    high: float | None = None
    of: Scope = "all"
    scope: Scope = "all"
    reduce: Reduce = ""

    def __post_init__(self) -> None:
        _check(self.field, self.of, self.scope, self.reduce)
        low, high = self.low or 0.0, 100.0 if self.high is None else self.high
        if not 0 <= low < high <= 100 or (low, high) == (0, 100):
            raise CutError(
                f"cut on {self.field}: percentiles {self.low} to {self.high}: 0 <= low < high <= "
                "100, and not everything"
            )
        object.__setattr__(self, "low", float(low) or None)
        object.__setattr__(self, "high", None if high == 100 else float(high))

    def __str__(self) -> str:
        return f"{reduced_text(self.field, self.reduce)} in {self._words} of {self.of} events"

    def freeze(self, events: Events) -> Cut:
        """Return the range whose ends are the percentiles in these events.

        Raises
        ------
        CutError
            Where both percentiles are one value.
        """
        values = _base(self.field, self.of, self.reduce, events)
        low, high = (
            None if end is None else float(np.percentile(values, end))
            for end in (self.low, self.high)
        )
        if low is not None and high is not None and not low < high:
            raise CutError(
                f"cut on {self.field}: {self._words} are one value, {low:g}; a range cannot keep it"
            )
        origin = Origin(self._words, events.label, self.of, len(values))
        field = events.field_name(self.field)
        return Between(field, low, high, self.scope, self.reduce, origin)

    def to_dict(self) -> dict[str, Any]:  # Any: JSON
        """Return plain values for JSON."""
        return {"cut": "percentiles", **plain_fields(self)}

    @property
    def _words(self) -> str:
        return f"percentiles {self.low or 0:g} to {100 if self.high is None else self.high:g}"


@dataclass(frozen=True)
class NearMedian(_Derived):
    """Within some sigma of the running median of the base class; `AroundMedian` once frozen.

    Parameters
    ----------
    field, scope, reduce
        As for `Between`.
    sigmas
        Half width in units of the scatter around the running median, from its median distance.
    events, of, centred, gap
        As for `AroundMedian`.
    """

    field: str
    sigmas: float
    events: int
    of: Scope = "all"
    centred: bool = False
    gap: float = GAP
    scope: Scope = "all"
    reduce: Reduce = ""

    def __post_init__(self) -> None:
        _check(self.field, self.of, self.scope, self.reduce)
        check_width(self.field, "sigmas", self.sigmas)
        self._with_width(1.0, None)  # refuses what the frozen cut would refuse

    def __str__(self) -> str:
        text = reduced_text(self.field, self.reduce)
        return f"{text} within {self.sigmas:g} sigma of its median over {self.events} events"

    def freeze(self, events: Events) -> Cut:
        """Return the same cut with its half width as a number, in the unit of the field.

        Raises
        ------
        CutError
            Where the field hardly scatters, so that sigma is 0.
        """
        away, missing = self._with_width(1.0, None).distance(events)
        used = away[events.in_scope(self.of) & ~missing]
        _check_count(self.field, self.of, len(used), events)
        sigma = mad_sigma(used)
        if sigma == 0:
            raise CutError(f"cut on {self.field}: it hardly scatters, so sigma is 0; give a width")
        origin = Origin(f"{self.sigmas:g} sigma", events.label, self.of, len(used))
        frozen = self._with_width(self.sigmas * sigma, origin)
        return AroundMedian(**{**vars(frozen), "field": events.field_name(self.field)})

    def to_dict(self) -> dict[str, Any]:  # Any: JSON
        """Return plain values for JSON."""
        return {"cut": "near_median", **plain_fields(self)}

    def _with_width(self, width: float, origin: Origin | None) -> AroundMedian:
        return AroundMedian(
            self.field,
            width,
            self.events,
            self.of,
            self.centred,
            self.gap,
            self.scope,
            self.reduce,
            origin,
        )


@dataclass(frozen=True)
class Correlated(_Derived):
    """Within some sigma of the line of the field against another; `NearLine` once frozen.

    Parameters
    ----------
    field, scope, reduce
        As for `Between`; usually a detector.
    against
        Channel or role, usually "i0".
    sigmas
        Half width in units of the scatter around the line, from its median distance.
    method
        "linear" or "robust", see `runs.lines.fit_line`.
    of
        Base class.

    Raises
    ------
    CutError
        For a method other than "linear" and "robust".
    """

    field: str
    against: str
    sigmas: float
    method: Method = "robust"
    of: Scope = "off"
    scope: Scope = "all"
    reduce: Reduce = ""

    def __post_init__(self) -> None:
        _check(self.field, self.of, self.scope, self.reduce)
        check_width(self.field, "sigmas", self.sigmas)
        if self.method not in get_args(Method):
            raise CutError(f"cut on {self.field}: method {self.method!r}: 'linear' or 'robust'")

    def __str__(self) -> str:
        text = reduced_text(self.field, self.reduce)
        return f"{text} within {self.sigmas:g} sigma of its {self.method} line on {self.against}"

    @property
    def fields(self) -> frozenset[str]:
        """The field and what it is compared with."""
        return frozenset({self.field, self.against})

    def freeze(self, events: Events) -> Cut:
        """Return the same cut with intercept, slope and sigma of the line as numbers.

        Raises
        ------
        CutError
            Where no line can be fitted to these events.
        """
        values, missing = _floats(*events.cut_values(self.field, self.reduce))
        others, lacking = _floats(*events.cut_values(self.against))
        base = events.in_scope(self.of) & ~missing & ~lacking
        _check_count(self.field, self.of, int(base.sum()), events)
        try:
            line = fit_line(others[base], values[base], self.method)
        except InputError as error:
            raise CutError(f"cut on {self.field} against {self.against}: {error}") from error
        origin = Origin(f"{self.method} line", events.label, self.of, line.count)
        return NearLine(
            events.field_name(self.field),
            events.field_name(self.against),
            line.intercept,
            line.slope,
            line.sigma,
            self.sigmas,
            self.scope,
            self.reduce,
            origin,
        )

    def to_dict(self) -> dict[str, Any]:  # Any: JSON
        """Return plain values for JSON."""
        return {"cut": "correlated", **plain_fields(self)}


def _check(field: str, of: Scope, scope: Scope, reduce: Reduce) -> None:
    check_scope(of)
    check_scope(scope)
    check_reduce(field, reduce)


def _base(field: str, of: Scope, reduce: Reduce, events: Events) -> Floats:
    values, missing = _floats(*events.cut_values(field, reduce))
    base = values[events.in_scope(of) & ~missing]
    _check_count(field, of, len(base), events)
    return base


def _check_count(field: str, of: Scope, count: int, events: Events) -> None:
    if count < FEWEST:
        raise CutError(
            f"cut on {field}: only {count} events of class {of!r} of {events.label} hold a value; "
            f"at least {FEWEST} are needed to derive a cut: take another base class with of="
        )


def _floats(values: Array, missing: Array) -> tuple[Floats, Array]:
    return np.asarray(values, dtype=np.float64), missing
