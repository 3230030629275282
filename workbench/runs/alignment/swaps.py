"""Exchanged channels: monitors against their own diodes and usual ranges, flags against codes."""

from dataclasses import dataclass

import numpy as np

from workbench.core.arrays import Array, Floats
from workbench.runs.alignment.estimators import SURE, rank_z

ALIKE = 0.99  # of the events in which exchanged flags agree with the codes of the other


@dataclass(frozen=True)
class Monitor:
    """One beam monitor: its reading and what tells it from another.

    Parameters
    ----------
    name
        The channel.
    values
        Its readings in time order, shape (event,).
    diodes
        Sum of its own diodes, shape (event,); None where the file lacks them.
    usual
        Usual range of its readings; None where nobody wrote one down.
    """

    name: str
    values: Floats
    diodes: Floats | None = None
    usual: tuple[float, float] | None = None


@dataclass(frozen=True)
class Swap:
    """Two channels that seem exchanged, and how that shows."""

    first: str
    second: str
    why: str
    count: int


def compare_monitors(first: Monitor, second: Monitor) -> tuple[Swap | None, bool]:
    """Return the swap of two monitors, if there is one, and whether the file could tell."""
    events = int((np.isfinite(first.values) & np.isfinite(second.values)).sum())
    if first.diodes is not None and second.diodes is not None:
        crossed = _closer(first.values, second.diodes, first.diodes)
        crossed &= _closer(second.values, first.diodes, second.diodes)
        why = "each follows the diodes of the other more closely than its own"
        return (Swap(first.name, second.name, why, events) if crossed else None), True
    if first.usual is not None and second.usual is not None:
        outside = not _within(first.values, first.usual) and not _within(
            second.values, second.usual
        )
        crossed = _within(first.values, second.usual) and _within(second.values, first.usual)
        why = "each reads outside its own usual range and within that of the other"
        return (Swap(first.name, second.name, why, events) if outside and crossed else None), True
    return None, False


def compare_flags(xray: Array, laser: Array, by_codes: tuple[Array, Array]) -> Swap | None:
    """Return the swap of X-ray and laser flag, if the event codes say so.

    Parameters
    ----------
    xray, laser
        Flags as stored, shape (event,): 1 on, 0 off, negative unknown.
    by_codes
        X-rays and laser by the event codes.
    """
    known = (xray >= 0) & (laser >= 0)
    straight = _agree(xray, by_codes[0], known), _agree(laser, by_codes[1], known)
    crossed = _agree(xray, by_codes[1], known), _agree(laser, by_codes[0], known)
    if min(crossed) < ALIKE or min(straight) >= min(crossed):
        return None
    wrong = int((known & ((xray != by_codes[0]) | (laser != by_codes[1]))).sum())
    why = "each agrees with the event codes of the other"
    return Swap("lightStatus/xray", "lightStatus/laser", why, wrong)


def _agree(flags: Array, codes: Array, known: Array) -> float:
    return float((flags[known] == codes[known]).mean()) if known.any() else 0.0


def _closer(values: Floats, other: Floats, own: Floats) -> bool:
    theirs, error = rank_z(values, other)
    mine, _ = rank_z(values, own)
    return bool(abs(theirs) - abs(mine) > SURE * np.sqrt(2) * error)


def _within(values: Floats, usual: tuple[float, float]) -> bool:
    known = values[np.isfinite(values)]
    return bool(known.size) and usual[0] <= float(np.median(known)) < usual[1]
