"""Event times of both DAQ generations.

A time stamp holds seconds in its high 32 bits and nanoseconds in its low 32. LCLS-II counts from
the EPICS epoch (1990-01-01 UTC), LCLS-I from 1970.
"""

import numpy as np
from numpy.typing import NDArray

from workbench.core.arrays import Ints, Times

EPICS_EPOCH = 631_152_000  # s, 1990-01-01 UTC as Unix time


def pack(seconds: Ints, nanoseconds: Ints) -> Times:
    """Join seconds and nanoseconds into time stamps, shape (event,)."""
    return (seconds.astype(np.uint64) << np.uint64(32)) | nanoseconds.astype(np.uint64)


def nanoseconds(stamps: Times) -> Ints:
    """Return time stamps as ns since their own epoch, shape (event,); safe to subtract."""
    stamps = stamps.astype(np.uint64)
    seconds = (stamps >> np.uint64(32)).astype(np.int64)
    return seconds * 1_000_000_000 + (stamps & np.uint64(0xFFFFFFFF)).astype(np.int64)


def datetimes(stamps: Times, *, epoch: int = EPICS_EPOCH) -> NDArray[np.datetime64]:
    """Return time stamps as UTC dates; `epoch` is the Unix time [s] at which they count 0."""
    return (nanoseconds(stamps) + epoch * 1_000_000_000).astype("datetime64[ns]")
