"""The quota of a results folder: how many files and bytes it holds, and what more would do."""

import os
import stat
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path

from workbench.core.errors import NotThereError
from workbench.facility.facts import read_facts

WARNING_FROM = 0.8  # of a limit
AT_ONCE = 16  # folders listed at the same time where each waits for a server of files
SLOW = 1e-4  # s for each entry so far: slower than any disk here, so such a server is asked


class QuotaState(StrEnum):
    """How near a folder is to its limits."""

    FINE = "fine"
    WARNING = "warning"
    OVER = "over"


@dataclass(frozen=True)
class Usage:
    """What a folder holds.

    Parameters
    ----------
    files
        Files and soft links, not folders; a file with several names counts once.
    bytes
        Their sizes; links are not followed.
    unread
        Folders that could not be listed: the counts are at least what is said.
    parts
        The same for each entry directly inside, most files first; without `unread`.
    """

    files: int = 0
    bytes: int = 0
    unread: tuple[str, ...] = ()
    parts: tuple[tuple[str, int, int], ...] = ()


@dataclass(frozen=True)
class Quota:
    """The use of a results folder against its limits.

    Parameters
    ----------
    folder, usage
        Which folder, and what it holds.
    files, bytes
        The limits.
    """

    folder: Path
    usage: Usage
    files: int
    bytes: int

    @property
    def fraction(self) -> float:
        """Return the part of the nearer limit that is used."""
        return max(self.usage.files / self.files, self.usage.bytes / self.bytes)

    @property
    def state(self) -> QuotaState:
        """Tell whether there is room."""
        if self.usage.files > self.files or self.usage.bytes > self.bytes:
            return QuotaState.OVER
        return QuotaState.WARNING if self.fraction >= WARNING_FROM else QuotaState.FINE

    def after(self, files: int, size: int) -> "Quota":
        """Return the quota as it will stand with more files of a total size [byte]."""
        grown = replace(self.usage, files=self.usage.files + files, bytes=self.usage.bytes + size)
        return replace(self, usage=grown)

    def __str__(self) -> str:
        count, size = self.usage.files, self.usage.bytes
        least = "at least " if self.usage.unread else ""
        return (
            f"{least}{count:,} of {self.files:,} files ({count / self.files:.1%}), "
            f"{size_text(size)} of {size_text(self.bytes)} ({size / self.bytes:.1%})"
        )


def results_quota(folder: Path) -> Quota:
    """Count a results folder against the facility's limits; an absent one is empty."""
    usage = count_usage(folder) if folder.is_dir() else Usage()
    return Quota(folder, usage, *results_limits())


def results_limits() -> tuple[int, int]:
    """Return how many files, and how many bytes, a results folder may hold."""
    limits = read_facts("", "sites")["results_quota"]
    return limits["files"], limits["bytes"]


def count_usage(folder: Path) -> Usage:
    """Count files and bytes below a folder; what cannot be listed is named.

    What is removed meanwhile does not count. Where entries take longer than `SLOW`, many folders
    are listed at once; on a disk of this machine threads would only wait for each other.

    Raises `NotThereError` where there is no such folder.
    """
    if not folder.is_dir():
        raise NotThereError(f"no folder {folder} to count")
    parts: dict[str, list[int]] = {}
    unread: list[str] = []
    seen: set[tuple[int, int]] = set()
    waiting = [("", str(folder))]
    entries, begun = 1, time.perf_counter()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        while waiting:
            slow = time.perf_counter() - begun > SLOW * entries
            listed = list(pool.map(_list, waiting) if slow else map(_list, waiting))
            entries += sum(found.entries for found in listed)
            waiting = []
            for found in listed:
                unread.extend(found.unread)
                waiting.extend(found.folders)
                rows = [(part, files, size) for part, (files, size) in found.counts.items()]
                for part, size, identity in found.several:
                    rows += [] if identity in seen else [(part, 1, size)]
                    seen.add(identity)
                for part, files, size in rows:
                    counts = parts.setdefault(part, [0, 0])
                    counts[0] += files
                    counts[1] += size
    return _summed(parts, unread)


def size_text(size: float) -> str:
    """Write a number of bytes with a decimal prefix, as the facility's limits are given."""
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.3g} {unit}"
        size /= 1000
    return f"{size:.3g} TB"


@dataclass(frozen=True)
class _Listed:
    """What one folder holds: folders, files of one name by entry, files of several names."""

    folders: list[tuple[str, str]] = field(default_factory=list)
    counts: dict[str, list[int]] = field(default_factory=dict)
    several: list[tuple[str, int, tuple[int, int]]] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)

    @property
    def entries(self) -> int:
        files = sum(files for files, _ in self.counts.values())
        return files + len(self.several) + len(self.folders)


def _list(task: tuple[str, str]) -> _Listed:
    """List one folder; `task` is (entry of the counted folder that it is in, path)."""
    part, path = task
    listed = _Listed()
    try:
        with os.scandir(path) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    listed.folders.append((part or entry.name, entry.path))
                else:
                    _add(entry, part or entry.name, listed)
    except FileNotFoundError:  # removed since its own folder was listed
        return listed
    except OSError:  # no permission: the count says that it is a lower bound
        listed.unread.append(path)
    return listed


def _add(entry: os.DirEntry[str], part: str, listed: _Listed) -> None:
    try:
        status = entry.stat(follow_symlinks=False)
    except FileNotFoundError:  # removed since it was listed
        return
    if status.st_nlink > 1 and stat.S_ISREG(status.st_mode):
        listed.several.append((part, status.st_size, (status.st_dev, status.st_ino)))
        return
    counts = listed.counts.setdefault(part, [0, 0])
    counts[0] += 1
    counts[1] += status.st_size


def _summed(parts: dict[str, list[int]], unread: Iterable[str]) -> Usage:
    rows = sorted(
        ((name, files, size) for name, (files, size) in parts.items()), key=lambda row: -row[1]
    )
    files, size = (sum(row[1] for row in rows), sum(row[2] for row in rows))
    return Usage(files, size, tuple(sorted(unread)), tuple(rows))
