"""The hidden folder where a production keeps its parts, and the lock on it."""

import fcntl
import os
import shutil
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from workbench.core.atomic import CannotWriteError, make_folder
from workbench.core.errors import WorkbenchError


class AlreadyProducingError(WorkbenchError, BlockingIOError):
    """Another process is producing the same file."""


@contextmanager
def parts_folder(target: Path, key: str) -> Generator[Path]:
    """Give an empty folder ``.<name>.parts/<key>`` that is this process's alone.

    What a killed production left there is removed first; the folder is removed at the end.
    Raises `AlreadyProducingError` where another process works on the same file.
    """
    base = target.with_name(f".{target.name}.parts")
    make_folder(target.parent)
    handle = _locked(base, target)
    try:
        for entry in base.iterdir():
            if entry.is_dir():
                shutil.rmtree(entry)
        yield make_folder(base / key)
    finally:
        shutil.rmtree(base)
        os.close(handle)


def _locked(base: Path, target: Path) -> int:
    """Lock the folder's lock file; again if another process removed it in between."""
    while True:
        make_folder(base)
        try:
            handle = os.open(base / "lock", os.O_RDWR | os.O_CREAT, 0o664)
        except FileNotFoundError:
            continue  # the other process removed the folder just now
        except OSError as error:
            raise CannotWriteError(
                f"cannot write in {base}: {error.strerror}; choose another output folder"
            ) from error
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            raise AlreadyProducingError(
                f"{target.name} is being produced by another process; wait for it, or choose "
                "another output folder"
            ) from None
        if _same_file(handle, base / "lock"):
            return handle
        os.close(handle)


def _same_file(handle: int, path: Path) -> bool:
    try:
        return os.fstat(handle).st_ino == path.stat().st_ino
    except FileNotFoundError:
        return False
