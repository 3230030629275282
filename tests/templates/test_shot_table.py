"""The shot table, run over several runs as a user would run it."""

from pathlib import Path

import numpy as np
import pytest

from workbench.batch import BatchItem, BatchRequest, find_template, run_batch
from workbench.synthetic import PumpProbe, write_small_data
from workbench.synthetic.faults import FAULTS
from workbench.synthetic.scenes import LaserShots

SPOT = "epix100a_2_bxrts"
EVERY = {"camera_every": 1, "jungfrau_every": 1, "n_steps": 1}
WHOLE = EVERY | {"missing": 0.0, "camera_missing": 0.0, "partial": 0}
SHEET = "Run,Phase,Target\n1,before,A7\n2,driven,A7\n3,after,A7\n8,driven,B1\n"


def run_over(folder: Path, sheet: Path) -> BatchItem:
    values = {"sheet": str(sheet), "sheet_phase": "Phase", "sheet_target": "Target"}
    template = find_template("shot_table")
    (item,) = run_batch(BatchRequest(template, (1, 2, 3, 4), folder / "out", values, input=folder))
    return item


@pytest.mark.notebook
@pytest.mark.parametrize("generation", ["lcls1", "lcls2"])
def test_the_shot_table_joins_runs_and_sheet_and_keeps_notes(
    tmp_path: Path, generation: str
) -> None:
    for run, shots, lost in ((1, 2, ()), (2, 1, ((1, SPOT),)), (3, 2, ())):
        spec = PumpProbe(experiment="mecsyn0126", run=run, n_events=shots, **WHOLE)
        scene = LaserShots(driven=run == 2, delay=run * 1e-9, lost=lost)
        write_small_data(spec, tmp_path, generation=generation, scene=scene)
    sheet = tmp_path / "sheet.csv"
    sheet.write_text(SHEET)
    item = run_over(tmp_path, sheet)
    assert (item.state, item.error) == ("done", "")
    values = {name: result["value"] for name, result in item.results.items()}
    assert values == {
        "shots": 5, "shots_driven": 1, "detectors_missing": 1, "runs": 4, "unmatched": 2,
        "doubts": 1, "rows": 6, "most_shots": 10, "as_planted": True,
    }  # fmt: skip
    page = Path(item.report).read_text()
    for words in ("as planted: yes", SPOT, "of a run that is not in this table", "no small data"):
        assert words in page
    assert "Warning" not in page
    table = tmp_path / "out" / "shot_table.csv"
    text = table.read_text("utf-8-sig").splitlines()
    assert text[3].startswith("2,1,shot,driven,driven")
    table.write_text("\n".join([*text[:3], text[3] + "void at 5 um", *text[4:]]), "utf-8-sig")
    if generation == "lcls2":
        return  # the rest is of the table, whatever the names in the files
    FAULTS["truncated"].inject(tmp_path / "mecsyn0126_Run0001.h5", np.random.default_rng(1))
    FAULTS["missing-detector"].inject(tmp_path / "mecsyn0126_Run0003.h5", np.random.default_rng(1))
    again = run_over(tmp_path, sheet)
    assert (again.state, again.error) == ("done", "")
    assert again.results["shots"]["value"] == 3
    page = Path(again.report).read_text()
    for words in (
        "void at 5 um",
        "unreadable",
        "(",
        "i0 is not the same monitor everywhere",
        "detector-missing",
        "run 3: ",
    ):
        assert words in page
