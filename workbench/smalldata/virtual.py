"""Files whose data lie in part files: where the parts are, and reading from them directly.

HDF5 itself reads such files in ways that mislead: a part that is not there, or cannot be opened,
reads as fill values; which file a relative name means depends on the current folder; a part that
never had a dataset is as long as its time stamps, in whatever dataset. So parts are read here,
one by one.
"""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from workbench.core.arrays import Array
from workbench.smalldata.layout import INTEGRATING_TIME
from workbench.smalldata.missing import sentinel
from workbench.smalldata.opening import DamagedFileError, MissingPartsError, open_hdf5

WIDER = "int32"  # 8 bits hold no mark of a missing value
ALL = (0, 0)  # rows of a source that the master takes whole, however many they are


@dataclass(frozen=True)
class Piece:
    """A range of rows of a virtual dataset and where they are.

    Parameters
    ----------
    first, last
        Rows of the virtual dataset, half open.
    file
        Name of the part file as written in the master.
    name
        Dataset in the part.
    start
        Row of the part that holds row `first`.
    """

    first: int
    last: int
    file: str
    name: str
    start: int


def part_names(properties: h5py.h5p.PropDCID) -> set[str]:
    """Return the files that a dataset created with these properties has its values in, but it."""
    if properties.get_layout() != h5py.h5d.VIRTUAL:
        return set()
    count = properties.get_virtual_count()
    return {properties.get_virtual_filename(index) for index in range(count)} - {"."}


def up_to(dataset: h5py.Dataset, rows: int) -> Array:
    """Return so many rows of a dataset that grows; those not written yet are marked as missing."""
    there = min(rows, len(dataset))
    values = _missing(dataset, rows)
    values[:there] = dataset[:there]
    return values


def as_text(values: Array) -> Array:
    """Return texts as str, as read from HDF5 in bytes or already decoded."""
    texts = [
        text.decode("utf-8", "replace") if isinstance(text, bytes) else text
        for text in values.ravel()
    ]
    decoded = np.empty(values.shape, dtype=object)
    decoded.ravel()[:] = texts
    return decoded


