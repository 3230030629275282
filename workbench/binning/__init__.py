"""Binning: ratios of sums per bin with honest errors, laser on against off, fits of kinetics."""

from workbench.binning.bias import SignalCutWarning, signal_cuts, survivors
from workbench.binning.binned import bin_run
from workbench.binning.decay import step_decay, step_decay_in_bins
from workbench.binning.edges import EdgesError, edges_around, edges_by_count, edges_by_width
from workbench.binning.jackknife import block_jackknife, block_residuals, time_blocks
from workbench.binning.kinetics import FitError, KineticsFit, fit_kinetics
from workbench.binning.linearity import Linearity, linearity
from workbench.binning.live import Live, Snapshot
from workbench.binning.monitors import Monitor, MonitorReport, i0_report
from workbench.binning.onoff import on_off
from workbench.binning.parameter import Parameter
from workbench.binning.plan import NothingLeftError
from workbench.binning.ratios import mean_of_ratios
from workbench.binning.shots import mean_of_shots, measured_range, relative_spread
from workbench.binning.verdict import Measured, Verdict, verdict, verdict_on

__all__ = [
    "EdgesError",
    "FitError",
    "KineticsFit",
    "Linearity",
    "Live",
    "Measured",
    "Monitor",
    "MonitorReport",
    "NothingLeftError",
    "Parameter",
    "SignalCutWarning",
    "Snapshot",
    "Verdict",
    "bin_run",
    "block_jackknife",
    "block_residuals",
    "edges_around",
    "edges_by_count",
    "edges_by_width",
    "fit_kinetics",
    "i0_report",
    "linearity",
    "mean_of_ratios",
    "mean_of_shots",
    "measured_range",
    "on_off",
    "relative_spread",
    "signal_cuts",
    "step_decay",
    "step_decay_in_bins",
    "survivors",
    "time_blocks",
    "verdict",
    "verdict_on",
]
