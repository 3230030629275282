"""Recipes: the analyses that templates call, one module a measurement."""

from workbench.core.run_numbers import parse_runs
from workbench.recipes.absorption import Absorption, AbsorptionError, absorption
from workbench.recipes.azimuth import Azimuthal, azimuthal, legendre, window
from workbench.recipes.correlation import (
    Correlation,
    CorrelationError,
    Movie,
    correlate,
    movie_of,
    two_times,
)
from workbench.recipes.detector_overview import DetectorOverview, detector_overview
from workbench.recipes.difference import Difference, DifferenceError, difference_curves
from workbench.recipes.dispersion import sharpest_rotation
from workbench.recipes.edge import EdgeFit, fit_edge
from workbench.recipes.emission_spectroscopy import (
    Emission,
    EmissionError,
    Line,
    Spectra,
    emission,
    emission_spectra,
)
from workbench.recipes.file_patterns import FilePattern, PatternError, patterns
from workbench.recipes.global_fit import GlobalFit, fit_global
from workbench.recipes.grid_scan import GridScan, grid_scan
from workbench.recipes.kept_table import ChangedMeanwhileError, read_kept, refreshed, write_kept
from workbench.recipes.liquid_scattering import (
    AzimuthCourse,
    LiquidCurves,
    LiquidFit,
    azimuth_course,
    fit_liquid,
    liquid_curves,
)
from workbench.recipes.motor_scan import MotorScan, motor_scan
from workbench.recipes.oscillation import Oscillation, fit_oscillation, fit_track
from workbench.recipes.pair_distribution import (
    PairDistribution,
    PairDistributionError,
    pair_distribution,
)
from workbench.recipes.peak import (
    Track,
    TrackedPeak,
    TrackingError,
    find_peak,
    position_window,
    track_peak,
)
from workbench.recipes.photon_frames import (
    PhotonList,
    Region,
    RegionError,
    find_photons,
    find_regions,
    photon_stacks,
)
from workbench.recipes.pictures import (
    NoPictureError,
    Pictures,
    picture_fields,
    pictures_of,
    tiff_pictures,
)
from workbench.recipes.powder import (
    LineOutError,
    LineOutGeometry,
    Pattern,
    geometry_of,
    line_out,
    other_pictures,
    poni_geometry,
    stored_geometry,
    tiff_line_outs,
)
from workbench.recipes.powder_peaks import (
    CalibrantCheck,
    PatternComparison,
    Peak,
    PeakError,
    check_calibrant,
    compare_patterns,
    find_peaks,
    fit_peak,
    peaks_table,
)
from workbench.recipes.profiles import Feature, find_feature
from workbench.recipes.relaxation import Relaxation, fit_relaxation
from workbench.recipes.run_summary import RunSummary, presence_counts, run_summary
from workbench.recipes.scan_steps import ScanError, moving, scanned
from workbench.recipes.shot_sheet import SheetError, ShotSheet, read_shot_sheet
from workbench.recipes.shot_table import Join, ShotTable, build_shot_table, files_for
from workbench.recipes.shots import RunShots, Shot, findings_of, read_shots, truths_of
from workbench.recipes.shots_by_light import ShotsByLight, shots_by_light
from workbench.recipes.singular import Components, components
from workbench.recipes.spatial_time_tool import (
    EdgeCalibration,
    Edges,
    TimeToolError,
    calibrate_edges,
    find_edges,
)
from workbench.recipes.speckle_statistics import (
    RegionSpeckle,
    SpeckleStatistics,
    speckle_statistics,
)
from workbench.recipes.spectral_lines import Dispersion, ElasticInelastic, dispersion, fit_elastic
from workbench.recipes.spectrometer import Spectrum, SpectrumError, line_spectrum
from workbench.recipes.split_delay import (
    Branch,
    BranchError,
    SplitDelay,
    split_delay,
    two_level_inputs,
)
from workbench.recipes.tiff_export import Browsed, Exported, browse_pictures, export_pictures
from workbench.recipes.time_tool import CalibrationError, TimeToolCalibration, time_tool_calibration
from workbench.recipes.von_hamos import VonHamos, VonHamosError

__all__ = [
    "Absorption",
    "AbsorptionError",
    "AzimuthCourse",
    "Azimuthal",
    "Branch",
    "BranchError",
    "Browsed",
    "CalibrantCheck",
    "CalibrationError",
    "ChangedMeanwhileError",
    "Components",
    "Correlation",
    "CorrelationError",
    "DetectorOverview",
    "Difference",
    "DifferenceError",
    "Dispersion",
    "EdgeCalibration",
    "EdgeFit",
    "Edges",
    "ElasticInelastic",
    "Emission",
    "EmissionError",
    "Exported",
    "Feature",
    "FilePattern",
    "GlobalFit",
    "GridScan",
    "Join",
    "Line",
    "LineOutError",
    "LineOutGeometry",
    "LiquidCurves",
    "LiquidFit",
    "MotorScan",
    "Movie",
    "NoPictureError",
    "Oscillation",
    "PairDistribution",
    "PairDistributionError",
    "Pattern",
    "PatternComparison",
    "PatternError",
    "Peak",
    "PeakError",
    "PhotonList",
    "Pictures",
    "Region",
    "RegionError",
    "RegionSpeckle",
    "Relaxation",
    "RunShots",
    "RunSummary",
    "ScanError",
    "SheetError",
    "Shot",
    "ShotSheet",
    "ShotTable",
    "ShotsByLight",
    "SpeckleStatistics",
    "Spectra",
    "Spectrum",
    "SpectrumError",
    "SplitDelay",
    "TimeToolCalibration",
    "TimeToolError",
    "Track",
    "TrackedPeak",
    "TrackingError",
    "VonHamos",
    "VonHamosError",
    "absorption",
    "azimuth_course",
    "azimuthal",
    "browse_pictures",
    "build_shot_table",
    "calibrate_edges",
    "check_calibrant",
    "compare_patterns",
    "components",
    "correlate",
    "detector_overview",
    "difference_curves",
    "dispersion",
    "emission",
    "emission_spectra",
    "export_pictures",
    "files_for",
    "find_edges",
    "find_feature",
    "find_peak",
    "find_peaks",
    "find_photons",
    "find_regions",
    "findings_of",
    "fit_edge",
    "fit_elastic",
    "fit_global",
    "fit_liquid",
    "fit_oscillation",
    "fit_peak",
    "fit_relaxation",
    "fit_track",
    "geometry_of",
    "grid_scan",
    "legendre",
    "line_out",
    "line_spectrum",
    "liquid_curves",
    "motor_scan",
    "movie_of",
    "moving",
    "other_pictures",
    "pair_distribution",
    "parse_runs",
    "patterns",
    "peaks_table",
    "photon_stacks",
    "picture_fields",
    "pictures_of",
    "poni_geometry",
    "position_window",
    "presence_counts",
    "read_kept",
    "read_shot_sheet",
    "read_shots",
    "refreshed",
    "run_summary",
    "scanned",
    "sharpest_rotation",
    "shots_by_light",
    "speckle_statistics",
    "split_delay",
    "stored_geometry",
    "tiff_line_outs",
    "tiff_pictures",
    "time_tool_calibration",
    "track_peak",
    "truths_of",
    "two_level_inputs",
    "two_times",
    "window",
    "write_kept",
]
