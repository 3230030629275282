"""Many TIFF files of one detector, whoever wrote them, packed into one HDF5 file, without loss."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from workbench.core.atomic import appearing, make_folder
from workbench.core.errors import InputError
from workbench.smalldata.exports.tiff_packing import described_pages

TEXT = h5py.string_dtype()


def pack_hdf5(files: Sequence[Path], target: Path) -> int:
    """Write all pages of TIFF files into one HDF5 file, in the order given; return their number.

    `pictures` (page, row, column) has their pixels, in their type and with their unit where all
    name the same one; a chunk is one picture, compressed by shuffle and deflate, which every
    program reads. `file` (page,) has the name of each page's file and `description` (page,) what
    it says of itself, as JSON. The target appears whole; an older one is replaced, the files stay.

    Raises
    ------
    InputError
        Without files, for one that is no TIFF, and where pages differ in size or type.
    """
    if not files:
        raise InputError(f"no TIFF files to pack into {target}: name at least one")
    make_folder(target.parent)
    names: list[str] = []
    descriptions: list[str] = []
    units: set[object] = set()
    with appearing(target) as place, h5py.File(place, "w") as h5:
        pictures: h5py.Dataset | None = None
        for path, told, pixels in described_pages(files):
            if pictures is None:
                pictures = _like(h5, pixels)
            if (pictures.shape[1:], pictures.dtype) != (pixels.shape, pixels.dtype):
                raise InputError(
                    f"cannot pack {path} into {target}: its pictures are {_kind(pixels)}, those "
                    f"before it {_kind(pictures[0])}; pack those of one detector at a time"
                )
            pictures.resize(len(names) + 1, axis=0)
            pictures[len(names)] = pixels
            names.append(path.name)
            descriptions.append(json.dumps(told))
            units.add(told.get("unit"))
        if pictures is not None and len(units) == 1 and isinstance(unit := units.pop(), str):
            pictures.attrs["units"] = unit
        h5.create_dataset("file", data=names, dtype=TEXT)
        h5.create_dataset("description", data=descriptions, dtype=TEXT)
    return len(names)


def _like(h5: h5py.File, pixels: np.ndarray[Any, Any]) -> h5py.Dataset:
    """Make the data set for pictures of this size and type."""
    return h5.create_dataset(
        "pictures", (0, *pixels.shape), pixels.dtype, maxshape=(None, *pixels.shape),
        chunks=(1, *pixels.shape), shuffle=True, compression="gzip", compression_opts=1,
    )  # fmt: skip


def _kind(pixels: np.ndarray[Any, Any]) -> str:
    return f"{' x '.join(map(str, pixels.shape))} {pixels.dtype}"
