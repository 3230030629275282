"""Where the beam meets a picture, and how far the sample is: typed, found on rings, kept as .poni.

Between the picture's rows and columns, pyFAI's numbers, and what producer configs write.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from workbench.core.arrays import Bools, Floats
from workbench.reductions import Azimuthal
from workbench.regions import (
    Calibrant,
    CentreFit,
    DetectorGeometry,
    Poni,
    RefinedGeometry,
    RingPoints,
    calibrant,
    find_centre,
    fit_rings,
    read_calibrant,
    read_poni,
    refine_on_picture,
    write_poni,
)
from workbench.widgets.models.model import RegionModel
from workbench.widgets.models.picture import Picture
from workbench.widgets.models.profiles import azav_of, place_of
from workbench.widgets.models.state import BeamError

Centre = tuple[float, float]
SAME = 1e-3  # part by which the pixels of a .poni file may differ from the picture's


def pixel_of(picture: Picture) -> float | None:
    """Return the side of a pixel of the assembled picture [um]; None where not known."""
    if picture.x is None or picture.y is None:
        return None
    size = float(max(picture.shape))
    first, last = place_of(picture, (0.0, 0.0)), place_of(picture, (size, size))
    return float(np.hypot(last[0] - first[0], last[1] - first[1]) / (size * np.sqrt(2)))


def placed(picture: Picture, pixel: float | None) -> Picture:
    """Return a picture whose pixels have positions: its own, or those of a regular grid.

    Raises `BeamError` where neither is known.

    Parameters
    ----------
    picture
        Of any detector.
    pixel
        Side of a pixel [um], for a picture of one tile that comes without positions.
    """
    if picture.x is not None:
        return picture
    if pixel is None or picture.frame.ndim != 2:
        raise BeamError(
            f"{picture.detector}: it is not known where its pixels are ({picture.origin}): "
            + ("type the pixel size" if picture.frame.ndim == 2 else "give constants with geometry")
        )
    x, y = (-pixel * (at.astype(np.float64) + 0.5) for at in
            (picture.layout.cols, picture.layout.rows))  # fmt: skip
    return replace(picture, x=x, y=y, z=np.zeros(x.shape))


def geometry_of(model: RegionModel) -> DetectorGeometry:
    """Return the geometry of a model's beam; `BeamError` names what it lacks."""
    centre, beam = model.state.centre, model.state.beam
    missing = [name for name, value in (("distance [mm]", beam.distance),
               ("energy [keV]", beam.energy)) if value is None]  # fmt: skip
    if centre is None:
        missing.insert(0, "beam centre")
    if centre is None or beam.distance is None or beam.energy is None:
        raise BeamError(f"type the {' and the '.join(missing)} first, or load a .poni file")
    picture = placed(model.picture, beam.pixel)
    pixel, corner = pixel_of(picture), place_of(picture, (0.0, 0.0))
    assert pixel is not None
    return DetectorGeometry.from_beam(
        centre, distance=beam.distance, energy=beam.energy, pixel=pixel, tilt=beam.tilt,
        shape=picture.shape, corner=(-corner[1], -corner[0]),  # psana's image frame
    )  # fmt: skip


def take_geometry(model: RegionModel, geometry: DetectorGeometry) -> None:
    """Let a model's beam be that of a geometry, as one change."""
    energy = model.state.beam.energy if geometry.poni.wavelength is None else geometry.energy
    beam = replace(model.state.beam, distance=geometry.distance, energy=energy, tilt=geometry.tilts)
    model.set_beam(geometry.centre, beam)


def azav_values(model: RegionModel) -> dict[str, Any]:
    """Return what the azimuthal entry of a config says of a model's beam, for `plan_azav`.

    Rounded to 0.01 um, 1 um, 1e-5 deg and 0.01 eV: less than a hundredth of any pixel.
    """
    found = geometry_of(model).config_parameters()
    digits = {"dis_to_sam": 3, "tx": 5, "ty": 5, "eBeam": 5}
    rounded = {name: round(float(found[name]), count) for name, count in digits.items()}
    return {"center": [round(float(at), 2) for at in found["center"]], **rounded}


