"""Templates of all hutches, run as a user would run them, on the made-up experiment of each."""

from pathlib import Path

import numpy as np
import pytest

from workbench.batch import BatchRequest, find_template, run_batch
from workbench.synthetic import PumpProbe, write_small_data
from workbench.synthetic.faults import FAULTS

RUNS = {
    "xpp": ("lcls2", "epix_1", "XppSb2BmMon/totalIntensityJoules"),
    "xcs": ("lcls1", "epix_2", "ipm4/sum"),
    "mec": ("lcls1", "epix100a_2_bxrts", "xt2_ipm2/sum"),
}


@pytest.mark.notebook
@pytest.mark.parametrize("hutch", RUNS)
def test_the_i0_study_finds_the_better_monitor_and_that_the_signal_is_linear(
    tmp_path: Path, hutch: str
) -> None:
    generation, camera, monitor = RUNS[hutch]
    spec = PumpProbe(experiment=f"{hutch}syn0126")
    file = write_small_data(spec, tmp_path, generation=generation)
    values = {"signal": f"{camera}/signal_sum"}
    request = BatchRequest(find_template("i0_study"), (1,), tmp_path / "out", values, input=file)
    (item,) = run_batch(request)
    assert (item.state, item.error) == ("done", "")
    assert item.results["monitor"]["value"] == monitor  # made with the smaller noise
    for name in ("i0_offset", "i0_curvature"):  # made without either
        result = item.results[name]
        assert abs(result["value"]) <= 3 * result["error"]
        assert result["error"] < 0.05
    page = Path(item.report).read_text()
    assert "within 3 errors" in page


@pytest.mark.notebook
@pytest.mark.parametrize("hutch", RUNS)
def test_the_timing_check_names_a_late_camera_and_none_in_a_sound_run(
    tmp_path: Path, hutch: str
) -> None:
    generation, camera, _ = RUNS[hutch]
    file = write_small_data(
        PumpProbe(experiment=f"{hutch}syn0126"), tmp_path, generation=generation
    )
    request = BatchRequest(find_template("timing_check"), (1,), tmp_path / "out", input=file)
    (sound,) = run_batch(request)
    assert (sound.state, sound.error) == ("done", "")
    assert sound.results["late_detectors"]["value"] == "none"
    assert sound.results["flags_against_light"]["value"] == 0
    assert "found so: True" in Path(sound.report).read_text()
    FAULTS["shot-lag"].inject(file, np.random.default_rng(1))
    (late,) = run_batch(request)
    assert (late.state, late.error) == ("done", "")
    assert str(late.results["late_detectors"]["value"]).startswith(f"{camera}/")
    assert "found so: False" in Path(late.report).read_text()
