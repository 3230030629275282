"""Detector frames to numbers: calibration, regions, azimuthal averages, run sums; pure arrays."""

from workbench.reductions.autocorrelation import Autocorrelation
from workbench.reductions.azimuthal import Azimuthal
from workbench.reductions.base import Reduction, RunSum, reductions
from workbench.reductions.calibrate import Calibration, calibrate
from workbench.reductions.channels import ChannelPart, Channels
from workbench.reductions.curve import CurveCorrection
from workbench.reductions.droplet_photons import DropletPhotons
from workbench.reductions.droplets import Droplets
from workbench.reductions.entries import Sparse
from workbench.reductions.hits import Hits
from workbench.reductions.image import AssembledImage
from workbench.reductions.integration import Integration
from workbench.reductions.lineout import LineOut
from workbench.reductions.photons import PhotonCounting, PhotonProbability
from workbench.reductions.projection import Projected, Projection
from workbench.reductions.rebin import Rebin
from workbench.reductions.roi import Roi
from workbench.reductions.scattering import Scattering, Setup, scattering_from_positions
from workbench.reductions.sparsify import Sparsify
from workbench.reductions.spectrum import Spectrum
from workbench.reductions.sums import PixelSum
from workbench.reductions.svd import Basis, SvdFit
from workbench.reductions.waveforms import AboveThreshold, WaveformIntegral

__all__ = [
    "AboveThreshold",
    "AssembledImage",
    "Autocorrelation",
    "Azimuthal",
    "Basis",
    "Calibration",
    "ChannelPart",
    "Channels",
    "CurveCorrection",
    "DropletPhotons",
    "Droplets",
    "Hits",
    "Integration",
    "LineOut",
    "PhotonCounting",
    "PhotonProbability",
    "PixelSum",
    "Projected",
    "Projection",
    "Rebin",
    "Reduction",
    "Roi",
    "RunSum",
    "Scattering",
    "Setup",
    "Sparse",
    "Sparsify",
    "Spectrum",
    "SvdFit",
    "WaveformIntegral",
    "calibrate",
    "reductions",
    "scattering_from_positions",
]
