"""Lists of another length in each event: how they are held, and how they are stored."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from workbench.core.arrays import Array, Ints
from workbench.core.errors import InputError
from workbench.core.frames import Output, Setting, Values


@dataclass(frozen=True)
class Entries:
    """Entries of some events, end to end.

    Parameters
    ----------
    lengths
        Entries of each event, shape (event,).
    fields
        Values by field, shape (entry,).
    """

    lengths: Ints
    fields: Mapping[str, Array]

    def split(self, field: str) -> Array:
        """Return one array per event, as an object array of shape (event,)."""
        rows = np.empty(len(self.lengths), object)
        ends = np.cumsum(self.lengths)
        for event, (length, end) in enumerate(zip(self.lengths, ends, strict=True)):
            rows[event] = self.fields[field][end - length : end]
        return rows

    def padded(self, field: str, size: int) -> Array:
        """Return the first `size` entries of each event, zeros behind, shape (event, size)."""
        rows = np.zeros((len(self.lengths), size), self.fields[field].dtype)
        event = np.repeat(np.arange(len(self.lengths)), self.lengths)
        place = np.arange(len(event)) - np.repeat(
            np.cumsum(self.lengths) - self.lengths, self.lengths
        )
        kept = place < size
        rows[event[kept], place[kept]] = self.fields[field][kept]
        return rows


@dataclass(frozen=True)
class Sparse:
    """Entries as datasets: every one of them, or the first few in rectangles.

    Parameters
    ----------
    size
        Entries kept of each event, zeros behind; their true number is stored as ``found``. None
        keeps all, with another number in each event.

    Raises
    ------
    InputError
        For a number of entries below 1.
    """

    size: int | None = None

    def __post_init__(self) -> None:
        if self.size is not None and self.size < 1:
            raise InputError(f"entries kept of each event must be 1 or more, not {self.size}")

    def outputs(self, fields: tuple[Output, ...]) -> tuple[Output, ...]:
        """Declare the stored form of fields, each given as the output of one entry."""
        if self.size is None:
            return tuple(replace(field, ragged=True) for field in fields)
        text = f"entries of the event, of which the first {self.size} are stored"
        found = Output("found", "1", (), "int64", text)
        return (*(replace(field, shape=(self.size,)) for field in fields), found)

    @property
    def setting(self) -> Setting:
        """How many entries of each event are stored, for the file."""
        return Setting(self.size or 0, "1", "entries stored of each event; 0 = all")

    def values(self, entries: Entries) -> Values:
        """Return the stored form."""
        if self.size is None:
            return {field: entries.split(field) for field in entries.fields}
        rows = {field: entries.padded(field, self.size) for field in entries.fields}
        return {**rows, "found": entries.lengths}


ALL = Sparse()
