"""Saturation: readings piled up at the top of their range, pixels over the limit, gain ranges."""

from dataclasses import dataclass

import numpy as np

from workbench.core.arrays import Floats
from workbench.runs.alignment.estimators import SURE, excess

NEIGHBOURS = 5  # levels below the highest that say how many readings one level holds


@dataclass(frozen=True)
class Saturation:
    """How many readings of a channel are at the top of its range.

    Parameters
    ----------
    name
        The channel.
    events
        Readings.
    saturated
        Those at the top.
    limit
        The top, in the channel's unit.
    how
        "piled up" at one value, "over the limit" of the detector, or "pixels counted" by the
        producer.
    """

    name: str
    events: int
    saturated: int
    limit: float
    how: str

    @property
    def fraction(self) -> float:
        """Part of the readings that are saturated."""
        return self.saturated / self.events if self.events else 0.0


def piled_up(name: str, values: Floats) -> Saturation:
    """Count readings that share the highest value where the distribution says one or few should.

    A distribution that ends smoothly has fewer readings in its highest level than in those below.
    """
    known = values[np.isfinite(values)]
    levels, counts = np.unique(known, return_counts=True)
    if len(levels) <= NEIGHBOURS:  # flags and counters have no tail to compare with
        return Saturation(name, len(known), 0, float("nan"), "piled up")
    expected = float(counts[-1 - NEIGHBOURS : -1].mean())
    piled = excess(float(counts[-1]), expected) > SURE
    count = int(counts[-1]) if piled else 0
    return Saturation(name, len(known), count, float(levels[-1]), "piled up")


def over_limit(name: str, values: Floats, limit: float) -> Saturation:
    """Count readings at or above the value at which the detector saturates.

    Parameters
    ----------
    name
        The channel.
    values, limit
        Readings, shape (event,), and that value in the same unit.
    """
    known = values[np.isfinite(values)]
    return Saturation(name, len(known), int((known >= limit).sum()), limit, "over the limit")


def pixels_counted(name: str, counts: Floats) -> Saturation:
    """Count events of which the producer found saturated pixels in a region (``_nsat``)."""
    known = counts[np.isfinite(counts)]
    return Saturation(name, len(known), int((known > 0).sum()), float("nan"), "pixels counted")


def gain_fractions(ranges: Floats) -> dict[int, float]:
    """Return for each gain range the part of the readings in it, 0 to 1.

    Parameters
    ----------
    ranges
        Number of the range of each reading, any shape; NaN where it was not measured.
    """
    known = ranges[np.isfinite(ranges)]
    numbers, counts = np.unique(known, return_counts=True)
    return {
        int(number): float(count / known.size)
        for number, count in zip(numbers, counts, strict=True)
    }
