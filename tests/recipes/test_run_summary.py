"""The numbers of a run summary: counts as planted, the spread of I0 as NumPy has it."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import workbench as wb
from workbench.binning import verdict
from workbench.recipes import run_summary
from workbench.synthetic import PumpProbe, write_small_data


@pytest.mark.parametrize(
    ("hutch", "generation", "style"),
    [("xpp", "lcls2", "ours"), ("xcs", "lcls1", "ours"), ("mec", "lcls1", "facility")],
)
def test_events_and_detectors_are_counted_as_planted(
    hutch: str, generation: str, style: str, tmp_path: Path
) -> None:
    spec = PumpProbe(experiment=f"{hutch}syn0126", n_events=300)
    run = wb.open_run(write_small_data(spec, tmp_path, generation=generation, style=style))
    found = run_summary(run)
    assert run.truth is not None
    judged = verdict(found, run.truth, found.counts)
    assert judged.as_planted is True
    assert len(judged.rows) >= 11  # the spread, four classes, six detectors or more
    assert found.events["all"] == 300 > found.events["on"] > found.events["off"] > 0
    wrong = verdict(found, run.truth, {"events_on": found.events["on"] + 1})
    assert wrong.as_planted is False


def monitored(i0: np.ndarray, xray: np.ndarray) -> dict[str, np.ndarray]:
    return {
        "XppSb2BmMon/totalIntensityJoules": i0,
        "lightStatus/xray": xray,
        "lightStatus/laser": np.ones_like(xray),
        "damage/XppSb2BmMon": np.isfinite(i0).astype(int),
    }


def test_the_spread_is_over_the_mean_without_the_dark_level(write: Callable[..., Path]) -> None:
    draw = np.random.default_rng(5)
    pulls = []
    for seed in range(20):
        i0 = draw.gamma(4.0, 0.25, 500)  # mean 1, spread 0.5
        xray = (np.arange(500) % 10 > 0).astype(int)
        i0[xray == 0] = 0.0
        i0[3] = np.nan
        found = run_summary(wb.open_run(write(monitored(7.0 + i0, xray), run=seed + 1)))
        one = found.parameters["i0_spread"]
        shots = i0[(xray == 1) & np.isfinite(i0)]
        assert one.value == pytest.approx(shots.std(ddof=1) / shots.mean(), rel=1e-12)
        pulls.append((one.value - 0.5) / one.error)
    assert 0.6 < np.std(pulls) < 1.4
    assert abs(np.mean(pulls)) < 0.7
    assert found.present == {"XppSb2BmMon": 499}
    assert "i0_spread" in str(found)


def test_a_run_without_usable_i0_is_counted_and_says_so(write: Callable[..., Path]) -> None:
    xray = np.ones(40, int)
    constant = run_summary(wb.open_run(write(monitored(np.full(40, 2.0), xray))))
    assert (constant.state, constant.events["on"], constant.parameters) == ("no-i0", 40, {})
    assert constant.message in str(constant)
    none = run_summary(wb.open_run(write({"det/x": np.arange(4.0)}, run=15)))
    assert (none.state, none.events["all"]) == ("no-i0", 4)
