import json
from pathlib import Path

import h5py
import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from workbench.cli.check import check

APP = typer.Typer()
APP.command()(check)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    target = tmp_path / "xppx1_Run0001.h5"
    with h5py.File(target, "w") as h5:
        h5["timestamp"] = np.arange(200)
        h5["lightStatus/laser"] = np.ones(200, dtype=np.int64)
        for camera in range(7):
            h5[f"cam{camera}/sum"] = np.full(200, np.nan)
    return target


def test_check_of_a_usable_file_exits_0_and_lists_everything_as_json(path: Path) -> None:
    result = CliRunner().invoke(APP, [str(path), "--json"])
    assert result.exit_code == 0
    answer = json.loads(result.stdout)
    assert answer["ok"] is True
    assert [each["code"] for each in answer["findings"]].count("all-missing") == 7
    first = answer["findings"][0]
    assert set(first) == {"code", "severity", "file", "field", "count", "message"}
    assert first["severity"] == "warning"


def test_check_shows_the_five_worst_lines_unless_asked_for_all(path: Path) -> None:
    few = CliRunner().invoke(APP, [str(path)]).stdout.splitlines()
    every = CliRunner().invoke(APP, [str(path), "--all"]).stdout.splitlines()
    assert len(few) == 6
    assert all(line.startswith("warning: ") for line in few[:5])
    assert few[5].endswith("with --all")
    assert len(every) > 9


def test_check_of_an_unusable_file_exits_1(tmp_path: Path) -> None:
    broken = tmp_path / "broken.h5"
    broken.write_text("no")
    result = CliRunner().invoke(APP, [str(broken), "--json"])
    assert result.exit_code == 1
    answer = json.loads(result.stdout)
    assert answer["ok"] is False
    assert answer["findings"][0]["code"] == "not-hdf5"
    human = CliRunner().invoke(APP, [str(broken)])
    assert human.exit_code == 1
    assert human.stdout.splitlines()[-1].endswith("broken.h5: 1 error")
