"""Detector frames to numbers: calibration, regions, projections, run sums; pure arrays."""

from workbench.reductions.base import Reduction, RunSum, reductions
from workbench.reductions.calibrate import Calibration, calibrate
from workbench.reductions.projection import Projection
from workbench.reductions.roi import Roi
from workbench.reductions.sums import PixelSum

__all__ = [
    "Calibration",
    "PixelSum",
    "Projection",
    "Reduction",
    "Roi",
    "RunSum",
    "calibrate",
    "reductions",
]
