"""Opening an HDF5 file for reading, with a named error for each way in which that fails."""

import errno
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import h5py

from workbench.core.errors import InputError, NotThereError, WorkbenchError


class NotSmallDataError(InputError):
    """A file without the datasets of small data."""


class NotHdf5Error(NotSmallDataError):
    """A file that is not HDF5."""


class DamagedFileError(WorkbenchError, OSError):
    """A file that was cut off or whose content cannot be read."""


class TruncatedFileError(DamagedFileError):
    """A file that ends before its last dataset."""


class StillWrittenError(WorkbenchError, BlockingIOError):
    """A file that another program holds open for writing."""


class MissingPartsError(WorkbenchError, FileNotFoundError):
    """A file whose data lie in part files that are not there."""


@contextmanager
def open_hdf5(path: Path) -> Generator[h5py.File]:
    """Open one HDF5 file for reading for the length of a ``with`` block."""
    h5 = _open(path)
    try:
        yield h5
    finally:
        h5.close()


def _open(path: Path) -> h5py.File:
    try:
        if not path.exists():
            raise NotThereError(
                f"there is no file {path}; check the name, or produce the run first"
            )
        if not path.is_file():
            raise InputError(f"{path} is {_sort(path)}; name one small-data file (.h5)")
        return h5py.File(path, "r")
    except WorkbenchError:
        raise
    except OSError as error:
        raise _explain(path, error) from error


def _sort(path: Path) -> str:
    return "a folder" if path.is_dir() else "not a regular file"


def _explain(path: Path, error: OSError) -> WorkbenchError:
    text = str(error)
    if isinstance(error, PermissionError) or error.errno == errno.EACCES:
        return DamagedFileError(f"{path}: no permission to read it; ask its owner")
    if error.errno == errno.EAGAIN or "already open for write" in text:
        return StillWrittenError(
            f"{path}: still being written by another program; try again when it has finished (if "
            "its writer was killed, produce the run again)"
        )
    if path.stat().st_size == 0:
        return NotHdf5Error(f"{path}: the file is empty; copy it or produce the run again")
    if "truncated file" in text:
        return TruncatedFileError(
            f"{path}: cut off after {path.stat().st_size} bytes; copy it or produce the run again"
        )
    if "file signature not found" in text:
        return NotHdf5Error(f"{path}: not an HDF5 file; name a small-data file (.h5)")
    return DamagedFileError(
        f"{path}: damaged, HDF5 cannot open it ({text}); copy it or produce the run again"
    )
