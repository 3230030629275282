"""Regions of a detector: shapes, masks, beam centre, and tiles against the assembled picture."""

from workbench.regions.calibrants import (
    Calibrant,
    CalibrantError,
    Distance,
    assign_lines,
    calibrant,
    calibrant_names,
    distance_from_rings,
    read_calibrant,
)
from workbench.regions.centre import (
    CentreFit,
    RingError,
    RingPoints,
    find_ring,
    fit_centre,
    fit_rings,
    fit_steady,
)
from workbench.regions.geometry import CONFIG_KEYS, DetectorGeometry, GeometryInputError
from workbench.regions.layout import ConfigRegion, Layout, LayoutError
from workbench.regions.mask_files import MaskFileError, Polarity, check_mask, read_mask
from workbench.regions.masks import (
    bad_fraction,
    between,
    edges,
    from_status,
    grown,
    inner_edges,
    inside,
    propose,
    shrunk,
)
from workbench.regions.outline import border
from workbench.regions.places import pixel_places
from workbench.regions.poni import Poni, PoniError, parse_poni, poni_text, read_poni, write_poni
from workbench.regions.refinement import RefinedGeometry, find_arc, refine, refine_on_picture
from workbench.regions.ring_search import find_centre
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
    "Calibrant",
    "CalibrantError",
    "CentreFit",
    "Circle",
    "ConfigRegion",
    "DetectorGeometry",
    "Distance",
    "GeometryInputError",
    "Layout",
    "LayoutError",
    "MaskFileError",
    "Polarity",
    "Polygon",
    "Poni",
    "PoniError",
    "Rectangle",
    "RefinedGeometry",
    "Region",
    "RegionError",
    "Ring",
    "RingError",
    "RingPoints",
    "assign_lines",
    "bad_fraction",
    "between",
    "border",
    "calibrant",
    "calibrant_names",
    "check_mask",
    "distance_from_rings",
    "edges",
    "find_arc",
    "find_centre",
    "find_ring",
    "fit_centre",
    "fit_rings",
    "fit_steady",
    "from_status",
    "grown",
    "inner_edges",
    "inside",
    "parse_poni",
    "pixel_places",
    "poni_text",
    "propose",
    "read_calibrant",
    "read_mask",
    "read_poni",
    "refine",
    "refine_on_picture",
    "region_from_dict",
    "scattering_vector",
    "shrunk",
    "two_theta",
    "write_poni",
]
