"""Coordinates of a field's axes: q and phi of azimuthal averages, rows and columns of regions."""

from dataclasses import dataclass

import numpy as np

from workbench.core.arrays import Array
from workbench.smalldata.axes import plain_dims
from workbench.smalldata.fields import FieldInfo
from workbench.smalldata.function_axes import (
    Axis,
    Coordinate,
    azimuth,
    azimuthal,
    radial,
    region,
)
from workbench.smalldata.layout import ONCE_GROUPS
from workbench.smalldata.missing import missing_rows
from workbench.smalldata.reader import SmallDataFile
from workbench.smalldata.settings import DetectorSettings, FunctionSettings, detector_settings

__all__ = ["Coordinate", "axis_names", "coordinates", "inner_shape", "place_of"]

ROWS = ("event", "ragged", "intg")
SEARCH_ROWS = 256  # events looked at together for the first with a stored axis


@dataclass(frozen=True)
class Place:
    """Which detector and function a dataset comes from.

    Parameters
    ----------
    detector
        Settings of the detector; empty where the file holds none.
    function
        Settings of the function; None where the file holds none.
    prefix
        Path up to and with the function's name and its underscore.
    leaf
        What follows.
    """

    detector: DetectorSettings
    function: FunctionSettings | None
    prefix: str
    leaf: str


def axis_names(file: SmallDataFile, name: str) -> tuple[str, ...]:
    """Return the name of every axis of a dataset, "event" first where it has one row per event.

    Axes that nobody knows have plain names (`workbench.smalldata.axes.plain_dims`).
    """
    info = file.info(name)
    return plain_dims(info, tuple(axis.dim for axis in _axes(file, info)))


def coordinates(file: SmallDataFile, name: str) -> tuple[Coordinate, ...]:
    """Return what is known of a dataset's axes, apart from the event axis.

    From the file's own dimension scales, else from ``UserDataCfg``: q and phi of azimuthal
    averages, rows, columns and tiles of regions and their projections, values of spectra.
    """
    found = (axis.coordinate for axis in _axes(file, file.info(name)))
    return tuple(coordinate for coordinate in found if coordinate is not None)


def inner_shape(info: FieldInfo) -> tuple[int, ...]:
    """Return the shape of one event, entry or frame of a dataset."""
    return info.shape[1:] if info.kind in ROWS else info.shape


def place_of(file: SmallDataFile, info: FieldInfo) -> Place | None:
    """Return which function of which detector wrote a dataset; None where the path says none."""
    folder, _, leaf = info.name.rpartition("/")
    detector = folder.rpartition("/")[2]
    if not detector or folder.split("/")[0] in ONCE_GROUPS or info.kind == "ragged":
        return None
    settings = detector_settings(file, detector)
    fitting = (name for name in settings.functions if leaf == name or leaf.startswith(f"{name}_"))
    name = max(fitting, key=len, default="")
    if not name:
        return Place(settings, None, info.name.removesuffix(leaf), leaf)
    rest = leaf[len(name) + 1 :]
    return Place(settings, settings.functions[name], info.name.removesuffix(rest), rest)


def _axes(file: SmallDataFile, info: FieldInfo) -> tuple[Axis, ...]:
    shape = inner_shape(info)
    if not shape:
        return ()
    scales = file.scales(info.name)[-len(shape) :]
    labels = (info.dims or ("",) * len(info.shape))[-len(shape) :]
    known = () if all(scales) else _written(file, info, shape)
    if not known:
        plain = plain_dims(info, _special(info, shape))[len(info.shape) - len(shape) :]
        known = tuple(Axis(dim) for dim in plain)
    named = zip(labels, scales, known, strict=True)
    return tuple(_axis(file, label, scale, other) for label, scale, other in named)


def _axis(file: SmallDataFile, label: str, scale: str, known: Axis) -> Axis:
    """Return an axis as its writer named it, with the values of its dimension scale.

    Without a scale the settings of the function fill in the values, where they mean the same axis.
    """
    if scale:
        dim = label or scale.rsplit("/", 1)[-1]
        return Axis(dim, _scale(file, scale, dim))
    return known if label in {"", known.dim} else Axis(label)


def _scale(file: SmallDataFile, scale: str, dim: str) -> Coordinate:
    info = file.info(scale)
    return Coordinate(dim, file.read(scale), info.unit, info.long_name or dim)


def _written(file: SmallDataFile, info: FieldInfo, shape: tuple[int, ...]) -> tuple[Axis, ...]:
    """Return axes as the function that wrote the dataset was set to."""
    place = place_of(file, info)
    if place is None:
        return ()
    function = place.function
    if function is not None and function.kind == "azav":
        return azimuthal(function, shape) or ()
    if function is not None and function.kind == "roi":
        return region(function, place.leaf, shape) or ()
    if function is not None and function.kind == "pyfai":
        unit = str(function.get("int_units", ""))
        return _integrated(file, place.prefix, place.leaf, shape, unit)
    if info.name.endswith(("_azav", "_q", "_az")) and f"{_stem(info.name)}_q" in file:
        stem = f"{_stem(info.name)}_"
        return _integrated(file, stem, info.name.removeprefix(stem), shape, "")
    if info.name.endswith("_azav") and len(shape) <= 2:
        return tuple(Axis(dim) for dim in ("phi", "q")[-len(shape) :])
    return ()


def _integrated(
    file: SmallDataFile, prefix: str, leaf: str, shape: tuple[int, ...], unit: str
) -> tuple[Axis, ...]:
    """Return axes of pyFAI's results; it stores them again in every event."""
    if leaf == "az" and len(shape) == 1:
        return (azimuth(_repeated(file, f"{prefix}az", shape[0])),)
    if len(shape) == 1:
        return (radial(unit, _repeated(file, f"{prefix}q", shape[0])),)
    if len(shape) == 2:
        return (
            azimuth(_repeated(file, f"{prefix}az", shape[0])),
            radial(unit, _repeated(file, f"{prefix}q", shape[1])),
        )
    return ()


def _repeated(file: SmallDataFile, name: str, length: int) -> Array | None:
    """Return the first measured row of an axis that is stored in every event."""
    if name not in file or file.info(name).shape[1:] != (length,):
        return None
    for first in range(0, file.info(name).shape[0], SEARCH_ROWS):
        rows = file.read(name, slice(first, first + SEARCH_ROWS))
        # LCLS-II fills the time before a detector appeared with zeros.
        filled = ~missing_rows(rows) & rows.any(axis=1)
        if filled.any():
            values: Array = rows[int(np.argmax(filled))]
            return values
    return None


def _special(info: FieldInfo, shape: tuple[int, ...]) -> tuple[str, ...]:
    """Return names of axes that follow from the dataset's own name."""
    if len(shape) == 2 and info.name.endswith(("_img", "/img")):
        return "image_row", "image_col"
    return ("code",) if info.name == "timing/eventcodes" else ()


def _stem(name: str) -> str:
    return name.rpartition("_")[0]
