"""Whole apps in a browser page, served by Panel."""
