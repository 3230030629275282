"""Files and folders of a group: each member may replace them, all may read, whatever the umask."""

import os
import stat
from pathlib import Path

from workbench.core.atomic import CannotWriteError, make_folder, replacing

FILE_MODE = 0o664  # the facility's automatic jobs see no ACL: they read as "others"
FOLDER_MODE = 0o2775  # set-group-id: what is made inside belongs to the same group


def make_shared_folder(folder: Path) -> Path:
    """Create a folder and its parents for the group of the folder they are made in.

    Folders that are there already keep their permissions. Raises `CannotWriteError`.
    """
    missing = []
    while not os.path.lexists(folder):
        missing.append(folder)
        folder = folder.parent
    for each in reversed(missing):
        make_folder(each)
        _share(each, FOLDER_MODE)  # the umask is of the whole process: other threads need theirs
    return make_folder(missing[0] if missing else folder)


def write_shared(target: Path, content: str | bytes) -> None:
    """Write a file atomically (text in UTF-8) for the group of its folder.

    Replaces also a file of another member of the group; a file that is there keeps its mode, and
    gets what a group needs. Raises `CannotWriteError`, and leaves what was there.
    """
    kept = stat.S_IMODE(target.stat().st_mode) if target.exists() else 0
    with replacing(target) as part:
        part.write_bytes(content.encode() if isinstance(content, str) else content)
        _share(part, FILE_MODE | (kept & 0o777))


def sharing_problem(path: Path) -> str:
    """Return what keeps a group from working on a path, in one phrase; empty where nothing does."""
    mode = path.stat().st_mode
    wanted = FOLDER_MODE & 0o777 if stat.S_ISDIR(mode) else FILE_MODE
    problems = []
    if wanted & ~mode & 0o070:
        problems.append("the group may not change it")
    if wanted & ~mode & 0o007:
        problems.append("automatic jobs may not read it")
    return " and ".join(problems)


def owner_of(path: Path) -> str:
    """Return the name of a path's owner; the number where this machine knows no name."""
    try:
        return path.owner()
    except KeyError:
        return f"user {path.stat().st_uid}"


def mend_sharing(path: Path) -> bool:
    """Give a path of ours the permissions that a group needs; False where it is not ours."""
    status = path.stat()
    if os.geteuid() not in {0, status.st_uid}:
        return False
    wanted = FOLDER_MODE if stat.S_ISDIR(status.st_mode) else FILE_MODE
    path.chmod(stat.S_IMODE(status.st_mode) | wanted)
    return True


def _share(path: Path, mode: int) -> None:
    group = path.parent.stat().st_gid
    # Who is not of the group cannot hand the path to it; then others-read is all there is.
    if path.stat().st_gid != group and (os.geteuid() == 0 or group in os.getgroups()):
        os.chown(path, -1, group)
    try:
        path.chmod(mode)
    except OSError as error:
        raise CannotWriteError(
            f"cannot set the permissions of {path}: {error.strerror}; ask the owner of "
            f"{path.parent}"
        ) from error
