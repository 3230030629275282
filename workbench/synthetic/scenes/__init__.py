"""Scenes: measurements other than the pump-probe one, put into its made-up small data."""

from workbench.synthetic.scenes.absorption_edge import AbsorptionEdge
from workbench.synthetic.scenes.base import Planted, Scene
from workbench.synthetic.scenes.diffraction_peak import DiffractionPeak
from workbench.synthetic.scenes.emission import EmissionLine
from workbench.synthetic.scenes.grid_scan import GridScene
from workbench.synthetic.scenes.laser_shots import LaserShots
from workbench.synthetic.scenes.liquid_scattering import LiquidScattering
from workbench.synthetic.scenes.masked_camera import MaskedCamera
from workbench.synthetic.scenes.motor_scan import MotorScene
from workbench.synthetic.scenes.powder_shots import PowderShots
from workbench.synthetic.scenes.spatial_edge import SpatialEdge
from workbench.synthetic.scenes.speckle import Speckle
from workbench.synthetic.scenes.split_delay import SplitAndDelay
from workbench.synthetic.scenes.time_tool_scan import CurvedTimeTool
from workbench.synthetic.scenes.xrts_shots import XrtsShots

__all__ = [
    "AbsorptionEdge",
    "CurvedTimeTool",
    "DiffractionPeak",
    "EmissionLine",
    "GridScene",
    "LaserShots",
    "LiquidScattering",
    "MaskedCamera",
    "MotorScene",
    "Planted",
    "PowderShots",
    "Scene",
    "SpatialEdge",
    "Speckle",
    "SplitAndDelay",
    "XrtsShots",
]