def azav_drawn(model: RegionModel, *, with_mask: bool = True, **bins: Any) -> Azimuthal:
    """Return the azimuthal average of a model's beam, as a production of `plan_centre` makes it.

    Parameters
    ----------
    model
        With beam and mask.
    with_mask
        Take out what the model's mask takes out.
    bins
        Other keys of the entry: ``qbin`` [1/angstrom], ``phiBins``, ...
    """
    picture = placed(model.picture, model.state.beam.pixel)
    good = model.good if with_mask else None
    return azav_of(picture, {**azav_values(model), **bins}, good=good)


def load_poni(model: RegionModel, path: Path) -> None:
    """Let a model's beam be that of a .poni file; `BeamError` where it is of another detector."""
    poni = read_poni(path)
    known = pixel_of(model.picture)
    problem = _misfit(poni, model.picture.shape, known)
    if problem:
        raise BeamError(f"{path}: {problem}; take one made for {model.picture.detector}")
    if known is None:
        beam = replace(model.state.beam, pixel=poni.pixel1 * 1e6)
        model.set_beam(model.state.centre, beam)
    take_geometry(model, DetectorGeometry.from_poni(poni))


def save_poni(model: RegionModel, path: Path) -> None:
    """Write a model's beam as a .poni file, for the assembled picture."""
    picture = model.picture
    notes = {"detector": picture.detector, "picture": picture.origin,
             "for": "the assembled picture, (row, col)"}  # fmt: skip
    write_poni(path, geometry_of(model).poni, notes)


def usable(model: RegionModel) -> tuple[Floats, Bools]:
    """Return the assembled picture and which of its pixels may be used, both (row, col).

    For fits to rings. A pixel may be used that no mask takes out and that has a value.
    """
    picture = model.picture
    return picture.image, picture.layout.on_picture(model.used) & np.isfinite(picture.image)


def centre_by_itself(model: RegionModel) -> CentreFit:
    """Find the rings of the picture without a guess; the model takes their centre."""
    return _taken(model, find_centre(*usable(model)))


def centre_of_points(model: RegionModel) -> CentreFit:
    """Fit a circle to the points that were picked on one ring; the model takes its centre."""
    points = np.array(model.state.points, np.float64).reshape(-1, 2)
    return _taken(model, fit_rings([RingPoints(points[:, 0], points[:, 1])]))


def named_calibrant(name: str) -> Calibrant:
    """Return a calibrant by pyFAI's name, or from a ``.D`` file."""
    return read_calibrant(Path(name)) if name.endswith(".D") else calibrant(name)


def refined(
    model: RegionModel, substance: Calibrant, *, width: float, free: Sequence[str]
) -> RefinedGeometry:
    """Fit centre, distance, tilts to the rings of a calibrant; the model takes them.

    Parameters
    ----------
    model
        With a beam that is nearly right.
    substance
        Whose rings they are.
    width
        Of the band around each expected ring that is searched [pixel].
    free
        Of "centre", "distance", "tilts".
    """
    found = refine_on_picture(*usable(model), substance, geometry_of(model), width=width, free=free)
    take_geometry(model, found.geometry)
    return found


def expected_rings(model: RegionModel, substance: Calibrant) -> tuple[Floats, ...]:
    """Return the rings of a calibrant that the picture should show: lines of (row, col) [pixel]."""
    geometry = geometry_of(model)
    height, width = model.picture.shape
    lines = []
    for angle in substance.angles(geometry.energy):
        line = np.stack(geometry.ring(float(angle)), axis=1)
        inside = (line >= 0).all(axis=1) & (line[:, 0] <= height) & (line[:, 1] <= width)
        if inside.any():
            lines.append(np.where(inside[:, np.newaxis], line, np.nan))
    return tuple(lines)


def _taken(model: RegionModel, fit: CentreFit) -> CentreFit:
    model.set_centre((fit.row, fit.col))
    return fit


def _misfit(poni: Poni, shape: tuple[int, int], pixel: float | None) -> str:
    if poni.shape is not None and poni.shape != shape:
        return f"it is for pictures of {poni.shape} pixels, this one has {shape}"
    if abs(poni.pixel1 - poni.pixel2) > SAME * poni.pixel1:
        return "its pixels are not square"
    if pixel is not None and abs(poni.pixel1 * 1e6 - pixel) > SAME * pixel:
        return f"its pixels are {poni.pixel1 * 1e6:g} um, those of this picture {pixel:g} um"
    return ""
