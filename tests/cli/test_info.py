import json
from pathlib import Path

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from workbench.cli.info import info
from workbench.core.errors import NotThereError
from workbench.smalldata import DatasetSpec, OnceValue, create_part, merge_parts

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
