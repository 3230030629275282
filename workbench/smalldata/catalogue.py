"""The catalogue: behind the last byte of HDF5, what a file that we wrote says of its datasets.

Finding out what a thousand datasets are takes HDF5 a thousand looks at places all over the file.
A file that we wrote carries the answer at its end, where HDF5 does not look: it reads such a file
as any other, and whenever it opens the file for writing, from whatever program, it cuts off what
lies behind its last byte. So a catalogue that is there is true
(``docs/decisions/0009-catalogue-behind-the-file.md``).
"""

import json
import os
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from workbench.smalldata.facts import Facts
from workbench.smalldata.listing import list_file
from workbench.smalldata.opening import TruncatedFileError

MARK = b"\nworkbench catalogue 1\n"  # then length and checksum, 8 bytes each, and JSON, deflated
SIGNATURE = b"\x89HDF\r\n\x1a\n"
HEAD = 36  # bytes at the start of a file that end with the address of its end
LARGEST = 64 << 20  # bytes; ten thousand datasets take one hundredth of it


def append_catalogue(path: Path) -> None:
    """Append its catalogue to an HDF5 file that is complete and closed."""
    append_facts(path, list_file(path).facts)


def append_facts(path: Path, facts: Iterable[Facts]) -> None:
    """Append a catalogue of what the writer of a file knows of its datasets; sorted here."""
    rows = [tuple(one) for one in sorted(facts)]
    text = zlib.compress(json.dumps(rows, separators=(",", ":")).encode())
    with path.open("ab") as file:
        file.write(MARK + _number(len(text)) + _number(zlib.crc32(text)) + text)


def find_catalogue(path: Path) -> bytes | None:
    """Return the catalogue of a file as stored, checked for completeness; None: it has none.

    Raises `TruncatedFileError` where a part of it is missing: then the file was not copied whole.
    """
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        head, size = os.pread(handle, HEAD, 0), os.fstat(handle).st_size
        if len(head) < HEAD or not head.startswith(SIGNATURE) or head[8] not in {2, 3}:
            return None
        end = int.from_bytes(head[28:36], "little")
        if not end < size <= end + LARGEST:
            return None
        found = os.pread(handle, size - end, end)
    finally:
        os.close(handle)
    if not found.startswith(MARK[: len(found)]):
        return None  # somebody else's
    start = len(MARK) + 16
    length, checksum = (_value(found[at : at + 8]) for at in (len(MARK), len(MARK) + 8))
    text = found[start:]
    if len(found) < start or len(text) != length or zlib.crc32(text) != checksum:
        raise TruncatedFileError(
            f"{path}: cut off or damaged after byte {end}; copy it or produce the run again"
        )
    return text


def read_catalogue(stored: bytes) -> tuple[Facts, ...]:
    """Return what a catalogue says, sorted by name."""
    rows: list[list[Any]] = json.loads(zlib.decompress(stored))  # Any: as `Facts` has them
    return tuple(Facts(*map(_as_tuple, row)) for row in rows)


def _as_tuple(value: Any) -> Any:  # JSON has lists only
    return tuple(value) if isinstance(value, list) else value


def _number(value: int) -> bytes:
    return value.to_bytes(8, "little")


def _value(stored: bytes) -> int:
    return int.from_bytes(stored, "little")
