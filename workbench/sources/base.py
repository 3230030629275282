"""What every source of raw runs offers: fields, steps, slow values, stacks of events."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from workbench.core.arrays import Array, Bools, Ints, Times
from workbench.core.findings import Finding
from workbench.core.stack import Stack

Value = Any  # one event's value: a number, a text, an array, or a tuple of arrays
Frame = tuple[Array, ...]  # one event's arrays, one per segment


@dataclass(frozen=True)
class RawField:
    """One field of a detector's records, before any event is read.

    Parameters
    ----------
    name
        As in the file, without the name of an enumeration.
    dtype
        NumPy name of the stored type, "str" for texts, "enum" for enumerations (int32).
    shape
        Shape of one event's value, with a first axis of segments if there are several; -1 along
        an axis whose length changes from event to event.
    rank
        Number of axes of the stored value of one segment; 0 for a number or a text.
    variable
        True where the shape changes: stacks then hold object arrays.
    labels
        Number to label of an enumeration; None for other fields.
    segments
        How many arrays make up one event's value.
    """

    name: str
    dtype: str
    shape: tuple[int, ...] = ()
    rank: int = 0
    variable: bool = False
    labels: Mapping[int, str] | None = None
    segments: int = 1


@dataclass(frozen=True)
class Steps:
    """The steps of a scan as half-open ranges of event indices.

    Parameters
    ----------
    times
        Time stamp at which each step began.
    first, last
        Event indices: step k holds ``first[k] <= index < last[k]``.
    """

    times: Times
    first: Ints
    last: Ints

    def __len__(self) -> int:
        return len(self.times)

    def number_of(self, events: Ints) -> Ints:
        """Return the step of each event index, -1 outside any step."""
        events = np.asarray(events, np.int64)
        if not len(self.times):
            return np.full(events.shape, -1, np.int64)
        step = np.searchsorted(self.first, events, side="right") - 1
        inside = (step >= 0) & (events < self.last[np.maximum(step, 0)])
        return np.where(inside, step, -1).astype(np.int64)


class ValueStore(Protocol):
    """Named values that change slowly: EPICS variables, scan motors."""

    @property
    def names(self) -> tuple[str, ...]:
        """The names, sorted."""
        ...

    def field(self, name: str) -> RawField:
        """Return type and shape of one variable."""
        ...

    def read(self, name: str, timestamps: Times) -> tuple[Array, Bools]:
        """Return the value at or before each time stamp, and whether there was one."""
        ...


class RawRun(Protocol):
    """One raw run: what is in it, and its events as stacks."""

    experiment: str
    number: int
    file_number: int | None
    begin_time: int
    files: tuple[Path, ...]

    @property
    def n_events(self) -> int:
        """Number of events."""
        ...

    @property
    def timestamps(self) -> Times:
        """Time stamp of each event, shape (event,)."""
        ...

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What the user should know about the files."""
        ...

    @property
    def detectors(self) -> Mapping[str, Mapping[str, Mapping[str, RawField]]]:
        """Detector, then algorithm, then field."""
        ...

    @property
    def detector_types(self) -> Mapping[str, str]:
        """Type of each detector, for example "jungfrau"."""
        ...

    @property
    def segments(self) -> Mapping[str, tuple[int, ...]]:
        """Configured segments of each detector, sorted."""
        ...

    @property
    def serials(self) -> Mapping[str, str]:
        """Type and serial numbers of each detector: its key among calibration constants."""
        ...

    @property
    def steps(self) -> Steps:
        """The steps of a scan."""
        ...

    @property
    def epics(self) -> ValueStore:
        """Control-system values."""
        ...

    @property
    def scan(self) -> ValueStore:
        """Values set step by step."""
        ...

    def present(self, det: str) -> Bools:
        """Tell for each event whether all configured segments of a detector are in it."""
        ...

    def partial(self, det: str) -> Bools:
        """Tell for each event whether some, but not all, segments are in it."""
        ...

    def damaged(self, det: str) -> Bools:
        """Tell for each event whether the DAQ marked the detector's record as damaged."""
        ...

    def config(self, det: str, event: int = 0) -> Mapping[str, Value]:
        """Return the configuration of a detector as it was at one event."""
        ...

    def integrated_by(self, det: str) -> Ints:
        """Return for each event the number of the integrating detector's event it belongs to."""
        ...

    def stacks(
        self, names: Sequence[str], size: int = 64, start: int = 0, stop: int | None = None
    ) -> Iterator[Stack]:
        """Yield stacks of consecutive events with the fields of the named detectors."""
        ...

    def read(self, names: Sequence[str], start: int = 0, stop: int | None = None) -> Stack:
        """Return the named fields of a range of events as one stack."""
        ...

    def frames(
        self, name: str, *, start: int = 0, stop: int | None = None, size: int = 64
    ) -> Iterator[tuple[Ints, list[Frame]]]:
        """Yield events that have all segments of a field, up to `size` at a time, and its frames.

        The field is a whole name whose arrays have one shape; arrays are read-only views on the
        file where they can be.
        """
        ...

    def event(self, index: int) -> Mapping[str, Value]:
        """Return one event: ``"detector.algorithm.field"`` to its value, None where absent."""
        ...
