"""Stored calibration to constants; a calibration tree, for each stretch of runs with its files."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from workbench.core.arrays import Array, Bools, Floats
from workbench.core.constants import Constants
from workbench.core.errors import InputError
from workbench.sources.calib_tree import (
    TYPES,
    CalibFile,
    CalibFileError,
    boundaries,
    calib_files,
    read_array,
    serving,
)
from workbench.sources.constants import Validity
from workbench.sources.geometry import read_geometry

GAIN_RANGES = {  # in the order of the first axis of the files
    "jungfrau": ("G0", "G1", "G2"),
    "epix10ka": ("FH", "FM", "FL", "AHL-H", "AML-M", "AHL-L", "AML-L"),
}
GAIN_UNITS = ("ADU/keV", "keV/ADU")
RANGED_TYPES = {"pedestals", "pixel_gain", "pixel_rms"}


@dataclass(frozen=True, eq=False)
class Stored:
    """What a store holds of one type for some runs.

    Parameters
    ----------
    place
        The file or document, for messages.
    name
        The same, short.
    values
        Its numbers; None of a geometry.
    position
        Pixel positions of a geometry; None of others.
    """

    place: str
    name: str
    values: Array | None = None
    position: tuple[Floats, Floats, Floats] | None = None


@dataclass(frozen=True)
class ImportRequest:
    """What to take from a calibration tree, or from psana's store.

    Parameters
    ----------
    root
        The folder ``calib``, or the experiment in psana's store.
    source
        Name of the detector there, such as "XppEndstation.0:Jungfrau.0".
    detector
        Its name in the raw runs, such as "jungfrau1M".
    gain_unit
        What ``pixel_gain`` holds, "ADU/keV" or "keV/ADU"; empty: as usual for detectors with gain
        ranges (ADU/keV), and refused for others, whose files hold either.
    only_range
        The one gain range to take; empty: all.
    """

    root: Path | str
    source: str
    detector: str
    gain_unit: str = ""
    only_range: str = ""

    def __post_init__(self) -> None:
        if self.gain_unit and self.gain_unit not in GAIN_UNITS:
            raise InputError(f"gain unit {self.gain_unit!r}: give one of {', '.join(GAIN_UNITS)}")

    @property
    def ranges(self) -> tuple[str, ...]:
        """Gain ranges of this kind of detector; empty where it has one."""
        plain = self.source.lower()
        return next((names for kind, names in GAIN_RANGES.items() if kind in plain), ())

    @property
    def lead(self) -> tuple[int, ...]:
        """First axis of the files: gain ranges, where there are several."""
        return (len(self.ranges),) if self.ranges else ()


def import_constants(request: ImportRequest) -> list[Validity]:
    """Read the constants of one source of a calibration tree for every run.

    Raises `CalibFileError` naming the file that cannot be used.
    """
    files = calib_files(Path(request.root), request.source)
    starts = boundaries(files)
    read: dict[Path, Stored] = {}
    entries: list[Validity] = []
    for start, after in zip(starts, (*starts[1:], None), strict=True):
        found = (serving(files, type_, start) for type_ in TYPES)
        chosen = {file.type: file for file in found if file is not None}
        for file in chosen.values():
            if file.path not in read:
                read[file.path] = _read(file)
        if chosen:
            made = assembled(request, {type_: read[file.path] for type_, file in chosen.items()})
            entries.append(Validity(made, start, None if after is None else after - 1))
    return entries


def assembled(request: ImportRequest, chosen: Mapping[str, Stored]) -> Constants:
    """Return the constants of a detector from what is stored, by type; geometry among them.

    Raises `CalibFileError` naming what does not belong to the rest.
    """
    arrays = {type_: one.values for type_, one in chosen.items() if one.values is not None}
    position = next((one.position for one in chosen.values() if one.position is not None), None)
    frame = _frame_shape(request, arrays, position)
    for type_, values in arrays.items():
        lead = () if type_ == "pixel_mask" else request.lead
        if values.size != int(np.prod((*lead, *frame))):
            raise CalibFileError(
                f"{chosen[type_].place}: its shape is {values.shape}, where the other files of "
                f"{request.source} make {(*lead, *frame)}; remove it or get it again"
            )
        arrays[type_] = values.reshape(*lead, *frame)
    pedestal = arrays.get("pedestals")
    if pedestal is not None and "pixel_offset" in arrays:
        pedestal = pedestal + arrays["pixel_offset"]
    used = ", ".join(one.name for one in chosen.values())
    constants = Constants(
        request.detector,
        pedestal,
        _gain(request, arrays.get("pixel_gain"), chosen),
        origin=f"{request.source}: {used}",
        noise=arrays.get("pixel_rms"),
        ranges=request.ranges if RANGED_TYPES & set(arrays) else (),
    )
    if position is not None:
        x, y, z = (axis.reshape(frame) for axis in position)
        constants = replace(constants, x=x, y=y, z=z)
    constants = replace(constants, good=_good(request, constants, arrays))
    return constants.in_range(request.only_range) if request.only_range else constants


def _read(file: CalibFile) -> Stored:
    name = f"{file.type}/{file.path.name}"
    if file.type == "geometry":
        return Stored(str(file.path), name, position=read_geometry(file.path).laboratory)
    return Stored(str(file.path), name, read_array(file.path))


def _frame_shape(
    request: ImportRequest,
    arrays: dict[str, Array],
    position: tuple[Floats, Floats, Floats] | None,
) -> tuple[int, ...]:
    """Return the shape of a frame; detectors of one segment have no axis for it."""
    lead = len(request.lead)
    for type_, values in arrays.items():
        shape = values.shape[0 if type_ == "pixel_mask" else lead :]
        if len(shape) in (2, 3):
            return shape[1:] if len(shape) == 3 and shape[0] == 1 and not lead else shape
    if position is None:
        raise CalibFileError(
            f"{request.root}: no file of {request.source} tells the shape of a frame; the header "
            "of a file states it as SHAPE"
        )
    return position[0].shape


def _gain(
    request: ImportRequest, values: Array | None, chosen: Mapping[str, Stored]
) -> Floats | None:
    """Return the gain [ADU/keV]."""
    if values is None:
        return None
    unit = request.gain_unit or (GAIN_UNITS[0] if request.ranges else "")
    if not unit:
        raise InputError(
            f"{chosen['pixel_gain'].place}: files of this type hold ADU/keV or keV/ADU; look at "
            f"its numbers and say which (median {np.median(values):.4g})"
        )
    with np.errstate(divide="ignore"):
        return values if unit == GAIN_UNITS[0] else 1 / values


def _good(request: ImportRequest, constants: Constants, arrays: dict[str, Array]) -> Bools | None:
    """Return pixels of status 0 in every range, unmasked, whose constants are usable numbers."""
    axes = tuple(range(len(request.lead)))
    tests = []
    if "pixel_status" in arrays:
        tests.append((arrays["pixel_status"] == 0).all(axis=axes))
    if "pixel_mask" in arrays:
        tests.append(arrays["pixel_mask"] != 0)
    if constants.pedestal is not None:
        tests.append(np.isfinite(constants.pedestal).all(axis=axes))
    if constants.noise is not None:
        tests.append(np.isfinite(constants.noise).all(axis=axes))
    if constants.gain is not None:
        usable = (constants.gain != 0) if request.ranges else (constants.gain > 0)
        tests.append((np.isfinite(constants.gain) & usable).all(axis=axes))
    return np.logical_and.reduce(tests) if tests else None
