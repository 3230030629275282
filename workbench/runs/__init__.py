"""Labelled runs: lazy channels with roles and units, cuts, classes of events, delay, truth."""

from workbench.core.table import Table
from workbench.runs.answers import CutError, Scope
from workbench.runs.channel import Channel
from workbench.runs.checks import check_between, check_path, check_run
from workbench.runs.classes import Classes
from workbench.runs.conflicts import Conflict, ConflictError
from workbench.runs.cut_histograms import CutHistogram, cut_histogram, cut_histograms
from workbench.runs.cuts import (
    Cut,
    cut,
    cut_correlation,
    cut_from_dict,
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
from workbench.runs.derived import median_channel
from workbench.runs.experiment.finding import find_archiver
from workbench.runs.few_events import FewEventsError, need_events
from workbench.runs.fields import Field, Fields
from workbench.runs.nominal import DelayError
from workbench.runs.opening import open_run, open_runs
from workbench.runs.pairs import Pairing, Pairs, find_pairs
from workbench.runs.protocol import AnyRun
from workbench.runs.roles import RoleError
from workbench.runs.run import Run
from workbench.runs.several import Runs
from workbench.runs.truth import Quantity, Truth, TruthError, read_truth, truth_path

__all__ = [
    "AnyRun",
    "Channel",
    "Classes",
    "Conflict",
    "ConflictError",
    "Cut",
    "CutError",
    "CutHistogram",
    "DelayError",
    "FewEventsError",
    "Field",
    "Fields",
    "Pairing",
    "Pairs",
    "Quantity",
    "RoleError",
    "Run",
    "Runs",
    "Scope",
    "Table",
    "Truth",
    "TruthError",
    "check_between",
    "check_path",
    "check_run",
    "cut",
    "cut_correlation",
    "cut_from_dict",
    "cut_function",
    "cut_histogram",
    "cut_histograms",
    "cut_percentile",
    "cut_running_median",
    "equals",
    "event_code",
    "find_archiver",
    "find_pairs",
    "laser_off",
    "laser_on",
    "median_channel",
    "need_events",
    "open_run",
    "open_runs",
    "read_truth",
    "truth_path",
    "xray_off",
    "xray_on",
]
