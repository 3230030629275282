"""Cuts: frozen, serialisable conditions on events, combined with ``& | ~`` in any order.

A cut gives each event one of four answers: pass, fail, missing (the value was not measured:
neither the cut nor its opposite selects the event) or not concerned (the event is outside the
cut's scope). The rule for scopes: for each class of events a selection is the same expression
with the cuts of other scopes left out. So a time-tool cut of scope "on" neither rejects a
laser-off event nor, inverted or in an "or", selects one.
"""

from workbench.runs.cuts.algebra import AllOf, AnyOf, Cut, Not
from workbench.runs.cuts.bands import AroundMedian, NearLine
from workbench.runs.cuts.conditions import BeamState, Between, Equals, EventCode, Measured
from workbench.runs.cuts.derived import Correlated, NearMedian, Percentiles
from workbench.runs.cuts.functions import Passes
from workbench.runs.cuts.making import (
    cut,
    cut_correlation,
    cut_function,
    cut_percentile,
    cut_running_median,
    equals,
    event_code,
    laser_off,
    laser_on,
    xray_off,
    xray_on,
)
from workbench.runs.cuts.origin import Origin
from workbench.runs.cuts.plain import cut_from_dict, cut_from_toml, cut_to_toml

__all__ = [
    "AllOf",
    "AnyOf",
    "AroundMedian",
    "BeamState",
    "Between",
    "Correlated",
    "Cut",
    "Equals",
    "EventCode",
    "Measured",
    "NearLine",
    "NearMedian",
    "Not",
    "Origin",
    "Passes",
    "Percentiles",
    "cut",
    "cut_correlation",
    "cut_from_dict",
    "cut_from_toml",
    "cut_function",
    "cut_percentile",
    "cut_running_median",
    "cut_to_toml",
    "equals",
    "event_code",
    "laser_off",
    "laser_on",
    "xray_off",
    "xray_on",
]
