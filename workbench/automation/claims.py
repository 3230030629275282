"""Claims: which watcher makes the page of a run, told by folders alone, on any file system.

A claim is a folder ``Run0014/<owner>`` that appears by a rename, so only one watcher can make it.
Its owner builds the page inside and moves it out from there. Whoever takes a claim over from a
watcher that is gone renames the inner folder to its own name: what the other one, should it live
after all, wants to move out is then no longer there. No file locks, no clocks of other machines.
"""

import errno
import os
import platform
import re
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from secrets import token_hex

from workbench.core.atomic import CannotWriteError, refusal
from workbench.core.errors import WorkbenchError
from workbench.core.shared import make_shared_folder

STALE_AFTER = 60.0  # s without a sign of life of a watcher on another machine
BEAT = "alive"
_NEW = ".new-"
_TAKEN = {errno.ENOTEMPTY, errno.EEXIST}


class ClaimLostError(WorkbenchError, RuntimeError):
    """A claim that another watcher has taken over: this one gave no sign of life for too long."""


@dataclass(frozen=True)
class Claim:
    """The right to make one page, and the folder to make it in."""

    folder: Path

    @property
    def lost(self) -> bool:
        """Whether another watcher has taken it over."""
        return not self.folder.exists()

    def beat(self) -> None:
        """Give a sign of life. Raises `ClaimLostError` where another has taken the claim over."""
        try:
            os.utime(self.folder / BEAT)
        except FileNotFoundError:
            raise ClaimLostError(f"{self.folder} was taken over by another watcher") from None

    def publish(self, inside: Path, target: Path) -> None:
        """Move a file or folder from the claim to where it belongs, in one step.

        Raises `ClaimLostError` where another has taken the claim over: then nothing was moved.
        """
        try:
            (self.folder / inside).rename(target)
        except FileNotFoundError:
            raise ClaimLostError(f"{self.folder} was taken over by another watcher") from None
        except OSError as error:
            raise CannotWriteError(
                f"cannot write {target}: {refusal(error, target.parent)}"
            ) from error

    def release(self) -> None:
        """Give the claim up, with all that is still in it."""
        shutil.rmtree(self.folder, ignore_errors=True)  # not there where another took it over
        try:
            self.folder.parent.rmdir()
        except FileNotFoundError:
            pass
        except OSError as error:
            if error.errno not in _TAKEN:
                raise CannotWriteError(
                    f"cannot remove {self.folder.parent}: {error.strerror}; ask its owner"
                ) from error


@dataclass
class Claims:
    """The claims in one folder, as one watcher sees and takes them.

    Parameters
    ----------
    folder
        Holds the claims; made when the first is taken.
    clock
        Gives the time that passes [s].
    """

    folder: Path
    clock: Callable[[], float] = time.monotonic
    _beats: dict[Path, tuple[int, float]] = field(default_factory=dict)

    def take(self, run: int) -> Claim | None:
        """Return the claim on a run's page; None where another watcher has it."""
        place, owner = self.folder / f"Run{run:04d}", _me()
        held = _inside(place)
        if held is None:
            return self._new(place, owner)
        if not self._is_over(held):
            return None
        try:
            held.rename(place / owner)
        except FileNotFoundError:  # another watcher was faster
            return None
        claim = Claim(place / owner)
        claim.beat()
        for left in claim.folder.iterdir():
            if left.is_dir():
                shutil.rmtree(left)
        return claim

    def clear(self) -> None:
        """Remove what watchers of this machine left that were killed."""
        for place in self.folder.glob("Run*"):
            held = _inside(place)
            if held is not None and _alive(held.name) is False:
                claim = self.take(int(place.name.removeprefix("Run")))
                if claim is not None:
                    claim.release()
        for left in self.folder.glob(f"{_NEW}*"):
            if _alive(left.name.removeprefix(_NEW)) is False:
                shutil.rmtree(left, ignore_errors=True)  # a second watcher may remove it, too

    def _new(self, place: Path, owner: str) -> Claim | None:
        new = self.folder / f"{_NEW}{owner}"
        try:
            make_shared_folder(new / owner)
            (new / owner / BEAT).touch()
            (new / owner / BEAT).chmod(0o664)
            new.rename(place)
        except OSError as error:
            shutil.rmtree(new, ignore_errors=True)
            if error.errno in _TAKEN:
                return None
            if isinstance(error, WorkbenchError):
                raise
            raise CannotWriteError(
                f"cannot write in {self.folder}: {refusal(error, self.folder)}"
            ) from error
        return Claim(place / owner)

    def _is_over(self, held: Path) -> bool:
        alive = _alive(held.name)
        if alive is not None:
            return not alive
        try:
            with (held / BEAT).open("rb") as file:  # opening asks the server, not this machine
                beat = os.fstat(file.fileno()).st_mtime_ns
        except FileNotFoundError:
            return False
        last, since = self._beats.get(held, (None, 0.0))
        if last != beat:
            self._beats[held] = (beat, self.clock())
            return False
        return self.clock() - since >= STALE_AFTER


def _inside(place: Path) -> Path | None:
    try:
        return next(iter(sorted(place.iterdir())), None)
    except FileNotFoundError:
        return None


def _me() -> str:
    return f"{_machine()}.{os.getpid()}.{_started(os.getpid())}.{token_hex(3)}"


def _alive(owner: str) -> bool | None:
    """Tell whether the process that a name speaks of runs; None where that cannot be seen here."""
    machine, pid, started, _ = owner.rsplit(".", 3)
    if machine != _machine():
        return None
    return _started(int(pid)) == started


def _machine() -> str:
    """Return what is the same for all processes that can see each other."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text()[:8]
        space = Path("/proc/self/ns/pid").stat().st_ino  # containers may share all the rest
    except OSError:  # not Linux
        return f"{_word(platform.node())}-unknown-{os.getpid()}"
    return f"{_word(platform.node())}-{boot}-{space}"


def _started(pid: int) -> str:
    """Return when a process was started, in ticks since the machine was; empty where none is."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return ""
    state, *fields = text.rpartition(")")[2].split()
    return "" if state in {"Z", "X"} else fields[18]


def _word(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9-]", "-", name)[:60]
