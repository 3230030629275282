"""The template of split and delay, headless on made-up runs of XCS."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from workbench.batch import BatchItem
from workbench.synthetic import PumpProbe, write_small_data
from workbench.synthetic.faults import FAULTS
from workbench.synthetic.scenes import SplitAndDelay

SPEC = PumpProbe(experiment="xcssyn0126", n_events=1500, n_steps=5)
PLANTED = {"intensity_ratio": 0.7, "signal_ratio": 0.8}


@pytest.mark.notebook
@pytest.mark.parametrize("generation", ["lcls1", "lcls2"])
def test_planted_ratios_of_the_branches_are_found_headless(
    run_template: Callable[..., BatchItem], tmp_path: Path, generation: str
) -> None:
    file = write_small_data(SPEC, tmp_path, generation=generation, scene=SplitAndDelay())
    item = run_template("xcs/split_delay", file)
    assert (item.state, item.error) == ("done", "")
    for name, value in PLANTED.items():
        found = item.results[name]
        assert abs(found["value"] - value) <= 3 * found["error"]
        assert found["error"] < 0.05 * value
    assert item.results["state"]["value"] == "measured"
    page = Path(item.report).read_text()
    assert "within 3 errors" in page
    assert 'output_stderr"' not in page


@pytest.mark.notebook
def test_a_dead_monitor_changes_no_ratio_and_an_input_without_levels_is_refused(
    run_template: Callable[..., BatchItem], tmp_path: Path
) -> None:
    file = write_small_data(SPEC, tmp_path, scene=SplitAndDelay())
    FAULTS["dead-detector"].inject(file, np.random.default_rng(1))
    item = run_template("xcs/split_delay", file)
    assert (item.state, item.error) == ("done", "")
    assert abs(item.results["signal_ratio"]["value"] - 0.8) <= 0.03
    FAULTS["zero-events"].inject(file, np.random.default_rng(1))
    item = run_template("xcs/split_delay", file)
    assert item.state == "failed"
    assert "has no events" in item.error
