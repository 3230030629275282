"""Integrating detectors: rows of their own, and the sums of what faster detectors measured."""

import sys
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any
from unittest.mock import PropertyMock, patch

import h5py
import numpy as np
import pytest

sys.path.append(str(Path(__file__).parents[1] / "sources" / "protocol"))  # a run with such a camera

from written_run import EVENTS, EXPERIMENT, RUN, WrittenRun, written

from tests.conftest import ModuleFolder
from workbench.producer import ProducerConfig, ProduceRequest, ProduceResult, produce
from workbench.producer.plan import Plan
from workbench.runs import open_run

CONFIG = """
detectors = ['tiles']

def getROIs(run):
    spot = {'name': 'spot', 'ROI': [[0, 1], [2, 12], [5, 25]], 'writeArea': True}
    bright = {'name': 'all', 'ROI': None, 'sparsify': {'thresADU': 55000, 'nData': None}}
    return {'tiles': [spot], 'slow': [bright]}

def get_intg(run):
    return 'slow', GIVEN
"""
Make = Callable[..., ProduceResult]


@pytest.fixture(scope="module")
def truth(module_folder: ModuleFolder) -> WrittenRun:
    return written(module_folder("integrating"))


@pytest.fixture(scope="module")
def make(truth: WrittenRun, module_folder: ModuleFolder) -> Make:
    """Function that produces the run with `get_intg` giving what is told."""

    def made(others: str = "[]", main: str = "slow", **more: Any) -> ProduceResult:
        folder = module_folder("made")
        config = folder / "prod_config_xpp.py"
        config.write_text(CONFIG.replace("GIVEN", others).replace("'slow',", f"'{main}',"))
        request = ProduceRequest(EXPERIMENT, RUN, truth.folder, folder, config=config, **more)
        return produce(request)

    return made


@pytest.fixture(scope="module")
def whole(make: Make) -> dict[str, Any]:
    return content(make())


def content(result: ProduceResult) -> dict[str, Any]:
    found: dict[str, Any] = {}

    def note(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset) and not name.startswith("provenance"):
            found[name] = item[()]

    with h5py.File(result.output) as h5:
        h5.visititems(note)
    return found


def spans(truth: WrittenRun) -> list[slice]:
    ends = np.flatnonzero(truth.has_slow).tolist()
    return [slice(first + 1, last + 1) for first, last in pairwise([-1, *ends])]


def summed(values: list[Any], like: Any = 0.0) -> tuple[Any, Any]:
    """Sum and number of what is not NaN, one after the other; NaN for none."""
    total, number = np.zeros(np.shape(like)), np.zeros(np.shape(like), np.int64)
    for value in values:
        known = ~np.isnan(value)
        total = total + np.where(known, value, 0)
        number = number + known
    return np.where(number > 0, total, np.nan), number


def test_sums_over_a_frame_are_those_of_its_events_one_by_one(
    truth: WrittenRun, whole: dict[str, Any]
) -> None:
    areas = truth.tiles[:, 0, 2:12, 5:25].astype(float)
    areas[~truth.has_tile.all(axis=1)] = np.nan
    spot = areas.sum(axis=(1, 2))
    energy = np.where(truth.has_gasdet, truth.energy, np.nan)
    assert len(spans(truth)) == 5
    for frame, span in enumerate(spans(truth)):
        for name, values, like in (
            ("gasdet_{}_energy", energy[span], 0.0),
            ("tiles_{}_spot_sum", spot[span], 0.0),
            ("tiles_{}_spot_area", areas[span], np.zeros((10, 20))),
            ("timing_{}_eventcodes", truth.codes[span].astype(float), np.zeros(288)),
        ):
            total, number = summed(list(values), like)
            found = whole[f"intg/slow/{name.format('sum')}"][frame]
            np.testing.assert_array_equal(found, total, err_msg=name)
            np.testing.assert_array_equal(
                whole[f"intg/slow/{name.format('count')}"][frame], number, err_msg=name
            )
    lost = whole["intg/slow/gasdet_sum_energy"]
    assert np.isnan(lost).tolist() == [False, False, False, True, False]
    assert whole["intg/slow/gasdet_count_energy"][1] == 8  # one is NaN, three are not there
    xray = [np.count_nonzero(np.arange(EVENTS)[span] % 7) for span in spans(truth)]
    assert whole["intg/slow/lightStatus_sum_xray"].tolist() == xray


