"""The template of XPCS, headless on made-up runs of XCS."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from workbench.batch import BatchItem
from workbench.synthetic import PumpProbe, write_small_data
from workbench.synthetic.faults import FAULTS
from workbench.synthetic.scenes import Speckle

SPEC = PumpProbe(experiment="xcssyn0126", n_events=1500, camera_every=3)
SCENE = Speckle(relaxation_time=0.25)
PLANTED = {"contrast": 0.25, "relaxation_time": 0.25, "baseline": 1.0}


@pytest.mark.notebook
@pytest.mark.parametrize("generation", ["lcls1", "lcls2"])
def test_planted_relaxation_is_found_headless(
    run_template: Callable[..., BatchItem], tmp_path: Path, generation: str
) -> None:
    file = write_small_data(SPEC, tmp_path, generation=generation, scene=SCENE)
    item = run_template("xcs/xpcs", file)
    assert (item.state, item.error) == ("done", "")
    for name, value in PLANTED.items():
        found = item.results[name]
        assert abs(found["value"] - value) <= 3 * found["error"]
        assert found["error"] < 0.15 * value
    assert item.results["fit_state"]["value"] == "converged"
    page = Path(item.report).read_text()
    assert "within 3 errors" in page
    assert 'output_stderr"' not in page


@pytest.mark.notebook
def test_repeated_events_are_counted_and_a_single_event_is_refused(
    run_template: Callable[..., BatchItem], tmp_path: Path
) -> None:
    file = write_small_data(SPEC, tmp_path, scene=SCENE)
    FAULTS["duplicate-events"].inject(file, np.random.default_rng(1))
    item = run_template("xcs/xpcs", file)
    assert (item.state, item.results["fit_state"]["value"]) == ("done", "converged")
    assert "repeated time stamps" in str(item.results["message"]["value"])
    FAULTS["one-event"].inject(file, np.random.default_rng(1))
    item = run_template("xcs/xpcs", file)
    assert item.state == "failed"
    assert "only 1 event, of at least 16" in item.error
