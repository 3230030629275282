"""Changing values of a small-data file on disk, to make files with known faults; for tests only."""

from collections.abc import Generator, MutableMapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import h5py
import numpy as np

from workbench.core.arrays import Array, Ints
from workbench.core.errors import UnknownNameError
from workbench.smalldata.layout import ONCE_GROUPS, OWN_GROUPS, TIME_NAMES

_LINKS = ("DIMENSION_LIST", "REFERENCE_LIST", "CLASS", "NAME")  # attributes that HDF5 keeps itself


@contextmanager
def edit_file(path: Path) -> Generator["Editor"]:
    """Open a file to change it for the length of a ``with`` block; nothing else may hold it."""
    with h5py.File(path, "r+") as h5:
        yield Editor(h5)


def has_events(path: Path) -> bool:
    """Tell whether a file holds events; a part of a node that saw none does not."""
    with h5py.File(path) as h5:
        return any(name in h5 for name in TIME_NAMES)


class Editor:
    """An open file whose datasets can be written, renamed and removed."""

    def __init__(self, h5: h5py.File) -> None:
        self._h5 = h5
        self._time = next(name for name in TIME_NAMES if name in h5)
        self.n_events = len(h5[self._time])

    @property
    def names(self) -> tuple[str, ...]:
        """All datasets, sorted."""
        found: list[str] = []

        def note(name: str, item: h5py.HLObject) -> None:
            if isinstance(item, h5py.Dataset):
                found.append(name)

        self._h5.visititems(note)
        return tuple(sorted(found))

    @property
    def attributes(self) -> MutableMapping[str, object]:
        """The attributes of the file."""
        attributes: MutableMapping[str, object] = self._h5.attrs
        return attributes

    @property
    def events(self) -> tuple[str, ...]:
        """The datasets with one row per event."""
        return tuple(name for name in self.names if self._per_event(name))

    @property
    def time_name(self) -> str:
        """The dataset of time stamps."""
        return self._time

    @property
    def time_order(self) -> Ints:
        """Rows in the order of time, shape (event,)."""
        order: Ints = np.argsort(self._h5[self._time][:], kind="stable")
        return order

    def __contains__(self, name: str) -> bool:
        return name in self._h5

    def read(self, name: str) -> Array:
        """Return a whole dataset; `UnknownNameError` where the file does not hold it."""
        if name not in self._h5:
            raise UnknownNameError("dataset", name, self.events, self._h5.filename)
        values: Array = self._h5[name][()]
        return values

    def write(self, name: str, values: Array) -> None:
        """Write a whole dataset; one of another shape or type takes the place of the old one."""
        dataset = self._h5[name]
        if dataset.shape == values.shape and dataset.dtype == values.dtype:
            dataset[...] = values
            return
        kept = {key: value for key, value in dataset.attrs.items() if key not in _LINKS}
        grows = (None, *values.shape[1:])
        del self._h5[name]
        dataset = self._h5.create_dataset(
            name, data=values, maxshape=grows, chunks=_chunks(values.shape)
        )
        dataset.attrs.update(kept)

    def rename(self, old: str, new: str) -> None:
        """Give a dataset or a group another name."""
        self._h5.move(old, new)

    def remove(self, name: str) -> None:
        """Remove a dataset or a group."""
        del self._h5[name]

    def keep_rows(self, rows: Ints, names: Sequence[str] | None = None) -> None:
        """Write the chosen rows, in their order, of datasets (all of them if None).

        The flat datasets of ``var_`` groups follow the counts of their events.
        """
        chosen = self.events if names is None else names
        for name in chosen:
            if name.endswith("_len") and name.removesuffix("_len") in self._h5:
                self._keep_entries(name, rows)
        for name in chosen:
            self.write(name, self.read(name)[rows])

    def _keep_entries(self, lengths: str, rows: Ints) -> None:
        counts = np.maximum(self.read(lengths), 0)
        starts = np.cumsum(counts) - counts
        pieces = [np.arange(starts[row], starts[row] + counts[row]) for row in rows.tolist()]
        entries = np.concatenate([np.empty(0, np.int64), *pieces])
        group = self._h5[lengths.removesuffix("_len")]
        for leaf in group:
            name = f"{group.name.strip('/')}/{leaf}"
            self.write(name, self.read(name)[entries])

    def _per_event(self, name: str) -> bool:
        top, shape = name.split("/")[0], self._h5[name].shape
        inside = len(name.split("/")) > 1 and name.split("/")[-2].startswith("var_")
        kept = top in {*ONCE_GROUPS, *OWN_GROUPS} or inside
        return not kept and bool(shape) and shape[0] == self.n_events


def _chunks(shape: tuple[int, ...]) -> tuple[int, ...]:
    return (max(1, min(shape[0], 1024)), *(max(1, length) for length in shape[1:]))
