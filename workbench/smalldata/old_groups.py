"""Where the lists of old-style HDF5 groups lie: hints for reading ahead, never relied upon.

HDF5 finds the members of a group in four steps, each a request: header, tree, leaves, names. For
many groups at once each step can be one request. Layout: HDF5 File Format Specification 3.0,
sections III.A.1 (version 1 trees), III.D (local heaps), IV.A.1.a and IV.A.2.r (headers).
"""

from collections.abc import Iterator, Sequence

from workbench.smalldata.blocks import BlockFile

SYMBOL_TABLE = 0x11  # the header message of a group: addresses of its tree and its heap
LOOK = 512  # bytes of each piece that are looked at


def fetch_groups(file: BlockFile, headers: Sequence[int]) -> None:
    """Read what lists the members of groups whose headers were read already."""
    first = [place for header in headers for place in _tables(file.peek(header, LOOK))]
    file.fetch(first)
    file.fetch([place for piece in first for place in _children(file.peek(piece, LOOK))])


def _tables(header: bytes) -> Iterator[int]:
    if header[:1] != b"\x01":
        return  # a newer kind of group, which keeps small lists in its header
    place = 16
    while place + 24 <= len(header):
        kind, size = _number(header, place, 2), _number(header, place + 2, 2)
        if kind == SYMBOL_TABLE:
            yield _number(header, place + 8, 8)
            yield _number(header, place + 16, 8)
            return
        place += 8 + size


def _children(piece: bytes) -> Iterator[int]:
    if piece.startswith(b"TREE"):
        for entry in range(_number(piece, 6, 2)):
            if 40 + 16 * entry <= len(piece):
                yield _number(piece, 32 + 16 * entry, 8)
    elif piece.startswith(b"HEAP"):
        yield _number(piece, 24, 8)


def _number(data: bytes, place: int, size: int) -> int:
    return int.from_bytes(data[place : place + size], "little")
