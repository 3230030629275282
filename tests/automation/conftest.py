"""A made-up experiment folder, a clock that is set by hand, and reports that cost nothing."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from workbench.automation import Event, Judge, Pages, Task, Watcher
from workbench.automation.making import Job, Made
from workbench.core.findings import Finding, Severity

EXPERIMENT = "xpplx1234"
REPORT = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8"/>
<title>a report</title>
</head>
<body>
<main>
<p>content of {name}: {text}</p>
</main>
</body>
</html>
"""


@dataclass
class Clock:
    time: float = 1000.0

    def __call__(self) -> float:
        return self.time


@dataclass
class Site:
    """The folder of an experiment, and what a watcher made of it."""

    root: Path
    clock: Clock = field(default_factory=Clock)
    made: list[tuple[int, str]] = field(default_factory=list)
    told: list[Event] = field(default_factory=list)
    lacking: dict[str, str] = field(default_factory=dict)  # text of a file -> code of a finding
    outcome: Callable[[Job], Made] | None = None

    @property
    def folder(self) -> Path:
        return self.root / "xpp" / EXPERIMENT

    @property
    def small_data(self) -> Path:
        return self.folder / "hdf5" / "smalldata"

    @property
    def pages(self) -> Pages:
        return Pages(self.folder / "stats" / "summary", "RunSummary")

    def file(self, run: int, text: str = "whole", *, label: str = "", suffix: str = "") -> Path:
        """Write a file of a run, which appears by a rename."""
        path = self.small_data / label / f"{EXPERIMENT}_Run{run:04d}{suffix}.h5"
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(".part")
        part.write_text(text)
        part.replace(path)
        return path

    def watcher(self, *, pages: Pages | None = None, **changes: float) -> Watcher:
        """Return a new watcher, as after a start."""
        task = Task(
            EXPERIMENT, pages or self.pages, "common/run_summary", "Run summary", self.root,
            settle=10, patience=300, **changes,
        )  # fmt: skip
        judge = Judge(10, 300, clock=self.clock, now=self.clock, examine=self.examine)
        return Watcher(task, self.make, judge, self.told.append, clock=self.clock, now=self.clock)

    def examine(self, path: Path) -> Sequence[Finding]:
        code = self.lacking.get(path.read_text())
        return [Finding(code, Severity.ERROR, f"{path.name} is {code}")] if code else []

    def make(self, job: Job, beat: Callable[[], None]) -> Made:
        beat()
        self.made.append((job.run, job.file.read_text()))
        if self.outcome:
            return self.outcome(job)
        return Made(REPORT.format(name=job.file.name, text=job.file.read_text()))

    def settled(self, *watchers: Watcher) -> None:
        """Let watchers look, wait until files have settled, let them make all they can."""
        for watcher in watchers:
            watcher.step()
        self.clock.time += 11
        while sum(watcher.step() for watcher in watchers):
            pass

    def text(self, run: int) -> str:
        return self.pages.page(run).read_text()

    def told_of(self, run: int | None) -> list[str]:
        return [event.state for event in self.told if event.run == run]

    def left(self) -> list[str]:
        """Return whatever lies beside the pages and should not."""
        known = {self.pages.name(run) for run in self.pages.runs()} | {"latest.html", ".claims"}
        found = [path.name for path in self.pages.folder.iterdir() if path.name not in known]
        found += [str(path) for path in self.pages.claims.rglob("*")]
        for run in self.pages.runs():
            names = [path.name for path in self.pages.page(run).parent.iterdir()]
            found += [] if names == ["report.html"] else names
        return found

    def check_links(self) -> None:
        """Assert that each page leads to its neighbours, and "latest" to the last."""
        runs = self.pages.runs()
        for run, before, after in zip(runs, [None, *runs[:-1]], [*runs[1:], None], strict=True):
            record = self.pages.record(run)
            assert record is not None
            assert (record.previous, record.following) == (before, after)
            text = self.text(run)
            for other in (before, after):
                if other is not None:
                    assert f'<a href="../RunSummary_Run{other:04d}/report.html">' in text
            assert text.count('<nav class="runs">') == 1
        if runs:
            assert (
                f"RunSummary_Run{runs[-1]:04d}/report.html"
                in (self.pages.folder / "latest.html").read_text()
            )


@pytest.fixture
def site(tmp_path: Path) -> Site:
    made = Site(tmp_path)
    made.small_data.mkdir(parents=True)
    return made
