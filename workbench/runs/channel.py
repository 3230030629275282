"""Channel: one quantity of a run, event by event, read only when asked."""

from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from copy import copy
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from workbench.core.arrays import Array, Bools, Ints
from workbench.core.errors import InputError
from workbench.core.table import Table
from workbench.runs.cuts import Cut
from workbench.runs.gaps import always_float, with_nan
from workbench.runs.gaps import masked as as_masked
from workbench.runs.picking import check_out, pick
from workbench.smalldata import EVENT, inner_dims, missing_rows

if TYPE_CHECKING:
    import xarray as xr

BLOCK_BYTES = 16 << 20  # read at a time: large enough for the disk, small enough for memory
Rows = Callable[[int, int], Array]
OpenRows = Callable[[], AbstractContextManager[Rows]]
Gaps = Callable[[], Bools]
Selector = Callable[[Cut], Bools]
Label = tuple[tuple[str, ...], Array, dict[str, str]]  # axes, values, attributes
Labels = Callable[[], Mapping[str, Label]]
Dims = tuple[str, ...] | Callable[[], tuple[str, ...]]
Where = Cut | Bools | None


class Channel:
    """One quantity of a run; holds no values until `read`.

    Parameters
    ----------
    name
        Path in the file, or the name of a computed quantity.
    shape
        (event, ...).
    dtype
        Type as stored.
    unit
        UDUNITS string; "" where neither file nor field dictionary knows.
    long_name
        One line for plots and tables.
    dims
        Name of each axis, "event" first; or a function that gives them, called once.
    open_rows
        Context manager that gives a function (first, last) -> stored rows.
    select
        Turns a cut into a mask over the events of the run.
    why
        Why this channel was chosen, or how it was computed.
    alternatives
        Other channels that could have served.
    warnings
        What a user should know before trusting the values.
    per_event
        False for what is kept once a run, such as sums: read as a whole.
    labels
        Gives the coordinates of the axes for `to_xarray`: name -> (axes, values, attributes).
    gaps
        Tells which events lack a value although a number is stored, shape (event,).
    """

    def __init__(
        self,
        name: str,
        shape: tuple[int, ...],
        dtype: np.dtype[np.generic],
        *,
        open_rows: OpenRows,
        unit: str = "",
        long_name: str = "",
        dims: Dims = (),
        select: Selector | None = None,
        why: str = "",
        alternatives: tuple[str, ...] = (),
        warnings: tuple[str, ...] = (),
        per_event: bool = True,
        labels: Labels | None = None,
        gaps: Gaps | None = None,
    ) -> None:
        self.name = name
        self.shape = shape
        self.dtype = dtype
        self.unit = unit
        self.long_name = long_name
        self.why = why
        self.alternatives = alternatives
        self.warnings = warnings
        self.per_event = per_event
        self._dims = dims
        self._labels = labels
        self._gaps = gaps
        self._open_rows = open_rows
        self._select = select

    @classmethod
    def from_values(
        cls,
        name: str,
        values: Array,
        *,
        unit: str,
        long_name: str = "",
        select: Selector | None = None,
        why: str = "computed",
        alternatives: tuple[str, ...] = (),
        warnings: tuple[str, ...] = (),
        labels: Labels | None = None,
    ) -> "Channel":
        """Make a channel of values in memory, shape (event, ...); NaN where not measured."""
        kept = np.array(values)
        kept.flags.writeable = False

        @contextmanager
        def open_rows() -> Generator[Rows]:
            yield lambda first, last: kept[first:last]

        return cls(
            name,
            kept.shape,
            kept.dtype,
            open_rows=open_rows,
            unit=unit,
            long_name=long_name,
            select=select,
            why=why,
            alternatives=alternatives,
            warnings=warnings,
            labels=labels,
        )

    def explained(
        self,
        why: str,
        *,
        unit: str = "",
        alternatives: tuple[str, ...] = (),
        warnings: tuple[str, ...] = (),
    ) -> "Channel":
        """Return this channel with the reason why it was chosen, and a unit where it has none."""
        other = copy(self)
        other.unit = self.unit or unit
        other.why, other.alternatives = why, alternatives
        other.warnings = (*self.warnings, *warnings)
        return other

    def opened(self) -> AbstractContextManager[Rows]:
        """Keep what holds the values open for a ``with`` block: (first, last) -> stored rows."""
        return self._open_rows()

    @property
    def gaps(self) -> Gaps | None:
        """What tells which events lack a value although a number is stored; None: none do."""
        return self._gaps

    def __len__(self) -> int:
        return self.shape[0] if self.shape else 1

    def __repr__(self) -> str:
        shape = " x ".join(str(length) for length in self.shape)
        text = f"{self.name}: {shape} {self.dtype} [{self.unit or 'unit not known'}]"
        lines = [text, self.long_name, self.why, *self.warnings]
        return "\n".join(line for line in lines if line)

    @cached_property
    def dims(self) -> tuple[str, ...]:
        """Name of each axis, "event" first where there is one value per event."""
        own = inner_dims(len(self.shape) - self.per_event)
        given = self._dims() if callable(self._dims) else self._dims
        return given or ((EVENT, *own) if self.per_event else own)

    def _repr_html_(self) -> str:
        facts = (
            ("shape", " x ".join(map(str, self.shape)) or "one value"),
            ("type", str(self.dtype)),
            ("unit", self.unit or "not known"),
            ("what", self.long_name),
            ("why", self.why),
            ("others", ", ".join(self.alternatives)),
            *(("warning", text) for text in self.warnings),
        )
        return Table(("", self.name), tuple(one for one in facts if one[1]))._repr_html_()

    @property
    def label(self) -> str:
        """Text for an axis: what it is, and its unit."""
        return f"{self.long_name or self.name} [{self.unit or 'unit not known'}]"

    def read(
        self, where: Where = None, rows: slice | None = None, *, masked: bool = False
    ) -> Array:
        """Return the values of the selected events, shape (event, ...); NaN where not measured.

        Integers become float if any of those read was not measured, and refuse to where they are
        too large (`InputError`); `read_stored` keeps the numbers as they are on file.

        Parameters
        ----------
        where
            A cut, or one boolean per event of the run.
        rows
            Range of events; a step thins them out.
        masked
            Give a NumPy masked array of the stored type instead: True where not measured.
        """
        stored, gaps = self.read_stored(where, rows), self._gaps_of(where, rows)
        if masked:
            return as_masked(stored, gaps)
        return with_nan(stored, gaps, self.name)

    def read_stored(
        self, where: Where = None, rows: slice | None = None, *, out: Array | None = None
    ) -> Array:
        """Return the values exactly as stored, with fill values where not measured.

        Parameters
        ----------
        where, rows
            As for `read`.
        out
            An array of the right shape and type to fill and return, in a loop over selections.
        """
        if not self.per_event:
            return self._whole(where, rows)
        first, last, good = self._wanted(where, rows)
        count = last - first if good is None else int(good.sum())
        with self._open_rows() as read:
            if good is None and out is None:
                return np.array(read(first, last))
            kept = np.ones(count, dtype=np.bool_) if good is None else good
            return pick(read, first, kept, check_out(out, (count, *self.shape[1:]), self.dtype))

    def iter_stacks(
        self, size: int | None = None, where: Where = None, *, order: Ints | None = None
    ) -> Iterator[tuple[Ints, Array]]:
        """Yield (event numbers, values) of the selected events, `size` events of the run at a time.

        Integers that can be missing come as float with NaN, in every stack alike.

        Parameters
        ----------
        size
            By default what fits 16 MiB.
        where
            As for `read`.
        order
            The numbers of all events in the order wanted, as ``run.time_order``; None: that of the
            file, which is read fastest.
        """
        _, _, good = self._wanted(where, None)
        gaps = self._gaps() if self._gaps else None
        step = size or self.block_rows
        if order is not None:
            wanted = order if good is None else order[good[order]]
            yield from self._in_order(wanted, step, gaps)
            return
        with self._open_rows() as read:
            for first in range(0, len(self), step):
                last = min(first + step, len(self))
                kept = np.ones(last - first, np.bool_) if good is None else good[first:last]
                if kept.any():
                    values = read(first, last)
                    values = values if kept.all() else values[kept]
                    numbers = first + np.flatnonzero(kept)
                    known = None if gaps is None else gaps[numbers]
                    yield numbers, always_float(values, known, self.name)

    def _in_order(
        self, wanted: Ints, step: int, gaps: Bools | None
    ) -> Iterator[tuple[Ints, Array]]:
        """Yield events in the order given; rows near each other in the file are read together."""
        with self._open_rows() as read:
            for first in range(0, len(wanted), step):
                numbers = wanted[first : first + step]
                start = int(numbers.min())
                good = np.zeros(int(numbers.max()) - start + 1, dtype=np.bool_)
                good[numbers - start] = True
                values = np.empty((len(numbers), *self.shape[1:]), dtype=self.dtype)
                pick(read, start, good, values)
                values = values[np.argsort(np.argsort(numbers))]
                known = None if gaps is None else gaps[numbers]
                yield numbers, always_float(values, known, self.name)

    @cached_property
    def missing(self) -> Bools:
        """True for events in which this was not measured, shape (event,); reads the channel."""
        gone = np.zeros(len(self), dtype=np.bool_)
        with self._open_rows() as read:
            for first in range(0, len(self), self.block_rows):
                values = read(first, min(first + self.block_rows, len(self)))
                gone[first : first + len(values)] = missing_rows(values)
        return gone | self._gaps() if self._gaps else gone

    def to_xarray(self, where: Where = None, rows: slice | None = None) -> "xr.DataArray":
        """Return the selected events as an array with named axes, unit and event numbers."""
        import xarray as xr

        attributes = {"units": self.unit, "long_name": self.long_name or self.name}
        numbers = self.numbers(where, rows) if self.per_event else slice(None)
        coordinates: dict[str, object] = {
            name: (dims, along[numbers] if EVENT in dims else along, about)
            for name, (dims, along, about) in self.labels().items()
        }
        if self.per_event:
            coordinates[EVENT] = numbers
        values = self.read(where, rows)
        return xr.DataArray(values, coordinates, self.dims, self.name, attributes)

    def labels(self) -> dict[str, Label]:
        """Return what is known along the axes: name -> (axes, values, attributes)."""
        known = self._labels() if self._labels else {}
        return {name: one for name, one in known.items() if set(one[0]) <= set(self.dims)}

    def numbers(self, where: Where = None, rows: slice | None = None) -> Ints:
        """Return the numbers of the selected events, in the order in which `read` gives them."""
        first, last, good = self._wanted(where, rows)
        return np.arange(first, last) if good is None else first + np.flatnonzero(good)

    def _gaps_of(self, where: Where, rows: slice | None) -> Bools | None:
        return self._gaps()[self.numbers(where, rows)] if self._gaps else None

    def _whole(self, where: Where, rows: slice | None) -> Array:
        if where is not None or rows is not None:
            raise InputError(f"{self.name} has no row per event: read it without where and rows")
        with self._open_rows() as read:
            return read(0, self.shape[0] if self.shape else 0)

    @property
    def block_rows(self) -> int:
        """Events read at a time: what fits 16 MiB."""
        row = int(np.prod(self.shape[1:], dtype=np.int64)) * self.dtype.itemsize
        return max(1, BLOCK_BYTES // max(1, row))

    def _wanted(self, where: Where, rows: slice | None) -> tuple[int, int, Bools | None]:
        if not isinstance(rows, slice | None):
            raise InputError(f"{self.name}: rows must be a slice, as slice(0, 100), not {rows!r}")
        first, last, step = (rows or slice(None)).indices(len(self))
        if step < 1:
            raise InputError(f"{self.name}: rows must run forwards, not {rows}")
        last = max(first, last)
        good = self._mask(where)
        if good is None and step == 1:
            return first, last, None
        kept = np.zeros(last - first, dtype=np.bool_)
        kept[::step] = True
        return first, last, kept if good is None else kept & good[first:last]

    def _mask(self, where: Where) -> Bools | None:
        if where is None:
            return None
        if isinstance(where, Cut):
            if self._select is None:
                raise InputError(f"{self.name} belongs to no run: give a boolean mask, not a cut")
            return self._select(where)
        mask = np.asarray(where)
        if mask.dtype != np.bool_ or mask.shape != (len(self),):
            raise InputError(
                f"{self.name}: where must be a cut or {len(self)} booleans, not "
                f"{mask.dtype} of shape {mask.shape}"
            )
        return mask
