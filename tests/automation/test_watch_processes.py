"""`workbench watch` as users run it: several processes, killed, with a full disk, while taking."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.batch.conftest import write_template
from workbench.automation import PageRecord, Pages
from workbench.smalldata import DatasetSpec, create_live
from workbench.synthetic import PumpProbe, write_small_data

pytestmark = pytest.mark.notebook

ROOT = Path(__file__).parents[2]
EXPERIMENT = "xpplx1234"
PARAMETERS = 'run: int = 0  # [1] run number\nsmall_data: str = ""  # file with small data\n'
CELLS = (
    "import workbench as wb\nfrom workbench.smalldata import open_file",
    "with open_file(small_data) as file:\n    total = int(file.read('det/x').sum())",
    "wb.publish('total', total)",
)
PATIENCE = 150.0  # s, on a machine that is busy with other things
FAST = ("--every", "0.3", "--settle", "1", "--patience", "4")
WITHIN = 60.0  # s from the file to its page


@dataclass
class PagesSeen:
    """All pages of one title, looked at without pause while they are made."""

    pages: Pages
    seen: dict[int, set[tuple[float, str]]] = field(default_factory=dict)
    when: dict[int, float] = field(default_factory=dict)
    broken: list[str] = field(default_factory=list)

    def look(self) -> None:
        for run in self.pages.runs():
            text = self.pages.page(run).read_text()
            record = self.pages.record(run)
            if record is None or not text.rstrip().endswith("</html>"):
                self.broken.append(f"run {run}: a half-written page")
                continue
            self.when.setdefault(run, time.monotonic())
            self.seen.setdefault(run, set()).add((record.made, record.state))

    @contextmanager
    def watched(self) -> Iterator[None]:
        stop = threading.Event()

        def watch() -> None:
            while not stop.wait(0.1):
                self.look()

        thread = threading.Thread(target=watch)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()


class Process:
    """One `workbench watch`, and what it has told."""

    def __init__(self, site: Path, *words: str) -> None:
        self.log = site / f"log{time.monotonic_ns()}"
        with self.log.open("w") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "workbench", "watch", EXPERIMENT, "--json", *words],
                cwd=ROOT, env={**os.environ, "WORKBENCH_SITE_ROOT": str(site)}, stdout=out,
                stderr=subprocess.STDOUT,
            )  # fmt: skip

    def told(self) -> list[dict[str, Any]]:
        whole = self.log.read_text().rpartition("\n")[0].splitlines()
        return [json.loads(line) for line in whole]

    def making(self, run: int) -> bool:
        return any(one["run"] == run and one["state"] == "making" for one in self.told())

    def says(self, state: str) -> bool:
        return any(one["state"] == state for one in self.told())

    def end(self, how: int) -> int:
        self.process.send_signal(how)
        return self.process.wait(30)


def until(check: Callable[[], Any], what: str) -> Any:
    end = time.monotonic() + PATIENCE
    while not (found := check()):
        assert time.monotonic() < end, f"waited in vain: {what}"
        time.sleep(0.05)
    return found


def maker_of(watchers: list[Process], run: int) -> Process | None:
    return next((one for one in watchers if one.making(run)), None)


def record_of(pages: Pages, run: int) -> PageRecord:
    record = pages.record(run)
    assert record is not None
    return record


@pytest.fixture
def small_data(tmp_path: Path) -> Path:
    folder = tmp_path / f"sdf/data/lcls/ds/xpp/{EXPERIMENT}/hdf5/smalldata"
    folder.mkdir(parents=True)
    return folder


def test_two_watchers_killed_an_aborted_run_and_a_full_disk_leave_every_page_right(
    tmp_path: Path, small_data: Path, write: Any, tiny_disk: Callable[[str], Path]
) -> None:
    template = write_template(tmp_path / "tiny.ipynb", PARAMETERS, CELLS, "A tiny template")
    disk = tiny_disk("size=16m")
    words = ("--template", str(template), "--output", str(disk), *FAST)
    pages = Pages(disk, "Tiny")
    looked = PagesSeen(pages)
    born: dict[int, float] = {}

    def appear(run: int, *, whole: bool = True) -> None:
        path = write({"det/x": np.full(4, float(run))}, run=run, folder=tmp_path)
        if not whole:
            path.write_bytes(path.read_bytes()[:1500])
        born[run] = time.monotonic()
        path.rename(small_data / path.name)

    with ExitStack() as stack:
        stack.enter_context(looked.watched())
        watchers = [Process(tmp_path, *words), Process(tmp_path, *words)]
        stack.callback(lambda: [one.process.kill() for one in watchers])
        for run in (5, 2):  # the second before the first; whoever makes a page is killed
            appear(run)
            maker = until(partial(maker_of, watchers, run), "a watcher makes the page")
            assert maker.end(signal.SIGKILL) == -signal.SIGKILL
            watchers[watchers.index(maker)] = Process(tmp_path, *words)
        until(lambda: {2, 5} <= looked.seen.keys(), "the pages that killed watchers had begun")
        appear(3, whole=False)
        appear(4)
        until(lambda: {3, 4} <= looked.seen.keys(), "pages of an aborted and of a whole run")
        (disk / "filler").write_bytes(bytes(os.statvfs(disk).f_bavail * 4096 - (1 << 20)))
        appear(6)
        until(lambda: any(one.says("paused") for one in watchers), "the full disk is told")
        assert 6 not in looked.seen
        (disk / "filler").unlink()
        until(lambda: 6 in looked.seen, "the page for which there was no room")
        time.sleep(2)  # nothing more is to happen
        assert [one.end(signal.SIGTERM) for one in watchers] == [0, 0]
    assert looked.broken == []
    assert {run: len(seen) for run, seen in looked.seen.items()} == dict.fromkeys(range(2, 7), 1)
    for run in (2, 4, 5, 6):
        record = record_of(pages, run)
        file = small_data / f"{EXPERIMENT}_Run{run:04d}.h5"
        assert (record.state, record.path) == ("done", str(file))
        assert f"<dd>{4 * run}</dd>" in pages.page(run).read_text()
    assert record_of(pages, 3).state == "broken"
    assert "cut off after 1500 bytes" in pages.page(3).read_text()
    assert looked.when[4] - born[4] < WITHIN
    for run, before, after in ((2, None, 3), (3, 2, 4), (4, 3, 5), (5, 4, 6), (6, 5, None)):
        record = record_of(pages, run)
        assert (record.previous, record.following) == (before, after)
    assert "Tiny_Run0006" in (pages.folder / "latest.html").read_text()
    left = {path.name for path in disk.rglob("*") if path.name not in {"latest.html", ".claims"}}
    assert left == {"Tiny", "report.html", *(pages.name(run) for run in range(2, 7))}


def test_a_run_summary_stands_on_its_page_within_a_minute_with_the_usual_settings(
    tmp_path: Path, small_data: Path
) -> None:
    watcher = Process(tmp_path)
    file = write_small_data(PumpProbe(experiment=EXPERIMENT), tmp_path)
    pages = Pages(small_data.parents[1] / "stats" / "summary", "RunSummary")
    try:
        until(lambda: (pages.folder).is_dir(), "the watcher has started")
        begin = time.monotonic()
        file.rename(small_data / file.name)
        page = pages.page(1)
        until(page.exists, "the page")
        taken = time.monotonic() - begin
    finally:
        assert watcher.end(signal.SIGINT) == 0
    assert record_of(pages, 1).state == "done"
    assert "events_on" in page.read_text()
    assert page.stat().st_mode & 0o777 == 0o664  # automatic jobs and the eLog read as "others"
    assert taken < WITHIN, f"{taken:.0f} s"


def test_a_run_that_is_being_taken_has_a_page_that_the_finished_run_replaces(
    tmp_path: Path, small_data: Path, write: Any
) -> None:
    template = write_template(tmp_path / "tiny.ipynb", PARAMETERS, CELLS, "A tiny template")
    words = ("--template", str(template), "--live", "--once", "--settle", "1")
    pages = Pages(small_data.parents[1] / "stats" / "summary", "Tiny")
    specs = [DatasetSpec("timestamp", "int64"), DatasetSpec("det/x", "float64")]
    live = small_data / f"{EXPERIMENT}_Run0003.live.h5"
    attributes = {"experiment": EXPERIMENT, "run": 3, "generation": "lcls2"}
    with create_live(live, specs, place=tmp_path, attributes=attributes, once={}) as rows:
        rows.append({"timestamp": np.arange(4) << 32, "det/x": np.full(4, 2.0)})
        assert Process(tmp_path, *words).process.wait(PATIENCE) == 0
    assert record_of(pages, 3).state == "running"
    assert "<dd>8</dd>" in pages.page(3).read_text()
    assert "still being taken" in pages.page(3).read_text()
    live.unlink()
    write({"det/x": np.full(4, 3.0)}, run=3, folder=small_data)
    assert Process(tmp_path, *words).process.wait(PATIENCE) == 0
    assert record_of(pages, 3).state == "done"
    assert "still being taken" not in pages.page(3).read_text()
