"""Matplotlib figures from arrays: labelled axes with units, no global state, one house style."""

from workbench.plots.bars import event_codes, presence, tally
from workbench.plots.correlations import Axis, correlation
from workbench.plots.curves import Curve, Line, binned_curve, on_off_curves, trend
from workbench.plots.histograms import Panel, histogram, histograms
from workbench.plots.images import Frame, image, images, tiled
from workbench.plots.style import DELAY_LABEL, Picture

__all__ = [
    "DELAY_LABEL",
    "Axis",
    "Curve",
    "Frame",
    "Line",
    "Panel",
    "Picture",
    "binned_curve",
    "correlation",
    "event_codes",
    "histogram",
    "histograms",
    "image",
    "images",
    "on_off_curves",
    "presence",
    "tally",
    "tiled",
    "trend",
]
