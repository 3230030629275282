"""Regions of a detector: shapes, masks, beam centre, and tiles against the assembled picture."""

from workbench.regions.centre import (
    CentreFit,
    RingError,
    RingPoints,
    find_ring,
    fit_centre,
    fit_rings,
)
from workbench.regions.geometry import CONFIG_KEYS, DetectorGeometry, GeometryInputError
from workbench.regions.layout import ConfigRegion, Layout, LayoutError
from workbench.regions.masks import bad_fraction, between, edges, grown, propose
from workbench.regions.places import pixel_places
from workbench.regions.poni import Poni, PoniError, parse_poni, poni_text, read_poni, write_poni
from workbench.regions.scattering import HC, scattering_vector, two_theta
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
    "CONFIG_KEYS",
    "HC",
    "Box",
    "CentreFit",
    "Circle",
    "ConfigRegion",
    "DetectorGeometry",
    "GeometryInputError",
    "Layout",
    "LayoutError",
    "Polygon",
    "Poni",
    "PoniError",
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
    "parse_poni",
    "pixel_places",
    "poni_text",
    "propose",
    "read_poni",
    "region_from_dict",
    "scattering_vector",
    "two_theta",
    "write_poni",
]
