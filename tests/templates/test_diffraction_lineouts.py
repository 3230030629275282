"""Diffraction line-outs of a made-up run before and while the laser drives it, headless."""

from pathlib import Path

import numpy as np
import pytest

from workbench.synthetic import PumpProbe, write_small_data
from workbench.synthetic.faults import FAULTS
from workbench.synthetic.scenes import PowderShots

from .conftest import RunTemplate

EVERY = {"camera_every": 1, "jungfrau_every": 1, "n_steps": 1}
WHOLE = EVERY | {"missing": 0.0, "camera_missing": 0.0, "partial": 0}


@pytest.mark.notebook
@pytest.mark.parametrize("generation", ["lcls1", "lcls2"])
def test_line_outs_recover_the_strain_and_the_rings(
    tmp_path: Path, run_template: RunTemplate, generation: str
) -> None:
    files = []
    for run, driven in ((1, False), (2, True)):
        spec = PumpProbe(experiment="mecsyn0126", run=run, n_events=1, **WHOLE)
        scene = PowderShots(driven=driven)
        files.append(write_small_data(spec, tmp_path, generation=generation, scene=scene))
    item = run_template("diffraction_lineouts", files[1], run=2, before="1")
    assert (item.state, item.error) == ("done", "")
    strain = item.results["strain"]
    assert abs(strain["value"] + 0.012) < 3 * strain["error"] < 1e-3
    assert item.results["peaks"]["value"] == 4
    page = Path(item.report).read_text()
    assert "within 3 errors" in page
    assert "Warning" not in page
    # A calibrant, of which the file lost the ring camera's name; then its frame.
    fault = "renamed-detector" if generation == "lcls1" else "nan"
    FAULTS[fault].inject(files[0], np.random.default_rng(1))
    again = run_template("diffraction_lineouts", files[0], run=1, calibrant="LaB6")
    assert (again.state, again.error) == ("done", "")
    assert again.results["calibrant_rms"]["value"] < 0.02
