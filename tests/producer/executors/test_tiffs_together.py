"""TIFF files of one run written by several productions at once, killed and gone on with."""

import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from typer.testing import CliRunner

from tests.conftest import ModuleFolder
from tests.producer.conftest import EXPERIMENT, GAIN, PEDESTAL, RUN, MadeRun
from workbench.cli.app import app

pytestmark = pytest.mark.executors

EVENTS = 1100  # every third with a picture
PATIENCE = 120.0  # s
TABLES = ["Run_0007_epics.txt", "Run_0007_shots.txt"]
PART = re.compile(r"\..*\.part")


@pytest.fixture(scope="module")
def made(make_run: Any, module_folder: ModuleFolder) -> MadeRun:
    run: MadeRun = make_run(module_folder("raw"), events=EVENTS)
    return run


def words(made: MadeRun, output: Path, pictures: Path, *more: str) -> list[str]:
    return [
        "produce", "--experiment", EXPERIMENT, "--run", str(RUN), "--xtc", str(made.folder),
        "--constants", str(made.constants), "--output", str(output), "--executor", "local:2",
        "--tiff", "cam", "--tiff-folder", str(pictures), *more,
    ]  # fmt: skip


def started(line: list[str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "workbench", *line], stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def ended(process: subprocess.Popen[str]) -> None:
    _, told = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, told


def killed_when(process: subprocess.Popen[str], reached: Callable[[], Any]) -> None:
    """Kill a production with -9 once something is there; it must not have ended before."""
    end = time.monotonic() + PATIENCE
    while not reached():
        assert process.poll() is None
        assert time.monotonic() < end
        time.sleep(0.001)
    process.send_signal(signal.SIGSTOP)
    assert process.poll() is None
    process.kill()
    process.communicate()


def assert_whole(pictures: Path, made: MadeRun) -> None:
    """One file for each event with a picture, with its values; tables; nothing else but parts."""
    files = sorted(pictures.glob("*.tiff"))
    frames = (made.cam.astype(np.float32) - np.float32(PEDESTAL)) / np.float32(GAIN)
    names = [
        f"Run_0007_evt_{stamp >> 32}-{stamp & 0xFFFFFFFF:09d}_cam_full_area_keV.tiff"
        for stamp in made.stamps[made.has_cam].tolist()
    ]
    assert [file.name for file in files] == sorted(names)
    for name, frame in zip(names, frames[made.has_cam], strict=True):
        np.testing.assert_array_equal(tifffile.imread(pictures / name), frame)
    others = {path.name for path in pictures.iterdir()} - set(names)
    assert [name for name in sorted(others) if not PART.fullmatch(name)] == TABLES
    for table in TABLES:
        lines = (pictures / table).read_text().splitlines()
        assert len([line for line in lines if not line.startswith("#")]) == EVENTS + 1


def left_over(pictures: Path) -> list[str]:
    return [path.name for path in pictures.iterdir() if PART.fullmatch(path.name)]


def test_two_productions_of_a_run_at_once_leave_each_picture_once_and_whole(
    made: MadeRun, tmp_path: Path
) -> None:
    pictures = tmp_path / "tiffs"
    both = [started(words(made, tmp_path / name, pictures)) for name in ("one", "two")]
    for process in both:
        ended(process)
    assert_whole(pictures, made)
    assert not left_over(pictures)


def test_a_production_killed_while_it_reads_is_resumed_and_one_process_writes_every_picture(
    made: MadeRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output, pictures = tmp_path / "out", tmp_path / "tiffs"
    first = started(words(made, output, pictures))
    killed_when(first, lambda: list(output.glob(".*.parts/*/unit_*.done")))
    assert not pictures.exists()
    here: list[Path] = []
    write = tifffile.imwrite

    def noted(place: Path, *values: Any, **told: Any) -> Any:
        here.append(place)
        return write(place, *values, **told)

    monkeypatch.setattr(tifffile, "imwrite", noted)  # in this process; workers are others
    done = CliRunner().invoke(app, words(made, output, pictures, "--resume"))
    assert done.exit_code == 0, done.output
    assert "were finished by a production that was stopped" in done.output
    assert len(here) == np.count_nonzero(made.has_cam)
    assert_whole(pictures, made)
    assert not left_over(pictures)


def test_a_production_killed_while_it_writes_pictures_is_gone_on_with(
    made: MadeRun, tmp_path: Path
) -> None:
    output, pictures = tmp_path / "out", tmp_path / "tiffs"
    first = started(words(made, output, pictures))
    killed_when(first, lambda: len(list(pictures.glob("*.tiff"))) > 9)
    cut = {path: path.stat().st_mtime_ns for path in pictures.glob("*.tiff")}
    assert 9 < len(cut) < np.count_nonzero(made.has_cam)
    for path in cut:
        tifffile.imread(path)  # whole
    assert len(left_over(pictures)) <= 1
    ended(started(words(made, output, pictures, "--resume")))
    assert_whole(pictures, made)
