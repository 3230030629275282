"""Short names that make cuts: what users write."""

import re
from collections.abc import Callable
from typing import Any

from workbench.runs.answers import CutError, Reduce, Scope
from workbench.runs.cuts.algebra import Cut
from workbench.runs.cuts.bands import AroundMedian
from workbench.runs.cuts.conditions import BeamState, Between, Equals, EventCode
from workbench.runs.cuts.derived import Correlated, NearMedian, Percentiles
from workbench.runs.cuts.functions import Passes, function_name
from workbench.runs.lines import Method
from workbench.runs.medians import GAP

# Measured against the laser: off shots have no such value, or one that means nothing for them.
_OF_LASER = re.compile(
    r"delay|jitter|tt_\w+|tt/.*|ttCorr/.*|timetool/.*|enc/lasDelay.*|(scan|epics|epicsAll)/lxt(_ttc|_fast)?"
)


def cut(
    field: str,
    low: float | None = None,
    high: float | None = None,
    *,
    scope: Scope | None = None,
    reduce: Reduce = "",
) -> Cut:
    """Keep events with ``low <= field < high``, in the unit of the field; None is an open end.

    Cuts on the time tool and on delays judge laser-on events only, others all, unless a `scope`
    says otherwise.

    A field with an array per event needs `reduce`: "sum", "mean" or "max" over what was measured
    of it, or the number of the element to take.
    """
    return Between(field, low, high, _scope(field, scope), reduce)


def equals(
    field: str, value: float | int | str | bool, *, scope: Scope | None = None, reduce: Reduce = ""
) -> Cut:
    """Keep events whose field has exactly this value; True means "not zero"."""
    return Equals(field, value, _scope(field, scope), reduce)


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


def cut_function(function: Callable[..., Any] | str, *takes: str, scope: Scope = "all") -> Cut:
    """Keep events for which a function says True.

    Parameters
    ----------
    function
        A plain function of a module, or its name as "module:function". It is called with stacks
        of events, one array (event, ...) per channel, NaN where not measured, and returns one
        boolean per event; it must judge each event on its own. Lambdas and functions made inside
        others are refused: a stored selection could not find them again.
    takes
        Channels or roles that it takes, in this order.
    scope
        Class of events that the cut judges.
    """
    return Passes(function_name(function), takes, scope)


def cut_percentile(
    field: str,
    low: float | None = None,
    high: float | None = None,
    *,
    of: Scope,
    scope: Scope | None = None,
    reduce: Reduce = "",
) -> Cut:
    """Keep events between two percentiles [percent] of the field over the base class `of`."""
    return Percentiles(field, low, high, of, _scope(field, scope), reduce)


def cut_running_median(
    field: str,
    *,
    width: float | None = None,
    sigmas: float | None = None,
    events: int = 120,
    of: Scope = "all",
    centred: bool = False,
    gap: float = GAP,
    scope: Scope | None = None,
    reduce: Reduce = "",
) -> Cut:
    """Keep events near the running median of the base class `of`, in the order of time.

    Parameters
    ----------
    field, scope, reduce
        As for `cut`.
    width
        Half width, in the unit of the field.
    sigmas
        Half width in units of the scatter around the median, derived from the base class; give
        this or `width`.
    events, of, centred, gap
        See `AroundMedian`.

    Raises
    ------
    CutError
        Unless exactly one of width and sigmas is given.
    """
    if (width is None) == (sigmas is None):
        raise CutError(f"cut on {field}: give either width or sigmas")
    scope = _scope(field, scope)
    if width is not None:
        return AroundMedian(field, width, events, of, centred, gap, scope, reduce)
    assert sigmas is not None
    return NearMedian(field, sigmas, events, of, centred, gap, scope, reduce)


def cut_correlation(
    field: str,
    against: str = "i0",
    *,
    sigmas: float = 3.0,
    method: Method = "robust",
    of: Scope = "off",
    scope: Scope | None = None,
    reduce: Reduce = "",
) -> Cut:
    """Keep events near the line of the field against I0, fitted over the base class `of`.

    Where the laser changes the signal, laser-on events lie on another line: the base class and
    the scope say which events are meant.
    """
    return Correlated(field, against, sigmas, method, of, _scope(field, scope), reduce)


def _scope(field: str, scope: Scope | None) -> Scope:
    if not isinstance(field, str):
        way = "; for a function of channels use cut_function" if callable(field) else ""
        raise CutError(f"a cut judges a field by its name, not {field!r}{way}")
    if scope is not None:
        return scope
    return "on" if _OF_LASER.fullmatch(field) else "all"
