"""The template of emission spectroscopy, headless on made-up runs of XCS."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from workbench.batch import BatchItem
from workbench.synthetic import PumpProbe, write_small_data
from workbench.synthetic.faults import FAULTS
from workbench.synthetic.scenes import EmissionLine

SPEC = PumpProbe(experiment="xcssyn0126", n_events=900, camera_every=3, laser_off_every=4)
PLANTED = {"line_energy": 7058.0, "line_fwhm": 2.5, "line_shift": 0.4}


@pytest.mark.notebook
@pytest.mark.parametrize("generation", ["lcls1", "lcls2"])
def test_planted_line_and_shift_are_found_headless(
    run_template: Callable[..., BatchItem], tmp_path: Path, generation: str
) -> None:
    file = write_small_data(SPEC, tmp_path, generation=generation, scene=EmissionLine())
    item = run_template("xcs/emission_spectroscopy", file)
    assert (item.state, item.error) == ("done", "")
    for name, value in PLANTED.items():
        found = item.results[name]
        assert abs(found["value"] - value) <= 3 * found["error"]
        assert found["error"] < 0.1
    assert abs(item.results["rotation"]["value"] - 3.0) < 0.5
    page = Path(item.report).read_text()
    assert "within 3 errors" in page
    assert 'output_stderr"' not in page


@pytest.mark.notebook
def test_a_lost_monitor_is_replaced_and_a_damaged_file_is_named(
    run_template: Callable[..., BatchItem], tmp_path: Path
) -> None:
    file = write_small_data(SPEC, tmp_path, scene=EmissionLine())
    FAULTS["missing-detector"].inject(file, np.random.default_rng(1))
    item = run_template("xcs/emission_spectroscopy", file)
    assert (item.state, item.error) == ("done", "")
    found = item.results["line_shift"]
    assert abs(found["value"] - 0.4) <= 3 * found["error"]
    FAULTS["truncated"].inject(file, np.random.default_rng(1))
    item = run_template("xcs/emission_spectroscopy", file)
    assert item.state == "failed"
    assert file.name in item.error
