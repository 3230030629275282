"""Compiled scan of a file's chain of datagrams."""

from workbench.core.arrays import Array, Ints
from workbench.sources.xtc2.compiled import compiled
from workbench.sources.xtc2.layout import DGRAM_HEADER, PARENT, SERVICE_BYTE, XTC_HEADER, Service
from workbench.sources.xtc2.status import BAD_EXTENT, BAD_SERVICE, BAD_TYPE, CUT_OFF, FINE, FULL
from workbench.sources.xtc2.words import u16, u32, u64

_LAST_SERVICE = int(Service.EVENT)


@compiled
def scan_dgrams(
    buffer: Array, start: int, times: Array, offsets: Ints, sizes: Ints, services: Array
) -> tuple[int, int, int]:
    """List datagrams from byte `start` until the room is full.

    Returns how many were listed, the byte after them, and a status: FINE at the end of the
    buffer, FULL, CUT_OFF for an incomplete datagram at the end, or a problem.
    """
    at = start
    for count in range(len(offsets)):
        left = len(buffer) - at
        if left == 0:
            return count, at, FINE
        if left < DGRAM_HEADER:
            return count, at, CUT_OFF
        extent = u32(buffer, at + 20)
        if extent < XTC_HEADER:
            return count, at, BAD_EXTENT
        if u16(buffer, at + 18) & 0xFFF != PARENT:
            return count, at, BAD_TYPE
        service = buffer[at + SERVICE_BYTE] & 0xF
        if service > _LAST_SERVICE:
            return count, at, BAD_SERVICE
        size = extent + XTC_HEADER
        if size > left:
            return count, at, CUT_OFF
        times[count] = u64(buffer, at)
        offsets[count] = at
        sizes[count] = size
        services[count] = service
        at += size
    return len(offsets), at, FULL
