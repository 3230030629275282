"""The list of datagrams of a stream: time, kind, file, place and size of each."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from workbench.core.arrays import Array, Bools, Ints, Times
from workbench.sources.xtc2.errors import Xtc2Error
from workbench.sources.xtc2.layout import Service
from workbench.sources.xtc2.part import Part
from workbench.sources.xtc2.scan import scan_dgrams
from workbench.sources.xtc2.status import CUT_OFF, FULL, PROBLEMS

ROOM = 65_536  # datagrams listed at a time

NO_XTC2 = (
    "give the first chunk (-c000) of a stream written by an LCLS-II DAQ of 2019 or later: "
    "LCLS-I files (.xtc) and earlier layouts cannot be read"
)


@dataclass(frozen=True)
class DgramIndex:
    """Datagrams in file order; every array has shape (datagram,).

    Parameters
    ----------
    times
        Time stamps.
    services
        Kinds, as in `Service`.
    parts
        Which file of the stream.
    offsets, sizes
        First byte in that file, and bytes.
    """

    times: Times
    services: Array
    parts: Array
    offsets: Ints
    sizes: Ints

    def __len__(self) -> int:
        return len(self.times)

    def of(self, service: Service) -> Ints:
        """Return the rows of one kind of datagram."""
        return np.flatnonzero(self.services == service)

    def select(self, rows: Ints | Bools | slice) -> "DgramIndex":
        """Return some of the datagrams."""
        return DgramIndex(
            self.times[rows],
            self.services[rows],
            self.parts[rows],
            self.offsets[rows],
            self.sizes[rows],
        )


def join(pieces: Sequence[DgramIndex]) -> DgramIndex:
    """Put lists of datagrams one behind the other."""
    if len(pieces) == 1:
        return pieces[0]
    return DgramIndex(
        np.concatenate([piece.times for piece in pieces]),
        np.concatenate([piece.services for piece in pieces]),
        np.concatenate([piece.parts for piece in pieces]),
        np.concatenate([piece.offsets for piece in pieces]),
        np.concatenate([piece.sizes for piece in pieces]),
    )


def scan_part(part: Part, *, number: int, start: int = 0) -> tuple[DgramIndex, int]:
    """List the datagrams of one file from byte `start` on.

    Returns the list, and the bytes of an incomplete datagram at the end of the file, 0 if none.
    """
    pieces = []
    status = FULL
    while status == FULL:
        times = np.empty(ROOM, np.uint64)
        offsets = np.empty(ROOM, np.int64)
        sizes = np.empty(ROOM, np.int64)
        services = np.empty(ROOM, np.uint8)
        count, start, status = scan_dgrams(part.buffer, start, times, offsets, sizes, services)
        pieces.append(
            DgramIndex(
                times[:count].copy(),
                services[:count].copy(),
                np.full(count, number, np.int32),
                offsets[:count].copy(),
                sizes[:count].copy(),
            )
        )
    if status in PROBLEMS:
        if start == 0:
            raise Xtc2Error(part.path, 0, f"not XTC2 data: {PROBLEMS[status]}", NO_XTC2)
        raise Xtc2Error(part.path, start, PROBLEMS[status])
    return join(pieces), len(part) - start if status == CUT_OFF else 0
