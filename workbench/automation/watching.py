"""The watcher: pass by pass, it finds runs without a page, and makes one page after the other."""

import datetime as dt
import errno
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from workbench.automation.claims import Claim, ClaimLostError, Claims
from workbench.automation.finished import FileState, Judge, Verdict
from workbench.automation.found import Found, Stamps, find_runs, look_again
from workbench.automation.links import Links, changed_links
from workbench.automation.making import Job, Made, Make
from workbench.automation.pages import (
    DONE,
    FAILED,
    PAGE,
    RUNNING,
    STOPPED,
    ForeignPageError,
    PageRecord,
    Pages,
    linked,
)
from workbench.automation.room import check_room
from workbench.batch.notice import notice_page
from workbench.core.atomic import CannotWriteError
from workbench.core.shared import make_shared_folder, write_shared

SIGN_EVERY = 5.0  # s between two signs of life of a claim
AUDIT_EVERY = 60.0  # s between two looks at the links of all pages
PAUSED = "paused"
FULL = (errno.ENOSPC, errno.EDQUOT)
MOST_TRIES = 2  # of a page whose process was killed


class Stopped(Exception):  # noqa: N818 - a request, not an error
    """The watcher was asked to end."""


class Stop:
    """A request to end, which a signal handler may set: it takes no lock."""

    def __init__(self) -> None:
        self.requested = False

    def wait(self, seconds: float) -> bool:
        """Wait for so long, or until the request; return whether it came."""
        end = time.monotonic() + seconds
        while not self.requested and (left := end - time.monotonic()) > 0:
            time.sleep(min(left, 0.2))
        return self.requested

    def __call__(self, *_: object) -> None:
        """Ask to end."""
        self.requested = True


@dataclass(frozen=True)
class Task:
    """What is watched, and what is made of it.

    Parameters
    ----------
    experiment, root
        Whose small data; `root` as in `workbench.facility.experiment_folders`.
    pages
        Where the pages go.
    template, title
        Name of the template, and heading of pages in place of a report.
    from_run
        The first run that gets a page.
    live
        Whether runs that are still being taken get one, too.
    settle, patience
        As in `Judge` [s].
    refresh
        Age at which the page of a run that is being taken is made anew [s].
    """

    experiment: str
    pages: Pages
    template: str
    title: str
    root: Path | None = None
    from_run: int = 1
    live: bool = False
    settle: float = 10.0
    patience: float = 300.0
    refresh: float = 60.0


@dataclass(frozen=True)
class Event:
    """One thing that the watcher tells: of a run, or of all (run None)."""

    run: int | None
    state: str
    text: str


