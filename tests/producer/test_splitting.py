"""However the events of a run are shared out, the file holds the same."""

import tempfile
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any
from unittest.mock import PropertyMock, patch

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conftest import ModuleFolder
from workbench.producer import produce
from workbench.producer.plan import Plan

EVENTS, PEDESTAL, GAIN = 300, 1000.0, 25.0  # of the made run; ADU, ADU/keV


def content(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = {}

    def note(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset) and not name.startswith("provenance"):
            found[name] = item[()]

    with h5py.File(path) as h5:
        h5.visititems(note)
    return found


@pytest.fixture(scope="module")
def whole(made: Any, module_folder: ModuleFolder) -> dict[str, Any]:
    return content(produce(made.request(module_folder("whole"))).output)


@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(cuts=st.sets(st.integers(1, EVENTS - 1), max_size=7), stack=st.integers(1, EVENTS))
def test_any_partition_into_units_and_stacks_gives_the_same_events_and_sums(
    made: Any, whole: dict[str, Any], cuts: set[int], stack: int
) -> None:
    ends = [0, *sorted(cuts), EVENTS]

    def units(_: Plan) -> Iterator[tuple[int, int]]:
        return pairwise(ends)

    with (
        tempfile.TemporaryDirectory() as folder,
        patch.object(Plan, "units", units),
        patch.object(Plan, "block_events", PropertyMock(return_value=stack)),
    ):
        found = content(produce(made.request(Path(folder))).output)
    frames = {"cam": made.cam[made.has_cam], "tiles": made.tiles[made.has_tiles]}
    assert found.keys() == whole.keys()
    for name, values in whole.items():
        if name.startswith("Sums/"):
            size = np.abs((frames[name[5:].split("_")[0]] - PEDESTAL) / GAIN)
            largest = (size**2 if name.endswith("square") else size).sum(axis=0)
            np.testing.assert_array_equal(np.isnan(found[name]), np.isnan(values), err_msg=name)
            different = np.abs(found[name] - values)
            assert (np.nan_to_num(different) <= 1e-12 * largest).all(), name
        else:
            np.testing.assert_array_equal(found[name], values, err_msg=name)
