"""Matplotlib figures from arrays: labelled axes with units, no global state, one house style."""

from workbench.plots.bars import event_codes, presence, tally
from workbench.plots.correlations import Axis, correlation
from workbench.plots.curves import Curve, Level, Line, binned_curve, on_off_curves, trend
from workbench.plots.delay_scan import delay_scan
from workbench.plots.histograms import Panel, histogram, histograms
from workbench.plots.images import Frame, image, images, pixel_places, tiled
from workbench.plots.style import DELAY_LABEL, Picture
from workbench.plots.summary import (
    average_images,
    cut_histograms,
    delay_coverage,
    event_codes_of,
    findings_table,
    intensity_trend,
    monitor_correlation,
    monitors,
    presence_of,
    regions_of,
    time_tool,
)

__all__ = [
    "DELAY_LABEL",
    "Axis",
    "Curve",
    "Frame",
    "Level",
    "Line",
    "Panel",
    "Picture",
    "average_images",
    "binned_curve",
    "correlation",
    "cut_histograms",
    "delay_coverage",
    "delay_scan",
    "event_codes",
    "event_codes_of",
    "findings_table",
    "histogram",
    "histograms",
    "image",
    "images",
    "intensity_trend",
    "monitor_correlation",
    "monitors",
    "on_off_curves",
    "pixel_places",
    "presence",
    "presence_of",
    "regions_of",
    "tally",
    "tiled",
    "time_tool",
    "trend",
]
