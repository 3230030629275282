"""Pixel maps of an image field: where each pixel lies, and which to use."""

from dataclasses import dataclass

import numpy as np

from workbench.core.arrays import Array
from workbench.core.bounds import Bounds
from workbench.smalldata.coordinates import axis_names, inner_shape, place_of
from workbench.smalldata.reader import SmallDataFile
from workbench.smalldata.settings import DetectorSettings, FunctionSettings, detector_settings

WHOLE = "full_area"  # whole frames, which are stored by no function
MAPS = {
    "x": ("um", "x of pixel centres in the laboratory frame"),
    "y": ("um", "y of pixel centres in the laboratory frame"),
    "z": ("um", "z of pixel centres in the laboratory frame"),
    "ix": ("pixel", "first index of each pixel in the assembled image"),
    "iy": ("pixel", "second index of each pixel in the assembled image"),
}


@dataclass(frozen=True)
class PixelMap:
    """One number per pixel of an image field.

    Parameters
    ----------
    name
        "x", "y", "z", "ix", "iy", or "good" (True = use).
    dims
        Axes of the field that it follows.
    values
        As stored, cut to the field's region.
    unit
        UDUNITS string.
    long_name
        One line for plots and tables.
    """

    name: str
    dims: tuple[str, ...]
    values: Array
    unit: str
    long_name: str


def pixel_maps(file: SmallDataFile, name: str) -> tuple[PixelMap, ...]:
    """Return places and mask of the pixels of an image field; empty for other fields.

    Regions get their part of the detector's maps; whole frames (``<det>/full_area``) and run sums
    (``Sums/<det>_<what>``) get all of them. The mask is the region's own, else the detector's; in
    either True means use, whatever the file's polarity.
    """
    info = file.info(name)
    shape = inner_shape(info)
    dims = axis_names(file, name)[-len(shape) :] if shape else ()
    settings, region = _source(file, name)
    if settings is None or not {"row", "col"} & set(dims):
        return ()
    bounds = region.bounds if region is not None else None
    maps = [
        PixelMap(key, dims, values, *MAPS[key])
        for key in MAPS
        if (values := _cut(settings, key, bounds, shape)) is not None
    ]
    good = _fitted(region.good, shape) if region is not None else None
    if good is None:
        stored = _cut(settings, "mask", bounds, shape)
        good = None if stored is None else stored != 0
    if good is not None:
        maps.append(PixelMap("good", dims, good, "1", "True: use this pixel"))
    return tuple(maps)


def _source(
    file: SmallDataFile, name: str
) -> tuple[DetectorSettings | None, FunctionSettings | None]:
    """Return the settings of the detector and of the region that a field comes from."""
    info = file.info(name)
    if info.name.startswith("Sums/"):
        leaf = info.name.removeprefix("Sums/")
        cuts = [leaf[:place] for place, sign in enumerate(leaf) if sign == "_"]
        for detector in reversed(cuts):
            settings = detector_settings(file, detector)
            if len(settings):
                return settings, None
        return None, None
    place = place_of(file, info)
    if place is None or place.function is None:
        return (place.detector if place is not None and place.leaf == WHOLE else None), None
    shown = place.function.kind == "roi" and place.leaf in {"area", ""}
    return (place.detector, place.function) if shown else (None, None)


def _cut(
    settings: DetectorSettings, key: str, bounds: Bounds | None, shape: tuple[int, ...]
) -> Array | None:
    """Return the field's part of one map of the whole detector; None where it does not fit."""
    if key not in settings:
        return None
    values = np.asarray(settings[key])
    if bounds is not None:
        if values.ndim < len(bounds.low):
            return None
        values = values[bounds.slices]
    return _fitted(values, shape)


def _fitted(values: Array | None, shape: tuple[int, ...]) -> Array | None:
    if values is None or values.squeeze().shape != tuple(n for n in shape if n != 1):
        return None
    return values.reshape(shape)
