from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from workbench.binning import SignalCutWarning, bin_run, on_off, survivors
from workbench.runs import Run, cut, cut_correlation, cut_percentile, open_run

Write = Callable[..., Path]
N = 600
RNG = np.random.default_rng(2)
LASER = (np.arange(N) % 3 != 0).astype(int)
DELAY = np.where(LASER == 1, RNG.uniform(0, 2, N), np.nan)
SIGNAL = RNG.normal(10 + 2.0 * (DELAY > 1), 1.0, N)
EDGES = [0.0, 1.0, 2.0]


@pytest.fixture
def run(write: Write) -> Run:
    return open_run(
        write(
            {
                "lightStatus/xray": np.ones(N, int),
                "lightStatus/laser": LASER,
                "d": (DELAY, "ps"),
                "det/ROI_0_sum": (SIGNAL, "keV"),
                "det/ROI_0_area": SIGNAL[:, None] * np.ones(3),
                "det/ROI_1_sum": SIGNAL[::-1].copy(),
                "i": np.ones(N),
            }
        )
    )


def test_a_cut_on_the_signal_warns_with_what_each_class_keeps(run: Run) -> None:
    made = cut("det/ROI_0_sum", 10.0) & cut("i", 0.5)
    with pytest.warns(SignalCutWarning, match=r"10 <= det/ROI_0_sum: .*on \d+ to \d+ %"):
        result = bin_run(run, {"d": EDGES}, "det/ROI_0_sum", made)
    assert "biases" in result.attrs["bias"]
    with pytest.warns(SignalCutWarning, match="off"):
        on_off(run, {"d": EDGES}, "det/ROI_0_sum", made, by=None)


def test_survivors_per_bin_and_class_equal_counting_by_hand(run: Run) -> None:
    made = cut("det/ROI_0_sum", 10.0) & cut("i", 0.5)
    table = survivors(run, {"d": EDGES}, made, "det/ROI_0_sum")
    for row, (low, high) in zip(table.as_dicts(), [(0, 1), (1, 2)], strict=False):
        inside = (LASER == 1) & (low <= DELAY) & (high > DELAY)
        assert row["on before"] == inside.sum()
        assert row["on kept"] == (inside & (SIGNAL >= 10)).sum()
        assert row["off before"] == 0
    last = table.as_dicts()[-1]
    assert last["d"] is None
    assert last["off before"] == (LASER == 0).sum()
    assert last["off kept"] == ((LASER == 0) & (SIGNAL >= 10)).sum()
    assert "det/ROI_0_sum" in table.caption


@pytest.mark.parametrize(
    "made",
    [
        cut("det/ROI_0_area", 20, reduce="sum"),
        ~cut("det/ROI_0_sum", 20),
        cut_percentile("det/ROI_0_sum", 5, 95, of="on"),
        cut_correlation("det/ROI_0_sum", "det/ROI_1_sum", of="on"),
    ],
    ids=str,
)
def test_every_cut_that_judges_the_region_is_recognised(run: Run, made: object) -> None:
    with pytest.warns(SignalCutWarning):
        bin_run(run, {"d": EDGES}, "det/ROI_0_sum", made)  # type: ignore[arg-type]


def test_cuts_on_other_regions_and_on_the_intensity_are_silent(run: Run) -> None:
    result = bin_run(run, {"d": EDGES}, "det/ROI_0_sum", cut("det/ROI_1_sum", 9) & cut("i", 0.5))
    assert result.attrs["bias"] == ""


def test_a_dataset_records_the_numbers_of_a_derived_cut(run: Run) -> None:
    made = cut_percentile("det/ROI_1_sum", 10, 90, of="on")
    result = bin_run(run, {"d": EDGES}, "det/ROI_0_sum", made)
    low = np.percentile(SIGNAL[::-1][LASER == 1], 10)
    assert f'"low": {low!r}'.replace("np.float64(", "").replace(")", "") in result.attrs["where"]
