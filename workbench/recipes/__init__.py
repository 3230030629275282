"""Recipes: the analyses that templates call, one module a measurement."""

from workbench.recipes.azimuth import Azimuthal, azimuthal, legendre, window
from workbench.recipes.difference import Difference, DifferenceError, difference_curves
from workbench.recipes.time_tool import (
    CalibrationError,
    TimeToolCalibration,
    time_tool_calibration,
)

__all__ = [
    "Azimuthal",
    "CalibrationError",
    "Difference",
    "DifferenceError",
    "TimeToolCalibration",
    "azimuthal",
    "difference_curves",
    "legendre",
    "time_tool_calibration",
    "window",
]
