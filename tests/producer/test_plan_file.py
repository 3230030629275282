"""The plan that workers are given: the same arrays, and nothing that only the parent needs."""

from pathlib import Path
from typing import Any

import numpy as np

from workbench.producer.config import ProducerConfig
from workbench.producer.plan import Job, make_plan, shapes_of
from workbench.producer.unit import _plan_of, save_plan
from workbench.sources import open_raw


def test_workers_get_the_plan_with_its_arrays_and_without_the_table_of_constants(
    made: Any, tmp_path: Path
) -> None:
    raw = open_raw(made.folder)
    config = ProducerConfig.load(made.config, raw.number, shapes=shapes_of(raw))
    plan = make_plan(Job(raw.number, raw.experiment, config, made.constants, ()), raw)
    assert set(plan.constants) == {"cam", "tiles"}
    save_plan(tmp_path / "plan", plan)
    given = _plan_of(tmp_path / "plan")
    assert not given.constants
    assert given.specs == plan.specs
    np.testing.assert_array_equal(given.raw.timestamps, raw.timestamps)
    for mine, theirs in zip(plan.areas, given.areas, strict=True):
        for name in ("pedestal", "gain", "good"):
            array = getattr(theirs.calibration, name)
            np.testing.assert_array_equal(array, getattr(mine.calibration, name), strict=True)
            assert array.flags.writeable  # as compiled loops know it: else they compile anew
