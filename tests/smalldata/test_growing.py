"""Readers and writers of one file at the same time."""

import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from workbench.core.errors import InputError
from workbench.runs import Channel, open_run
from workbench.runs.storage import Columns, FileChangedError
from workbench.smalldata import StillWrittenError, TruncatedFileError, open_file

WRITER = """
import sys, h5py, numpy as np
path, live = sys.argv[1], sys.argv[2] == "live"
with h5py.File(path, "w", libver="latest") as h5:
    stamps = h5.create_dataset("timestamp", (0,), maxshape=(None,), dtype="i8", chunks=(100,))
    sums = h5.create_dataset("ipm2/sum", (0,), maxshape=(None,), dtype="f8", chunks=(100,))
    if live:
        h5.swmr_mode = True
    for line in sys.stdin:
        column, rows = line.split()
        dataset = {"time": stamps, "sum": sums}[column]
        first = len(dataset)
        dataset.resize(first + int(rows), axis=0)
        dataset[first:] = np.arange(first, first + int(rows))
        dataset.flush()
        print("done", flush=True)
"""


class Writer:
    """A program that writes rows when told."""

    def __init__(self, process: Any) -> None:
        self._process = process

    def write(self, **rows: int) -> None:
        for column, count in rows.items():
            self._process.stdin.write(f"{column} {count}\n")
            self._process.stdin.flush()
            assert self._process.stdout.readline() == "done\n"


@contextmanager
def writing(path: Path, mode: str) -> Generator[Writer]:
    command = [sys.executable, "-c", WRITER, str(path), mode]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield Writer(process)
        assert process.stdin is not None
        process.stdin.close()
    assert process.returncode == 0


def append(path: Path, rows: int) -> None:
    with h5py.File(path, "a") as h5:
        for name, kind in (("timestamp", "i8"), ("ipm2/sum", "f8")):
            if name not in h5:
                h5.create_dataset(name, (0,), maxshape=(None,), dtype=kind, chunks=(100,))
            first = len(h5[name])
            h5[name].resize(first + rows, axis=0)
            h5[name][first:] = np.arange(first, first + rows)


def test_a_file_under_a_live_writer_is_read_as_far_as_it_has_come(tmp_path: Path) -> None:
    path = tmp_path / "xppl1234_Run0001.h5"
    with writing(path, "live") as writer:
        writer.write(time=500, sum=500)
        run = open_run(path)
        assert run.n_events == 500
        assert run["ipm2/sum"].read().tolist() == list(range(500))
        writer.write(time=800, sum=800)
        assert run["ipm2/sum"].read().tolist() == list(range(500))
        longer = run.refresh()
        assert longer.n_events == len(longer) == 1300
        assert longer["ipm2/sum"].read().tolist() == list(range(1300))
        assert longer.timestamps.tolist() == list(range(1300))
        with open_file(path) as file:
            assert file.growing
        writer.write(time=1, sum=1)  # reading has not disturbed the writer
    finished = longer.refresh()
    assert finished.n_events == 1301
    assert finished.refresh() is finished


def test_a_column_that_lags_behind_is_missing_for_the_last_events(tmp_path: Path) -> None:
    path = tmp_path / "xppl1234_Run0001.h5"
    with writing(path, "live") as writer:
        writer.write(time=5, sum=3)
        run = open_run(path)
        assert run["ipm2/sum"].shape == (5,)
        np.testing.assert_array_equal(run["ipm2/sum"].read(), [0, 1, 2, np.nan, np.nan])
        assert run["ipm2/sum"].missing.tolist() == [False] * 3 + [True] * 2
        writer.write(sum=4)  # now it is ahead
        np.testing.assert_array_equal(open_run(path)["ipm2/sum"].read(), range(5))


def test_a_file_under_a_plain_writer_is_still_being_written_and_reads_afterwards(
    tmp_path: Path,
) -> None:
    path = tmp_path / "xppl1234_Run0001.h5"
    with writing(path, "plain") as writer:
        writer.write(time=3, sum=3)
        for _ in range(3):
            with pytest.raises(StillWrittenError, match="still being written by process"):
                open_run(path)
        writer.write(time=3, sum=3)
    assert open_run(path).n_events == 6


def test_a_file_that_is_appended_to_now_and_then_can_be_refreshed(tmp_path: Path) -> None:
    path = tmp_path / "xppl1234_Run0001.h5"
    append(path, 20)
    run = open_run(path)
    before = run["ipm2/sum"].read()
    assert run.refresh() is run
    append(path, 30)
    assert run["ipm2/sum"].read().tolist() == before.tolist()
    assert run.timestamps.tolist() == list(range(20))
    longer = run.refresh()
    assert longer["ipm2/sum"].read().tolist() == list(range(50))


