"""Scenes: measurements other than the pump-probe one, put into its made-up small data."""

from workbench.synthetic.scenes.base import Planted, Scene
from workbench.synthetic.scenes.liquid_scattering import LiquidScattering

__all__ = ["LiquidScattering", "Planted", "Scene"]
