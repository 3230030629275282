"""Recipes: the analyses that templates call, one module a measurement."""
