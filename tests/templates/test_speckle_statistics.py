"""The template of speckle statistics, headless on made-up runs of XCS."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from workbench.batch import BatchItem
from workbench.synthetic import PumpProbe, write_small_data
from workbench.synthetic.faults import FAULTS
from workbench.synthetic.scenes import Speckle

SPEC = PumpProbe(experiment="xcssyn0126", n_events=1800, camera_every=3)
PLANTED = {"contrast_near": 0.5, "contrast_far": 0.25, "kbar_near": 0.15002, "kbar_far": 0.15002}


@pytest.mark.notebook
@pytest.mark.parametrize("generation", ["lcls1", "lcls2"])
def test_planted_contrast_is_found_headless(
    run_template: Callable[..., BatchItem], tmp_path: Path, generation: str
) -> None:
    file = write_small_data(SPEC, tmp_path, generation=generation, scene=Speckle())
    item = run_template("xcs/speckle_statistics", file)
    assert (item.state, item.error) == ("done", "")
    for name, value in PLANTED.items():
        found = item.results[name]
        assert abs(found["value"] - value) <= 3 * found["error"]
        assert found["error"] < 0.1 * value
    assert item.results["state"]["value"] == "measured"
    page = Path(item.report).read_text()
    assert "within 3 errors" in page
    assert 'output_stderr"' not in page


@pytest.mark.notebook
def test_flags_against_the_light_and_a_file_without_events_end_in_words(
    run_template: Callable[..., BatchItem], tmp_path: Path
) -> None:
    file = write_small_data(SPEC, tmp_path, scene=Speckle())
    FAULTS["swapped-flags"].inject(file, np.random.default_rng(1))
    item = run_template("xcs/speckle_statistics", file)
    assert (item.state, item.results["state"]["value"]) == ("done", "doubtful")
    assert "without X-rays" in str(item.results["message"]["value"])
    FAULTS["zero-events"].inject(file, np.random.default_rng(1))
    item = run_template("xcs/speckle_statistics", file)
    assert item.state == "failed"
    assert "has no events" in item.error