def test_an_open_run_is_no_obstacle_to_a_writer(tmp_path: Path) -> None:
    path = tmp_path / "xppl1234_Run0001.h5"
    append(path, 20)
    code = "import h5py, sys\nwith h5py.File(sys.argv[1], 'a') as h5: h5['x'] = 1"
    with open_file(path) as file:
        subprocess.run([sys.executable, "-c", code, str(path)], check=True)
        assert file.n_events == 20


def test_a_file_that_the_user_has_open_too_is_read(tmp_path: Path) -> None:
    path = tmp_path / "xppl1234_Run0001.h5"
    append(path, 20)
    with h5py.File(path) as mine:
        run = open_run(path)
        assert run["ipm2/sum"].read().sum() == mine["ipm2/sum"][:].sum()


def test_a_run_whose_file_was_replaced_says_so(tmp_path: Path) -> None:
    path, other = tmp_path / "xppl1234_Run0001.h5", tmp_path / "new.h5"
    append(path, 20)
    append(other, 25)
    run = open_run(path)
    kept = run["ipm2/sum"].read()
    other.replace(path)
    assert run["ipm2/sum"].read().tolist() == kept.tolist()
    run.drop()
    with pytest.raises(FileChangedError, match=r"run\.refresh\(\)"):
        run["ipm2/sum"].read()
    assert run.refresh().n_events == 25


def test_channels_added_by_hand_stop_a_refresh_that_they_would_not_survive(tmp_path: Path) -> None:
    path = tmp_path / "xppl1234_Run0001.h5"
    append(path, 20)
    run = open_run(path)
    more = run.with_channel("mine", Channel.from_values("mine", np.zeros(20), unit="1"))
    assert more.refresh() is more
    append(path, 1)
    with pytest.raises(InputError, match="mine"):
        more.refresh()
    assert run.refresh().n_events == 21


AS_NOBODY = """
import os, sys
from workbench.runs import open_run
open_run(sys.argv[1])["ipm2/sum"].read()  # imports all: the other user may not see where Python is
os.setgroups([])
os.setgid(65534)
os.setuid(65534)
try:
    print(open_run(sys.argv[1])["ipm2/sum"].read().sum())
except OSError as error:
    print(type(error).__name__, error)
"""


def read_as_nobody(path: Path) -> str:
    for folder in path.parents:
        if Path(tempfile.gettempdir()) in folder.parents:  # pytest's folders are closed to others
            folder.chmod(folder.stat().st_mode | 0o055)
    command = [sys.executable, "-c", AS_NOBODY, str(path)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become another user")
def test_other_users_read_what_they_may_and_are_told_what_they_may_not(tmp_path: Path) -> None:
    path = tmp_path / "xppl1234_Run0001.h5"
    append(path, 20)
    path.chmod(0o444)  # in a folder where nobody may write either: no lock file, no lock
    assert read_as_nobody(path) == "190.0"
    path.chmod(0o600)
    answer = read_as_nobody(path)
    assert answer.startswith("NoPermissionError")
    assert str(path) in answer
    assert "no permission to read it; ask its owner" in answer


def test_columns_are_kept_within_bounds_and_the_oldest_go_first() -> None:
    columns = Columns(limit=3 * 800)
    for name in "abc":
        columns.keep(name, np.zeros(100))
    assert columns.get("a") is not None  # asked for again
    columns.keep("d", np.zeros(100))
    assert columns.get("b") is None
    assert columns.get("a") is not None
    assert columns.bytes == 3 * 800
    columns.keep("large", np.zeros(1000))
    assert columns.get("large") is not None
    assert columns.bytes == 8000
    columns.clear()
    assert columns.bytes == 0


def test_a_file_that_is_shorter_than_it_says_for_a_moment_is_opened_once_it_is_whole(
    tmp_path: Path,
) -> None:
    path = tmp_path / "run.h5"
    append(path, 4000)
    whole = path.read_bytes()
    path.write_bytes(whole[:-5000])
    with path.open("ab", buffering=0) as end:
        writer = threading.Timer(0.1, end.write, [whole[-5000:]])
        writer.start()
        with open_file(path) as file:
            assert file.n_events == 4000
        writer.join()
    path.write_bytes(whole[:-5000])
    with pytest.raises(TruncatedFileError), open_file(path):
        pass
