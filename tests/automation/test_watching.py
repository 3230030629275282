"""Pages of finished runs, with a clock set by hand and reports that cost nothing."""

import os
import random
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.automation.conftest import REPORT, Site
from workbench.automation import Pages, Verdict, Watcher
from workbench.automation.found import Found
from workbench.automation.making import Job, Made
from workbench.core.atomic import CannotWriteError


def test_a_finished_run_gets_one_page_whoever_looks_however_often(site: Site) -> None:
    site.file(3)
    first, second = site.watcher(), site.watcher()
    site.settled(first, second)
    for _ in range(3):
        site.settled(first, second, site.watcher())
    assert site.made == [(3, "whole")]
    assert "content of xpplx1234_Run0003.h5: whole" in site.text(3)
    assert site.left() == []
    assert first.waiting == {}


def test_a_page_that_another_watcher_makes_between_look_and_claim_is_not_made_again(
    site: Site,
) -> None:
    site.file(3)
    first, second = site.watcher(), site.watcher()
    first.step(), second.step()
    site.clock.time += 11
    before = second.judge.judge

    def judge(found: Found) -> Verdict:
        verdict = before(found)
        first.step()
        return verdict

    second.judge.judge = judge  # type: ignore[method-assign]
    second.step()
    assert site.made == [(3, "whole")]


def test_a_file_that_still_changes_is_not_read(site: Site) -> None:
    watcher = site.watcher()
    for length in range(1, 20):
        site.file(3, "x" * length)
        watcher.step()
        site.clock.time += 9
    assert site.made == []
    assert watcher.waiting == {3: "watched for changes"}
    site.settled(watcher)
    assert site.made == [(3, "x" * 19)]


def test_a_run_that_is_produced_again_gets_a_new_page_once(site: Site) -> None:
    site.file(3, "first")
    watcher = site.watcher()
    site.settled(watcher)
    site.file(3, "second", label="workbench")
    for _ in range(3):
        site.settled(watcher, site.watcher())
    assert site.made == [(3, "first"), (3, "second")]
    assert "second" in site.text(3)
    assert "first" not in site.text(3).partition("<main>")[2]


def test_a_copy_and_an_older_file_elsewhere_are_no_reason_for_a_new_page(site: Site) -> None:
    file = site.file(3, "first")
    watcher = site.watcher()
    site.settled(watcher)
    moved = site.folder / "scratch" / "hdf5" / "smalldata" / file.name
    moved.parent.mkdir(parents=True)
    shutil.copy2(file, moved)
    file.unlink()
    site.settled(watcher, site.watcher())
    moved.unlink()
    old = site.file(3, "an older production", label="old")
    os.utime(old, (1e9, 1e9))
    site.settled(watcher, site.watcher())
    assert site.made == [(3, "first")]


def test_what_is_written_anew_while_its_page_is_made_is_not_shown(site: Site) -> None:
    site.file(3, "first")

    def outcome(job: Job) -> Made:
        if len(site.made) == 1:
            site.file(3, "second")
        return Made(REPORT.format(name="", text=site.made[-1][1]))

    site.outcome = outcome
    watcher = site.watcher()
    site.settled(watcher)
    assert site.pages.runs() == []
    site.settled(watcher)
    assert site.made == [(3, "first"), (3, "second")]
    assert "second" in site.text(3)


@pytest.mark.parametrize(
    ("code", "state", "seconds"),
    [("truncated", "broken", 300), ("not-hdf5", "broken", 300), ("parts-missing", "broken", 300),
     ("still-written", "broken", 300), ("no-events", "no events", 0)],
)  # fmt: skip
def test_an_aborted_run_gets_a_page_that_says_so_and_is_not_tried_again(
    site: Site, code: str, state: str, seconds: float
) -> None:
    file = site.file(3, "half")
    os.utime(file, (site.clock.time, site.clock.time))
    site.lacking["half"] = code
    watcher = site.watcher()
    site.settled(watcher)
    if seconds:
        assert list(watcher.waiting) == [3]
        assert site.pages.runs() == []
    site.clock.time += seconds
    site.settled(watcher)
    record = site.pages.record(3)
    assert record is not None
    assert (record.state, site.made) == (state, [])
    assert f"is {code}" in site.text(3)
    told = len(site.told)
    site.clock.time += 5000
    site.settled(watcher, site.watcher())
    assert len(site.told) == told
    assert watcher.failed == {3}
    os.utime(site.file(3, "whole"), (1, 1))  # copied again, with its own, older time
    site.settled(watcher)
    assert "whole" in site.text(3)
    assert watcher.failed == set()


