"""Where HDF5 writes: a file that hides a full disk from HDF5, which crashes after such an error."""

import io
import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py

from workbench.smalldata.layout import LIBRARY_BOUNDS


@contextmanager
def create_hdf5(path: Path) -> Generator[tuple[h5py.File, "Sink"]]:
    """Create an HDF5 file for the length of a ``with`` block; OSError when the disk refused."""
    with Sink(path) as sink:
        with h5py.File(sink, "w", libver=LIBRARY_BOUNDS) as h5:
            yield h5, sink
        sink.check()


class Sink(io.RawIOBase):
    """A file open for HDF5 that remembers the first write that the disk refused.

    From then on writes are kept in memory, so that HDF5 can close its file in peace. Call
    `check` between datasets, so that there are never many.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o666)
        self._place = 0
        self._error: OSError | None = None
        self._kept: list[tuple[int, bytes]] = []

    def check(self) -> None:
        """Raise the error of the first refused write, if there was one."""
        if self._error is not None:
            raise OSError(self._error.errno, self._error.strerror)

    def readable(self) -> bool:
        """Tell that HDF5 may read what it wrote."""
        return True

    def writable(self) -> bool:
        """Tell that HDF5 may write."""
        return True

    def seekable(self) -> bool:
        """Tell that HDF5 may choose the place."""
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go to a byte, from the start, from here or from the end."""
        start = 0 if whence == os.SEEK_SET else self._place
        self._place = (self._size() if whence == os.SEEK_END else start) + offset
        return self._place

    def tell(self) -> int:
        """Return the byte at which the next read or write starts."""
        return self._place

    def readinto(self, buffer: Any) -> int:  # Any: whatever offers a buffer, as HDF5 does
        """Fill a buffer from here on; beyond the end there are zeros."""
        view = memoryview(buffer).cast("B")
        found = os.pread(self._handle, len(view), self._place)
        view[: len(found)] = found
        view[len(found) :] = bytes(len(view) - len(found))
        for start, data in self._kept:
            low = max(start, self._place)
            high = min(start + len(data), self._place + len(view))
            if low < high:
                view[low - self._place : high - self._place] = data[low - start : high - start]
        self._place += len(view)
        return len(view)

    def write(self, data: Any) -> int:  # Any: as above
        """Write from here on; what the disk refuses is kept in memory."""
        view = memoryview(data).cast("B")
        done = 0
        try:
            while done < len(view) and self._error is None:
                done += os.pwrite(self._handle, view[done:], self._place + done)
        except OSError as error:
            self._error = error
        if done < len(view):
            self._kept.append((self._place + done, bytes(view[done:])))
        self._place += len(view)
        return len(view)

    def truncate(self, size: int | None = None) -> int:
        """Set the length of the file."""
        length = self._place if size is None else size
        try:
            os.ftruncate(self._handle, length)
        except OSError as error:
            self._error = self._error or error
        return length

    def sync(self) -> None:
        """Wait until what was written so far is on disk."""
        os.fdatasync(self._handle)

    def close(self) -> None:
        """Close the file."""
        if not self.closed:
            os.close(self._handle)
        super().close()

    def _size(self) -> int:
        ends = [start + len(data) for start, data in self._kept]
        return max([os.fstat(self._handle).st_size, *ends])
