"""Many changes as one block with one check; and a mask that goes when its region loses it."""

from pathlib import Path

import numpy as np
import pytest

from workbench.producer import ProducerConfig
from workbench.producer.editor import Change, EditRefusedError, edit_config, set_azav, set_roi

CONFIG = """\
detectors = ['epix_1']
def getROIs(run):
    return {'epix_1': [{'name': 'kept', 'ROI': [[1, 2], [3, 4]], 'writeArea': True}]}
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "prod_config_xpp.py"
    path.write_text(CONFIG)
    return path


def bounds_in(config: Path, run: int) -> dict[str, str]:
    return {
        one.name: str(one.reduction.bounds) for one in ProducerConfig.load(config, run).reductions
    }


def test_many_changes_are_one_block_in_exactly_their_runs(config: Path) -> None:
    changes = [
        set_roi("epix_1", f"r{n}", [[n, n + 5], [0, 9]], from_run=12, to_run=14) for n in range(40)
    ]
    with edit_config(config) as edit:
        plan = edit.apply_together([(change, None) for change in changes])
        assert "a block at the end" in plan.how
        edit.save()
    assert config.read_text().count(">>> workbench") == 1
    expected = {f"r{n}": f"[[{n}, {n + 5}], [0, 9]]" for n in range(40)}
    assert bounds_in(config, 13) == {"kept": "[[1, 2], [3, 4]]"} | expected
    assert bounds_in(config, 11) == bounds_in(config, 15) == {"kept": "[[1, 2], [3, 4]]"}
    with edit_config(config) as edit:
        plan = edit.apply_together([(change, None) for change in changes])
        assert not edit.changed
        assert plan.how.startswith("nothing to do")


def test_together_and_one_by_one_give_the_same_text(config: Path) -> None:
    changes = [set_roi("epix_1", f"r{n}", [[n, 9], [0, 9]], from_run=12) for n in range(4)]
    with edit_config(config) as one, edit_config(config) as other:
        for change in changes:
            one.apply(change)
        other.apply_together([(change, None) for change in changes])
        assert one.text == other.text


def test_changes_of_different_functions_are_refused(config: Path) -> None:
    changes = [
        set_roi("epix_1", "r", [[0, 9], [0, 9]], from_run=12),
        set_azav("epix_1", from_run=12, eBeam=9.5),
    ]
    with edit_config(config) as edit:
        with pytest.raises(EditRefusedError, match="one after the other"):
            edit.apply_together([(change, None) for change in changes])
        assert not edit.changed


def test_a_region_that_loses_its_mask_is_read_without_one(config: Path) -> None:
    good = np.zeros((9, 9), bool)
    good[2:4, 3:5] = True
    with edit_config(config) as edit:
        stored = edit.keep_mask("r", good)
        drawn = set_roi("epix_1", "r", [[2, 4], [3, 5]], from_run=12)
        masked = Change(drawn.function, "epix_1", "r", 12, None, drawn.values, stored.relative)
        edit.apply(masked, mask=stored.told)
        edit.save()
    roi = ProducerConfig.load(config, 12).reductions[-1].reduction
    np.testing.assert_array_equal(roi.good, good)
    with edit_config(config) as edit:
        edit.apply(
            Change(drawn.function, "epix_1", "r", 12, None, {**drawn.values, "userMask": None})
        )
        edit.save()
    assert ProducerConfig.load(config, 12).reductions[-1].reduction.good is None


def test_masks_of_an_edit_that_is_not_saved_are_not_left_behind(config: Path) -> None:
    with edit_config(config) as edit:
        stored = edit.keep_mask("r", np.ones((9, 9), bool))
        assert stored.path.exists()
    assert not stored.path.exists()
