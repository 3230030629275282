"""The command: exit codes, JSON alone on standard output, a summary that names what is missing."""

import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import typer
from PIL import Image
from rich.console import Console
from typer.testing import CliRunner

from tests.conftest import ModuleFolder
from workbench.cli.produce import _Bar, produce
from workbench.core.errors import WorkbenchError
from workbench.sources.xtc2_writer import Names, Xtc2Writer

ROOT = Path(__file__).parents[2]
APP = typer.Typer()
APP.command()(produce)


@pytest.fixture(scope="module")
def raw(module_folder: ModuleFolder) -> Path:
    folder = module_folder("raw")
    names = [
        Names("gasdet", "gasdet", "raw", fields={"f11ENRC": ("float64", 0)}),
        Names("epix_1", "epix100", "raw", fields={"raw": ("uint16", 2)}),
    ]
    begin = 1_100_000_000 << 32
    with Xtc2Writer(folder / "xpplx1234-r0014-s000-c000.xtc2", names) as stream:
        stream.configure(begin)
        stream.begin_run(begin + 1, experiment="xpplx1234", run=14)
        stream.begin_step(begin + 2)
        stream.enable(begin + 3)
        for event in range(20):
            frame = np.full((80, 70), event, np.uint16)
            stream.event(begin + 100 + event, {0: {"f11ENRC": 0.5}, 1: {"raw": frame}})
        stream.end_run(begin + 1000)
    return folder


def arguments(raw: Path, output: Path, *more: object) -> list[str]:
    wanted = ["--experiment", "xpplx1234", "--run", "14", "--xtc", raw, "--output", output, *more]
    return [str(word) for word in wanted]


def config(folder: Path, region: str) -> Path:
    path = folder / "prod_config_xpp.py"
    path.write_text(
        "detectors = ['epix_1']\n"
        "def getROIs(run):\n"
        "    return {'epix_1': [{'name': 'ok', 'ROI': [[0, 9], [0, 9]]},\n"
        f"                       {region}]}}\n"
    )
    return path


def test_json_is_alone_on_standard_output_and_has_the_promised_keys(
    raw: Path, tmp_path: Path
) -> None:
    done = CliRunner().invoke(APP, arguments(raw, tmp_path, "--json"))
    assert done.exit_code == 0, done.output
    told: dict[str, Any] = json.loads(done.stdout)
    assert set(told) == {
        "output", "n_events", "resumed", "live", "events_per_s", "failures", "findings", "skipped",
    }  # fmt: skip
    assert (told["n_events"], told["output"]) == (20, str(tmp_path / "xpplx1234_Run0014.h5"))
    assert told["failures"]["gasdet"] == {"present": 20}
    assert told["events_per_s"] > 0


@pytest.mark.parametrize(
    ("region", "says"),
    [
        ("{'ROI': None, 'writearea': True}", "did you mean 'writeArea'?"),
        ("{'ROI': [[90, 95], [0, 5]]}", "outside the detector"),
    ],
)
def test_a_bad_entry_gives_exit_3_and_a_summary_with_file_and_line(
    raw: Path, tmp_path: Path, region: str, says: str
) -> None:
    path = config(tmp_path, region)
    done = CliRunner().invoke(APP, arguments(raw, tmp_path, "--config", path))
    assert done.exit_code == 3, done.output
    assert says in done.output
    assert f"{path}:4" in done.output
    assert "20 events in" in done.output
    assert (tmp_path / "xpplx1234_Run0014.h5").exists()


def test_a_summary_says_that_frames_are_not_calibrated(raw: Path, tmp_path: Path) -> None:
    done = CliRunner().invoke(APP, arguments(raw, tmp_path, "--detector", "epix_1"))
    assert done.exit_code == 0
    assert "epix_1: 20 present, 20 uncalibrated" in done.output
    assert "[no-constants]" in done.output


def test_strict_refuses_with_the_reason(raw: Path, tmp_path: Path) -> None:
    path = config(tmp_path, "{'ROI': 5}")
    done = CliRunner().invoke(APP, arguments(raw, tmp_path, "--config", path, "--strict"))
    assert isinstance(done.exception, WorkbenchError)
    assert "ROI must be" in str(done.exception)
    assert not (tmp_path / "xpplx1234_Run0014.h5").exists()


