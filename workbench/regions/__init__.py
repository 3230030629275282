"""Regions of a detector: shapes, masks, beam centre, and tiles against the assembled picture."""

from workbench.regions.centre import (
    CentreFit,
    RingError,
    RingPoints,
    find_ring,
    fit_centre,
    fit_rings,
)
from workbench.regions.layout import ConfigRegion, Layout, LayoutError
from workbench.regions.masks import bad_fraction, between, edges, grown, propose
from workbench.regions.places import pixel_places
from workbench.regions.shapes import (
    Box,
    Circle,
    Polygon,
    Rectangle,
    Region,
    RegionError,
    Ring,
    region_from_dict,
)

__all__ = [
    "Box",
    "CentreFit",
    "Circle",
    "ConfigRegion",
    "Layout",
    "LayoutError",
    "Polygon",
    "Rectangle",
    "Region",
    "RegionError",
    "Ring",
    "RingError",
    "RingPoints",
    "bad_fraction",
    "between",
    "edges",
    "find_ring",
    "fit_centre",
    "fit_rings",
    "grown",
    "pixel_places",
    "propose",
    "region_from_dict",
]
