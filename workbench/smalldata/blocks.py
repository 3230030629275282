"""A file read page by page, each page once, many at a time: for slow network file systems."""

import io
import os
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

PAGE = 4096  # bytes; what HDF5 says of one dataset fits in one or two
SHORTEST = 4  # pages in a request that nobody announced
LONGEST = 64  # pages in one request: a quarter of a megabyte
HEADER = 512  # bytes that HDF5 reads first of each object
FAST = 5e-4  # s; requests answered sooner come from memory and are best made one by one
ATONCE = 16  # requests under way: a slow file system answers them together


class BlockFile(io.RawIOBase):
    """A file open for reading that HDF5 reads through; what was read once stays in memory.

    HDF5 asks for a few hundred bytes at a time, thousands of times, each of them a round trip on
    a network file system. Pages next to each other are fetched in growing requests; pages known
    to be needed are announced to `fetch`. Takes no lock. Use it for what describes the data, not
    for the data.

    Parameters
    ----------
    path
        The file.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        self._state = os.fstat(self._handle)
        self._pages: dict[int, bytes] = {}
        self._place = 0
        self._last = -1
        self._ahead = SHORTEST
        self._slow = False
        self._error: OSError | None = None
        self.requests = 0
        self.bytes_read = 0

    def fetch(self, addresses: Iterable[int]) -> None:
        """Read the pages that hold the objects at these addresses, together."""
        wanted = {
            page
            for address in addresses
            if 0 <= address < self._state.st_size
            for page in (address // PAGE, (address + HEADER - 1) // PAGE)
        }
        self._read_all(list(_runs(sorted(wanted - self._pages.keys()))))

    def peek(self, place: int, size: int) -> bytes:
        """Return bytes as far as they were read already, without reading."""
        first, last = place // PAGE, (place + size - 1) // PAGE
        whole = b"".join(self._pages.get(page, b"") for page in range(first, last + 1))
        return whole[place - first * PAGE :][:size] if first in self._pages else b""

    def check(self) -> None:
        """Raise the error of the first read that failed, if there was one."""
        if self._error is not None:
            raise OSError(self._error.errno, self._error.strerror)

    def changed(self) -> bool:
        """Tell whether the file was written to since it was opened."""
        now = os.fstat(self._handle)
        return (now.st_size, now.st_mtime_ns) != (self._state.st_size, self._state.st_mtime_ns)

    def readable(self) -> bool:
        """Tell that HDF5 may read."""
        return True

    def seekable(self) -> bool:
        """Tell that HDF5 may choose the place."""
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go to a byte, from the start, from here or from the end."""
        size = self._state.st_size
        self._place = {os.SEEK_SET: 0, os.SEEK_CUR: self._place, os.SEEK_END: size}[whence] + offset
        return self._place

    def tell(self) -> int:
        """Return the byte at which the next read starts."""
        return self._place

    def readinto(self, buffer: Any) -> int:  # Any: whatever offers a buffer, as HDF5 does
        """Fill a buffer from here on; beyond the end there are zeros."""
        view = memoryview(buffer).cast("B")
        first, last = self._place // PAGE, (self._place + len(view) - 1) // PAGE
        self._need(first, last)
        whole = b"".join(self._pages.get(page, b"") for page in range(first, last + 1))
        found = whole[self._place - first * PAGE :][: len(view)]
        view[: len(found)] = found
        view[len(found) :] = bytes(len(view) - len(found))
        self._place += len(view)
        return len(view)

    def close(self) -> None:
        """Close the file."""
        if not self.closed:
            os.close(self._handle)
        super().close()

    def _need(self, first: int, last: int) -> None:
        lacking = [page for page in range(first, last + 1) if page not in self._pages]
        if not lacking:
            return
        # Reading on where the last request ended: HDF5 put its descriptions in one place.
        self._ahead = min(LONGEST, self._ahead * 4) if lacking[0] == self._last else SHORTEST
        on = range(lacking[-1] + 1, lacking[-1] + self._ahead)
        self._read_all(list(_runs([*lacking, *(page for page in on if page not in self._pages)])))
        self._last = lacking[-1] + self._ahead

    def _read_all(self, runs: list[tuple[int, int]]) -> None:
        for done, run in enumerate(runs):
            if self._slow and len(runs) - done > 2:
                self._read_together(runs[done:])
                return
            self._read(run)

    def _read_together(self, runs: list[tuple[int, int]]) -> None:
        with ThreadPoolExecutor(min(ATONCE, len(runs))) as pool:
            list(pool.map(self._read_some, (runs[part::ATONCE] for part in range(ATONCE))))

    def _read_some(self, runs: list[tuple[int, int]]) -> None:
        for run in runs:
            self._read(run)

    def _read(self, run: tuple[int, int]) -> None:
        first, last = run
        start = time.perf_counter()
        try:
            data = os.pread(self._handle, (last - first) * PAGE, first * PAGE)
        except OSError as error:  # raised by `check`: HDF5 may crash when a read fails
            self._error = error
            data = b""
        self._slow = time.perf_counter() - start > FAST
        self.requests += 1
        self.bytes_read += len(data)
        for page in range(first, last):
            start = (page - first) * PAGE
            self._pages[page] = data[start : start + PAGE]


def _runs(pages: list[int]) -> Iterator[tuple[int, int]]:
    """Join sorted pages to ranges (first, last + 1); a single page between two is read too."""
    start = 0
    for index in range(1, len(pages) + 1):
        end = index == len(pages)
        if end or pages[index] > pages[index - 1] + 2 or pages[index] - pages[start] >= LONGEST:
            yield pages[start], pages[index - 1] + 1
            start = index
