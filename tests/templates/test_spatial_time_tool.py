"""The spatial time tool on a made-up scan, headless."""

from pathlib import Path

import numpy as np
import pytest

from workbench.synthetic import PumpProbe, write_small_data
from workbench.synthetic.faults import FAULTS
from workbench.synthetic.scenes import SpatialEdge

from .conftest import RunTemplate


@pytest.mark.notebook
@pytest.mark.parametrize(
    ("generation", "fault"), [("lcls1", "one-event"), ("lcls2", "duplicate-events")]
)
def test_scale_and_time_zero_are_recovered(
    tmp_path: Path, run_template: RunTemplate, generation: str, fault: str
) -> None:
    spec = PumpProbe(
        experiment="mecsyn0126", n_events=240, scan="lxt", delay_first=-1, delay_last=1,
        n_steps=9, missing=0.0,
    )  # fmt: skip
    file = write_small_data(spec, tmp_path, generation=generation, scene=SpatialEdge())
    item = run_template("spatial_time_tool", file)
    assert (item.state, item.error) == ("done", "")
    for name, planted in (("ps_per_pixel", 0.02), ("row_at_zero", 79.5)):
        result = item.results[name]
        assert abs(result["value"] - planted) < 3 * result["error"]
    page = Path(item.report).read_text()
    assert "within 3 errors" in page
    assert "Warning" not in page
    FAULTS[fault].inject(file, np.random.default_rng(1))
    again = run_template("spatial_time_tool", file)
    if fault == "one-event":
        assert again.state == "failed"
        assert "only 1 event, of at least 4" in again.error
    else:
        scale = again.results["ps_per_pixel"]
        assert abs(scale["value"] - 0.02) < 4 * scale["error"]
