"""When a file is finished: what is looked at, for how long, and how often."""

import os
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from tests.automation.conftest import Clock, Site
from workbench.automation import FileState, Judge
from workbench.automation.found import find_runs
from workbench.core.findings import Finding, Severity
from workbench.smalldata import what_lacks
from workbench.smalldata.facility_style import write_lcls2
from workbench.smalldata.whole import inspect_whole

COLUMNS = {"timestamp": np.arange(400, dtype=np.int64) << 32, "det/x": np.arange(400.0)}


def codes(found: list[Finding]) -> list[str]:
    return [finding.code for finding in found]


def test_a_file_on_which_a_process_holds_a_write_lock_is_waited_for_however_long(
    site: Site, write: Any
) -> None:
    path = write({"det/x": np.arange(4.0)}, folder=site.small_data)
    judge = Judge(10, 300, clock=site.clock, now=site.clock, examine=inspect_whole)
    with h5py.File(path, "r+"):
        (found,) = find_runs("xpplx1234", site.root)
        judge.judge(found)
        site.clock.time += 5000
        verdict = judge.judge(found)
        assert verdict.state is FileState.WRITTEN
        assert f"process {os.getpid()} writes to it" in verdict.why
    (found,) = find_runs("xpplx1234", site.root)
    judge.judge(found)
    site.clock.time += 11
    assert judge.judge(found).state is FileState.WHOLE


def test_a_file_that_cannot_be_read_yet_is_opened_seldom(site: Site) -> None:
    path = site.file(3, "half")
    os.utime(path, (site.clock.time, site.clock.time))
    looks = []

    def examine(path: Path) -> list[Finding]:
        looks.append(site.clock.time)
        return [Finding("truncated", Severity.ERROR, "cut off")]

    judge = Judge(10, 300, clock=site.clock, now=site.clock, examine=examine)
    (found,) = find_runs("xpplx1234", site.root)
    states = []
    for _ in range(400):
        states.append(judge.judge(found).state)
        site.clock.time += 1
    assert states[0] is FileState.SETTLING
    assert states[10] is states[299] is FileState.UNFINISHED
    assert states[-1] is FileState.BROKEN
    assert len(looks) <= 31  # one in 10 s, and a second one at the end


def test_a_watcher_started_long_after_a_run_was_aborted_does_not_wait_again(site: Site) -> None:
    path = site.file(3, "half")
    os.utime(path, (site.clock.time - 500, site.clock.time - 500))
    site.lacking["half"] = "truncated"
    site.settled(site.watcher())
    assert site.told_of(3)[-1] == "broken"


def test_files_are_whole_when_they_open_with_all_their_parts(tmp_path: Path) -> None:
    path = tmp_path / "xpplx1234_Run0014.h5"
    write_lcls2(path, COLUMNS, {})
    assert what_lacks(path) == []
    parts = sorted(tmp_path.glob("*_part*.h5"))
    content = parts[1].read_bytes()
    parts[1].write_bytes(content[: len(content) // 2])  # as the data mover is copying it
    assert codes(inspect_whole(path)) == ["truncated"]
    parts[1].unlink()
    assert codes(inspect_whole(path)) == ["parts-missing"]


def test_files_are_not_whole_that_are_cut_off_empty_growing_or_without_events(
    tmp_path: Path, write: Any
) -> None:
    path = write({"det/x": np.arange(4000.0)})
    content = path.read_bytes()
    path.write_bytes(content[:3000])
    assert codes(what_lacks(path)) == ["truncated"]
    path.write_bytes(b"")
    assert codes(inspect_whole(path)) == ["not-hdf5"]
    write({"det/x": np.arange(0.0)})
    assert codes(inspect_whole(path)) == ["no-events"]
    assert codes(inspect_whole(tmp_path / "gone.h5")) == ["not-there"]


@pytest.mark.parametrize("name", ["xpplx1234_Run0014.h5", "xpplx1234_Run0014.live.h5"])
def test_a_growing_file_is_whole_only_where_it_is_a_live_file(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    with h5py.File(path, "w", libver="latest") as h5:
        for dataset, values in COLUMNS.items():
            h5.create_dataset(dataset, data=values, maxshape=(None,), chunks=(100,))
        h5.swmr_mode = True
        h5.flush()
        if "live" not in name:
            assert codes(inspect_whole(path)) == ["still-written"]
    if "live" in name:
        path_open = h5py.File(path, "r+", libver="latest", locking=False)
        path_open.swmr_mode = True
        assert inspect_whole(path) == []
        path_open.close()


def test_parts_belong_to_what_a_file_is(site: Site) -> None:
    master = site.file(3)
    (alone,) = find_runs("xpplx1234", site.root)
    master.with_name("xpplx1234_Run0003_part0.h5").touch()
    (both,) = find_runs("xpplx1234", site.root)
    assert [name for name, _, _ in both.stamps] == [
        "xpplx1234_Run0003.h5", "xpplx1234_Run0003_part0.h5",
    ]  # fmt: skip
    assert alone.stamps != both.stamps


def test_of_several_files_of_a_run_the_newest_counts_and_the_newest_run_comes_first(
    site: Site,
) -> None:
    clock = Clock()
    for run, label in ((2, ""), (2, "workbench"), (1, "")):
        clock.time += 1
        os.utime(site.file(run, label=label), (clock.time, clock.time))
    found = find_runs("xpplx1234", site.root)
    assert [(one.run, one.path.parent.name) for one in found] == [
        (1, "smalldata"), (2, "workbench"),
    ]  # fmt: skip
