"""TIFF files of anybody, opened so that one which is cut off or damaged is never read as whole."""

import logging
import struct
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from workbench.core.errors import InputError
from workbench.core.extras import load


class DamagedTiffError(InputError):
    """What is no TIFF file, or a file that is cut off or damaged."""


class _Complaints(logging.Handler):
    """Keeps what tifffile logs: it leaves out pages and tags that it cannot read, and goes on."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.texts.append(record.getMessage())


@contextmanager
def opened_tiff(path: Path) -> Generator[Any]:
    """Open a TIFF file: one of tifffile's, for the block.

    Raises
    ------
    DamagedTiffError
        Where it is no TIFF file, or a page or tag of it could not be read in the block.
    """
    tifffile = load("tifffile", "reading a TIFF file", "export")
    # Damaged tags reach numpy as sizes and types that make no sense, or that no memory holds.
    damaged = (
        tifffile.TiffFileError, struct.error, ValueError, TypeError, OSError, MemoryError,
    )  # fmt: skip
    complaints, log = _Complaints(), logging.getLogger("tifffile")
    log.addHandler(complaints)
    try:
        with tifffile.TiffFile(path) as file:
            yield file
        if complaints.texts:
            raise DamagedTiffError(_text(path, complaints.texts[0]))
    except damaged as error:
        if isinstance(error, InputError):
            raise
        raise DamagedTiffError(_text(path, str(error))) from error
    finally:
        log.removeHandler(complaints)


def _text(path: Path, why: str) -> str:
    return f"{path} is no TIFF file that can be read: {why}; copy or write it again"
