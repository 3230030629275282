import json
from pathlib import Path

import h5py
import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from workbench.cli.info import info
from workbench.core.errors import NotThereError
from workbench.smalldata import DatasetSpec, OnceValue, create_part, merge_parts
from workbench.smalldata.inventory import read_difference

APP = typer.Typer()
APP.command()(info)
SPECS = (
    DatasetSpec("timestamp", "int64"),
    DatasetSpec("enc/lasDelay", "float64", unit="ps"),
    DatasetSpec("epix_1/roi_area", "float32", (3, 4), unit="keV"),
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    delay = np.arange(8.0)
    delay[:2] = np.nan
    with create_part(tmp_path / "part.h5", SPECS) as part:
        part.append(
            {
                "timestamp": np.arange(8),
                "enc/lasDelay": delay,
                "epix_1/roi_area": np.ones((8, 3, 4)),
            }
        )
    target = tmp_path / "xpplx1234_Run0014.h5"
    merge_parts(
        [tmp_path / "part.h5"],
        target,
        specs=SPECS,
        once={"Sums/epix_1_calib": OnceValue(np.ones((3, 4)), "keV")},
        attributes={"experiment": "xpplx1234", "run": 14, "generation": "lcls2"},
    )
    return target


def test_info_gives_every_field_as_json(path: Path) -> None:
    result = CliRunner().invoke(APP, [str(path), "--json"])
    assert result.exit_code == 0
    answer = json.loads(result.stdout)
    fields = {field.pop("name"): field for field in answer.pop("fields")}
    assert answer == {
        "experiment": "xpplx1234",
        "run": 14,
        "generation": "lcls2",
        "n_events": 8,
    }
    assert fields["enc/lasDelay"] == {
        "shape": [8],
        "dtype": "float64",
        "unit": "ps",
        "filled": 0.75,
        "role": "delay",
    }
    assert fields["epix_1/roi_area"]["shape"] == [8, 3, 4]
    assert fields["epix_1/roi_area"]["role"] is None
    assert fields["Sums/epix_1_calib"]["filled"] is None


def test_info_prints_a_table_by_detector_and_one_line_of_summary(path: Path) -> None:
    result = CliRunner().invoke(APP, [str(path)])
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    (line,) = [line for line in lines if "lasDelay" in line]
    assert line.split()[1:] == ["8", "float64", "ps", "75", "%", "delay"]
    assert any(line.strip() == "enc" for line in lines)
    assert lines[-1] == "xpplx1234, run 14: 8 events, 4 fields, written the LCLS-II way"


def test_info_on_no_file_raises_the_error_that_the_command_line_prints(tmp_path: Path) -> None:
    result = CliRunner().invoke(APP, [str(tmp_path / "none.h5")])
    assert isinstance(result.exception, NotThereError)


@pytest.fixture
def other(path: Path, tmp_path: Path) -> Path:
    """Another run: a field gone, one new, another unit and shape, half as much filled."""
    specs = (
        DatasetSpec("timestamp", "int64"),
        DatasetSpec("enc/lasDelay", "float64", unit="s"),
        DatasetSpec("epix_1/roi_area", "float32", (3, 5), unit="keV"),
        DatasetSpec("epix_1/roi_sum", "float64", unit="keV"),
    )
    delay = np.arange(4.0)
    delay[:3] = np.nan
    with create_part(tmp_path / "other_part.h5", specs) as part:
        part.append(
            {
                "timestamp": np.arange(4),
                "enc/lasDelay": delay,
                "epix_1/roi_area": np.ones((4, 3, 5)),
                "epix_1/roi_sum": np.ones(4),
            }
        )
    target = tmp_path / "xpplx1234_Run0015.h5"
    merge_parts(
        [tmp_path / "other_part.h5"],
        target,
        specs=specs,
        once={"UserDataCfg/epix_1/thresADU": OnceValue(2.5, "ADU")},
        attributes={"experiment": "xpplx1234", "run": 15, "generation": "lcls2"},
    )
    return target


def test_the_difference_of_two_files_is_told_as_json(path: Path, other: Path) -> None:
    result = CliRunner().invoke(APP, [str(path), "--against", str(other), "--json"])
    assert result.exit_code == 0
    answer = json.loads(result.stdout)
    assert (answer["first"]["n_events"], answer["second"]["n_events"]) == (8, 4)
    assert answer["only_first"] == ["Sums/epix_1_calib"]
    assert answer["only_second"] == ["UserDataCfg/epix_1/thresADU", "epix_1/roi_sum"]
    changes = {(c["name"], c["what"]): (c["before"], c["after"]) for c in answer["fields"]}
    assert changes == {
        ("enc/lasDelay", "unit"): ("ps", "s"),
        ("enc/lasDelay", "filled"): ("75.0 %", "25.0 %"),
        ("epix_1/roi_area", "shape"): ("3 x 4", "3 x 5"),
    }
    assert answer["settings"] == []


def test_the_difference_of_two_files_is_printed_by_detector(path: Path, other: Path) -> None:
    result = CliRunner().invoke(APP, [str(path), "--against", str(other)])
    assert result.exit_code == 0
    assert "only in the second file (2):" in result.stdout
    assert "  epix_1: roi_sum" in result.stdout.splitlines()
    same = CliRunner().invoke(APP, [str(path), "--against", str(path)])
    assert same.stdout.splitlines()[-1] == "the same fields, units and settings"


def test_settings_that_differ_are_counted_element_by_element(tmp_path: Path) -> None:
    paths = []
    for run, (threshold, mask) in enumerate([(2.5, [1, 1, 0]), (3.0, [1, 0, 1])]):
        paths.append(tmp_path / f"xpplx1234_Run000{run}.h5")
        with h5py.File(paths[-1], "w") as h5:
            h5["timestamp"] = np.arange(3)
            h5["UserDataCfg/det/thresADU"] = [threshold]
            h5["UserDataCfg/det/mask"] = mask
            h5["UserDataCfg/det/same"] = [np.nan, 1.0]
    result = CliRunner().invoke(APP, [str(paths[0]), "--against", str(paths[1]), "--json"])
    settings = {one["name"]: one for one in json.loads(result.stdout)["settings"]}
    assert set(settings) == {"UserDataCfg/det/mask", "UserDataCfg/det/thresADU"}
    assert settings["UserDataCfg/det/thresADU"]["after"] == "3"
    assert "2 of 3 elements" in settings["UserDataCfg/det/mask"]["after"]


def test_large_columns_are_counted_by_the_detectors_flags_not_by_reading(tmp_path: Path) -> None:
    path = tmp_path / "xpplx1234_Run0001.h5"
    with h5py.File(path, "w") as h5:
        h5["timestamp"] = np.arange(300)
        h5["damage/det"] = np.arange(300) % 4 != 0
        h5.create_dataset("det/area", (300, 64, 64), "f8")  # 10 MB, nothing of it written
    result = CliRunner().invoke(APP, [str(path), "--json"])
    fields = {one["name"]: one for one in json.loads(result.stdout)["fields"]}
    assert fields["det/area"]["filled"] == 0.75


def test_differences_that_change_results_come_before_settings_and_unknown_units(
    tmp_path: Path,
) -> None:
    def write(name: str, unit: str, length: int) -> Path:
        with h5py.File(tmp_path / name, "w") as h5:
            h5["event_time"] = np.arange(4)
            h5["a/x"] = np.zeros(4)
            h5["z/area"] = np.zeros((4, length))
            h5["UserDataCfg/a/k"] = np.zeros(length)
            if unit:
                h5["a/x"].attrs["units"] = unit
        return tmp_path / name

    found = read_difference(write("a_Run1.h5", "mm", 2), write("a_Run2.h5", "", 3))
    assert [(one.name, one.what) for one in found.fields] == [
        ("z/area", "shape"),
        ("a/x", "unit"),
        ("UserDataCfg/a/k", "shape"),
    ]