def test_a_file_without_permission_is_waited_for(site: Site) -> None:
    site.file(3, "closed")
    site.lacking["closed"] = "no-permission"
    watcher = site.watcher()
    site.settled(watcher)
    site.clock.time += 5000
    site.settled(watcher)
    assert watcher.waiting == {3: "no permission"}
    site.lacking.clear()
    site.clock.time += 10
    site.settled(watcher)
    assert site.made == [(3, "closed")]


def test_a_failed_notebook_is_shown_and_a_killed_one_is_tried_once_more(site: Site) -> None:
    site.file(3), site.file(4)
    tries: list[int] = []

    def outcome(job: Job) -> Made:
        tries.append(job.run)
        report = REPORT.format(name=job.run, text="as far as it came")
        return Made(report, "the cell failed") if job.run == 3 else Made("", "killed", lost=True)

    site.outcome = outcome
    watcher = site.watcher()
    site.settled(watcher)
    site.settled(watcher, site.watcher())
    assert sorted(tries) == [3, 4, 4]
    assert "as far as it came" in site.text(3)
    assert "There is no report of this run.</strong> killed" in site.text(4)
    assert watcher.failed == {3, 4}


def test_a_full_disk_is_told_waited_for_and_caught_up(
    site: Site, tiny_disk: Callable[[str], Path]
) -> None:
    disk = tiny_disk("size=6m")
    filler = disk / "filler"
    pages = Pages(disk, "RunSummary")
    watcher = site.watcher(pages=pages)
    site.file(1)
    site.settled(watcher)
    filler.write_bytes(bytes(3 << 20))
    site.file(2), site.file(3)
    site.settled(watcher)
    site.settled(watcher)
    assert site.made == [(1, "whole")]  # nothing is worked out for which there is no room
    assert watcher.waiting == {2: "paused", 3: "paused"}
    assert site.told_of(None) == ["paused"]
    assert "No space left on device" in next(one.text for one in site.told if one.run is None)
    assert pages.runs() == [1]
    filler.unlink()
    site.settled(watcher)
    assert sorted(site.made) == [(1, "whole"), (2, "whole"), (3, "whole")]
    assert site.told_of(None) == ["paused", "goes on"]
    assert list(pages.claims.rglob("*")) == []


def test_a_quota_that_is_reached_is_told_waited_for_and_caught_up(
    site: Site, quota: Callable[[str], Path]
) -> None:
    folder = quota("2M")
    watcher = site.watcher(pages=Pages(folder, "RunSummary"))
    site.file(1), site.file(2)
    for _ in range(3):
        site.settled(watcher)
    assert site.made == []
    assert watcher.waiting == {1: "paused", 2: "paused"}
    assert site.told_of(None) == ["paused"]
    assert "quota exceeded" in next(one.text for one in site.told if one.run is None)
    quota("100M")
    site.settled(watcher)
    assert sorted(site.made) == [(1, "whole"), (2, "whole")]
    assert site.told_of(None) == ["paused", "goes on"]


def test_a_limit_of_files_pauses_too(site: Site, tiny_disk: Callable[[str], Path]) -> None:
    disk = tiny_disk("nr_inodes=9")
    site.file(1), site.file(2)
    watcher = site.watcher(pages=Pages(disk, "RunSummary"))
    site.settled(watcher)
    assert site.told_of(None)[-1] == "paused"
    assert "no more files may be made" in [one.text for one in site.told if one.run is None][-1]


@contextmanager
def another_user(site: Site) -> Iterator[None]:
    """Be somebody else, who reaches the site."""
    if os.geteuid() != 0:
        pytest.skip("only root can become another user")
    for folder in (site.root, *site.root.parents):
        if folder.parts[:2] == ("/", "tmp") and len(folder.parts) > 2:
            folder.chmod(0o755)
    os.setegid(65534)
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)


def test_pages_that_may_not_be_written_are_refused_at_once(site: Site) -> None:
    with another_user(site), pytest.raises(CannotWriteError, match="permission"):
        site.watcher().check()


def test_folders_of_others_are_passed_over_and_closed_small_data_are_waited_for(site: Site) -> None:
    site.file(3)
    site.file(3, "private", label="mine").parent.chmod(0o700)
    site.small_data.chmod(0o700)
    summaries = site.folder / "stats"
    summaries.mkdir()
    summaries.chmod(0o777)
    with another_user(site):
        watcher = site.watcher()
        site.settled(watcher)
        assert watcher.paused
        assert "Permission denied" in site.told[-1].text
        os.seteuid(0)
        site.small_data.chmod(0o755)
        os.seteuid(65534)
        site.settled(watcher)
    assert site.made == [(3, "whole")]
    assert not watcher.paused


