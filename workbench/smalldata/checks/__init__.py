"""Checks of one small-data file: order, columns, values, detectors, flags, record."""
