"""Small-data files of an experiment as they lie there now: one of each run, with size and time."""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from workbench.facility import run_of_name, small_data_places

Stamps = tuple[tuple[str, int, int], ...]
_PART = re.compile(r"(.+)_part\d+\.h5")
_LIVE = ".live.h5"


@dataclass(frozen=True)
class Found:
    """The newest small-data file of one run.

    Parameters
    ----------
    run, path
        Which run, and the file.
    stamps
        Name, size [byte] and time of last change [ns since 1970] of the file and of its parts:
        another production has others, a copy on another site has the same.
    live
        Whether the run is still being taken.
    """

    run: int
    path: Path
    stamps: Stamps
    live: bool = False

    @property
    def changed(self) -> int:
        """When the file or a part of it was last changed [ns since 1970]."""
        return max(time for _, _, time in self.stamps)


def find_runs(experiment: str, root: Path | None = None, *, live: bool = False) -> list[Found]:
    """Return the newest file of each run, that changed last first; each folder is listed once.

    With `live` also live files, of runs that have no other file.
    """
    newest: dict[int, Found] = {}
    for _, _, folder in small_data_places(experiment, root):
        for found in _in_folder(experiment, folder, live=live):
            known = newest.get(found.run)
            if known is None or _rank(found) > _rank(known):
                newest[found.run] = found
    return sorted(newest.values(), key=lambda found: -found.changed)


def look_again(found: Found) -> bool:
    """Tell whether file and parts are still what they were."""
    try:
        return all(_stamp(found.path.with_name(stamp[0])) == stamp for stamp in found.stamps)
    except FileNotFoundError:
        return False


def _rank(found: Found) -> tuple[bool, int]:
    return not found.live, found.changed


def _in_folder(experiment: str, folder: Path, *, live: bool) -> Iterator[Found]:
    try:
        with os.scandir(folder) as entries:
            names = sorted(entry.name for entry in entries)
    except FileNotFoundError:  # a label's folder that was removed
        return
    parts: dict[str, list[str]] = {}
    for name in names:
        if part := _PART.fullmatch(name):
            parts.setdefault(f"{part[1]}.h5", []).append(name)
    for name in names:
        is_live = name.endswith(_LIVE)
        run = run_of_name(experiment, name.replace(_LIVE, ".h5"))
        if run is not None and (live or not is_live):
            found = _found(run, folder, (name, *parts.get(name, ())), is_live=is_live)
            if found:
                yield found


def _found(run: int, folder: Path, names: tuple[str, ...], *, is_live: bool) -> Found | None:
    try:
        stamps = tuple(_stamp(folder / name) for name in names)
    except FileNotFoundError:  # replaced or removed since it was listed
        return None
    return Found(run, folder / names[0], stamps, is_live)


def _stamp(path: Path) -> tuple[str, int, int]:
    status = path.stat()
    return path.name, status.st_size, status.st_mtime_ns
