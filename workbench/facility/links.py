"""Soft links in the home folder, by which JupyterHub reaches an experiment: planned, then made."""

import errno
import os
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from secrets import token_hex

from workbench.core.atomic import CannotWriteError
from workbench.facility.sites import FFB, ExperimentPlaces, Site


class LinkState(StrEnum):
    """What is, or is to be done, about one link."""

    THERE = "there"
    MAKE = "make"
    REPAIR = "repair"
    REMOVE = "remove"
    KEPT = "kept"


@dataclass(frozen=True)
class Link:
    """One link in the home folder.

    Parameters
    ----------
    path
        Where it is.
    state
        What is to be done.
    target
        Where it points, or will point; None: nowhere.
    why
        The reason, in one phrase.
    """

    path: Path
    state: LinkState
    target: Path | None
    why: str = ""

    @property
    def changes(self) -> bool:
        """Whether there is something to do."""
        return self.state in {LinkState.MAKE, LinkState.REPAIR, LinkState.REMOVE}


def plan_links(places: ExperimentPlaces, home: Path, sites: tuple[Site, ...]) -> list[Link]:
    """Return what to do about the links of one experiment; nothing is changed.

    ``<experiment>`` leads to the experiment's folder, ``<experiment>_ffb`` to the scratch folder
    of the fast feedback while that exists. Other dangling links into the experiment's folders are
    repaired where their target lies elsewhere now. What is not ours to change is kept and named.
    """
    folders = [site.at(places.experiment) for site in sites]
    links = [_own(home / places.experiment, _main(places, folders), "")]
    fast = next(
        (one.scratch for one in folders if one.site.key == FFB and one.scratch.is_dir()), None
    )
    second = home / f"{places.experiment}_ffb"
    if fast or os.path.lexists(second):
        moved = places.scratch / "ffb"  # where the fast feedback's scratch goes in the end
        links.append(_own(second, fast or (moved if moved.is_dir() else None), "the FFB is closed"))
    known = {link.path for link in links}
    return links + [link for link in _dangling(home, folders) if link.path not in known]


def make_links(links: list[Link]) -> None:
    """Do what was planned; each link is replaced in one step. Raises `CannotWriteError`."""
    for link in links:
        if link.changes:
            _make(link)


def dangles(path: Path) -> bool:
    """Tell whether a link leads nowhere; one that leads where we may not look does not."""
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return True
    except PermissionError:
        return False
    except OSError as error:
        return error.errno == errno.ELOOP
    return False


def _same(path: Path, target: Path) -> bool:
    return os.path.realpath(path) == os.path.realpath(target)


def _main(places: ExperimentPlaces, folders: list[ExperimentPlaces]) -> Path:
    if places.site.key != FFB:
        return places.folder
    return next((one.folder for one in folders if one.site.key != FFB and one.folder.is_dir()),
                places.folder)  # fmt: skip


def _own(path: Path, target: Path | None, gone: str) -> Link:
    """Return what to do about a link of a name that is ours to give."""
    if not os.path.lexists(path):
        return Link(path, LinkState.MAKE, target, _access(target))
    if not path.is_symlink():
        return Link(path, LinkState.KEPT, None, "a file or folder of yours has this name")
    now = path.readlink()
    if target is not None and not dangles(path) and _same(path, target):
        return Link(path, LinkState.THERE, target, _access(target))
    if not dangles(path):
        return Link(path, LinkState.KEPT, now, "it leads elsewhere, and that exists")
    if target is None:
        return Link(path, LinkState.REMOVE, None, f"{now} is no more: {gone}")
    return Link(path, LinkState.REPAIR, target, f"{now} is no more")


def _access(target: Path | None) -> str:
    if target is None or os.access(target, os.R_OK | os.X_OK, effective_ids=True):
        return ""
    return "you may not look into it: ask for access to the experiment"


def _dangling(home: Path, folders: list[ExperimentPlaces]) -> Iterator[Link]:
    for path in sorted(home.iterdir()):
        if not path.is_symlink() or not dangles(path):
            continue
        target = Path(os.path.normpath(home / path.readlink()))
        inside = next((one for one in folders if target.is_relative_to(one.folder)), None)
        if inside is None:
            continue
        rest = target.relative_to(inside.folder)
        moved = [one.folder / rest for one in folders]
        if inside.site.key == FFB and rest.parts[:1] == ("scratch",):
            moved += [one.scratch / "ffb" / Path(*rest.parts[1:]) for one in folders]
        found = next((place for place in moved if place.exists()), None)
        if found:
            yield Link(path, LinkState.REPAIR, found, f"{target} is no more")
        else:
            yield Link(path, LinkState.KEPT, target, "its target is no more, on any site")


def _make(link: Link) -> None:
    try:
        if link.target is None:
            link.path.unlink()
            return
        part = link.path.with_name(f".{link.path.name}.{token_hex(3)}.part")
        part.symlink_to(link.target)
        part.replace(link.path)
    except OSError as error:
        raise CannotWriteError(
            f"cannot change the link {link.path}: {error.strerror}; name another home with --home"
        ) from error