class Parts:
    """The part files of one master: found beside it or where it says, opened when needed.

    A part beside the master counts first: a folder that was copied is read from the copy.

    Parameters
    ----------
    master
        The file that names the parts.
    """

    def __init__(self, master: Path) -> None:
        self._master = master
        self._open: dict[str, h5py.File] = {}
        self._stack = ExitStack()

    def __enter__(self) -> "Parts":
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def require(self, names: set[str]) -> None:
        """Raise `MissingPartsError` with the names of the parts that are not there."""
        lacking = sorted(name for name in names if self._place(name) is None)
        if lacking:
            raise MissingPartsError(
                f"{self._master}: its data lie in part files that are not there: "
                f"{', '.join(lacking)}; copy them into the same folder"
            )

    def open_all(self, names: frozenset[str]) -> None:
        """Open all these parts; raises what `open_hdf5` raises for the first that cannot be."""
        self.require(set(names))
        for name in sorted(names):
            self._file(name)

    def read(self, dataset: h5py.Dataset, rows: slice) -> Array:
        """Return rows of a virtual dataset; those that no part has are marked as missing."""
        self.require(part_names(dataset.id.get_create_plist()))
        pieces = _pieces(dataset)
        if pieces is None:  # a mapping that no LCLS writer makes: HDF5 knows how
            values: Array = dataset[rows]
            return values
        first, last, step = rows.indices(len(dataset))
        found = _missing(dataset, max(0, last - first), self.type_of(dataset))
        for piece in pieces:
            low, high = max(piece.first, first), min(piece.last, last)
            if low < high:
                part = self._dataset(piece, dataset)
                if part is not None:
                    start = piece.start + low - piece.first
                    found[low - first : high - first] = part[start : start + high - low]
        return found[::step]

    def type_of(self, dataset: h5py.Dataset) -> np.dtype[Any]:
        """Return the type in which `read` gives a virtual dataset.

        The file's own, but for 8-bit integers that some part never had: what stands for the missing
        rows there, -128 or 0, is a value like others, so they are given in 32 bits.
        """
        kind: np.dtype[Any] = dataset.dtype
        if kind.kind in "iu" and sentinel(kind) is None:
            pieces = _pieces(dataset) or ()
            if any(self._dataset(piece, dataset) is None for piece in pieces):
                return np.dtype(WIDER)
        return kind

    def frames(self, dataset: h5py.Dataset, clock: h5py.Dataset, rows: slice) -> Array:
        """Return rows of a dataset with its own time axis, which each part has in its length.

        Parameters
        ----------
        dataset
            The virtual dataset, longer than its data where a part never had it.
        clock
            The master's event time stamps, whose parts are all parts.
        rows
            Rows counted without that filler.
        """
        name, given = dataset.name, self.type_of_frames(dataset, clock)
        found = [_missing(dataset, 0, given)]
        for part, length in self._lengths(clock):
            if name in part and len(part[name]) != length:
                raise self._rewritten(part, name, length)
            found.append(part[name][:] if name in part else _missing(dataset, length, given))
        return np.concatenate(found)[rows]

    def type_of_frames(self, dataset: h5py.Dataset, clock: h5py.Dataset) -> np.dtype[Any]:
        """Return the type in which `frames` gives a virtual dataset: see `type_of`."""
        kind: np.dtype[Any] = dataset.dtype
        if kind.kind in "iu" and sentinel(kind) is None:
            gaps = (length and dataset.name not in part for part, length in self._lengths(clock))
            if any(gaps):
                return np.dtype(WIDER)
        return kind

    def n_frames(self, clock: h5py.Dataset) -> int:
        """Return the length of the time axis of the integrating detectors, over all parts."""
        return sum(length for _, length in self._lengths(clock))

    def frame_starts(self, clock: h5py.Dataset) -> tuple[int, ...]:
        """Return at which frame of the integrating detectors each part begins."""
        lengths = [length for _, length in self._lengths(clock) if length]
        return tuple(np.cumsum([0, *lengths[:-1]]).tolist())

    def _lengths(self, clock: h5py.Dataset) -> Iterator[tuple[h5py.File, int]]:
        for piece in _pieces(clock) or ():
            part = self._file(piece.file)
            yield part, len(part[INTEGRATING_TIME]) if INTEGRATING_TIME in part else 0

    def _dataset(self, piece: Piece, whole: h5py.Dataset) -> h5py.Dataset | None:
        part = whole.file if piece.file == "." else self._file(piece.file)
        if piece.name not in part:
            return None
        dataset = part[piece.name]
        if dataset.shape[0] < piece.start + piece.last - piece.first:
            raise self._rewritten(part, piece.name, piece.start + piece.last - piece.first)
        return dataset

    def _rewritten(self, part: h5py.File, name: str, rows: int) -> DamagedFileError:
        return DamagedFileError(
            f"{part.filename}: {name} has not the {rows} rows that {self._master} counts on; one "
            "of them was written anew, produce the run again"
        )

    def _file(self, name: str) -> h5py.File:
        if name not in self._open:
            self.require({name})
            self._open[name] = self._stack.enter_context(open_hdf5(self._place(name) or Path(name)))
        return self._open[name]

    def _place(self, name: str) -> Path | None:
        folder = self._master.parent
        places = (folder / Path(name).name, folder / name)  # the second may be absolute
        return next((place for place in places if place.exists()), None)


def _pieces(dataset: h5py.Dataset) -> list[Piece] | None:
    """Return the pieces, row ranges one after the other; None for any other kind of mapping."""
    pieces = []
    for source in dataset.virtual_sources():
        try:
            target, origin = _rows(source.vspace), _rows(source.src_space)
        except (RuntimeError, ValueError):  # a mapping without end
            return None
        if target is None or origin is None:
            return None
        if origin != ALL and target[1] - target[0] != origin[1] - origin[0]:
            return None
        pieces.append(Piece(*target, source.file_name, source.dset_name, origin[0]))
    return sorted(pieces, key=lambda piece: piece.first)


def _rows(space: h5py.h5s.SpaceID) -> tuple[int, int] | None:
    if space.get_select_type() == h5py.h5s.SEL_ALL:
        return (0, space.shape[0]) if space.shape else ALL
    low, high = space.get_select_bounds()
    block = [last + 1 - first for first, last in zip(low, high, strict=True)]
    whole = tuple(block[1:]) == space.shape[1:]
    if not whole or int(np.prod(block, dtype=np.int64)) != space.get_select_npoints():
        return None
    return int(low[0]), int(high[0]) + 1


def _missing(dataset: h5py.Dataset, rows: int, given: np.dtype[Any] | None = None) -> Array:
    dtype = dataset.dtype if given is None else given
    shape = (rows, *dataset.shape[1:])
    if h5py.check_string_dtype(dataset.dtype) is not None:
        return np.full(shape, b"", dtype=object)
    if dtype.kind == "f":
        return np.full(shape, np.nan, dtype=dtype)
    mark = sentinel(dtype) if dtype.kind in "iu" else None
    return np.full(shape, dataset.fillvalue if mark is None else mark, dtype=dtype)
