"""The spectrometer line-out on made-up runs of a foil and of a driven sample, headless."""

from pathlib import Path

import numpy as np
import pytest

from workbench.synthetic import PumpProbe, write_small_data
from workbench.synthetic.faults import FAULTS
from workbench.synthetic.scenes import XrtsShots

from .conftest import RunTemplate

EVERY = {"camera_every": 1, "jungfrau_every": 1, "n_steps": 1}
WHOLE = EVERY | {"missing": 0.0, "camera_missing": 0.0, "partial": 0}


@pytest.mark.notebook
@pytest.mark.parametrize(("generation", "fault"), [("lcls1", "zero-events"), ("lcls2", "sentinel")])
def test_the_energy_axis_and_both_lines_are_recovered(
    tmp_path: Path, run_template: RunTemplate, generation: str, fault: str
) -> None:
    files = []
    for run, foil in ((1, True), (2, False)):
        spec = PumpProbe(experiment="mecsyn0126", run=run, n_events=2, **WHOLE)
        scene = XrtsShots(foil=foil)
        files.append(write_small_data(spec, tmp_path, generation=generation, scene=scene))
    item = run_template("spectrometer_lineout", files[1], run=2, calibration="1")
    assert (item.state, item.error) == ("done", "")
    for name, planted in (("inelastic_shift", 42.0), ("elastic_energy", 9500.0)):
        result = item.results[name]
        assert abs(result["value"] - planted) < 3 * result["error"] < 2.0
    page = Path(item.report).read_text()
    assert "within 3 errors" in page
    assert "Warning" not in page
    FAULTS[fault].inject(files[1], np.random.default_rng(1))
    again = run_template("spectrometer_lineout", files[1], run=2)
    if fault == "zero-events":
        assert again.state == "failed"
        assert "has no events" in again.error
    else:  # of other fields: the pictures are whole, the axis is in pixels
        assert (again.state, again.error) == ("done", "")
        assert abs(again.results["inelastic_shift_pixel"]["value"] - 35.0) < 1.0
