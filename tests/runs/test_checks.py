from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from typer.testing import CliRunner

from workbench.cli.app import app
from workbench.core.findings import Finding, Severity
from workbench.runs import check_between, check_path, check_run, open_run
from workbench.runs.checks import check_physics
from workbench.smalldata import isolated, open_file
from workbench.smalldata.check import check_apart, inspect_file
from workbench.smalldata.checks.between import compare, gather
from workbench.smalldata.isolated import answer

N = 600
KNOWN = """
version = 1
experiment = "xpplx1234"
[[acknowledged]]
code = "not-small-data"
reason = "a picture"
[[acknowledged]]
code = "rows-differ"
field = "ipm9/sum"
reason = "written by hand"
"""


def put(folder: Path, run: int, **more: Any) -> Path:
    path = folder / f"xpplx1234_Run{run:04d}.h5"
    stamps = (np.int64(1_137_355_200) << 32) + np.arange(N) * 8_333_333
    columns = {
        "timestamp": stamps,
        "XppSb2BmMon/totalIntensityJoules": 1 + 0.1 * np.sin(np.arange(N)),
        "UserDataCfg/epix_1/ROI_0__ROI_0_ROI": np.array([[0, 10], [5, 20]]),
        "UserDataCfg/epix_1/ROI_0__ROI_0_dat": np.array([float(run)]),
        "UserDataCfg/epix_1/ped": np.array([float(run)]),
        "epix_1/ROI_0_sum": np.arange(float(N)),
        **more,
    }
    with h5py.File(path, "w") as h5:
        for name, values in columns.items():
            h5[name] = values
    return path


def compare_in_this_process(*paths: Path) -> list[Finding]:
    facts = []
    for path in paths:
        with open_file(path) as file:
            facts.append(gather(file))
    return list(compare(facts))


def codes(found: list[Finding]) -> dict[str, Finding]:
    return {each.code: each for each in found}


def test_settings_that_changed_between_runs_are_named_once(tmp_path: Path) -> None:
    moved = {"UserDataCfg/epix_1/ROI_0__ROI_0_ROI": np.array([[0, 10], [6, 21]])}
    paths = [put(tmp_path, 1), put(tmp_path, 2), put(tmp_path, 3, **moved)]
    found = compare_in_this_process(*paths)
    (region,) = [each for each in found if each.severity is Severity.WARNING]
    assert (region.code, region.count) == ("settings-differ", 1)
    assert region.field == "epix_1"
    assert "another region in run 3 than in run 1" in region.message
    (pedestal,) = [each for each in found if each is not region]  # scratch arrays do not count
    assert (pedestal.severity, pedestal.count) == ("info", 2)


def test_runs_that_would_take_another_i0_are_warned_of(tmp_path: Path) -> None:
    other = put(tmp_path, 2, **{"XppSb3BmMon/totalIntensityJoules": np.ones(N)})
    with h5py.File(other, "r+") as h5:
        del h5["XppSb2BmMon"]
    (warning,) = [
        each
        for each in compare_in_this_process(put(tmp_path, 1), other)
        if each.severity is Severity.WARNING
    ]
    assert (warning.code, warning.count) == ("fields-differ", 1)
    assert "serves as i0 in run 1, but XppSb3BmMon/totalIntensityJoules in run 2" in warning.message


def test_equal_files_and_single_files_have_nothing_to_compare(tmp_path: Path) -> None:
    first = put(tmp_path, 1)
    again = put(tmp_path, 2)
    with h5py.File(again, "r+") as h5:
        h5["UserDataCfg/epix_1/ped"][:] = 1.0
    broken = tmp_path / "broken.h5"
    broken.write_text("no")
    assert compare_in_this_process(first, again) == []
    assert check_between([first, broken]) == []


def test_an_acknowledged_error_is_shown_with_its_reason_and_does_not_fail(tmp_path: Path) -> None:
    short = {"ipm9/sum": np.arange(7.0), "ipm9/xpos": np.arange(float(N))}
    path = put(tmp_path, 1, **short)
    assert codes(check_run(open_run(path)))["rows-differ"].severity is Severity.ERROR
    (tmp_path / "experiment.toml").write_text(KNOWN)
    result = CliRunner().invoke(app, ["check", str(path), "--all"])
    assert result.exit_code == 0
    assert "acknowledged: written by hand" in result.stdout


def test_a_bad_experiment_file_is_an_error_and_the_run_is_still_checked(tmp_path: Path) -> None:
    path = put(tmp_path, 1)
    (tmp_path / "experiment.toml").write_text("[[acknowledged]]\ncode = 3\n")
    found = codes(check_path(path))
    assert found["experiment-file"].severity is Severity.ERROR
    assert "experiment.toml" in found["experiment-file"].message
    assert "beam-state-unknown" in found  # from the physics


def test_the_command_compares_several_files(tmp_path: Path) -> None:
    moved = {"UserDataCfg/epix_1/ROI_0__ROI_0_ROI": np.array([[0, 10], [6, 21]])}
    files = [str(put(tmp_path, 1)), str(put(tmp_path, 2, **moved))]
    lines = CliRunner().invoke(app, ["check", *files]).stdout.splitlines()
    assert lines[-1].startswith("between these files: ok, 1 warning")
    assert sum(line.startswith(file) for line in lines for file in files) == 2


def crash(path: str) -> None:
    """Stand for a check of the physics that brings HDF5 down."""
    answer([Finding("rows-differ", Severity.ERROR, path)], last=False)
    raise SystemExit(5)


def test_what_was_found_before_a_crash_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = str(Path(__file__).parent)
    code = isolated._CHILD.replace("sys.path[:] =", f"sys.path[:] = [{folder!r}] +")
    monkeypatch.setattr(isolated, "_CHILD", code)
    found = codes(check_apart(put(tmp_path, 1), "test_checks", "crash"))
    assert set(found) == {"damaged", "rows-differ"}
    assert "exit code 5" in found["damaged"].message


@pytest.mark.parametrize(
    "make",
    [
        lambda h5: h5.create_dataset("timestamp", data=np.arange(3)),
        lambda h5: h5.create_dataset("timestamp", data=np.zeros((3, 2))),
        lambda h5: h5.create_dataset("event_time", data=np.array([b"a", b"b"])),
    ],
)
def test_odd_files_get_an_answer(tmp_path: Path, make: Callable[[h5py.File], Any]) -> None:
    path = tmp_path / "xppx1_Run0001.h5"
    with h5py.File(path, "w") as h5:
        make(h5)
        h5["ipm2/sum"] = np.arange(3.0)
        h5["tt/FLTPOS"] = np.array([b"x", b"y", b"z"])
        h5["lightStatus/xray"] = np.ones((3, 4))
    found = inspect_file(path)
    if not any(each.severity is Severity.ERROR for each in found):
        found += check_physics(open_run(path))
    assert all(each.message for each in found)
