"""Data with another number of entries in each event, however they are stored, behind one view.

Writers have three ways: ``var_<what>/<field>`` end to end with ``var_<what>_len``,
``ragged_<what>`` with one array per event, ``<what>_<field>`` in rectangles filled up with zeros.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from workbench.core.arrays import Array, Bools, Floats, Ints
from workbench.core.errors import InputError, UnknownNameError
from workbench.smalldata.layout import length_name, var_group
from workbench.smalldata.missing import missing_rows
from workbench.smalldata.reader import SmallDataFile, open_file

STACK_EVENTS = 4096
IMAGE_BYTES = 64 << 20  # of images held at a time by `Ragged.image_stacks`
POSITIONS = ("row", "col")
FIXED = ("data", *POSITIONS, "tile")


@dataclass(frozen=True)
class RaggedStack:
    """The entries of some events in a row.

    Parameters
    ----------
    first
        Number of the first event.
    lengths
        Entries of each event, shape (event,).
    absent
        Events of which the writer had no data, shape (event,); their length is 0.
    values
        Entries of all these events end to end, by field.
    """

    first: int
    lengths: Ints
    absent: Bools
    values: Mapping[str, Array]

    @property
    def events(self) -> Ints:
        """Event number of each entry, shape (entry,)."""
        return np.repeat(self.first + np.arange(len(self.lengths)), self.lengths)

    def split(self) -> Iterator[dict[str, Array]]:
        """Yield the entries event by event."""
        ends = np.cumsum(self.lengths)
        for start, end in zip(ends - self.lengths, ends, strict=True):
            yield {field: values[start:end] for field, values in self.values.items()}


@dataclass(frozen=True)
class _Entries:
    """One field of some events: entries per event, events without data, entries end to end."""

    lengths: Ints
    absent: Bools
    flat: Array


class Ragged:
    """A group of fields with the same number of entries in each event.

    Iterating gives one dictionary of arrays per event. No file stays open between calls.

    Parameters
    ----------
    path
        The small-data file.
    name
        Group of the fields.
    scheme
        "var", "vlen" or "fixed": how they are stored.
    datasets
        Where each field of the group lies.
    n_events
        Events of the file, or frames of an integrating detector.
    fields
        Those to give; all if left out.
    """

    def __init__(
        self,
        path: Path,
        name: str,
        scheme: str,
        datasets: Mapping[str, str],
        n_events: int,
        fields: tuple[str, ...] = (),
    ) -> None:
        self.path = path
        self.name = name
        self.scheme = scheme
        self.datasets = dict(datasets)
        self.n_events = n_events
        self.fields = fields or tuple(datasets)

    def __repr__(self) -> str:
        text = f"{self.name}: {', '.join(self.fields)} in {self.n_events} events"
        if self.scheme == "fixed":
            text += "; stored in rectangles: rows of zeros at the end of an event are no entries"
        return text

    def __len__(self) -> int:
        return self.n_events

    def __iter__(self) -> Iterator[dict[str, Array]]:
        for stack in self.stacks():
            yield from stack.split()

    def __getitem__(self, event: int) -> dict[str, Array]:
        number = range(self.n_events)[event]
        (stack,) = self.stacks(slice(number, number + 1))
        return next(stack.split())

    def stacks(self, rows: slice | None = None, size: int = STACK_EVENTS) -> Iterator[RaggedStack]:
        """Yield the entries of `size` events at a time, in the order of the file.

        Raises
        ------
        InputError
            For rows that do not run one by one.
        """
        first, last, step = (rows or slice(None)).indices(self.n_events)
        if step != 1:
            raise InputError(f"{self.name}: rows must run one by one, not by {step}")
        with open_file(self.path) as file:
            for low in range(first, last, size):
                yield _read_stack(self, file, low, min(low + size, last))

    def lengths(self, rows: slice | None = None) -> Ints:
        """Return the entries of each event, shape (event,); 0 too where there was no data."""
        parts = [stack.lengths for stack in self.stacks(rows)]
        return np.concatenate(parts) if parts else np.zeros(0, dtype=np.int64)

    def absent(self) -> Bools:
        """Tell for which events the writer had no data, shape (event,)."""
        parts = [stack.absent for stack in self.stacks()]
        return np.concatenate(parts) if parts else np.zeros(0, dtype=np.bool_)

    def flatten(self, rows: slice | None = None) -> tuple[Ints, dict[str, Array]]:
        """Return the event number of every entry, shape (entry,), and the entries by field."""
        stacks = list(self.stacks(rows))
        if not stacks:
            return np.zeros(0, dtype=np.int64), {field: np.zeros(0) for field in self.fields}
        values = {
            field: np.concatenate([stack.values[field] for stack in stacks])
            for field in self.fields
        }
        return np.concatenate([stack.events for stack in stacks]), values

    def full(self) -> int:
        """Count events whose rectangle is full: their last entries may have been cut off.

        0 for the other schemes, which keep every entry.
        """
        if self.scheme != "fixed":
            return 0
        with open_file(self.path) as file:
            width = file.info(next(iter(self.datasets.values()))).shape[1]
        return int(np.count_nonzero(self.lengths() == width))

    def ambiguous(self) -> int:
        """Count events in which an entry at the first pixel could hide among the filling zeros.

        Only rectangles without a field of values (``data``) have such events.
        """
        if self.scheme != "fixed" or "data" in self.datasets:
            return 0
        with open_file(self.path) as file:
            width = file.info(next(iter(self.datasets.values()))).shape[1]
        return int(np.count_nonzero((self.lengths() < width) & ~self.absent()))

    def to_images(
        self,
        shape: tuple[int, ...],
        rows: slice | None = None,
        *,
        value: str | None = None,
        row: str | None = None,
        col: str | None = None,
        tile: str = "tile",
    ) -> Floats:
        """Return one image per event, shape (event, ``*shape``): the entries added at their pixels.

        Positions between pixels go to the nearest one.

        Parameters
        ----------
        shape
            (row, col), or (tile, row, col).
        rows
            Range of events.
        value
            Field that is added up; if left out ``data`` where there is one, else entries are
            counted.
        row, col, tile
            Fields with the positions. Fields called ``i`` and ``j`` must be named: producers
            have meant rows by either.
        """
        first, last, _ = (rows or slice(None)).indices(self.n_events)
        images = np.zeros((max(0, last - first), *shape))
        fields = {"value": value, "row": row, "col": col, "tile": tile}
        for start, block in self.image_stacks(shape, rows, fields=fields):
            images[start - first : start - first + len(block)] = block
        return images

    def image_stacks(
        self,
        shape: tuple[int, ...],
        rows: slice | None = None,
        *,
        fields: Mapping[str, str | None] | None = None,
    ) -> Iterator[tuple[int, Floats]]:
        """Yield (first event, images) in stacks that fit in memory; see `to_images`."""
        chosen = self._positions(shape, dict(fields or {}))
        size = max(1, IMAGE_BYTES // (8 * max(1, int(np.prod(shape)))))
        for stack in self.stacks(rows, min(size, STACK_EVENTS)):
            yield stack.first, _densify(self, stack, shape, chosen)

    def _positions(
        self, shape: tuple[int, ...], fields: dict[str, str | None]
    ) -> dict[str, str | None]:
        if len(shape) not in {2, 3}:
            raise InputError(f"{self.name}: images have shape (row, col) or (tile, row, col)")
        for axis in POSITIONS:
            fields[axis] = fields.get(axis) or (axis if axis in self.fields else None)
            if fields[axis] is None:
                raise InputError(
                    f"{self.name} has no field {axis!r}, but {', '.join(self.fields)}: say which "
                    "is which, as in to_images(shape, row='i', col='j'); compare an image with a "
                    "stored one, for producers have meant rows by either"
                )
        fields["tile"] = fields.get("tile") or "tile"
        fields["value"] = fields.get("value") or ("data" if "data" in self.fields else None)
        wanted = [fields["row"], fields["col"], fields["value"]]
        for name in [*wanted, fields["tile"] if len(shape) == 3 else None]:
            if name is not None and name not in self.fields:
                raise UnknownNameError("field", name, self.fields, self.name)
        return fields


def open_ragged(path: Path, name: str) -> Ragged:
    """Return the ragged data of one name, however stored.

    Parameters
    ----------
    path
        The small-data file.
    name
        ``det/var_<what>``, ``det/ragged_<what>`` or ``det/<what>``, with or without the field.

    Raises
    ------
    UnknownNameError
        For a name that the file does not have.
    """
    name = name.strip("/")
    with open_file(path) as file:
        groups = ragged_groups(file)
        group, leaf = _choose(groups, name)
        if not group:
            raise UnknownNameError("ragged data", name, groups, str(path))
        scheme, datasets = groups[group]
        first = next(iter(datasets.values()))
        rows = length_name(first) if scheme == "var" else first
        events = file.info(rows).shape[0]
        return Ragged(file.path, group, scheme, datasets, events, (leaf,) if leaf else ())


def ragged_groups(file: SmallDataFile) -> dict[str, tuple[str, dict[str, str]]]:
    """Return scheme and fields of every group of ragged data in a file."""
    groups: dict[str, tuple[str, dict[str, str]]] = {}
    for name in file.names:
        group, leaf = var_group(name), name.rsplit("/", 1)[-1]
        if group:
            field = name[len(group) + 1 :] or leaf.removeprefix("var_")
            groups.setdefault(group, ("var", {}))[1][field] = name
        elif leaf.startswith("ragged_") and file.info(name).kind == "ragged":
            stem, _, field = name.rpartition("_")
            groups.setdefault(stem, ("vlen", {}))[1][field] = name
        elif leaf.endswith("_row") and file.info(name).kind == "event":
            stem, shape = name.removesuffix("_row"), file.info(name).shape
            found = {
                field: f"{stem}_{field}" for field in FIXED if _same(file, f"{stem}_{field}", shape)
            }
            if len(shape) == 2 and set(found) >= set(POSITIONS):
                groups[stem] = ("fixed", found)
    return groups


def _same(file: SmallDataFile, name: str, shape: tuple[int, ...]) -> bool:
    return name in file and file.info(name).shape == shape


def _choose(groups: Mapping[str, tuple[str, dict[str, str]]], name: str) -> tuple[str, str]:
    """Return group and field that a name means; field "" for the whole group."""
    folder, _, leaf = name.rpartition("/")
    for spelling in (name, f"{folder}/var_{leaf}", f"{folder}/ragged_{leaf}"):
        if spelling in groups:
            return spelling, ""
    for group, (_, datasets) in groups.items():
        for field, dataset in datasets.items():
            if dataset == name:
                return group, field
    return "", ""


def _read_stack(ragged: Ragged, file: SmallDataFile, first: int, last: int) -> RaggedStack:
    rows = slice(first, last)
    if ragged.scheme == "fixed":
        rectangles = {field: file.read(name, rows) for field, name in ragged.datasets.items()}
        return _unpad(first, rectangles, ragged.fields)
    read = {field: _entries(file, ragged.datasets[field], rows) for field in ragged.fields}
    counts = next(iter(read.values())).lengths
    for field, entries in read.items():
        if not np.array_equal(counts, entries.lengths):
            raise InputError(
                f"{ragged.name}: {field} has another number of entries per event than "
                f"{next(iter(read))}; ask for one of them: {ragged.datasets[field]}"
            )
    flat = {field: entries.flat for field, entries in read.items()}
    absent = np.any([entries.absent for entries in read.values()], axis=0)
    return RaggedStack(first, counts, absent, flat)


def _entries(file: SmallDataFile, name: str, rows: slice) -> _Entries:
    info = file.info(name)
    if info.kind == "intg":  # stored end to end, with lengths per frame
        lengths = file.read(length_name(name))
        ends = np.cumsum(lengths)
        first = int(ends[rows.start - 1]) if rows.start else 0
        flat = file.read(name, slice(first, int(ends[rows.stop - 1])))
        return _Entries(lengths[rows], np.zeros(rows.stop - rows.start, dtype=np.bool_), flat)
    values = file.read(name, rows)
    lengths = np.array([len(entries) for entries in values], dtype=np.int64)
    absent = np.zeros(len(values), dtype=np.bool_)
    if var_group(name):
        absent = missing_rows(file.read(length_name(name), rows))
    return _Entries(lengths, absent, np.concatenate(list(values)))


def _unpad(first: int, rectangles: Mapping[str, Array], fields: tuple[str, ...]) -> RaggedStack:
    """Drop the zeros at the end of each event, and events that hold only missing values."""
    arrays = list(rectangles.values())
    filled = np.any([array != 0 for array in arrays], axis=0)
    width = filled.shape[1]
    lengths = np.where(filled.any(axis=1), width - np.argmax(filled[:, ::-1], axis=1), 0)
    absent = np.all([missing_rows(array) for array in arrays], axis=0)
    lengths[absent] = 0
    kept = np.arange(width) < lengths[:, None]
    values = {field: rectangles[field][kept] for field in fields}
    return RaggedStack(first, lengths.astype(np.int64), absent, values)


def _densify(
    ragged: Ragged,
    stack: RaggedStack,
    shape: tuple[int, ...],
    fields: Mapping[str, str | None],
) -> Floats:
    images = np.zeros((len(stack.lengths), *shape))
    axes = ("tile", "row", "col")[-len(shape) :]
    names = [str(fields[axis]) for axis in axes]
    places = [np.floor(stack.values[name] + 0.5).astype(np.int64) for name in names]
    for name, place, length in zip(names, places, shape, strict=True):
        _inside(ragged, name, place, length)
    tiles = stack.values.get(str(fields["tile"]))
    if len(shape) == 2 and tiles is not None and np.any(tiles != 0):
        raise InputError(
            f"{ragged.name} has entries on several tiles: give a shape (tile, row, col)"
        )
    value = fields["value"]
    weights = 1.0 if value is None else stack.values[value].astype(np.float64)
    np.add.at(images, (stack.events - stack.first, *places), weights)
    return images


def _inside(ragged: Ragged, name: str, place: Ints, length: int) -> None:
    if place.size and (place.min() < 0 or place.max() >= length):
        raise InputError(
            f"{ragged.name}: {name} reaches from {place.min()} to {place.max()}, the image has "
            f"{length} there; check the shape, and whether rows and columns are exchanged"
        )
