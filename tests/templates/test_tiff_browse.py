"""Pictures of a run and TIFF files of them, headless."""

from pathlib import Path

import numpy as np
import pytest

from workbench.runs import read_truth
from workbench.synthetic import PumpProbe, write_small_data
from workbench.synthetic.faults import FAULTS
from workbench.synthetic.scenes import PowderShots

from .conftest import RunTemplate

EVERY = {"camera_every": 1, "jungfrau_every": 1, "n_steps": 1}
WHOLE = EVERY | {"missing": 0.0, "camera_missing": 0.0, "partial": 0}


@pytest.mark.notebook
def test_a_shot_without_a_camera_shows_one_picture_less_as_planted(
    tmp_path: Path, run_template: RunTemplate
) -> None:
    spec = PumpProbe(experiment="mecsyn0126", n_events=2, **WHOLE)
    scene = PowderShots(lost=((2, "Epix10kaQuad2"),))
    file = write_small_data(spec, tmp_path, scene=scene)
    found = [run_template("tiff_browse", file, shot=shot).results for shot in (1, 2)]
    assert [one["pictures"]["value"] for one in found] == [2, 1]
    truth = read_truth(file)
    assert truth is not None
    assert sum(one["not_in_shot"]["value"] for one in found) == 1
    assert truth["detectors_missing"].value == 1


@pytest.mark.notebook
@pytest.mark.parametrize(("generation", "fault"), [("lcls1", "unsorted"), ("lcls2", "truncated")])
def test_pictures_are_shown_packed_and_read_back(
    tmp_path: Path, run_template: RunTemplate, generation: str, fault: str
) -> None:
    spec = PumpProbe(experiment="mecsyn0126", n_events=2, **WHOLE)
    file = write_small_data(spec, tmp_path, generation=generation, scene=PowderShots())
    folder = str(tmp_path / "tiffs")
    item = run_template("tiff_browse", file, folder=folder, log=True)
    assert (item.state, item.error) == ("done", "")
    values = {name: result["value"] for name, result in item.results.items()}
    assert values == {
        "shots": 2, "pictures": 2, "not_in_shot": 0, "tiff_files": 2, "tiff_same": True,
        "shot": 1, "as_planted": True,
    }  # fmt: skip
    page = Path(item.report).read_text()
    assert "as planted: yes" in page
    assert "Warning" not in page
    FAULTS[fault].inject(file, np.random.default_rng(1))
    again = run_template("tiff_browse", file, folder=folder)
    if fault == "unsorted":  # shots are counted in the order of time, whatever the file's
        assert (again.state, again.results["tiff_same"]["value"]) == ("done", True)
    else:
        assert again.state == "failed"
        assert "produce it again" in again.error or "cut off" in again.error
