"""Files whose data lie in part files: which parts are there, and reading around absent datasets."""

from pathlib import Path

import h5py
import numpy as np

from workbench.core.arrays import Array


def missing_parts(dataset: h5py.Dataset, folder: Path) -> list[str]:
    """Return the part files of a dataset that are not there, sorted."""
    if not dataset.is_virtual:
        return []
    sources = {source.file_name for source in dataset.virtual_sources()} - {"."}
    return sorted(source for source in sources if not _place(source, folder).exists())


def read_virtual(dataset: h5py.Dataset, folder: Path) -> Array:
    """Return a virtual dataset, with its fill value where a part never had the dataset.

    HDF5 does so itself unless the part lacks the whole folder: then it refuses to read at all.
    """
    values = np.full(dataset.shape, dataset.fillvalue, dtype=dataset.dtype)
    for source in dataset.virtual_sources():
        low, high = source.vspace.get_select_bounds()
        with h5py.File(_place(source.file_name, folder), "r") as part:
            if source.dset_name in part:
                values[low[0] : high[0] + 1] = part[source.dset_name][:]
    return values


def _place(source: str, folder: Path) -> Path:
    # As HDF5 looks: for the path as written, then for the same name beside the file.
    return folder / source if (folder / source).exists() else folder / Path(source).name
