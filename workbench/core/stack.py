"""A stack of events: the unit of work between sources, reductions and the producer."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from workbench.core.arrays import Array, Bools, Times
from workbench.core.errors import UnknownNameError


@dataclass(frozen=True)
class Stack:
    """Consecutive events of one run, every array with first axis event.

    Parameters
    ----------
    timestamps
        Shape (event,): seconds since 1990-01-01 UTC in the high 32 bits, ns in the low.
    arrays
        ``"detector.algorithm.field"`` to values of shape (event, ...). Rows of events in which
        the detector is absent hold zeros: ask `present` before using them. Fields whose shape
        changes from event to event are object arrays with None where absent.
    present
        Shape (event,) for each detector and each ``"detector.algorithm"``: True where all its
        configured segments are in the event.
    partial
        As `present`: True where some, but not all, segments are in the event.
    damaged
        As `present`: True where the record is there but marked damaged by the DAQ.
    first
        Index in the run of the first event of the stack.
    """

    timestamps: Times
    arrays: Mapping[str, Array]
    present: Mapping[str, Bools]
    partial: Mapping[str, Bools] = field(default_factory=dict)
    damaged: Mapping[str, Bools] = field(default_factory=dict)
    first: int = 0

    def __len__(self) -> int:
        return len(self.timestamps)

    def __contains__(self, name: str) -> bool:
        return name in self.arrays

    def __getitem__(self, name: str) -> Array:
        try:
            return self.arrays[name]
        except KeyError:
            raise UnknownNameError("field", name, self.arrays, "this stack") from None
