"""Labelled runs: lazy channels with roles and units, cuts, classes of events, delay, truth."""

from workbench.core.table import Table
from workbench.runs.answers import CutError, Scope
from workbench.runs.channel import Channel
from workbench.runs.classes import Classes
from workbench.runs.cuts import (
    Cut,
    cut,
    cut_from_dict,
    equals,
    event_code,
    laser_off,
    laser_on,
    xray_off,
    xray_on,
)
from workbench.runs.delay import DelayError
from workbench.runs.fields import Field, Fields
from workbench.runs.opening import open_run
from workbench.runs.roles import RoleError
from workbench.runs.run import Run
from workbench.runs.truth import Quantity, Truth, TruthError, read_truth, truth_path

__all__ = [
    "Channel",
    "Classes",
    "Cut",
    "CutError",
    "DelayError",
    "Field",
    "Fields",
    "Quantity",
    "RoleError",
    "Run",
    "Scope",
    "Table",
    "Truth",
    "TruthError",
    "cut",
    "cut_from_dict",
    "equals",
    "event_code",
    "laser_off",
    "laser_on",
    "open_run",
    "read_truth",
    "truth_path",
    "xray_off",
    "xray_on",
]
