"""On against off for arrays, and with off shots near each on shot: against loops, and pulls."""

import json
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from workbench.binning import fit_kinetics, on_off, step_decay
from workbench.core.arrays import Array
from workbench.runs import Run, cut, find_pairs, open_run

Write = Callable[..., Path]
EDGES = np.array([0.0, 1.0, 2.0, 3.0])
NORM = "XppSb2BmMon/totalIntensityJoules"


def make(
    write: Write,
    seed: int,
    n: int = 900,
    *,
    drift: float = 0.0,
    every: int = 4,
    folder: Path | None = None,
) -> Run:
    """Write curves of 3 points 2 + 5 I0 (1 + 0.2 (bin == 1)) k with laser; the gain drifts."""
    rng = np.random.default_rng(seed)
    event = np.arange(n)
    xray = (event % 10 != 3).astype(int)
    laser = (event % every != 0).astype(int)
    delay = rng.uniform(0, 3, n)
    i0 = xray * rng.gamma(9, 1 / 9, n)
    gain = 1 + drift * np.sin(event / 150 + rng.uniform(0, 6))
    change = 1 + 0.2 * laser * (np.floor(delay) == 1)
    signal = 2 + 5 * i0 * gain * change + 0.2 * np.sqrt(i0) * rng.standard_normal(n)
    curves = signal[:, None] * [1, 2, 3] + 0.1 * rng.standard_normal((n, 3))
    curves[rng.choice(n, n // 20, replace=False)] = np.nan
    curves[rng.choice(n, n // 20, replace=False), 1] = np.nan
    columns = {
        "lightStatus/xray": xray,
        "lightStatus/laser": laser,
        "scan/varStep": event // (n // 3),
        "d": (np.where(laser == 1, delay, np.nan), "ps"),
        NORM: (i0 + 0.1, "J"),
        "s": (signal, "keV"),
        "curve": (curves, "keV"),
    }
    return open_run(
        write(columns, run=seed) if folder is None else write(columns, run=seed, folder=folder)
    )


def by_hand(run: Run, values: Array, on: Array, partners: dict[int, list[int]]) -> Array:
    """Return R_on, its error, R_off, its error and the shots of both, by a loop over pairs."""
    norm = run[NORM].read() - run[NORM].read()[run.classes.dark].mean()
    light = values - np.nanmean(values[run.classes.dark])
    uses = np.zeros(run.n_events)
    for event in on:
        for partner in partners[event]:
            uses[partner] += 1 / len(partners[event])
    result = []
    for weight in (np.isin(np.arange(run.n_events), on).astype(float), uses):
        there = (weight > 0) & np.isfinite(light)
        s, i = (weight * light)[there], (weight * norm)[there]
        ratio, count = s.sum() / i.sum(), there.sum()
        error = np.sqrt(count / (count - 1) * ((s - ratio * i) ** 2).sum()) / i.sum()
        result += [ratio, error, count]
    return np.array(result)


@pytest.mark.parametrize("off", ["nearest", "interleaved"])
def test_paired_ratios_and_errors_equal_a_loop_over_pairs(write: Write, off: str) -> None:
    run = make(write, 1, drift=0.2)
    result = on_off(run, {"d": EDGES}, "s", cut("i0", 0.4), off=off, nearest=3, within=1.0)  # type: ignore[arg-type]
    bright = run[NORM].read() >= 0.4
    pairs = find_pairs(
        run,
        run.classes.on & bright & np.isfinite(run["d"].read()),
        run.classes.off & bright,
        pairing=off,  # type: ignore[arg-type]
        nearest=3,
        within=1.0,
    )
    if off == "nearest":
        partners = {
            int(on): row[row >= 0].tolist() for on, row in zip(pairs.on, pairs.off, strict=True)
        }
        inside = [on for on in partners if 1 <= run["d"].read()[on] < 2]
        r_on, e_on, n_on, r_off, e_off, n_off = by_hand(run, run["s"].read(), inside, partners)
        expected = {
            "on": r_on,
            "on_error": e_on,
            "on_count": n_on,
            "off": r_off,
            "off_error": e_off,
            "off_count": n_off,
            "difference": r_on - r_off,
            "difference_error_total": np.hypot(e_on, e_off),
            "relative": r_on / r_off - 1,
            "relative_error_total": np.hypot(e_on / r_off, e_off * r_on / r_off**2),
        }
        for name, value in expected.items():
            np.testing.assert_allclose(result[name].values[1], value, rtol=1e-9, err_msg=name)
    own, common = result["difference_error"], result["difference_error_common"]
    np.testing.assert_allclose(np.hypot(own, common), result["difference_error_total"], rtol=1e-9)
    assert json.loads(result.attrs["pairs"])["laser-on shots"] > 0
    assert "within 1 s" in result.attrs["reference"]
    lost = json.loads(result.attrs["excluded"])["no laser-off shot near enough"]
    assert lost == len(pairs.unpaired)


@pytest.mark.parametrize("off", ["all", "nearest"])
def test_curves_equal_a_loop_point_by_point_with_gaps(write: Write, off: str) -> None:
    run = make(write, 2, drift=0.1)
    result = on_off(run, {"d": EDGES}, "curve", off=off, nearest=4, within=2.0)  # type: ignore[arg-type]
    curves = run["curve"].read()
    measured = ~np.isnan(curves).all(axis=1)
    bright = run[NORM].read() > run[NORM].read()[run.classes.dark].mean()
    ons = run.classes.on & measured & bright & np.isfinite(run["d"].read())
    offs = run.classes.off & measured & bright
    if off == "all":
        everything = np.flatnonzero(offs).tolist()
        partners = {int(on): everything for on in np.flatnonzero(ons)}
    else:
        pairs = find_pairs(run, ons, offs, nearest=4, within=2.0)
        partners = {int(on): row.tolist() for on, row in zip(pairs.on, pairs.off, strict=True)}
    inside = [on for on in partners if 1 <= run["d"].read()[on] < 2]
    for point in range(3):
        r_on, e_on, n_on, r_off, e_off, _ = by_hand(run, curves[:, point], inside, partners)
        place = (1, point)
        np.testing.assert_allclose(result["on"].values[place], r_on, rtol=1e-9)
        np.testing.assert_allclose(result["difference"].values[place], r_on - r_off, rtol=1e-9)
        total = result["difference_error_total"].values[place]
        np.testing.assert_allclose(total, np.hypot(e_on, e_off), rtol=1e-9)
        assert result["on_count"].values[place] == n_on
    assert result["off"].dims == (("curve_index",) if off == "all" else ("d", "curve_index"))


def test_stacks_of_few_events_give_the_same_bits(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make(write, 3)
    whole = on_off(run, {"d": EDGES}, "curve", off="nearest")
    monkeypatch.setattr("workbench.runs.channel.BLOCK_BYTES", 3 * 8 * 11)
    parts = on_off(run, {"d": EDGES}, "curve", off="nearest")
    for name in ("difference", "relative_error", "off"):
        np.testing.assert_allclose(whole[name], parts[name], rtol=1e-12)


def test_drift_slower_than_the_pairs_cancels_in_their_difference(write: Write) -> None:
    """Gain swings by 30 %: bins filled at other times than the off shots need near ones."""
    results = {}
    for off in ("all", "nearest", "interleaved"):
        pulls = []
        for seed in range(6):
            run = make(write, seed, drift=0.3)
            late = run.with_channel(
                "late",
                type(run["d"]).from_values(
                    "late", np.where(run["d"].read() < 1, np.arange(900.0), np.nan), unit="1"
                ),
            )
            found = on_off(late, {"late": [0.0, 450.0, 900.0]}, "s", off=off)  # type: ignore[arg-type]
            pulls += (found["relative"] / found["relative_error_total"]).values.tolist()
        results[off] = float(np.std(pulls))
    assert results["all"] > 3
    assert results["nearest"] < 2
    assert results["interleaved"] < 1.5


def check_pulls(write: Write, folder: Path, off: str, seeds: int) -> None:
    """Off shots are few and serve many on shots: errors that forgot it would be far too small."""
    planted = np.array([0.0, 0.2, 0.0])
    results = []
    for seed in range(seeds):
        run = make(write, seed, 2400, every=6, folder=folder)  # 20 blocks of 1 s
        results.append(on_off(run, {"d": EDGES}, "s", off=off, nearest=4))  # type: ignore[arg-type]
    values = np.array([result["relative"].values for result in results]) - planted
    for name in ("relative_error_total", "relative_error_jackknife"):
        pulls = values / np.array([result[name].values for result in results])
        assert abs(pulls.mean()) < 3 / np.sqrt(seeds), name
        assert 0.8 < pulls.std() < 1.25, name
    own = np.array([result["relative_error"].values for result in results])
    apart = (values[:, 0] - values[:, 2]) / np.hypot(own[:, 0], own[:, 2])
    assert 0.7 < apart.std() < 1.35  # the shared part drops out of a difference of bins


def test_stated_errors_of_pairs_are_the_scatter_over_many_runs(
    write: Write, tmp_path: Path
) -> None:
    check_pulls(write, tmp_path, "nearest", 30)


@pytest.mark.long
@pytest.mark.parametrize("off", ["nearest", "interleaved"])
def test_pulls_of_pairs_have_unit_width_over_hundreds_of_runs(
    write: Write, tmp_path: Path, off: str
) -> None:
    check_pulls(write, tmp_path, off, 200)


def test_a_fit_of_paired_bins_recovers_the_planted_numbers(write: Write) -> None:
    rng = np.random.default_rng(7)
    n = 6000
    laser = (np.arange(n) % 3 != 0).astype(int)
    delay = rng.uniform(-1, 3, n)
    i0 = rng.gamma(9, 1 / 9, n) * (1 + 0.2 * np.sin(np.arange(n) / 400))
    change = 1 + 0.3 * laser * step_decay(delay, t0=0.1, tau=0.8, sigma=0.08)
    gain = 1 + 0.1 * np.sin(np.arange(n) / 300)
    run = open_run(
        write(
            {
                "lightStatus/xray": np.ones(n, int),
                "lightStatus/laser": laser,
                "d": (delay, "ps"),
                NORM: (i0, "J"),
                "s": (i0 * gain * change + 0.03 * rng.standard_normal(n), "keV"),
            }
        )
    )
    fit = fit_kinetics(on_off(run, {"d": np.linspace(-1, 3, 81)}, "s", off="nearest", nearest=4))
    assert fit.converged, fit.message
    for name, planted in {"t0": 0.1, "tau": 0.8, "amplitude": 0.3, "sigma": 0.08}.items():
        entry = fit.parameters[name]
        assert abs(entry.value - planted) < 3.5 * entry.error, name


def test_the_overlap_of_bins_is_the_correlation_of_their_references(write: Write) -> None:
    run = make(write, 3, n=300, every=8)
    result = on_off(run, {"d": EDGES}, "s", off="nearest", nearest=3, within=1.0)
    on = run.classes.on & np.isfinite(run["s"].read())
    pairs = find_pairs(run, on, run.classes.off, pairing="nearest", nearest=3, within=1.0)
    delay, rng = run["d"].read(), np.random.default_rng(8)
    noise = rng.standard_normal((20_000, run.n_events))  # of an off shot, in 20,000 repetitions
    means = []
    for low, high in pairwise(EDGES):
        inside = (delay[pairs.on] >= low) & (delay[pairs.on] < high)
        uses = np.bincount(
            np.maximum(pairs.off[inside], 0).ravel(),
            weights=(pairs.weight[inside] * (pairs.off[inside] >= 0)).ravel(),
            minlength=run.n_events,
        )
        means.append(noise @ uses / uses.sum())
    np.testing.assert_allclose(result["off_overlap"], np.corrcoef(means), atol=0.03)
    assert "off_overlap" not in on_off(run, {"d": EDGES}, "s")


def test_parts_of_a_bin_are_means_of_equal_shares_of_its_shots(write: Write) -> None:
    run = make(write, 3, n=300)
    result = on_off(run, {"d": EDGES}, "s", by=None, background="none")
    delay = run["d"].read()
    used = np.sort(delay[run.classes.on & (delay >= 1) & (delay < 2)])
    fine = np.repeat(used, 16).reshape(16, -1)  # every shot in 16 pieces, then 16 shares
    np.testing.assert_allclose(result["d_parts"][1], fine.mean(axis=1), rtol=1e-9)
    np.testing.assert_allclose(result["d_parts"].mean("part"), result["d_mean"], rtol=1e-9)
