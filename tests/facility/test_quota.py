"""Files and bytes of a results folder against its limits."""

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from threading import Thread

import numpy as np
import pytest
from typer.testing import CliRunner

from workbench.cli.app import app
from workbench.facility import Quota, QuotaState, Usage, count_usage, quota, results_quota

EXPERIMENT = "xpplx1234"


def test_files_and_bytes_are_those_that_find_counts(tmp_path: Path) -> None:
    for part, count in (("a", 3), ("b", 5)):
        (tmp_path / part / "deep").mkdir(parents=True)
        for number in range(count):
            (tmp_path / part / "deep" / f"{number}").write_bytes(b"x" * 10)
    (tmp_path / "top").write_bytes(b"x" * 7)
    os.link(tmp_path / "top", tmp_path / "a" / "same")  # one file, two names
    (tmp_path / "b" / "link").symlink_to(tmp_path / "a")  # counts, and is not followed
    usage = count_usage(tmp_path)
    size = (tmp_path / "b" / "link").lstat().st_size
    assert (usage.files, usage.bytes, usage.unread) == (10, 8 * 10 + 7 + size, ())
    assert [row[:2] for row in usage.parts] == [("b", 6), ("a", 3), ("top", 1)]


def by_find(folder: Path) -> tuple[int, int]:
    """Return the number of files and their bytes, each file of several names once."""
    line = ["find", folder, "!", "-type", "d", "-printf", r"%D %i %s\0"]
    told = subprocess.run(line, capture_output=True, check=True).stdout.split(b"\0")[:-1]
    files = {(device, inode): int(size) for device, inode, size in map(bytes.split, told)}
    return len(files), sum(files.values())


def by_du(folder: Path) -> tuple[int, int]:
    """Return the same by du, which counts folders too: these are taken away."""
    sums = [
        int(
            subprocess.run(
                ["du", "-s", *kind, folder], capture_output=True, check=True
            ).stdout.split()[0]
        )
        for kind in (["--inodes"], ["--apparent-size", "--block-size=1"])
    ]
    folders = [
        folder,
        *(path for path in folder.rglob("*") if path.is_dir() and not path.is_symlink()),
    ]
    return sums[0] - len(folders), sums[1] - sum(path.stat().st_size for path in folders)


@pytest.mark.parametrize("slow", [0.0, 1.0], ids=["many folders at once", "one by one"])
def test_any_tree_is_counted_as_find_and_du_count_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, slow: float
) -> None:
    monkeypatch.setattr(quota, "SLOW", slow)
    draw = np.random.default_rng(7)
    root = tmp_path / "results"
    folders = [root]
    for number in range(40):
        folders.append(folders[draw.integers(len(folders))] / f"a folder\n{number}")
        folders[-1].mkdir(parents=True)
    files: list[Path] = []
    for number in range(300):
        files.append(folders[draw.integers(len(folders))] / f"{number}")
        files[-1].write_bytes(b"x" * int(draw.integers(5000)))
    for number in range(60):  # names of files in other folders, some with more than two
        os.link(files[draw.integers(30)], folders[draw.integers(len(folders))] / f"name{number}")
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "large").write_bytes(b"x" * 100_000)
    for number, target in enumerate((outside, outside / "large", root, "gone", ".", files[0])):
        folders[number].joinpath(f"link{number}").symlink_to(target)
    os.mkfifo(root / "pipe")
    (root / os.fsdecode(b"no utf-8 \xff")).write_bytes(b"xyz")
    with (root / "sparse").open("wb") as sparse:
        sparse.truncate(10_000_000)
    usage = count_usage(root)
    assert (usage.files, usage.bytes) == by_find(root) == by_du(root)
    assert usage.unread == ()
    parts = [(name, files, size) for name, files, size in usage.parts]
    assert sum(row[1] for row in parts) == usage.files == 300 + 6 + 3
    assert sum(row[2] for row in parts) == usage.bytes
    assert [row[1] for row in parts] == sorted((row[1] for row in parts), reverse=True)


@pytest.fixture
def shared(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A results folder below a tree of data that any user can look into."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        Path(folder).chmod(0o755)
        monkeypatch.setenv("WORKBENCH_DATA_ROOT", folder)
        results = Path(folder) / "xpp" / EXPERIMENT / "results"
        (results / "open").mkdir(parents=True)
        (results / "open" / "file").write_bytes(b"12345")
        yield results


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_folders_that_may_not_be_read_are_named_and_the_count_is_a_lower_bound(
    shared: Path,
) -> None:
    for name, mode in (("closed", 0o700), ("names only", 0o744), ("passage", 0o711)):
        (shared / name).mkdir()
        (shared / name / "hidden").write_bytes(b"123")
        (shared / name).chmod(mode)
    assert results_quota(shared).usage.files == 4  # root may see all
    assert (
        CliRunner().invoke(app, ["quota", EXPERIMENT]).exit_code == 0
    )  # loads what others may not
    os.seteuid(65534)
    try:
        found = results_quota(shared)
        shown = CliRunner().invoke(app, ["quota", EXPERIMENT])
        plain = CliRunner().invoke(app, ["quota", EXPERIMENT, "--json"])
    finally:
        os.seteuid(0)
    closed = tuple(str(shared / name) for name in ("closed", "names only", "passage"))
    assert (found.usage.files, found.usage.bytes, found.usage.unread) == (1, 5, closed)
    assert str(found).startswith("at least 1 of 10,000 files")
    for name in closed:
        assert f"not counted (no permission): {name}" in shown.stdout
    assert json.loads(plain.stdout)["unread"] == list(closed)


@pytest.mark.parametrize("slow", [0.0, 1.0], ids=["many folders at once", "one by one"])
def test_what_is_removed_while_it_is_counted_is_no_error_and_does_not_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, slow: float
) -> None:
    monkeypatch.setattr(quota, "SLOW", slow)
    for number in range(60):
        folder = tmp_path / "going" / f"{number % 6}" / f"{number}"
        folder.mkdir(parents=True)
        for name in range(10):
            (folder / f"{name}").write_bytes(b"12")
    (tmp_path / "staying").write_bytes(b"123")
    remover = Thread(target=shutil.rmtree, args=(tmp_path / "going",))
    remover.start()
    counts = [count_usage(tmp_path)]
    while remover.is_alive():
        counts.append(count_usage(tmp_path))
    remover.join()
    counts.append(count_usage(tmp_path))
    assert all(not found.unread for found in counts)
    assert all(found.bytes == 2 * (found.files - 1) + 3 for found in counts)
    assert all(early.files >= late.files for early, late in pairwise(counts))
    assert (counts[-1].files, counts[-1].bytes) == (1, 3)


def test_the_forecast_warns_from_four_fifths_and_refuses_beyond_the_limit(tmp_path: Path) -> None:
    quota = Quota(tmp_path, Usage(files=7_999, bytes=0), 10_000, 4 * 10**12)
    assert quota.state is QuotaState.FINE
    assert quota.after(1, 0).state is QuotaState.WARNING
    assert quota.after(2_001, 0).state is QuotaState.WARNING  # exactly full
    assert quota.after(2_002, 0).state is QuotaState.OVER
    assert quota.after(0, 32 * 10**11).state is QuotaState.WARNING
    assert quota.after(0, 4 * 10**12 + 1).state is QuotaState.OVER
    assert str(quota) == "7,999 of 10,000 files (80.0%), 0 B of 4 TB (0.0%)"


def test_a_results_folder_that_is_not_there_is_empty(tmp_path: Path) -> None:
    assert results_quota(tmp_path / "none").usage == Usage()
