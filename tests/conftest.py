"""Shared fixtures: the folder with large real files, small-data files made on the spot."""

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from workbench.core.late_grammars import load_grammars_late

load_grammars_late()  # tests that read notebooks import nbformat first

Write = Callable[..., Path]
ModuleFolder = Callable[[str], Path]


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """Return the folder that WORKBENCH_TEST_DATA names; a wrong one is an error.

    Without the variable the test is skipped, or fails where WORKBENCH_REQUIRE_DATA is 1.
    """
    name = os.environ.get("WORKBENCH_TEST_DATA")
    if name is None:
        reason = "needs real files: set WORKBENCH_TEST_DATA to the folder that holds them"
        if os.environ.get("WORKBENCH_REQUIRE_DATA") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    folder = Path(name)
    if not folder.is_dir():
        pytest.fail(f"WORKBENCH_TEST_DATA names {folder}, which is not a folder")
    return folder


@pytest.fixture(scope="module")
def module_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModuleFolder]:
    """Return a function that makes folders, which are gone when the module's tests have run.

    Folders of `tmp_path_factory` stay until the last test of all: made-up runs fill the disk.
    """
    made: list[Path] = []

    def make(name: str) -> Path:
        made.append(tmp_path_factory.mktemp(name))
        return made[-1]

    yield make
    for folder in made:
        shutil.rmtree(folder)


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Return a function that writes columns (or (column, unit) pairs) as one run's file."""

    def make(
        columns: Mapping[str, Any],
        *,
        experiment: str = "xpplx1234",
        run: int = 14,
        truth: Mapping[str, Any] | None = None,
        folder: Path = tmp_path,
    ) -> Path:
        path = folder / f"{experiment}_Run{run:04d}.h5"
        first = next(iter(columns.values()))
        events = len(first[0] if isinstance(first, tuple) else first)
        seconds = np.arange(events, dtype=np.int64) // 120 + 1_137_355_200
        stamps = (seconds << 32) | (np.arange(events, dtype=np.int64) % 120 * 8_333_333)
        with h5py.File(path, "w") as h5:
            h5.attrs.update({"experiment": experiment, "run": run, "generation": "lcls2"})
            for name, column in {"timestamp": stamps, **columns}.items():
                values, unit = column if isinstance(column, tuple) else (column, None)
                dataset = h5.create_dataset(name, data=np.asarray(values))
                if unit is not None:
                    dataset.attrs["units"] = unit
        if truth is not None:
            text = json.dumps({"quantities": truth})
            path.with_name(f"{path.stem}.truth.json").write_text(text)
        return path

    return make


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Callable[[str], Path]]:
    """Return a function that mounts a file system with a limit, such as ``size=1m``."""
    mounted: list[Path] = []

    def mount(limit: str) -> Path:
        place = tmp_path / "tiny"
        place.mkdir()
        command = ["mount", "-t", "tmpfs", "-o", limit, "tmpfs", str(place)]
        if subprocess.run(command, capture_output=True, check=False).returncode:
            pytest.skip("no permission to mount a small file system")
        mounted.append(place)
        return place

    yield mount
    for place in mounted:
        subprocess.run(["umount", str(place)], check=True)


@pytest.fixture
def quota(tmp_path: Path) -> Iterator[Callable[[str], Path]]:
    """Return a function that gives a folder whose quota, such as ``3M``, the kernel enforces.

    Called again it changes the limit. Of the file systems that Linux has here only Btrfs does so
    for root too.
    """
    if shutil.which("mkfs.btrfs") is None:
        pytest.skip("needs mkfs.btrfs (Debian package btrfs-progs)")
    image, place = tmp_path / "quota.img", tmp_path / "quota"
    folder = place / "results"

    def called(*words: str | Path) -> int:
        return subprocess.run(words, capture_output=True, check=False).returncode

    def limited(limit: str) -> Path:
        if not folder.exists():
            place.mkdir()
            with image.open("wb") as file:
                file.truncate(128 << 20)
            assert called("mkfs.btrfs", "--mixed", image) == 0
            if called("mount", "-o", "loop", image, place):
                pytest.skip("no permission to mount a small file system")
            assert called("btrfs", "quota", "enable", place) == 0
            assert called("btrfs", "subvolume", "create", folder) == 0
        assert called("btrfs", "qgroup", "limit", limit, folder) == 0
        return folder

    yield limited
    called("umount", place)
