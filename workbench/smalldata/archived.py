"""Slow values from the archiver: times and values of their own, not one per event."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from workbench.core import clock
from workbench.core.arrays import Array, Floats, Ints
from workbench.core.errors import InputError, UnknownNameError
from workbench.smalldata.identity import EPOCHS
from workbench.smalldata.layout import ARCHIVER
from workbench.smalldata.reader import SmallDataFile

Method = Literal["last", "linear"]


@dataclass(frozen=True)
class Archived:
    """Values of one slow variable as the archiver kept them.

    Parameters
    ----------
    name
        Name in the file: colons of the variable's name became underscores.
    times
        Unix time of each value [s], shape (value,), rising.
    values
        Shape (value,).
    unit
        As stored; "" where nobody knows.
    epoch
        Unix time at which the run's event time stamps count 0 [s].
    """

    name: str
    times: Floats
    values: Floats
    unit: str
    epoch: int

    def __len__(self) -> int:
        return len(self.times)

    def __repr__(self) -> str:
        return f"{self.name}: {len(self)} values [{self.unit or 'unit not known'}]"

    def at(self, timestamps: Array, method: Method = "last") -> Floats:
        """Return the value at event time stamps, shape (event,); NaN before the first value.

        Parameters
        ----------
        timestamps
            As in the file: seconds in the high 32 bits, nanoseconds in the low.
        method
            "last": the last value known at that moment; "linear": between the values before and
            after it, after the last value that one.

        Raises
        ------
        InputError
            For a method other than "last" and "linear".
        """
        moments = clock.nanoseconds(np.asarray(timestamps)) + self.epoch * 1_000_000_000
        known = _nanoseconds(self.times)
        place = np.searchsorted(known, moments, side="right") - 1
        found = np.full(len(moments), np.nan)
        after = place >= 0
        found[after] = self.values[place[after]]
        if method == "linear":
            between = after & (place < len(known) - 1)
            low = place[between]
            part = (moments[between] - known[low]) / (known[low + 1] - known[low])
            found[between] += part * (self.values[low + 1] - self.values[low])
        elif method != "last":
            raise InputError(f"method {method!r}: give 'last' or 'linear'")
        return found


def read_archived(file: SmallDataFile, name: str) -> Archived:
    """Return one slow variable of the archiver by its name, with or without the group.

    Raises `UnknownNameError`, or `InputError` where a file holds the values at the events.
    """
    stored = (one for one in file.names if one.startswith(f"{ARCHIVER}/"))
    known = {one.removeprefix(f"{ARCHIVER}/"): one for one in stored}
    plain = name.strip("/").removeprefix(f"{ARCHIVER}/").replace(":", "_")
    if plain not in known:
        raise UnknownNameError("archived variable", plain, known, str(file.path))
    info = file.info(known[plain])
    if info.kind == "event" or info.shape[1:] != (2,):
        raise InputError(
            f"{info.name} has shape {info.shape}, not [time, value] pairs: read it as a field"
        )
    times, values = file.read(info.name).astype(np.float64).T
    return _in_order(info.name, times, values, info.unit, EPOCHS[file.generation])


def join_archived(parts: Sequence[Archived]) -> Archived:
    """Return one slow variable of several runs of one generation as one, in the order of time.

    Raises
    ------
    InputError
        Where the unit differs from run to run.
    """
    units = {part.unit for part in parts}
    if len(units) > 1:
        raise InputError(f"{parts[0].name} has other units in other runs: {', '.join(units)}")
    times = np.concatenate([part.times for part in parts])
    values = np.concatenate([part.values for part in parts])
    return _in_order(parts[0].name, times, values, parts[0].unit, parts[0].epoch)


def _in_order(name: str, times: Floats, values: Floats, unit: str, epoch: int) -> Archived:
    """Sort by time; of several values at one time the last counts."""
    order = np.argsort(times, kind="stable")
    times, values = times[order], values[order]
    last = np.append(np.diff(_nanoseconds(times)) > 0, True) if len(times) else times > 0
    return Archived(name, times[last], values[last], unit, epoch)


def _nanoseconds(times: Floats) -> Ints:
    # Whole seconds apart: a float of today's ns would be off by 256 ns.
    seconds = np.floor(times)
    return seconds.astype(np.int64) * 1_000_000_000 + np.rint((times - seconds) * 1e9).astype(
        np.int64
    )
