"""Scenes: measurements other than the pump-probe one, put into its made-up small data."""

from workbench.synthetic.scenes.base import Planted, Scene

__all__ = ["Planted", "Scene"]
