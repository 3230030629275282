"""Recipes: the analyses that templates call, one module a measurement."""

from workbench.recipes.azimuth import Azimuthal, azimuthal, legendre, window
from workbench.recipes.difference import Difference, DifferenceError, difference_curves

__all__ = [
    "Azimuthal",
    "Difference",
    "DifferenceError",
    "azimuthal",
    "difference_curves",
    "legendre",
    "window",
]
