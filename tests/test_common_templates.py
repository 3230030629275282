"""Templates of all hutches, run as a user would run them, on the made-up experiment of each."""

from pathlib import Path

import pytest

from workbench.batch import BatchRequest, find_template, run_batch
from workbench.synthetic import PumpProbe, write_small_data

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
