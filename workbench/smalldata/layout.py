"""Names, sentinels and chunk sizes that the small-data writer, reader and checker share."""

from math import prod

import numpy as np

from workbench.core.frames import MISSING_INTEGER as MISSING_INTEGER

FORMAT = "workbench small data"
FORMAT_VERSION = 1
LIBRARY_BOUNDS = ("v110", "v110")  # read by stock HDF5 1.10; its metadata carry checksums
CHUNK_BYTES = 1 << 20  # one read of a stack of frames
CHUNK_ROWS = 10_000  # one read of a scalar column of a typical run
ARCHIVER = "epics_archiver"  # slow values at times of their own
ONCE_GROUPS = ("UserDataCfg", "Sums", "epicsOnce", "EOrbits", ARCHIVER)  # no row per event
TIME_NAMES = ("timestamp", "event_time")  # of LCLS-II and LCLS-I; a writer declares one of them
INTEGRATING_TIME = "intg/timestamp"  # time axis of the integrating detectors
OWN_GROUPS = ("provenance", "presence")
HDF5_ERRORS = (OSError, RuntimeError, KeyError, ValueError, TypeError, MemoryError)
# What h5py raises on damaged files: each layer of HDF5 has its own.


def chunk_shape(shape: tuple[int, ...], dtype: np.dtype[np.generic], rows: int) -> tuple[int, ...]:
    """Return the chunk of a dataset (event, *shape) with about `rows` events."""
    row_bytes = max(1, prod(shape) * dtype.itemsize)
    fitting = max(1, CHUNK_BYTES // row_bytes)
    return (max(1, min(fitting, CHUNK_ROWS, rows)), *(max(1, length) for length in shape))


def var_group(name: str) -> str:
    """Return the path up to the part that begins with ``var_``; "" for data that are not ragged.

    The part may be a folder of fields (``det/var_hits/row``) or the dataset itself; what ends in
    ``_len`` counts entries and is not ragged itself.
    """
    parts = name.split("/")
    for count, part in enumerate(parts, start=1):
        if part.startswith("var_"):
            is_length = part.endswith("_len") and count == len(parts)
            return "" if is_length else "/".join(parts[:count])
    return ""


def length_name(name: str) -> str:
    """Return the dataset of entries per event that belongs to ``det/var_x/field``."""
    return f"{var_group(name) or name.rsplit('/', 1)[0]}_len"
