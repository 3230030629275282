"""Integrating detectors: frames with their own time axis, linked to the fast events in them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from workbench.core.arrays import Bools, Floats, Ints, Times
from workbench.core.errors import InputError, UnknownNameError
from workbench.runs.channel import Channel
from workbench.smalldata.layout import MISSING_INTEGER

if TYPE_CHECKING:
    from workbench.runs.run import Run

GROUP = "intg"
LINKS = ("count", "timestamp_min", "timestamp_max")


@dataclass(frozen=True)
class FastSum:
    """A fast field summed over the events of each frame; events without value left out.

    Parameters
    ----------
    total
        Shape (frame, ...).
    count
        Events that had a value, shape (frame,).
    """

    total: Floats
    count: Ints

    @property
    def mean(self) -> Floats:
        """Mean over the events that had a value, shape (frame, ...); NaN where none had."""
        count = self.count.reshape(-1, *(1,) * (self.total.ndim - 1)).astype(np.float64)
        mean = np.full(self.total.shape, np.nan)
        np.divide(self.total, count, out=mean, where=count > 0)
        return mean


class Integrating(Mapping[str, Channel]):
    """Fields of one integrating detector, one row per frame, and the fast events in each frame.

    Parameters
    ----------
    run
        The run.
    detector
        Name of the detector below ``intg``.
    """

    def __init__(self, run: "Run", detector: str) -> None:
        self.detector = detector
        self._run = run
        self._fields = _fields(run, detector)

    def __getitem__(self, name: str) -> Channel:
        if name not in self._fields:
            raise UnknownNameError("field", name, self._fields, f"{GROUP}/{self.detector}")
        return self._run[self._fields[name]]

    def __iter__(self) -> Iterator[str]:
        return iter(self._fields)

    def __len__(self) -> int:
        return len(self._fields)

    def __repr__(self) -> str:
        frames = f"{self.detector}: {self.n_frames} frames, {', '.join(self._fields)}"
        return f"{frames}\n{self.why}"

    @property
    def n_frames(self) -> int:
        """Frames of the run."""
        return len(self.timestamps)

    @cached_property
    def timestamps(self) -> Times:
        """Time stamp of each frame as in the file, shape (frame,); 0 where none was stored."""
        stored = self._run[f"{GROUP}/timestamp"].read_stored().astype(np.int64)
        return np.where(stored == MISSING_INTEGER, 0, stored).astype(np.uint64)

    @property
    def why(self) -> str:
        """How frames and fast events were linked, in a sentence."""
        if self._bounded:
            text = "linked by the first and last time stamp stored with each frame"
        else:
            text = "linked by time: a frame holds the events since the frame before it"
        wrong = int(self.mismatched.sum())
        return f"{text}; {wrong} frames count another number of events" if wrong else text

    @cached_property
    def frame_of_event(self) -> Ints:
        """Frame that each fast event went into, shape (event,); -1 for none."""
        times = self._run.timestamps
        if self._bounded:
            low, high = (self[name].read_stored().astype(np.uint64) for name in LINKS[1:])
        else:
            low, high = None, self.timestamps
        order = np.argsort(high, kind="stable")
        place = np.searchsorted(high[order], times, side="left")
        within = place < len(order)
        frames = np.full(len(times), -1, dtype=np.int64)
        frames[within] = order[place[within]]
        if low is not None:
            early = within & (times < low[frames])
            frames[early] = -1
        frames[np.isin(frames, np.flatnonzero(self.timestamps == 0))] = -1
        return frames

    @cached_property
    def linked(self) -> Ints:
        """Number of fast events in each frame, shape (frame,)."""
        there = self.frame_of_event[self.frame_of_event >= 0]
        return np.bincount(there, minlength=self.n_frames).astype(np.int64)

    @cached_property
    def mismatched(self) -> Bools:
        """Frames whose stored ``count`` is not the number of linked events, shape (frame,).

        All False where no count is stored, or where the file keeps no fast events.
        """
        if LINKS[0] not in self:
            return np.zeros(self.n_frames, dtype=np.bool_)
        counted = self[LINKS[0]]
        return np.asarray((counted.read_stored() != self.linked) & ~counted.missing)

    def events(self, frame: int) -> Ints:
        """Return the row numbers of the fast events in one frame, in the order of time."""
        number = range(self.n_frames)[frame]
        rows = np.flatnonzero(self.frame_of_event == number)
        return rows[np.argsort(self._run.timestamps[rows], kind="stable")]

    def sum(self, field: str | Channel) -> FastSum:
        """Sum a fast field over the events of each frame, reading it in stacks.

        Events in which it was not measured are left out and not counted; so are frames with a
        NaN in any pixel.
        """
        channel = self._run.channel(field)
        if not channel.per_event or channel.dtype.kind not in "biuf":
            raise InputError(f"{channel.name}: only numbers with a row per event can be summed")
        total = np.zeros((self.n_frames, *channel.shape[1:]))
        count = np.zeros(self.n_frames, dtype=np.int64)
        for numbers, values in channel.iter_stacks(where=self.frame_of_event >= 0):
            good = ~np.isnan(values.reshape(len(values), -1)).any(axis=1)
            frames = self.frame_of_event[numbers[good]]
            np.add.at(total, frames, values[good].astype(np.float64))
            count += np.bincount(frames, minlength=self.n_frames)
        return FastSum(total, count)

    @cached_property
    def _bounded(self) -> bool:
        return all(name in self for name in LINKS[1:])


def _fields(run: "Run", detector: str) -> dict[str, str]:
    folder = f"{GROUP}/{detector}/"
    fields = {name.removeprefix(folder): name for name in run.infos if name.startswith(folder)}
    if not fields or f"{GROUP}/timestamp" not in run.infos:
        known = {name.split("/")[1] for name in run.infos if name.count("/") > 1}
        inside = {name.split("/")[1] for name in run.infos if name.startswith(f"{GROUP}/")}
        raise UnknownNameError(
            "integrating detector", detector, (inside & known) - {"timestamp"}, run.label
        )
    return dict(sorted(fields.items()))
