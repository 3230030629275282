"""Matplotlib figures from arrays: labelled axes with units, no global state, one house style."""

from workbench.plots.absorption import absorption_map, absorption_spectra
from workbench.plots.azimuthal import averages
from workbench.plots.bars import event_codes, presence, tally
from workbench.plots.binned_pictures import curve, heat_map
from workbench.plots.correlations import Axis, correlation
from workbench.plots.curves import Curve, Level, Line, binned_curve, on_off_curves, trend
from workbench.plots.cut_pictures import cut_histograms, draw_cuts
from workbench.plots.delay_scan import delay_scan
from workbench.plots.detector_overview import detector_pictures
from workbench.plots.difference import (
    component_panels,
    difference_map,
    difference_slices,
    global_fit_curves,
)
from workbench.plots.edges import time_tool_edges
from workbench.plots.emission import emission_spectrum
from workbench.plots.event_pictures import against, over_events
from workbench.plots.grid_scan import grid_scan
from workbench.plots.histograms import Panel, histogram, histograms
from workbench.plots.images import Frame, image, images, tiled
from workbench.plots.liquid import azimuth_course, liquid_kinetics, liquid_maps
from workbench.plots.live import live
from workbench.plots.motor_scan import motor_scan
from workbench.plots.pair_distribution import pair_distribution
from workbench.plots.patterns import calibrant_residuals, patterns, peak_shifts
from workbench.plots.peak import peak_region, peak_track
from workbench.plots.picture_pages import first_picture, picture_page
from workbench.plots.shot_overview import shot_overview
from workbench.plots.speckle import photon_statistics_of
from workbench.plots.spectra import elastic_inelastic
from workbench.plots.split_delay import split_branches
from workbench.plots.style import DELAY_LABEL, Picture
from workbench.plots.summary import (
    average_images,
    delay_coverage,
    event_codes_of,
    findings_table,
    intensity_trend,
    monitor_correlation,
    monitors,
    presence_of,
    regions_of,
    shots_by_light,
    time_tool,
)
from workbench.plots.time_tool_calibration import time_tool_calibration
from workbench.plots.xpcs import speckle_correlation
from workbench.regions import pixel_places

__all__ = [
    "DELAY_LABEL",
    "Axis",
    "Curve",
    "Frame",
    "Level",
    "Line",
    "Panel",
    "Picture",
    "absorption_map",
    "absorption_spectra",
    "against",
    "average_images",
    "averages",
    "azimuth_course",
    "binned_curve",
    "calibrant_residuals",
    "component_panels",
    "correlation",
    "curve",
    "cut_histograms",
    "delay_coverage",
    "delay_scan",
    "detector_pictures",
    "difference_map",
    "difference_slices",
    "draw_cuts",
    "elastic_inelastic",
    "emission_spectrum",
    "event_codes",
    "event_codes_of",
    "findings_table",
    "first_picture",
    "global_fit_curves",
    "grid_scan",
    "heat_map",
    "histogram",
    "histograms",
    "image",
    "images",
    "intensity_trend",
    "liquid_kinetics",
    "liquid_maps",
    "live",
    "monitor_correlation",
    "monitors",
    "motor_scan",
    "on_off_curves",
    "over_events",
    "pair_distribution",
    "patterns",
    "peak_region",
    "peak_shifts",
    "peak_track",
    "photon_statistics_of",
    "picture_page",
    "pixel_places",
    "presence",
    "presence_of",
    "regions_of",
    "shot_overview",
    "shots_by_light",
    "speckle_correlation",
    "split_branches",
    "tally",
    "tiled",
    "time_tool",
    "time_tool_calibration",
    "time_tool_edges",
    "trend",
]
