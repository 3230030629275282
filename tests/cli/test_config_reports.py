"""A config checked and shown in a run, files that are no longer of it, and many runs at once."""

import json
import os
import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import Result
from typer.testing import CliRunner

from tests.conftest import ModuleFolder
from workbench.cli.app import app
from workbench.core.constants import Constants
from workbench.sources.constants import write_constants
from workbench.sources.xtc2_writer import Names, Xtc2Writer

RUNS = (3, 4, 5, 8)
SHAPE = (80, 70)
CONFIG = """\
detectors = ['epix_1']

def getROIs(run):
    return {'epix_1': [{'name': 'spot', 'ROI': [[2, 9], [5, 25]], 'thresADU': 1.5}]}
"""


@pytest.fixture(scope="module")
def raw(module_folder: ModuleFolder) -> Path:
    folder = module_folder("raw")
    names = [Names("epix_1", "epix100", "raw", fields={"raw": ("uint16", 2)})]
    for run in RUNS:
        begin = (1_100_000_000 + run) << 32
        with Xtc2Writer(folder / f"xpplx1234-r{run:04d}-s000-c000.xtc2", names) as stream:
            stream.configure(begin)
            stream.begin_run(begin + 1, experiment="xpplx1234", run=run)
            stream.begin_step(begin + 2)
            stream.enable(begin + 3)
            stream.event(begin + 100, {0: {"raw": np.full(SHAPE, run, np.uint16)}})
            stream.end_run(begin + 1000)
    return folder


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "prod_config_xpp.py"
    path.write_text(CONFIG)
    return path


def call(*words: object, code: int = 0) -> Result:
    done = CliRunner().invoke(app, [str(word) for word in words])
    assert done.exit_code == code, done.output
    return done


def produce(raw: Path, config: Path, runs: str, *more: object, **wanted: int) -> Result:
    return call(
        "produce", "--experiment", "xpplx1234", "--run", runs, "--xtc", raw, "--config", config,
        "--output", config.parent / "out", "--json", *more, **wanted,
    )  # fmt: skip


def test_every_problem_is_listed_with_line_and_way_out(raw: Path, config: Path) -> None:
    config.write_text(CONFIG.replace("thresADU", "tresADU") + "\ndef get_azav(run):\n    return {}")
    done = call("config", "check", config, "--run", 3, code=1)
    first, second, third = done.stdout.splitlines()
    assert first.startswith(f"error: {config}:4: getROIs['epix_1'][0]")
    assert "did you mean 'thresADU'?" in first
    assert second == "info: get_azav: gives nothing in run 3 [asks-for-nothing]"
    assert "--against" in third


def test_regions_are_compared_with_the_detectors_of_a_run(raw: Path, config: Path) -> None:
    call("config", "check", config, "--run", 3)
    assert (
        "no problem in run 3"
        in call("config", "check", config, "--run", 3, "--against", raw).stdout
    )
    for columns, code, ending in (
        ("[5, 99]", "roi-cut-off", 0),
        ("[5, 1e6]", "", 0),
        ("[70, 99]", "roi-outside", 1),
    ):
        config.write_text(CONFIG.replace("[5, 25]", columns))
        done = call("config", "check", config, "--run", 3, "--against", raw, "--json", code=ending)
        found = [(one["code"], one["line"]) for one in json.loads(done.stdout)["findings"]]
        assert found == ([(code, 4)] if code else [])


def test_the_typed_result_is_printed(config: Path) -> None:
    told: dict[str, Any] = json.loads(call("config", "show", config, "--run", 3, "--json").stdout)
    (entry,) = told["reductions"]
    assert (told["run"], told["detectors"]) == (3, ["epix_1"])
    assert (entry["detector"], entry["name"], entry["line"]) == ("epix_1", "spot", 4)
    roi = entry["reduction"]
    assert (roi["type"], roi["bounds"], roi["low"]) == ("Roi", [[2, 9], [5, 25]], 1.5)
    assert roi["high"] == "inf"
    text = call("config", "show", config, "--run", 3).stdout
    assert "line 4: getROIs['epix_1'] (spot): Roi(bounds=[[2, 9], [5, 25]]" in text
    assert "Sums/epix_1_calib" in text


def test_files_of_another_config_are_listed_with_one_command_that_makes_them_again(
    raw: Path, config: Path
) -> None:
    assert [one["n_events"] for one in json.loads(produce(raw, config, "3-5,8").stdout)] == [1] * 4
    out = config.parent / "out"
    (out / "xpplx1234_Run0009.h5").write_bytes(b"no HDF5 at all")
    before = json.loads(call("config", "status", out, "--json").stdout)
    assert [file["state"] for file in before["files"][:4]] == ["current"] * 4
    assert before["files"][4]["state"].startswith("unknown: ")
    assert before["commands"] == []
    config.write_text(CONFIG.replace("25", "26"))
    told = json.loads(call("config", "status", out, "--json").stdout)
    assert [file["stale"] for file in told["files"]] == [True] * 4 + [False]
    (command,) = told["commands"]
    assert "--run 3-5,8 " in command
    assert "prod_config_xpp.py has another text now" in call("config", "status", out).stdout
    call(*shlex.split(command)[1:])
    assert json.loads(call("config", "status", out, "--json").stdout)["commands"] == []


def test_of_several_runs_one_that_is_refused_stops_no_other(raw: Path, config: Path) -> None:
    produce(raw, config, "4")
    done = produce(raw, config, "3-5", code=1)
    assert [Path(one["output"]).name[-7:] for one in json.loads(done.stdout)] == [
        "0003.h5",
        "0005.h5",
    ]
    assert "run 4: " in done.stderr
    assert "is there already" in done.stderr


def test_an_experiment_without_files_is_named(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["config", "status", str(tmp_path)])
    assert "no small-data files" in str(done.exception)


def test_constants_are_compared_by_their_numbers_not_by_when_they_were_written(
    raw: Path, config: Path
) -> None:
    table = config.parent / "constants.h5"
    pedestal = np.full(SHAPE, 3.0)
    write_constants(table, [Constants("epix_1", pedestal)])
    produce(raw, config, "3", "--constants", table, "--naming", "lcls1")
    out = config.parent / "out"

    def states() -> list[str]:
        told = json.loads(call("config", "status", out, "--json").stdout)
        return [file["state"] for file in told["files"]] + told["commands"]

    write_constants(table, [Constants("epix_1", pedestal), Constants("other", pedestal)])
    os.utime(table, (0, 0))
    assert states() == ["current"]
    write_constants(table, [Constants("epix_1", pedestal + 1)])
    state, command = states()
    assert state == "constants.h5 holds other constants of epix_1 now"
    assert command.endswith("--naming lcls1 --replace")
