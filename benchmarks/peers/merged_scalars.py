"""Loads every scalar of a small-data file into one Dataset, field by field, as is done today."""

import h5py
import numpy as np
import xarray as xr


def load_by_merge(path: str) -> xr.Dataset:
    """Return all columns with one value per event, each merged into what is there already."""
    with h5py.File(path) as h5:
        key = next(key for key in ("timestamp", "event_time") if key in h5)
        events = len(h5[key])
        times = h5[key][:].astype("i8")
        index = ((times >> 32) * 1_000_000_000 + (times & 0xFFFFFFFF)).astype("M8[ns]")
        names: list[str] = []
        h5.visititems(lambda name, item: names.append(name) if _fits(item, events) else None)
        dataset = xr.Dataset(coords={"time": index})
        for name in names:
            column = xr.DataArray(h5[name][:], dims="time", coords={"time": index})
            dataset = xr.merge(
                [dataset, column.to_dataset(name=name.replace("/", "__"))], join="outer",
                compat="no_conflicts",
            )  # fmt: skip
    return dataset


def _fits(item: h5py.HLObject, events: int) -> bool:
    return isinstance(item, h5py.Dataset) and item.shape == (events,) and item.dtype != np.object_
