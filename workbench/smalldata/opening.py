"""Opening an HDF5 file for reading, with a named error for each way in which that fails.

How files are locked (``docs/decisions/0007-readers-take-no-locks.md``): reading takes no lock, so
it never stops a writer and works on read-only and network file systems that refuse locks. A file
that somebody holds a write lock on, or that HDF5 marks as open for writing, is refused as still
being written; one whose writer lets others read along (SWMR) is opened, as far as it has come.
HDF5 obeys the variable ``HDF5_USE_FILE_LOCKING`` before us.
"""

import errno
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import h5py

from workbench.core.errors import InputError, NotThereError, WorkbenchError
from workbench.smalldata.blocks import BlockFile
from workbench.smalldata.locks import writer_of

RECENT = 60  # s; a broken file that changed since then may just not be finished
SETTLES = 0.5  # s, for which a file that was just written to may be shorter than it says
AGAIN = 0.02  # s, between two tries to open it


class NotSmallDataError(InputError):
    """A file without the datasets of small data."""


class NotHdf5Error(NotSmallDataError):
    """A file that is not HDF5."""


class DamagedFileError(WorkbenchError, OSError):
    """A file that was cut off or whose content cannot be read."""


class NoPermissionError(WorkbenchError, PermissionError):
    """A file that this user may not read."""


class TruncatedFileError(DamagedFileError):
    """A file that ends before its last dataset."""


class StillWrittenError(WorkbenchError, BlockingIOError):
    """A file that another program holds open for writing."""


class MissingPartsError(WorkbenchError, FileNotFoundError):
    """A file whose data lie in part files that are not there."""


@contextmanager
def open_hdf5(path: Path) -> Generator[h5py.File]:
    """Open one HDF5 file for reading for the length of a ``with`` block, without locking it.

    A file that grows under a SWMR writer is opened as far as it has come (`h5py.File.swmr_mode`).
    """
    h5 = _open(path)
    try:
        yield h5
    finally:
        h5.close()


@contextmanager
def open_ahead(path: Path) -> Generator[tuple[h5py.File, BlockFile]]:
    """Open one HDF5 file to look at its datasets rather than their values, in few requests.

    Raises `StillWrittenError` where the file changed in the meantime.
    """
    with BlockFile(path) as file:
        try:
            # No room for values: HDF5 sets aside 64 kB for each dataset that is looked at.
            h5 = h5py.File(file, "r", rdcc_nbytes=0, rdcc_nslots=1)
        except OSError as error:
            file.check()
            raise _explain(path, error) from error
        try:
            yield h5, file
        finally:
            h5.close()
        file.check()
        if file.changed():
            raise StillWrittenError(
                f"{path}: changed while it was read; try again when its writer has finished"
            )


def _open(path: Path) -> h5py.File:
    try:
        if not path.exists():
            raise NotThereError(
                f"there is no file {path}; check the name, or produce the run first"
            )
        if not path.is_file():
            raise InputError(f"{path} is {_sort(path)}; name one small-data file (.h5)")
        writer = writer_of(path)
        if writer is not None:
            raise _still_written(path, f"by process {writer}")
        return _open_settled(path)
    except WorkbenchError:
        raise
    except OSError as error:
        raise _explain(path, error) from error


def _open_settled(path: Path) -> h5py.File:
    """Open a file; try again where it is shorter than it says and was written to just now.

    A SWMR writer notes how long a file will be a moment before the file is that long.
    """
    until = time.monotonic() + SETTLES
    while True:
        try:
            return _open_unlocked(path)
        except OSError as error:
            written = time.time() - path.stat().st_mtime < SETTLES
            if "truncated file" not in str(error) or not written or time.monotonic() > until:
                raise
        time.sleep(AGAIN)


def _open_unlocked(path: Path) -> h5py.File:
    try:
        return h5py.File(path, "r", locking=False)
    except OSError as error:
        if "locking flag values don't match" in str(error):
            # This process has the file open with its locks already, as h5py does by itself.
            return h5py.File(path, "r")
        if "already open for write" not in str(error):
            raise
    try:
        return h5py.File(path, "r", libver="latest", swmr=True, locking=False)
    except OSError as error:
        raise _still_written(path, "by another program") from error


def _still_written(path: Path, whom: str) -> StillWrittenError:
    return StillWrittenError(
        f"{path}: still being written {whom}; try again when it has finished (if its writer was "
        "killed, produce the run again)"
    )


def _sort(path: Path) -> str:
    return "a folder" if path.is_dir() else "not a regular file"


def _explain(path: Path, error: OSError) -> WorkbenchError:
    text = str(error)
    if isinstance(error, PermissionError) or error.errno == errno.EACCES:
        return NoPermissionError(f"{path}: no permission to read it; ask its owner")
    if error.errno == errno.EAGAIN:  # only where HDF5_USE_FILE_LOCKING makes HDF5 lock
        return _still_written(path, "by another program")
    status = path.stat()
    if status.st_size == 0:
        return NotHdf5Error(f"{path}: the file is empty; copy it or produce the run again")
    cure = "copy it or produce the run again" + _unfinished(status.st_mtime)
    if "truncated file" in text:
        return TruncatedFileError(f"{path}: cut off after {status.st_size} bytes; {cure}")
    if "file signature not found" in text:
        return NotHdf5Error(f"{path}: not an HDF5 file; name a small-data file (.h5)")
    return DamagedFileError(f"{path}: damaged, HDF5 cannot open it ({text}); {cure}")


def _unfinished(modified: float) -> str:
    age = time.time() - modified
    if not 0 <= age < RECENT:
        return ""
    return f" (it changed {age:.0f} s ago: if it is still written or copied, wait)"
