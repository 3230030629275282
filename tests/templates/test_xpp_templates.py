"""XPP's templates on runs in which their measurement was planted, clean and with faults."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from workbench.batch import BatchItem
from workbench.runs import read_truth
from workbench.synthetic import PumpProbe, write_small_data
from workbench.synthetic.faults import FAULTS
from workbench.synthetic.scenes import CurvedTimeTool, Scene

RunTemplate = Callable[..., BatchItem]


@dataclass(frozen=True)
class Row:
    """What one template runs on, what it must find, and which faults it meets with which words."""

    spec: PumpProbe
    scene: Scene
    found: tuple[str, ...]
    faults: Mapping[str, str]
    given: Mapping[str, object] = field(default_factory=dict)


ROWS = {
    "time_tool_calibration": Row(
        PumpProbe(scan="lxt", delay_first=-1.5, delay_last=1.5, n_steps=31),
        CurvedTimeTool(),
        ("tt_p0", "tt_p1", "tt_p2"),
        {"small-lock-jump": "inconsistent", "zero-events": "CalibrationError"},
    ),
}


def write(row: Row, folder: Path, generation: str) -> Path:
    return write_small_data(row.spec, folder, generation=generation, scene=row.scene)


@pytest.mark.notebook
@pytest.mark.parametrize("generation", ["lcls1", "lcls2"])
@pytest.mark.parametrize("name", ROWS)
def test_a_template_finds_what_was_planted(
    name: str, generation: str, tmp_path: Path, run_template: RunTemplate
) -> None:
    row = ROWS[name]
    file = write(row, tmp_path, generation)
    item = run_template(name, file, **row.given)
    assert (item.state, item.error) == ("done", "")
    truth = read_truth(file)
    assert truth is not None
    for called in row.found:
        result, planted = item.results[called], truth[called].value
        assert abs(result["value"] - planted) < 4 * result["error"], called
    page = Path(item.report).read_text()
    assert "within 3 errors" in page
    assert "output_stderr" not in page.partition("<body")[2]


@pytest.mark.notebook
@pytest.mark.parametrize(
    ("name", "fault"), [(name, fault) for name, row in ROWS.items() for fault in row.faults]
)
def test_a_template_meets_a_fault_with_words(
    name: str, fault: str, tmp_path: Path, run_template: RunTemplate
) -> None:
    row = ROWS[name]
    with FAULTS[fault].inject(write(row, tmp_path, "lcls1"), np.random.default_rng(7)) as spoilt:
        item = run_template(name, spoilt.paths[0], **row.given)
    expected = row.faults[fault]
    if item.state == "failed":
        assert expected in item.error
    else:
        assert expected in {result["value"] for result in item.results.values()}