def test_frames_have_rows_of_their_own_with_the_bounds_of_their_events(
    truth: WrittenRun, whole: dict[str, Any]
) -> None:
    stamps, own = truth.stamps.astype(np.int64), spans(truth)
    assert whole["intg/timestamp"].tolist() == stamps[truth.has_slow].tolist()
    assert whole["intg/slow/count"].tolist() == [span.stop - span.start for span in own]
    assert whole["intg/slow/timestamp_min"].tolist() == [stamps[span.start] for span in own]
    assert whole["intg/slow/timestamp_max"].tolist() == [stamps[span.stop - 1] for span in own]
    frames = truth.slow[truth.has_slow].astype(float)
    assert whole["intg/slow/all_sum"].tolist() == frames.sum(axis=(1, 2)).tolist()
    bright = frames >= 55000
    assert whole["intg/slow/var_all_sparse_len"].tolist() == bright.sum(axis=(1, 2)).tolist()
    assert whole["intg/slow/var_all_sparse/data"].tolist() == frames[bright].tolist()
    assert len(whole["tiles/spot_sum"]) == len(whole["timestamp"]) == EVENTS
    assert not [name for name in whole if name.startswith("slow/all")]
    assert "Sums/slow_calib" in whole
    assert not [name for name in whole if "sum_timestamp" in name or "_sum_text" in name]


@pytest.mark.parametrize(
    ("ends", "workers"),
    [
        ((7, 11, 12, 40), 1),
        ((10, 23), 1),
        pytest.param((7, 11, 12, 40), 2, marks=pytest.mark.long),
    ],
    ids=str,
)
def test_a_frame_may_span_units_of_work_and_nothing_changes(
    make: Make, whole: dict[str, Any], ends: tuple[int, ...], workers: int
) -> None:
    def units(_: Plan) -> Iterator[tuple[int, int]]:
        return pairwise((0, *ends, EVENTS))

    with (
        patch.object(Plan, "units", units),
        patch.object(Plan, "block_events", PropertyMock(return_value=5)),
        patch("workbench.producer.integrating.BLOCK_BYTES", 16 * 7),
    ):
        found = content(make(workers=workers))
    assert found.keys() == whole.keys()
    for name, values in whole.items():
        np.testing.assert_array_equal(found[name], values, err_msg=name)


def test_a_run_gives_frames_with_what_was_measured_during_each(
    make: Make, truth: WrittenRun
) -> None:
    run = open_run(make().output)
    slow = run.integrating("slow")
    expected = np.full(EVENTS, -1)
    for frame, span in enumerate(spans(truth)):
        expected[span] = frame
    np.testing.assert_array_equal(slow.frame_of_event, expected)
    fast, stored = slow.sum("gasdet/energy"), run["intg/slow/gasdet_sum_energy"].read()
    assert fast.count.tolist() == run["intg/slow/gasdet_count_energy"].read().tolist()
    np.testing.assert_allclose(np.where(fast.count, fast.total, np.nan), stored, rtol=1e-12)
    assert not slow.mismatched.any()
    assert run["intg/slow/gasdet_sum_energy"].unit == run["gasdet/energy"].unit
    assert run.ragged("intg/slow/all_sparse") is not None


def test_events_after_the_last_frame_and_frames_without_row_are_told(
    make: Make, truth: WrittenRun
) -> None:
    result = make("['tiles']")
    found = {one.code: one for one in result.findings}
    assert found["after-last-frame"].count == 1
    elsewhere = truth.has_tile.any(axis=1) & ~truth.has_slow
    assert found["frame-without-row"].count == np.count_nonzero(elsewhere)
    values = content(result)
    there = truth.has_tile.all(axis=1)[truth.has_slow]
    sums = truth.tiles[truth.has_slow, 0, 2:12, 5:25].sum(axis=(1, 2)).astype(float)
    np.testing.assert_array_equal(values["intg/tiles/spot_sum"], np.where(there, sums, np.nan))
    assert not there.all()
    np.testing.assert_array_equal(
        values["intg/tiles/gasdet_sum_energy"], values["intg/slow/gasdet_sum_energy"]
    )
    assert not [name for name in values if "_sum_spot" in name]


def test_an_integrating_detector_that_is_not_there_costs_nothing_else(make: Make) -> None:
    result = make(main="slo")
    (skipped,) = [one for one in result.skipped if "slo'" in one.entry]
    assert "did you mean slow" in skipped.reason
    values = content(result)
    assert not [name for name in values if name.startswith("intg")]
    assert "tiles/spot_sum" in values


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("('a', ['b', 'c'])", ("a", "b", "c")),
        ("['a', None]", ("a",)),
        ("('a', 'b')", ("a", "b")),
        ("'a'", ("a",)),
        ("(None, [])", ()),
        ("None", ()),
        ("(None, ['b'])", None),
        ("{'main': 'a'}", None),
        ("('a', ['b'], 3)", None),
    ],
)
def test_todays_spellings_are_read_and_others_named(
    tmp_path: Path, given: str, expected: tuple[str, ...] | None
) -> None:
    path = tmp_path / "prod_config_rix.py"
    path.write_text(f"detectors = []\n\ndef get_intg(run):\n    return {given}\n")
    config = ProducerConfig.load(path, 3)
    assert config.integrating == (expected or ())
    assert [one.entry for one in config.skipped] == ([] if expected is not None else ["get_intg"])
    if expected is None:
        assert (config.findings[0].code, config.findings[0].line) == ("wrong-type", 3)
