"""One file of a stream, mapped into memory."""

import mmap
from collections.abc import Callable
from pathlib import Path

import numpy as np

from workbench.core.arrays import Array
from workbench.sources.run_files import IN_PROGRESS
from workbench.sources.xtc2.errors import Xtc2Error


class Part:
    """The bytes of one file, read-only; the map lives as long as any view of it.

    Parameters
    ----------
    path
        The file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            with path.open("rb") as file:
                self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except OSError as error:
            raise Xtc2Error(
                path, 0, f"cannot be read: {error.strerror}", "check its owner and permissions"
            ) from error
        except ValueError as error:
            raise Xtc2Error(path, 0, "the file is empty") from error
        self.buffer: Array = np.frombuffer(self._map, np.uint8)

    def __reduce__(self) -> tuple[Callable[[Path, int], "Part"], tuple[Path, int]]:
        return _map_again, (self.path, len(self))

    def __len__(self) -> int:
        return len(self.buffer)

    @property
    def in_progress(self) -> bool:
        """True while the DAQ has not given the file its final name."""
        return self.path.name.endswith(IN_PROGRESS)

    def release(self) -> None:
        """Let go of the pages in memory; views stay valid and read them again when used."""
        self._map.madvise(mmap.MADV_DONTNEED)


def _map_again(path: Path, length: int) -> Part:
    """Map a file that another process has read; it may only have grown since."""
    part = Part(path)
    if len(part) < length:
        raise Xtc2Error(
            path, len(part), "the file is shorter than when it was opened", "open the run again"
        )
    return part
