"""When a file is finished: nobody writes to it, it has not changed for a while, and it opens.

No lock is taken (``docs/decisions/0007-readers-take-no-locks.md``), and times are those that the
watcher itself saw pass: clocks of file servers differ.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from workbench.automation.found import Found, Stamps
from workbench.core.findings import Finding
from workbench.smalldata import what_lacks, writer_of

EXAMINE_EVERY = 10.0  # s between two looks into a file that was not whole
_WAITS = {"still-written", "growing"}
_COPIED = {"parts-missing"}


class FileState(StrEnum):
    """How far a file has come."""

    SETTLING = "watched for changes"
    WRITTEN = "being written"
    PARTS = "parts missing"
    UNFINISHED = "cannot be read yet"
    CLOSED = "no permission"
    WHOLE = "whole"
    EMPTY = "no events"
    BROKEN = "broken"

    @property
    def decided(self) -> bool:
        """Whether waiting for longer changes nothing."""
        return self in {FileState.WHOLE, FileState.EMPTY, FileState.BROKEN}


@dataclass(frozen=True)
class Verdict:
    """How far a file has come, and why it is thought so."""

    state: FileState
    why: str = ""


@dataclass
class _Seen:
    stamps: Stamps
    since: float
    examined: float | None = None
    verdict: Verdict = Verdict(FileState.SETTLING)


class Judge:
    """Watches files over time and says when one is finished.

    Parameters
    ----------
    settle
        How long a file must not have changed before it is opened [s].
    patience
        How long one that cannot be read may stay unchanged before it counts as broken [s].
    clock, now
        Give the time that passes, and the time of day, in seconds.
    examine
        Returns what a file lacks.
    """

    def __init__(
        self,
        settle: float,
        patience: float,
        *,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
        examine: Callable[[Path], Sequence[Finding]] = what_lacks,
    ) -> None:
        self._settle, self._patience = settle, patience
        self._clock, self._now, self._examine = clock, now, examine
        self._seen: dict[int, _Seen] = {}

    def judge(self, found: Found) -> Verdict:
        """Return how far a file has come by now."""
        time = self._clock()
        seen = self._seen.get(found.run)
        if seen is None or seen.stamps != found.stamps:
            seen = self._seen[found.run] = _Seen(found.stamps, time)
        if found.live:
            return self._live(found)
        if time - seen.since < self._settle:
            return seen.verdict
        try:
            writer = writer_of(found.path)
        except FileNotFoundError:
            return Verdict(FileState.SETTLING)
        if writer is not None:
            return Verdict(FileState.WRITTEN, f"process {writer} writes to it")
        due = seen.examined is None or time - seen.examined >= EXAMINE_EVERY
        if due and not seen.verdict.state.decided:
            # Its own time of change counts as well: a watcher may have been started just now.
            still = max(time - seen.since, self._now() - found.changed / 1e9)
            seen.verdict = self._verdict(found.path, patient=still < self._patience)
            seen.examined = time
        return seen.verdict

    def _live(self, found: Found) -> Verdict:
        """Return whether a live file can be read: it may be at any time, once it has events."""
        lacking = self._examine(found.path)
        if lacking:
            return Verdict(FileState.UNFINISHED, lacking[0].message)
        return Verdict(FileState.WHOLE)

    def _verdict(self, path: Path, *, patient: bool) -> Verdict:
        lacking = self._examine(path)
        if not lacking:
            return Verdict(FileState.WHOLE)
        first = lacking[0]
        if first.code == "no-permission":
            return Verdict(FileState.CLOSED, first.message)
        if first.code == "no-events":
            return Verdict(FileState.EMPTY, first.message)
        if not patient:  # a second look: the process that looked may have been killed
            again = self._examine(path)
            return (
                Verdict(FileState.BROKEN, again[0].message) if again else Verdict(FileState.WHOLE)
            )
        if first.code in _WAITS:
            return Verdict(FileState.WRITTEN, first.message)
        state = FileState.PARTS if first.code in _COPIED else FileState.UNFINISHED
        return Verdict(state, first.message)
