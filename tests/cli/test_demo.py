from pathlib import Path

import pytest

from workbench.cli.demo import _compare, _Demo, _refuse_foreign
from workbench.core.errors import InputError


def outcome(pulls: list[float], state: str = "done") -> _Demo:
    from workbench.batch import BatchItem
    from workbench.producer import ProduceResult

    rows = [{"name": "t0", "pull": pull} for pull in pulls]
    produced = ProduceResult(Path("run.h5"), 10, 1.0)
    return _Demo(produced, {"delay_scan": BatchItem(1, state)}, rows, 0)


def test_the_demo_is_fine_only_with_all_numbers_near_the_truth() -> None:
    assert outcome([0.1, -2.9, 1.0]).fine
    assert not outcome([0.1, -3.1, 1.0]).fine
    assert not outcome([0.1, 0.1]).fine, "a number that was not fitted is not a success"
    assert not outcome([0.1, 0.1, 0.1], state="failed").fine


def test_pull_is_the_deviation_in_stated_errors(tmp_path: Path) -> None:
    from workbench.batch import BatchItem

    truth = tmp_path / "truth.json"
    truth.write_text(
        '{"quantities": {"t0": {"value": 0.15}, "tau": {"value": 1}, "amplitude": {"value": 0}}}'
    )
    results = {
        "t0": {"value": 0.13, "unit": "ps", "error": 0.01},
        "tau": {"value": None, "unit": "ps", "error": 0.01},
    }
    rows = _compare(BatchItem(1, "done", results=results), truth)
    assert [row["name"] for row in rows] == ["t0"]
    assert rows[0]["pull"] == pytest.approx(-2)


def test_the_demo_writes_into_no_folder_that_holds_other_files(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("")
    with pytest.raises(InputError, match="give another folder"):
        _refuse_foreign(tmp_path)
    _refuse_foreign(tmp_path / "new")
