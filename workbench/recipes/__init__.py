"""Recipes: the analyses that templates call, one module a measurement."""

from workbench.core.run_numbers import parse_runs
from workbench.recipes.azimuth import Azimuthal, azimuthal, legendre, window
from workbench.recipes.correlation import (
    Correlation,
    CorrelationError,
    Movie,
    correlate,
    movie_of,
    two_times,
)
from workbench.recipes.difference import Difference, DifferenceError, difference_curves
from workbench.recipes.file_patterns import FilePattern, PatternError, patterns
from workbench.recipes.global_fit import GlobalFit, fit_global
from workbench.recipes.kept_table import ChangedMeanwhileError, read_kept, refreshed, write_kept
from workbench.recipes.motor_scan import MotorScan, motor_scan
from workbench.recipes.photon_frames import (
    PhotonList,
    Region,
    RegionError,
    find_photons,
    find_regions,
    photon_stacks,
)
from workbench.recipes.profiles import Feature, find_feature
from workbench.recipes.relaxation import Relaxation, fit_relaxation
from workbench.recipes.scan_steps import ScanError, moving, scanned
from workbench.recipes.shot_sheet import SheetError, ShotSheet, read_shot_sheet
from workbench.recipes.shot_table import Join, ShotTable, build_shot_table, files_for
from workbench.recipes.shots import RunShots, Shot, read_shots, truths_of
from workbench.recipes.singular import Components, components
from workbench.recipes.speckle_statistics import (
    RegionSpeckle,
    SpeckleStatistics,
    speckle_statistics,
)
from workbench.recipes.time_tool import CalibrationError, TimeToolCalibration, time_tool_calibration

__all__ = [
    "Azimuthal",
    "CalibrationError",
    "ChangedMeanwhileError",
    "Components",
    "Correlation",
    "CorrelationError",
    "Difference",
    "DifferenceError",
    "Feature",
    "FilePattern",
    "GlobalFit",
    "Join",
    "MotorScan",
    "Movie",
    "PatternError",
    "PhotonList",
    "Region",
    "RegionError",
    "RegionSpeckle",
    "Relaxation",
    "RunShots",
    "ScanError",
    "SheetError",
    "Shot",
    "ShotSheet",
    "ShotTable",
    "SpeckleStatistics",
    "TimeToolCalibration",
    "azimuthal",
    "build_shot_table",
    "components",
    "correlate",
    "difference_curves",
    "files_for",
    "find_feature",
    "find_photons",
    "find_regions",
    "fit_global",
    "fit_relaxation",
    "legendre",
    "motor_scan",
    "movie_of",
    "moving",
    "parse_runs",
    "patterns",
    "photon_stacks",
    "read_kept",
    "read_shot_sheet",
    "read_shots",
    "refreshed",
    "scanned",
    "speckle_statistics",
    "time_tool_calibration",
    "truths_of",
    "two_times",
    "window",
    "write_kept",
]