def test_a_run_that_is_not_there_gives_exit_1_and_one_message(tmp_path: Path, raw: Path) -> None:
    words = ["--experiment", "xpplx1234", "--run", "15", "--xtc", raw, "--output", tmp_path]
    done = subprocess.run(
        [sys.executable, "-m", "workbench", "produce", *map(str, words), "--json"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stdout == ""
    assert "15" in done.stderr
    assert "14" in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_missing_option_is_wrong_usage(tmp_path: Path) -> None:
    done = CliRunner().invoke(APP, ["--experiment", "xpplx1234", "--output", str(tmp_path)])
    assert done.exit_code == 2


def test_pictures_of_a_detector_are_written_as_tiff_files_and_counted_before(
    raw: Path, tmp_path: Path
) -> None:
    pictures = tmp_path / "scratch"
    options = ("--tiff", "epix_1", "--tiff-folder", pictures)
    done = CliRunner().invoke(APP, arguments(raw, tmp_path, *options))
    assert done.exit_code == 0, done.output
    assert "up to 20 TIFF files" in done.stderr
    with h5py.File(tmp_path / "xpplx1234_Run0014.h5") as h5:
        frames = h5["epix_1/full_area"][()]
    there = frames[~np.isnan(frames).all(axis=(1, 2))]
    files = sorted(pictures.glob("*.tiff"))
    table = (pictures / "Run_0014_shots.txt").read_text().splitlines()
    assert table[2].split("\t")[:2] == ["event", "utc"]
    assert len(table) == 3 + 20
    assert 0 < len(files) == len(there)
    for path, frame in zip(files, there, strict=True):
        with Image.open(path) as image:
            np.testing.assert_array_equal(np.array(image), frame)


def test_one_time_left_is_told_for_a_whole_range_of_runs() -> None:
    console = Console(file=io.StringIO())
    bar = _Bar(console, 3, shown=False)
    (task,) = bar._progress.tasks
    told: list[tuple[float, float | None]] = []
    for run, size in ((14, 100), (15, 300), (16, 200)):
        bar.begin(f"run {run}")
        assert task.description == f"run {run}"
        for done in (0, size):
            bar.tell(done, size)
            told.append((task.completed, task.total))
    assert told == [
        (0, 300), (100, 300),  # two runs that nobody looked at yet are taken for as long
        (100, 600), (400, 600),  # likewise one, of the mean of 100 and 300 events
        (400, 600), (600, 600),
    ]  # fmt: skip
    bar = _Bar(console, 2, shown=False)
    (task,) = bar._progress.tasks
    clock = iter(np.arange(100.0))
    bar._progress.get_time = task._get_time = lambda: float(next(clock))
    bar.begin("run 14")
    bar._progress.start_task(task.id)
    for done in range(0, 60, 10):
        bar.tell(done, 100)
    assert task.time_remaining == pytest.approx((200 - 50) / task.speed, abs=1)


def test_runs_that_a_stopped_production_had_finished_are_named_and_kept(
    raw: Path, tmp_path: Path
) -> None:
    first = CliRunner().invoke(APP, arguments(raw, tmp_path))
    assert first.exit_code == 0, first.output
    file = tmp_path / "xpplx1234_Run0014.h5"
    before = file.read_bytes()
    again = CliRunner().invoke(APP, arguments(raw, tmp_path, "--resume"))
    assert again.exit_code == 0, again.output
    assert "xpplx1234_Run0014.h5 is finished" in again.stderr
    assert file.read_bytes() == before
    other = CliRunner().invoke(
        APP,
        arguments(
            raw,
            tmp_path,
            "--resume",
            "--config",
            config(tmp_path, "{'name': 'more', 'ROI': [[0, 2], [0, 2]]}"),
        ),
    )
    assert isinstance(other.exception, WorkbenchError)  # it is there, but made otherwise
    assert "--replace" in str(other.exception)
