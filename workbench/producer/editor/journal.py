"""The journal of a config: earlier versions in one rotating file beside it, for undo."""

import fcntl
import getpass
import json
import os
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

from workbench.core.atomic import CannotWriteError, replacing, write_text
from workbench.core.errors import NotThereError
from workbench.core.locking import same_file
from workbench.producer.editor.problems import ChangedMeanwhileError, EditRefusedError

KEPT = 50  # versions


@dataclass(frozen=True)
class Version:
    """An earlier version of a config.

    Parameters
    ----------
    time
        When it was replaced, ISO 8601 in UTC.
    user
        Who replaced it.
    what
        The change that replaced it, in words.
    text
        Its bytes, as Latin-1 text.
    next_hash
        SHA-256 of the version that replaced it.
    """

    time: str
    user: str
    what: str
    text: str
    next_hash: str


def journal_path(path: Path) -> Path:
    """Return the journal of a config: ``.<name>.history`` beside it."""
    return path.with_name(f".{path.name}.history")


def history(path: str | Path) -> list[Version]:
    """Return the earlier versions of a config, oldest first."""
    journal = journal_path(_real(Path(path)))
    if not journal.exists():
        return []
    return [Version(**json.loads(line)) for line in journal.read_text("utf-8").splitlines()]


def undo(path: str | Path) -> Version:
    """Put back the version before the last edit; return it.

    Raises `EditRefusedError` where there is none, `ChangedMeanwhileError` where the config was
    changed by other means since.
    """
    path = _real(Path(path))
    with locked(path):
        last = last_version(path)
        replace_bytes(path, last.text.encode("latin-1"))
        _write(path, history(path)[:-1])
    return last


def last_version(path: str | Path) -> Version:
    """Return what `undo` would put back, or raise as it would.

    Raises
    ------
    EditRefusedError
        Where no edit is on record.
    ChangedMeanwhileError
        Where the file was changed by hand since the last edit.
    """
    path = _real(Path(path))
    versions = history(path)
    if not versions:
        raise EditRefusedError(f"{path}: no edit of the workbench is on record, nothing to undo")
    last = versions[-1]
    if hash_of(read_bytes(path)) != last.next_hash:
        raise ChangedMeanwhileError(
            f"{path}: changed by hand since the edit of {last.time} by {last.user}; undo would "
            f"lose that, take the old text from {journal_path(path)}"
        )
    return last


def save(path: Path, old: bytes, new: bytes, what: str) -> None:
    """Replace a config, keeping the old version; `ChangedMeanwhileError` if it is not `old` now."""
    path = _real(path)
    with locked(path):
        if read_bytes(path) != old:
            raise ChangedMeanwhileError(
                f"{path}: somebody changed it since it was read; nothing was written, edit again"
            )
        stamp = datetime.now(UTC).isoformat(timespec="seconds")
        version = Version(stamp, getpass.getuser(), what, old.decode("latin-1"), hash_of(new))
        _write(path, [*history(path), version][-KEPT:])
        replace_bytes(path, new)


def read_bytes(path: Path) -> bytes:
    """Return the bytes of a config."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise NotThereError(
            f"cannot read the config {path}: {error.strerror}; give the path of a producer config"
        ) from error


def replace_bytes(path: Path, content: bytes) -> None:
    """Replace a file atomically, with its permissions and group."""
    if not os.access(path, os.W_OK, effective_ids=True):
        raise CannotWriteError(
            f"no permission to change {path}; ask its owner, or edit a copy (nothing was changed)"
        )
    before = path.stat()
    with replacing(path) as part:
        part.write_bytes(content)
        part.chmod(before.st_mode & 0o7777)
        if part.stat().st_gid != before.st_gid:
            os.chown(part, -1, before.st_gid)


@contextmanager
def locked(path: Path) -> Generator[None]:
    """Keep other edits of the same config away for the length of a ``with`` block."""
    lock = path.with_name(f".{path.name}.lock")
    handle = _lock(lock)
    try:
        yield
    finally:
        with suppress(PermissionError):  # a colleague's, in a folder where all keep their own
            lock.unlink(missing_ok=True)
        os.close(handle)


def _lock(lock: Path) -> int:
    """Wait for the lock; again where its file was removed while we waited."""
    while True:
        try:
            handle = os.open(lock, os.O_RDWR | os.O_CREAT, 0o664)
            if os.fstat(handle).st_uid == os.geteuid():
                os.fchmod(handle, 0o664)  # the group edits the same configs
        except OSError as error:
            raise CannotWriteError(
                f"no permission to write in {lock.parent} ({error.strerror}); ask its owner, or "
                "edit a copy (nothing was changed)"
            ) from error
        fcntl.flock(handle, fcntl.LOCK_EX)
        if same_file(handle, lock):
            return handle
        os.close(handle)


def hash_of(content: bytes) -> str:
    """Return the SHA-256 that names a version."""
    return sha256(content).hexdigest()


def _real(path: Path) -> Path:
    return path.resolve()  # a link stays a link: its target is replaced


def _write(path: Path, versions: list[Version]) -> None:
    lines = [json.dumps(vars(version)) for version in versions]
    journal = journal_path(path)
    if not lines:
        journal.unlink(missing_ok=True)
        return
    write_text(journal, "".join(f"{line}\n" for line in lines))
    journal.chmod(path.stat().st_mode & 0o666)  # whoever may edit the config may undo
