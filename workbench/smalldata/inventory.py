"""What a file holds, at a glance, and how two files differ."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from workbench.core.arrays import Array
from workbench.core.errors import WorkbenchError
from workbench.facility import role_names
from workbench.smalldata.fields import FieldInfo
from workbench.smalldata.reader import SmallDataFile, open_file
from workbench.smalldata.survey import filled_fraction

LARGEST = 4 << 20  # bytes; missing values of larger columns are not counted by reading them
FILLED_APART = 0.01  # of the events, from which two files differ in how much is filled
SETTINGS = "UserDataCfg"
UNKNOWN = "not known"


@dataclass(frozen=True)
class Entry:
    """One dataset of a file: `filled` is the part of the events that have it, None: not counted."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    unit: str
    filled: float | None
    role: str | None


@dataclass(frozen=True)
class Inventory:
    """What one file holds.

    Parameters
    ----------
    experiment, run, generation, n_events
        What the file is; experiment and run may be None.
    entries
        Its datasets, by name.
    """

    experiment: str | None
    run: int | None
    generation: str
    n_events: int
    entries: tuple[Entry, ...]

    @property
    def label(self) -> str:
        """How messages name the file."""
        run = "?" if self.run is None else self.run
        return f"{self.experiment or 'unknown experiment'}, run {run}"

    def as_dict(self) -> dict[str, Any]:  # Any: JSON
        """Return plain values for JSON."""
        plain = asdict(self)
        fields = plain.pop("entries")
        return {**plain, "fields": [{**one, "shape": list(one["shape"])} for one in fields]}


@dataclass(frozen=True)
class Change:
    """One way in which two files differ: before is the first file's, after the second's."""

    name: str
    what: str
    before: str
    after: str


@dataclass(frozen=True)
class Difference:
    """How two files differ.

    Parameters
    ----------
    first, second
        The files.
    only_first, only_second
        Datasets that the other lacks.
    fields
        Shape, type, unit, role or filled part that differ; settings and unknown units last.
    settings
        Settings that differ in their values.
    """

    first: Inventory
    second: Inventory
    only_first: tuple[str, ...]
    only_second: tuple[str, ...]
    fields: tuple[Change, ...]
    settings: tuple[Change, ...]

    def as_dict(self) -> dict[str, Any]:  # Any: JSON
        """Return plain values for JSON."""
        heads = {name: getattr(self, name).as_dict() for name in ("first", "second")}
        for head in heads.values():
            head["n_fields"] = len(head.pop("fields"))
        return {
            **heads,
            "only_first": list(self.only_first),
            "only_second": list(self.only_second),
            "fields": [asdict(change) for change in self.fields],
            "settings": [asdict(change) for change in self.settings],
        }


def read_inventory(path: Path) -> Inventory:
    """Return what a file holds; large columns are not read."""
    with open_file(path) as file:
        return _inventory(file)


def read_difference(first: Path, second: Path) -> Difference:
    """Return how two files differ: fields, units, how much is filled, settings; not the values."""
    with open_file(first) as one, open_file(second) as other:
        before, after = _inventory(one), _inventory(other)
        olds = {entry.name: entry for entry in before.entries}
        news = {entry.name: entry for entry in after.entries}
        common = [name for name in olds if name in news]
        changes = [
            change
            for name in common
            for change in _changes(one.info(name), other.info(name), olds[name], news[name])
        ]
        settings = [name for name in common if name.startswith(f"{SETTINGS}/")]
        return Difference(
            before,
            after,
            tuple(name for name in olds if name not in news),
            tuple(name for name in news if name not in olds),
            tuple(sorted(changes, key=_weight)),
            tuple(_settings(one, other, settings)),
        )


def _inventory(file: SmallDataFile) -> Inventory:
    try:
        roles = role_names(file.experiment, file.generation)
    except WorkbenchError:  # a hutch that we hold no facts of
        roles = {}
    entries = tuple(_entry(file, file.info(name), roles.get(name)) for name in file.names)
    return Inventory(file.experiment or None, file.run, file.generation, file.n_events, entries)


def _entry(file: SmallDataFile, info: FieldInfo, role: str | None) -> Entry:
    filled = filled_fraction(file, info, largest=LARGEST)
    return Entry(info.name, info.shape, info.dtype, info.unit, filled, role)


def _changes(one: FieldInfo, other: FieldInfo, old: Entry, new: Entry) -> Iterator[Change]:
    for what, before, after in (
        ("shape", _inner(one), _inner(other)),
        ("type", old.dtype, new.dtype),
        ("unit", old.unit or UNKNOWN, new.unit or UNKNOWN),
        ("role", old.role or "none", new.role or "none"),
    ):
        if before != after:
            yield Change(old.name, what, before, after)
    parts = old.filled, new.filled
    if None not in parts and abs((parts[0] or 0) - (parts[1] or 0)) >= FILLED_APART:
        yield Change(old.name, "filled", *(f"{100 * (part or 0):.1f} %" for part in parts))


def _weight(change: Change) -> tuple[bool, bool]:
    """Return a key that puts first what changes results: values before settings, known units."""
    return change.name.startswith(f"{SETTINGS}/"), UNKNOWN in {change.before, change.after}


def _inner(info: FieldInfo) -> str:
    """Return the shape that two runs should have in common: without the number of events."""
    shape = info.shape if info.kind == "once" else info.shape[1:]
    return " x ".join(map(str, shape)) or "one value"


def _settings(one: SmallDataFile, other: SmallDataFile, names: list[str]) -> Iterator[Change]:
    for name in names:
        if one.info(name).shape != other.info(name).shape:
            continue  # told as a change of shape
        before, after = np.asarray(one.read(name)), np.asarray(other.read(name))
        differ = before != after
        if before.dtype.kind == "f" and after.dtype.kind == "f":
            differ &= ~(np.isnan(before) & np.isnan(after))
        count = int(np.count_nonzero(differ))
        if count and before.size == 1:
            yield Change(name, "value", _text(before), _text(after))
        elif count:
            text = f"{count} of {before.size} elements"
            yield Change(name, "values", _extent(before), f"{_extent(after)}, other in {text}")


def _text(value: Array) -> str:
    one = value.reshape(-1)[0]
    return f"{one:.8g}" if isinstance(one, np.floating) else str(one)


def _extent(values: Array) -> str:
    if values.dtype.kind not in "biuf" or not np.isfinite(values.astype(float)).any():
        return f"{values.size} values"
    numbers = values.astype(float)
    return f"{np.nanmin(numbers):.6g} to {np.nanmax(numbers):.6g}"
