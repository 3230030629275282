"""The azimuthal average that a beam centre would give, by the producer's own reduction."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from workbench.core.arrays import Bools, Floats
from workbench.producer.azimuthal_entries import read_azav
from workbench.producer.entries import DetectorFacts
from workbench.producer.pyfai_entries import read_azav_pyfai
from workbench.reductions import Azimuthal, Integration
from workbench.widgets.models.picture import Picture, PictureError

PIXELS = 20_000  # that are enough to tell how positions follow rows and columns


@dataclass(frozen=True, eq=False)
class Profile:
    """Azimuthal average of a picture.

    Parameters
    ----------
    q
        Centres of the bins [1/angstrom], shape (q,).
    phi
        Centres of the sectors [rad], shape (phi,).
    values
        Mean signal, NaN in bins without pixels, shape (phi, q).
    unit
        Of the values.
    """

    q: Floats
    phi: Floats
    values: Floats
    unit: str


def place_of(picture: Picture, centre: tuple[float, float]) -> tuple[float, float]:
    """Return x, y [um] in the frame of the picture's pixels of a place (row, col) [pixel].

    The place may lie beside the detector: positions are taken as linear in row and column.
    """
    x, y, _ = _positions(picture)
    known = np.flatnonzero(np.isfinite(x.ravel() + y.ravel()))
    some = known[:: max(1, len(known) // PIXELS)]
    rows, cols = (at.ravel()[some] + 0.5 for at in (picture.layout.rows, picture.layout.cols))
    matrix = np.stack([np.ones(len(some)), rows, cols], axis=1)
    at = np.array([1.0, *centre])
    fits = (np.linalg.lstsq(matrix, axis.ravel()[some], rcond=None)[0] for axis in (x, y))
    found_x, found_y = (float(at @ fit) for fit in fits)
    return found_x, found_y


def azav_of(picture: Picture, values: Mapping[str, Any], *, good: Bools | None = None) -> Azimuthal:
    """Return the reduction that a production makes of an entry of ``get_azav``, to the last bit.

    Raises `PictureError` where the positions of the pixels are not known, `producer.EntryError`
    where a production would skip the entry.

    Parameters
    ----------
    picture
        With the positions of its pixels.
    values
        The entry as the config has it: ``center``, ``dis_to_sam``, ``eBeam``, ...
    good
        Its mask, shape of a frame, True = use; None: as in `values`.
    """
    given = dict(values) if good is None else {**values, "userMask": good}
    recipe = read_azav(given)[1]
    facts = DetectorFacts(picture.detector, 0, picture.spec, known=_positions(picture))
    return recipe.build(facts)


def integration_of(
    picture: Picture,
    values: Mapping[str, Any],
    *,
    good: Bools | None = None,
    folder: Path | None = None,
) -> Integration:
    """Return the reduction that a production makes of an entry of ``get_azav_pyfai``.

    Raises `producer.EntryError` where a production would skip the entry.

    Parameters
    ----------
    picture
        Of the detector.
    values
        The entry as the config has it: ``poni_file``, ``npts``, ``int_units``, ...
    good
        Its mask, shape of a frame, True = use; None: as in `values`.
    folder
        Of the config: a relative ``poni_file`` begins there; None: in the working folder.
    """
    given = {key: str(one) if isinstance(one, Path) else one for key, one in values.items()}
    given |= {} if good is None else {"userMask": good}
    known = None if picture.x is None else _positions(picture)
    facts = DetectorFacts(picture.detector, 0, picture.spec, folder=folder, known=known)
    return read_azav_pyfai(given)[1].build(facts)


def profile(picture: Picture, reduction: Azimuthal) -> Profile:
    """Return what an azimuthal reduction gives on a picture; over events use `signal`."""
    values = reduction.reduce(picture.frame[np.newaxis], picture.spec)["azav"][0]
    shaped = np.asarray(values, np.float64).reshape(reduction.bins)
    return Profile(reduction.radial, reduction.phi, shaped, picture.unit)


def _positions(picture: Picture) -> tuple[Floats, Floats, Floats]:
    if picture.x is None or picture.y is None or picture.z is None:
        raise PictureError(
            f"it is not known where the pixels of {picture.detector} are ({picture.origin}): give "
            "a file of constants with its geometry"
        )
    return picture.x, picture.y, picture.z
