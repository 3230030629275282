"""A place in a run that psana reads: forwards event by event, backwards by opening it again."""

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

import numpy as np

from workbench.core.arrays import Times
from workbench.sources.psana.library import PsanaError, PsanaFiles

Records = Mapping[tuple[str, str], Mapping[int, Any]]  # (detector, algorithm), segment: record


class Cursor:
    """Events of one run by their index.

    Parameters
    ----------
    files, place
        What psana opens, and which of the runs in there.
    timestamps
        Of all events.
    """

    def __init__(self, files: PsanaFiles, place: int, timestamps: Times) -> None:
        self._files, self._place = files, place
        self._timestamps = timestamps
        self._next = -1
        self._events: Iterator[Any] = iter(())
        self._run: Any = None

    def events(self, start: int, stop: int) -> Iterator[tuple[int, Records]]:
        """Yield index and records of each event in ``start <= index < stop``."""
        if start >= stop:
            return
        if not 0 <= self._next <= start:
            self._open(start)
        while self._next < stop:
            index = self._next
            event = next(self._events, None)
            if event is None or event.timestamp != self._timestamps[index]:
                self._next = -1
                raise PsanaError(
                    f"psana gave another event than {index} of {self._files.path} when it read "
                    "them again: the files were changed, or it reads them in no fixed order"
                )
            self._next += 1
            if index >= start:
                yield index, event._det_segments  # noqa: SLF001 - psana's methods hide parts

    def _open(self, start: int) -> None:
        """Begin at one event: of a folder psana reads no earlier one, a file is read through."""
        if self._files.is_folder:
            first = int(np.searchsorted(self._timestamps, self._timestamps[start]))
            runs = self._files.runs(self._timestamps[first:])
        else:
            first, runs = 0, self._files.runs()
        self._run = next(islice(runs, self._place, None))
        self._events, self._next = self._run.events(), first
        self._source = runs  # psana's run reads through what it came from