@dataclass
class Watcher:
    """Makes the pages of an experiment, one at a time.

    Parameters
    ----------
    task, make
        What for, and how a report is made.
    judge
        Says when a file is finished.
    tell
        Is told what changed.
    stop
        Set to end soon.
    clock, now
        Give the time that passes, and the time of day, in seconds.
    """

    task: Task
    make: Make
    judge: Judge
    tell: Callable[[Event], None]
    stop: Stop = field(default_factory=Stop)
    clock: Callable[[], float] = time.monotonic
    now: Callable[[], float] = time.time

    def __post_init__(self) -> None:
        self._claims = Claims(self.task.pages.claims, self.clock)
        self._links = Links(self.task.pages, self._claims)
        self._current: dict[int, Stamps] = {}
        self._states: dict[int | None, tuple[str, str]] = {}
        self._tries: dict[Stamps, int] = {}
        self._audited = -AUDIT_EVERY
        self._linked: list[int] = []
        self.waiting: Mapping[int, str] = {}
        self.failed: set[int] = set()

    def check(self) -> None:
        """Raise `CannotWriteError` where pages may not be written; a full disk is waited for."""
        try:
            make_shared_folder(self.task.pages.folder)
        except CannotWriteError as error:
            if getattr(error.__cause__, "errno", None) not in FULL:
                raise

    def run(self, every: float) -> None:
        """Watch until asked to stop; look every so many seconds."""
        self._claims.clear()
        while not self.stop.requested:
            begun = self.clock()
            if not self.step():  # at most a quarter of the time goes into looking
                self.stop.wait(max(every, 3 * (self.clock() - begun)))

    def once(self) -> None:
        """Make all pages that can be made now, after files had the time to settle."""
        self._claims.clear()
        while self.step():
            pass
        if self.waiting and not self.stop.wait(self.task.settle + 0.1):
            while self.step():
                pass

    def step(self) -> bool:
        """Look once, make at most one page; return whether to look again at once."""
        waiting: dict[int, str] = {}
        due: list[tuple[Found, Verdict]] = []
        try:
            self._look(due, waiting)
            more = self._make_first(due, waiting)
            self._audit()
        except Stopped:
            return False
        except OSError as error:  # a full disk, or a file server that does not answer
            more = False
            waiting.update((one.run, PAUSED) for one, _ in due)
            self._say(None, PAUSED, f"{error}. It goes on by itself when that is possible")
        else:
            if self.paused:
                self._say(None, "goes on", "what kept it is over")
        self.waiting = waiting
        return more and not self.stop.requested

    @property
    def paused(self) -> bool:
        """Whether the last look met something that it waits for, such as a full disk."""
        return self._states.get(None, ("", ""))[0] == PAUSED

    def _look(self, due: list[tuple[Found, Verdict]], waiting: dict[int, str]) -> None:
        """Find the runs of which a page is due, and those that are waited for."""
        for found in find_runs(self.task.experiment, self.task.root, live=self.task.live):
            if found.run >= self.task.from_run and self._current.get(found.run) != found.stamps:
                verdict = self._due(found, waiting)
                if verdict:
                    due.append((found, verdict))

    def _due(self, found: Found, waiting: dict[int, str]) -> Verdict | None:
        """Return the verdict on a file whose page is due; else note what is waited for."""
        try:
            record = self.task.pages.record(found.run)
        except ForeignPageError as error:
            self._say(found.run, "kept", str(error))
            return None
        if record and not self._outdated(record, found):
            if not found.live:
                self._current[found.run] = found.stamps
                (self.failed.add if record.failed else self.failed.discard)(found.run)
            return None
        verdict = self.judge.judge(found)
        if verdict.state.decided:
            return verdict
        waiting[found.run] = str(verdict.state)
        self._say(found.run, str(verdict.state), verdict.why)
        return None

    def _outdated(self, record: PageRecord, found: Found) -> bool:
        """Tell whether a page is to be made anew from what was found.

        An older file elsewhere is no reason: another watcher may see files that this one does not.
        """
        if found.live:
            more = record.inputs != found.stamps
            due = more and self.now() - record.made >= self.task.refresh
            return record.live and (due or self._live_state(found) != record.state == RUNNING)
        if record.live:
            return True
        newer = record.failed or record.path == str(found.path) or found.changed > record.changed
        return newer and record.inputs != found.stamps

    def _live_state(self, found: Found) -> str:
        still = self.now() - found.changed / 1e9
        return STOPPED if still >= self.task.patience else RUNNING

    def _make_first(self, due: list[tuple[Found, Verdict]], waiting: dict[int, str]) -> bool:
        """Make the first page that no other watcher is making; return whether that was tried."""
        for found, verdict in due:
            if self.stop.requested:  # what was judged while all processes were being ended is void
                return False
            make_shared_folder(self.task.pages.folder)
            make_shared_folder(self.task.pages.claims)
            claim = self._claims.take(found.run)
            if claim is None:
                waiting[found.run] = "made by another watcher"
                continue
            try:
                self._made(claim, found, verdict)
            except (ClaimLostError, CannotWriteError) as error:
                if isinstance(error, CannotWriteError) and not claim.lost:
                    raise
                waiting[found.run] = "made by another watcher"
            except ForeignPageError:  # told at the next look
                continue
            finally:
                claim.release()
            return True
        return False

    def _made(self, claim: Claim, found: Found, verdict: Verdict) -> None:
        record = self.task.pages.record(found.run)  # another may have made it since we looked
        if record and not self._outdated(record, found):
            return
        check_room(claim.folder)
        begun = self.clock()
        report, state, reason = "", str(verdict.state), verdict.why
        if verdict.state is FileState.WHOLE:
            made = self._report(claim, found)
            if made is None:
                return
            fine = self._live_state(found) if found.live else DONE
            state = FAILED if made.error else fine
            report, reason = made.report, made.error
        self._publish(
            claim,
            report or self._notice(found, state, reason),
            PageRecord(
                found.run, state, str(found.path), found.stamps, self.now(), live=found.live
            ),
        )
        self._told(found, state, reason, self.clock() - begun)

    def _report(self, claim: Claim, found: Found) -> Made | None:
        """Return the report of a finished file; None where it should be made again later."""
        sign = self.clock()

        def beat() -> None:
            nonlocal sign
            if self.stop.requested:
                raise Stopped
            if self.clock() - sign >= SIGN_EVERY:
                claim.beat()
                sign = self.clock()

        self._say(found.run, "making", f"its page, from {found.path}")
        made = self.make(Job(found.run, found.path, claim.folder / "work"), beat)
        if self.stop.requested:
            raise Stopped
        if not found.live and not look_again(found):
            self._say(found.run, str(FileState.SETTLING), "it changed while its page was made")
            return None
        self._tries[found.stamps] = self._tries.get(found.stamps, 0) + 1
        if made.lost and self._tries[found.stamps] < MOST_TRIES:
            self._say(found.run, "again", f"{made.error}; it is tried once more")
            return None
        return made

    def _publish(self, claim: Claim, report: str, record: PageRecord) -> None:
        pages, name = self.task.pages, self.task.pages.name(record.run)
        complete = linked(record, pages.runs())
        folder = make_shared_folder(claim.folder / name)
        write_shared(folder / PAGE, pages.composed(report, complete))
        if pages.page(record.run).parent.is_dir():
            claim.publish(Path(name) / PAGE, pages.page(record.run))
        else:
            claim.publish(Path(name), pages.page(record.run).parent)

    def _told(self, found: Found, state: str, reason: str, seconds: float) -> None:
        if not found.live:
            self._current[found.run] = found.stamps
        (self.failed.add if reason else self.failed.discard)(found.run)
        page = self.task.pages.page(found.run)
        text = f"{reason}; the page says so: {page}" if reason else f"{page} ({seconds:.1f} s)"
        self._say(found.run, state, text)

    def _notice(self, found: Found, state: str, reason: str) -> str:
        task = self.task
        facts = [("file", str(found.path))]
        facts += [(name, f"{size:,} bytes") for name, size, _ in found.stamps]
        changed = dt.datetime.fromtimestamp(found.changed / 1e9).astimezone()
        facts += [("last changed", f"{changed:%Y-%m-%d %H:%M:%S %z}")]
        facts += [("what happens next", "a file that changes gets a new page by itself")]
        return notice_page(
            f"{task.experiment} run {found.run}: {task.title}",
            where=f"{task.experiment}, run {found.run}, {task.template}",
            state=state,
            reason=reason,
            facts=facts,
        )

    def _audit(self) -> None:
        """Keep links right: at once around new pages, of all pages from time to time."""
        pages = self.task.pages
        runs = pages.runs()
        for run in self._current.keys() - set(runs):  # a page that was removed is made anew
            del self._current[run]
        if self.clock() - self._audited >= AUDIT_EVERY:
            self._audited, only = self.clock(), list(runs)
        else:
            only = changed_links(self._linked, runs)
        left = self._links.mend(runs, only)
        # What could not be changed counts as not linked, so it is tried again.
        self._linked = [run for run in runs if run not in left]

    def _say(self, run: int | None, state: str, text: str) -> None:
        if self._states.get(run) != (state, text):
            self._states[run] = (state, text)
            if state:
                self.tell(Event(run, state, text))
