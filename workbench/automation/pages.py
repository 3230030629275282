"""Pages of runs: where they lie, what each notes about itself, and the links between them.

``<Title>/<Title>_Run0014/report.html``, as the facility's own summaries do, so the eLog shows them.
A page is one file: what it was made from and which runs stand before and after it is in its head.
"""

import datetime as dt
import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from html import escape, unescape
from pathlib import Path

from workbench.automation.found import Stamps
from workbench.core.errors import InputError, WorkbenchError

PAGE = "report.html"
DONE, RUNNING, STOPPED, FAILED = "done", "running", "stopped", "failed"
LATEST = "latest.html"
HEAD = 65536  # characters of a page in which its record is
RELOAD = 60  # s after which a browser loads the page of a run that is being taken again
_RECORD = re.compile(
    r'<meta name="workbench-page" content="([^"]*)">\n?(?:<meta http-equiv="refresh"[^>]*>\n?)?'
)
_LINKS = re.compile(r"<!-- runs -->.*?<!-- /runs -->\n?", re.DOTALL)
_CHARSET = re.compile(r'<meta charset="utf-8" ?/?>')
_MAIN = "<main>\n"


class ForeignPageError(WorkbenchError, ValueError):
    """A page in the way that no watcher wrote."""


@dataclass(frozen=True)
class PageRecord:
    """What a page notes about itself.

    Parameters
    ----------
    run, state
        Which run; "done", "running", "stopped", "failed", or why there is no report.
    path, inputs
        The file that it was made from; it and its parts as they were then.
    made
        When [s since 1970].
    live
        Whether it was made from a live file, of a run that was still being taken.
    previous, following
        The runs with a page before and after it; None: there is none.
    """

    run: int
    state: str
    path: str
    inputs: Stamps
    made: float
    live: bool = False
    previous: int | None = None
    following: int | None = None

    @property
    def failed(self) -> bool:
        """Whether the page has no report, or one of a notebook that failed."""
        return self.state not in {DONE, RUNNING, STOPPED}

    @property
    def changed(self) -> int:
        """When its file or a part of it was last changed [ns since 1970]."""
        return max(time for _, _, time in self.inputs)


@dataclass(frozen=True)
class Pages:
    """The pages of one title.

    Parameters
    ----------
    place
        Where pages of all titles lie, ``.../stats/summary``.
    title
        Begin of the names of their folders.

    Raises
    ------
    InputError
        For a title that cannot name a folder of pages.
    """

    place: Path
    title: str

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]*", self.title):
            raise InputError(
                f"title {self.title!r}: use letters, digits, - and _, beginning with a letter"
            )

    @property
    def folder(self) -> Path:
        """Where the pages of this title lie."""
        return self.place / self.title

    @property
    def claims(self) -> Path:
        """Where watchers note which page they make."""
        return self.folder / ".claims"

    def name(self, run: int) -> str:
        """Return the name of the folder of a run's page."""
        return f"{self.title}_Run{run:04d}"

    def page(self, run: int) -> Path:
        """Return the page of a run, whether or not it exists."""
        return self.folder / self.name(run) / PAGE

    def runs(self) -> list[int]:
        """Return the runs that have a page, rising."""
        if not self.folder.is_dir():
            return []
        matches = (
            re.fullmatch(rf"{re.escape(self.title)}_Run(\d{{4,}})", path.name)
            for path in self.folder.iterdir()
        )
        return sorted(int(match[1]) for match in matches if match)

    def record(self, run: int) -> PageRecord | None:
        """Return what the page of a run notes; None where there is none.

        Raises `ForeignPageError` where no watcher wrote what is there.
        """
        try:
            with self.page(run).open(encoding="utf-8", errors="replace") as file:
                head = file.read(HEAD)
        except FileNotFoundError:
            if self.page(run).parent.is_dir():
                raise ForeignPageError(
                    f"{self.page(run).parent} is not a watcher's: it has no {PAGE}; move it away "
                    "or choose another --title"
                ) from None
            return None
        found = _RECORD.search(head)
        record = _read(found[1]) if found else None
        if record is None:
            raise ForeignPageError(
                f"{self.page(run)} was written by another program and is left alone; choose "
                "another --title"
            )
        return record

    def latest_page(self, run: int) -> str:
        """Return a page that leads to the latest run."""
        place = f"{self.name(run)}/{PAGE}"
        return (
            f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">\n'
            f'<meta http-equiv="refresh" content="0; url={place}">\n'
            f"<title>{self.title}: latest run</title></head>\n"
            f'<body><p>The latest page is that of <a href="{place}">run {run}</a>.</p></body>'
            "</html>\n"
        )

    def composed(self, report: str, record: PageRecord) -> str:
        """Return a report with its record and links in it, in place of those that it had."""
        bare = _LINKS.sub("", _RECORD.sub("", report, count=1), count=1)
        text = json.dumps(asdict(record), separators=(",", ":"))
        note = f'<meta name="workbench-page" content="{escape(text)}">\n'
        if record.state == RUNNING:
            note += f'<meta http-equiv="refresh" content="{RELOAD}">\n'
        charset = _CHARSET.search(bare)
        assert charset is not None, "our own pages name their encoding"
        end = charset.end() + 1
        with_record = f"{bare[:end]}{note}{bare[end:]}"
        return with_record.replace(_MAIN, f"{_MAIN}{self._links(record)}\n", 1)

    def _links(self, record: PageRecord) -> str:
        before = self._link(record.previous, "&lsaquo; run {}", "no earlier run")
        after = self._link(record.following, "run {} &rsaquo;", "no later run yet")
        latest = f'<a href="../{LATEST}">latest &raquo;</a>'
        live = ""
        if record.live:
            live = f'\n<p class="taken">{_live_text(record)}</p>'
        return (
            f'<!-- runs --><nav class="runs">{before} <strong>run {record.run}</strong> {after}'
            f" {latest}</nav>{live}<!-- /runs -->"
        )

    def _link(self, run: int | None, text: str, none: str) -> str:
        if run is None:
            return f"<span>{none}</span>"
        return f'<a href="../{self.name(run)}/{PAGE}">{text.format(run)}</a>'


def neighbours(run: int, runs: Sequence[int]) -> tuple[int | None, int | None]:
    """Return the runs before and after one, of those that have a page."""
    before = max((one for one in runs if one < run), default=None)
    return before, min((one for one in runs if one > run), default=None)


def linked(record: PageRecord, runs: Sequence[int]) -> PageRecord:
    """Return a record with the links that belong to these runs."""
    previous, following = neighbours(record.run, runs)
    return replace(record, previous=previous, following=following)


def _live_text(record: PageRecord) -> str:
    if record.state == STOPPED:
        return (
            "This run was not finished: nothing has been added to it since "
            f"{_time(record.changed / 1e9)}. Is its production still running? This page shows what "
            "there was, and is made anew when the run goes on."
        )
    return (
        f"This run is still being taken: this page shows what there was at {_time(record.made)}, "
        "and is made anew from time to time."
    )


def _time(seconds: float) -> str:
    return f"{dt.datetime.fromtimestamp(seconds).astimezone():%H:%M:%S (%Y-%m-%d, UTC%z)}"


def _read(content: str) -> PageRecord | None:
    try:
        plain = json.loads(unescape(content))
        stamps = tuple((name, size, time) for name, size, time in plain.pop("inputs"))
        return PageRecord(inputs=stamps, **plain)
    except (ValueError, TypeError, KeyError, AttributeError):  # a record of something else
        return None
