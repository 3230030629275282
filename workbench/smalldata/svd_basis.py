"""Reference shapes of waveforms, as ``make_waveform_basis`` of the facility stores them."""

from pathlib import Path
from typing import Any

import h5py
import numpy as np

from workbench.core.errors import InputError
from workbench.reductions.svd import Basis
from workbench.smalldata.opening import open_hdf5

BACKGROUND = ("background_index", "background_roi")  # its name has changed


def read_svd_basis(path: Path) -> Basis:
    """Return the shapes in a basis file: ``components``, ``roi``, background and ``channel``.

    Raises `InputError` where one of them is missing or makes no sense.
    """
    with open_hdf5(path) as file:
        values = {name: _value(file, name) for name in ("components", "roi", "channel")}
        background = next((_value(file, name) for name in BACKGROUND if name in file), None)
    shapes = values["components"]
    if shapes is None or shapes.ndim != 2 or shapes.dtype.kind not in "fiu":
        raise InputError(f"{path}: needs `components` of shape (shape, sample); make it again")
    roi, first = _whole(values["roi"]), _whole(background)
    samples = (0, shapes.shape[1]) if not roi else (roi[0], min(roi[-1], roi[0] + shapes.shape[1]))
    if len(roi) not in {0, 2} or len(first) > 2 or first[:-1] not in ([], [0]):
        raise InputError(
            f"{path}: `roi` {roi} must be [first, last) and the background {first} the number of "
            "samples at the beginning; make it again"
        )
    channel = _whole(values["channel"])
    return Basis(
        shapes.astype(np.float64),
        samples,
        first[-1] if first else 0,
        channel[0] if channel else None,
    )


def _value(file: h5py.File, name: str) -> Any:
    if name not in file or not isinstance(file[name], h5py.Dataset) or file[name].shape is None:
        return None
    return np.asarray(file[name][()])


def _whole(value: Any) -> list[int]:
    """Return whole numbers; none where the value is missing or, as a text, says so."""
    if value is None or value.dtype.kind not in "iuf":
        return []
    return [int(one) for one in value.reshape(-1).tolist()]
