"""Dark means, linearity, the choice of the monitor, and means of ratios."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.pulls import SEEDS, assert_as_stated
from workbench.binning import NothingLeftError, bin_run, i0_report, linearity, mean_of_ratios
from workbench.core.arrays import Array
from workbench.runs import Run, cut, open_run

Write = Callable[..., Path]
SB2, SB3 = "XppSb2BmMon/totalIntensityJoules", "XppSb3BmMon/totalIntensityJoules"
N = 3000


def shots(seed: int) -> dict[str, Array]:
    rng = np.random.default_rng(seed)
    xray = (np.arange(N) % 8 != 0).astype(int)
    beam = xray * rng.gamma(9, 1 / 9, N)
    return {
        "xray": xray,
        "beam": beam,
        "signal": 7 + 4 * beam + 0.05 * np.sqrt(beam) * rng.standard_normal(N),
        "noise": rng.standard_normal((3, N)),
    }


def make(write: Write, seed: int, **columns: Array) -> Run:
    made = shots(seed)
    status = {"lightStatus/xray": made["xray"], "lightStatus/laser": np.zeros(N, int)}
    return open_run(write({**status, **columns}, run=seed))


def test_a_pedestal_that_is_there_without_x_rays_is_no_offset(write: Write) -> None:
    data = shots(1)
    monitor = data["beam"] + 0.2 + 0.002 * data["noise"][0]
    run = make(write, 1, i=monitor, s=data["signal"])
    found = linearity(run, "s", "i")
    assert found.dark_events == (375, 375)
    assert abs(found.offset) < 3 * found.offset_error
    raw = linearity(run, "s", "i", background="none")
    assert raw.offset > 20 * raw.offset_error
    signal, intensity = found.means
    np.testing.assert_allclose(found.slope * signal / intensity, 4, rtol=0.05)
    row = found.table.as_dicts()[1]
    np.testing.assert_allclose(row["in its unit"], found.slope * signal / intensity)  # type: ignore[arg-type]
    known = replace(found, units=("keV", "mJ")).table.as_dicts()
    assert [row["unit"] for row in known] == ["keV", "keV/mJ", "keV/(mJ)²"]
    unknown = replace(found, units=("keV", "")).table.as_dicts()
    assert [row["unit"] for row in unknown] == ["keV", "not known", "not known"]


@SEEDS
def test_offset_and_curvature_after_the_dark_mean_have_honest_errors(
    write: Write, seeds: int
) -> None:
    pulls = []
    for seed in range(seeds):
        data = shots(seed)
        real = 7 + data["xray"] * 0.3 + 4 * data["beam"] - 0.2 * data["beam"] ** 2
        noisy = real + 0.3 * data["noise"][1]
        found = linearity(make(write, seed, i=data["beam"] + 0.1, s=noisy), "s", "i")
        signal, intensity = found.means
        pulls.append(
            [
                (found.offset - 0.3 / signal) / found.offset_error,
                (found.curvature + 0.2 * intensity**2 / signal) / found.curvature_error,
            ]
        )
    assert_as_stated(pulls, ("offset", "curvature"))


def test_shots_without_positive_intensity_are_left_out_by_count(write: Write) -> None:
    data = shots(2)
    monitor = data["beam"].copy()
    monitor[[1, 2, 3]] = -1.0
    monitor[[5, 6]] = np.nan
    signal = data["signal"].copy()
    signal[9] = np.nan
    found = linearity(make(write, 2, i=monitor, s=signal), "s", "i")
    assert found.excluded == {
        "not selected": 375,
        "i missing": 2,
        "i not positive": 3,
        "s missing": 1,
    }
    assert found.shots == N - 375 - 6
    assert "i not positive 3" in str(found)


def test_the_report_ranks_the_monitor_that_the_detector_follows_first(write: Write) -> None:
    data = shots(3)
    gappy = data["beam"] + 0.1
    gappy[::5] = np.nan
    bent = data["beam"] + 0.3 * data["beam"] ** 2
    columns = {
        SB2: data["beam"] + 0.1 + 0.1 * data["noise"][0],
        SB3: data["beam"] + 0.1 + 0.01 * data["noise"][1],
        "gappy": gappy,
        "bent": bent,
        "dead": np.zeros(N),
        "s": data["signal"],
    }
    run = make(write, 3, **columns)
    report = i0_report(run, "s")
    assert [one.name for one in report.monitors][:2] == [SB3, SB2]
    assert report.best.name == SB3
    wide = i0_report(run, "s", monitors=[SB2, "gappy", "dead", SB3, "bent"])
    order = [one.name for one in wide.monitors]
    assert order[0] == SB3
    assert order[-2:] == ["gappy", "dead"]
    rows = {row["monitor"]: row for row in wide.table.as_dicts()}
    lit = (data["xray"] == 1) & np.isfinite(gappy)
    np.testing.assert_allclose(
        rows["gappy"]["correlation"], np.corrcoef(gappy[lit], data["signal"][lit])[0, 1]
    )
    np.testing.assert_allclose(rows["gappy"]["missing"], np.isnan(gappy[data["xray"] == 1]).mean())
    assert "20 % of the shots lack" in str(rows["gappy"]["why"])
    assert "not linear" in str(rows["bent"]["why"])
    assert rows["dead"]["not positive"] == 1.0
    residual = data["signal"] - np.polyval(
        np.polyfit(columns[SB3], data["signal"], 1), columns[SB3]
    )
    expected = residual[data["xray"] == 1].std() / (data["signal"][data["xray"] == 1].mean() - 7)
    np.testing.assert_allclose(rows[SB3]["residual"], expected, rtol=0.1)


def test_a_run_without_usable_monitor_says_what_each_of_them_lacks(write: Write) -> None:
    data = shots(4)
    report = i0_report(make(write, 4, dead=np.zeros(N), s=data["signal"]), "s", monitors=["dead"])
    with pytest.raises(NothingLeftError, match="too few shots hold both"):
        _ = report.best
    assert "<table>" in report._repr_html_()


def test_means_of_ratios_equal_a_loop_and_have_a_name_of_their_own(write: Write) -> None:
    data = shots(5)
    monitor = data["beam"] + 0.1
    monitor[4] = np.nan
    curve = data["signal"][:, None] * [1.0, 2.0]
    curve[10] = np.nan
    position = np.random.default_rng(5).uniform(0, 2, N)
    run = make(write, 5, i=monitor, s=data["signal"], c=curve, d=position)
    selection = cut("i", 0.4)
    result = mean_of_ratios(
        run, {"d": [0, 1, 2]}, ["s", "c"], selection, "i", of="off", background="dark"
    )
    dark = data["xray"] == 0
    below = monitor - np.nanmean(monitor[dark])
    good = ~dark & (monitor >= 0.4) & (position >= 1) & (position < 2)
    ratio = (data["signal"] - data["signal"][dark].mean())[good] / below[good]
    np.testing.assert_allclose(result["s_mean_of_ratios"].values[1], ratio.mean(), rtol=1e-12)
    error = ratio.std(ddof=1) / np.sqrt(len(ratio))
    np.testing.assert_allclose(result["s_mean_of_ratios_error"].values[1], error, rtol=1e-9)
    assert result["s_mean_of_ratios_count"].values[1] == len(ratio)
    there = good & np.isfinite(curve[:, 1])
    ratio = (curve[:, 1] - np.nanmean(curve[dark, 1]))[there] / below[there]
    np.testing.assert_allclose(result["c_mean_of_ratios"].values[1, 1], ratio.mean(), rtol=1e-12)
    assert "s" not in result
    sums = bin_run(run, {"d": [0, 1, 2]}, "s", selection, "i", of="off", background="dark")
    assert abs(float(sums["s"][1]) - float(result["s_mean_of_ratios"][1])) > 1e-6


def test_noise_of_the_monitor_raises_the_mean_of_ratios_by_its_relative_variance(
    write: Write,
) -> None:
    data = shots(6)
    noise = 0.1 * data["noise"][0]
    run = make(write, 6, i=data["beam"] + noise, s=5 * data["beam"], d=np.zeros(N))
    selection, axis = cut("i", 0.3), {"d": [-1, 1]}
    mean = mean_of_ratios(run, axis, ["s"], selection, "i", of="off")["s_mean_of_ratios"]
    sums = bin_run(run, axis, "s", selection, "i", of="off")["s"]
    lit = (data["xray"] == 1) & (data["beam"] + noise >= 0.3)
    expected = np.var(noise[lit]) * np.mean(data["beam"][lit] ** -2.0)  # to second order
    assert abs(float(mean[0] / sums[0]) - 1 - expected) < 0.2 * expected