def test_a_page_of_another_program_is_left_alone(site: Site) -> None:
    site.file(3), site.file(4)
    page = site.pages.page(3)
    page.parent.mkdir(parents=True)
    page.write_text(REPORT.format(name="", text="the facility's"))
    site.pages.page(4).parent.mkdir()
    (site.pages.page(4).parent / "mine.txt").touch()
    watcher = site.watcher()
    site.settled(watcher)
    assert site.made == []
    assert site.told_of(3) == site.told_of(4) == ["kept"]
    assert page.read_text() == REPORT.format(name="", text="the facility's")


def test_a_page_that_was_removed_is_made_anew(site: Site) -> None:
    for run in (1, 2, 3):
        site.file(run)
    watcher = site.watcher()
    site.settled(watcher)
    shutil.rmtree(site.pages.page(2).parent)
    site.settled(watcher)
    assert [run for run, _ in site.made].count(2) == 2
    site.check_links()


def test_a_watcher_that_is_stopped_leaves_nothing_half_done(site: Site) -> None:
    site.file(3)
    watcher = site.watcher()

    def outcome(job: Job) -> Made:
        watcher.stop()
        return Made(REPORT.format(name="", text="cut short by the same signal"))

    site.outcome = outcome
    site.settled(watcher)
    assert site.pages.runs() == []
    assert site.left() == []
    site.outcome = None
    site.settled(site.watcher())
    assert "whole" in site.text(3)


def test_the_page_of_a_run_that_is_taken_is_refreshed_until_the_run_is_finished(
    site: Site,
) -> None:
    write_live(site, "one event")
    assert not site.watcher().step()  # without --live nobody looks at it
    watcher = site.watcher(live=True)
    watcher.step()
    first = site.pages.record(3)
    assert first is not None
    assert (first.state, first.live) == ("running", True)
    assert "still being taken" in site.text(3)
    write_live(site, "two events")
    site.clock.time += 30
    site.settled(watcher, site.watcher(live=True))
    assert len(site.made) == 1
    site.clock.time += 30
    site.settled(watcher, site.watcher(live=True))
    assert [text for _, text in site.made] == ["one event", "two events"]
    site.file(3, "whole")
    site.settled(watcher, site.watcher())
    assert [text for _, text in site.made] == ["one event", "two events", "whole"]
    assert "still being taken" not in site.text(3)
    assert "http-equiv" not in site.text(3)


def write_live(site: Site, text: str) -> None:
    os.utime(site.file(3, text, suffix=".live"), (site.clock.time, site.clock.time))


def test_a_run_whose_production_was_stopped_is_no_longer_called_running(site: Site) -> None:
    write_live(site, "one event")
    watcher = site.watcher(live=True)
    watcher.step()
    site.clock.time += 299
    site.settled(watcher)
    record = site.pages.record(3)
    assert record is not None
    assert (record.state, watcher.failed) == ("stopped", set())
    assert "This run was not finished" in site.text(3)
    assert "http-equiv" not in site.text(3)
    for _ in range(3):
        site.clock.time += 300
        site.settled(watcher, site.watcher(live=True))
    assert len(site.made) == 2
    write_live(site, "it goes on")
    site.settled(watcher)
    assert "still being taken" in site.text(3)


@pytest.mark.parametrize("seed", range(6))
def test_watchers_at_once_that_are_killed_leave_no_page_wrong_missing_or_made_twice(
    site: Site, seed: int
) -> None:
    """Runs finish in any order while watchers look in turns, and are killed while making."""
    draw = random.Random(seed)
    runs = draw.sample(range(1, 40), 8)

    def outcome(job: Job) -> Made:
        if draw.random() < 0.2:
            raise Killed
        return Made(REPORT.format(name=job.file.name, text=job.file.read_text()))

    site.outcome = outcome
    watchers = [site.watcher(), site.watcher()]
    for run in [*runs, *[0] * 40]:
        if run:
            site.file(run, f"of {run}")
        number = draw.randrange(2)
        site.clock.time += draw.choice([1, 5, 20])
        try:
            watchers[number].step()
        except Killed:
            watchers[number] = site.watcher()
    site.outcome = None
    site.settled(*watchers)
    site.clock.time += 100
    site.settled(*watchers)
    assert site.pages.runs() == sorted(runs)
    for run in runs:
        assert f"of {run}<" in site.text(run)
    site.check_links()
    assert site.left() == []


class Killed(BaseException):
    """Ends a watcher in the midst of its work."""


def test_links_are_right_whatever_the_order_in_which_runs_finish(site: Site) -> None:
    watchers: list[Watcher] = [site.watcher(), site.watcher()]
    for number, run in enumerate((7, 3, 9, 5, 1)):
        site.file(run)
        site.settled(watchers[number % 2])
        site.settled(watchers[1 - number % 2])
        site.check_links()
    assert len(site.made) == 5
