"""Ranges of events that are worked together; they follow from their place in the run alone."""

from collections.abc import Iterator
from itertools import count

UNIT_EVENTS = (256, 1024)  # events of one of the first units of work, and of a later one
UNITS = 4  # that are short


def unit_ranges() -> Iterator[tuple[int, int]]:
    """Yield the ranges of events of units, as of a run without end.

    The first ones are short, so that a short run too has work for several workers; how long a run
    will be is not known while it is taken, and its units are the same then.
    """
    start = 0
    for number in count():
        stop = start + UNIT_EVENTS[number >= UNITS]
        yield start, stop
        start = stop
