"""Files that appear whole or not at all: written beside, flushed to disk, renamed."""

import errno
import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex

from workbench.core.errors import WorkbenchError


class CannotWriteError(WorkbenchError, OSError):
    """A folder or file that cannot be written; nothing was left under the final name."""


@contextmanager
def replacing(target: Path, *, place: Path | None = None) -> Generator[Path]:
    """Give a temporary path beside `target`; rename it to `target` when the block succeeds.

    The temporary file is removed when the block raises; it lies in the folder `place` where one
    is given, which must be of the same file system. Raises `CannotWriteError` where the folder
    refuses or the disk is full.
    """
    with appearing(target, place=place) as part:
        yield part
        _flush(part)
    _flush(target.parent)


@contextmanager
def appearing(target: Path, *, place: Path | None = None) -> Generator[Path]:
    """Do as `replacing`, but leave it to the system when the bytes reach the disk."""
    # Processes of several machines may write the same file: their numbers can be equal.
    part = (place or target.parent) / f".{target.name}.{os.getpid()}.{token_hex(3)}.part"
    try:
        yield part
        part.replace(target)
    except OSError as error:
        _remove(part)
        if isinstance(error, WorkbenchError):
            raise
        raise CannotWriteError(
            f"cannot write {target}: {refusal(error, target.parent)}; nothing was left there. "
            "Free space or choose another folder"
        ) from error
    except BaseException:
        _remove(part)
        raise


def make_folder(folder: Path) -> Path:
    """Create a folder and its parents; `CannotWriteError` says who may not."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CannotWriteError(
            f"cannot create the folder {folder}: {refusal(error, folder)}; choose another "
            "folder or ask its owner for write permission"
        ) from error
    if not os.access(folder, os.W_OK | os.X_OK, effective_ids=True):
        raise CannotWriteError(
            f"no permission to write in {folder}; choose another folder or ask its owner"
        )
    return folder


@contextmanager
def leaving_none_empty(folder: Path) -> Generator[None]:
    """Take away again, at the end, what the block made of a folder's path and left empty.

    So a refusal leaves nothing. Folders that were there before stay, and those that hold something.
    """
    missing = [path for path in (folder, *folder.parents) if not os.path.lexists(path)]
    try:
        yield
    finally:
        for path in missing:
            try:
                path.rmdir()
            except OSError:  # not empty, or never made: so are those above it
                break


def refusal(error: OSError, folder: Path) -> str:
    """Say why the system wrote nothing: where the number of files is used up it speaks of space."""
    reason = error.strerror or str(error)
    if error.errno == errno.EDQUOT:
        return f"{reason} (space, or number of files: `workbench quota` shows both)"
    there = next((path for path in (folder, *folder.parents) if path.is_dir()), None)
    if error.errno == errno.ENOSPC and there is not None:
        left = os.statvfs(there)
        if left.f_files and not left.f_favail:
            return (
                f"{reason}: no more files may be made in {there}, whatever their size; remove some"
            )
    return reason


def write_text(target: Path, text: str) -> None:
    """Write a text file atomically, in UTF-8."""
    with replacing(target) as part:
        part.write_text(text, encoding="utf-8")


def _remove(part: Path) -> None:
    if os.path.lexists(part):
        part.unlink()


def _flush(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
