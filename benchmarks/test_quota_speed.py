"""Counting a results folder against find."""

import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from ratios import Ratios

from workbench.facility import count_usage

FOLDERS, IN_EACH = 100, 100  # as many files as a results folder may hold
ROUNDS = 15
GOAL = 0.5  # times the speed of find; a bare loop over os.scandir with stat reaches 0.6


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("results")
    for number in range(FOLDERS):
        folder = root / f"{number % 10}" / f"{number}"
        folder.mkdir(parents=True)
        for name in range(IN_EACH):
            (folder / f"Run_0014_evt_{name:04d}.tiff").write_bytes(b"x" * name)
    return root


def by_find(root: Path) -> tuple[int, int]:
    line = ["find", str(root), "!", "-type", "d", "-printf", r"%s\n"]
    sizes = subprocess.run(line, capture_output=True, check=True).stdout.split()
    return len(sizes), sum(map(int, sizes))


def ours(root: Path) -> tuple[int, int]:
    usage = count_usage(root)
    return usage.files, usage.bytes


def seconds(work: Callable[[Path], object], root: Path) -> float:
    start = time.perf_counter()
    work(root)
    return time.perf_counter() - start


def test_counting_a_full_results_folder(tree: Path, ratios: Ratios) -> None:
    assert ours(tree) == by_find(tree)
    assert ours(tree)[0] == FOLDERS * IN_EACH
    spent: dict[str, list[float]] = {"ours": [], "find": []}
    for _ in range(ROUNDS):  # in turn: what else the machine does meets all of them
        for name, work in (("ours", ours), ("find", by_find)):
            spent[name].append(seconds(work, tree))
    best = {name: min(values) for name, values in spent.items()}
    ratios.add(
        "quota: count 10,000 files, against find", measured=best["find"] / best["ours"], goal=GOAL,
        detail=f"ours {best['ours'] * 1e3:.0f} ms, find {best['find'] * 1e3:.0f} ms",
    )  # fmt: skip
