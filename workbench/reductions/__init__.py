"""Detector frames to numbers: calibration, regions, projections, run sums; pure arrays."""

from workbench.reductions.base import Reduction, RunSum, reductions
from workbench.reductions.calibrate import Calibration, calibrate
from workbench.reductions.entries import Sparse
from workbench.reductions.lineout import LineOut
from workbench.reductions.projection import Projection
from workbench.reductions.rebin import Rebin
from workbench.reductions.roi import Roi
from workbench.reductions.sparsify import Sparsify
from workbench.reductions.spectrum import Spectrum
from workbench.reductions.sums import PixelSum

__all__ = [
    "Calibration",
    "LineOut",
    "PixelSum",
    "Projection",
    "Rebin",
    "Reduction",
    "Roi",
    "RunSum",
    "Sparse",
    "Sparsify",
    "Spectrum",
    "calibrate",
    "reductions",
]
