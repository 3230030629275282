from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from workbench.binning import NothingLeftError, on_off
from workbench.core.errors import InputError
from workbench.runs import FewEventsError, cut, laser_on, open_run

Write = Callable[..., Path]
EDGES = np.array([0.0, 1.0, 2.0, 3.0])


def make(write: Write, seed: int, *, dark: bool = True, drift: float = 0.0) -> Path:
    """Write 1200 shots: signal 2 + 5 I0 (1 + 0.2 (bin == 1)) with laser, 2 + 5 I0 without."""
    rng = np.random.default_rng(seed)
    n = 1200
    event = np.arange(n)
    xray = (event % 10 != 3).astype(int) if dark else np.ones(n, int)
    laser = (event % 6 != 0).astype(int)
    delay = rng.uniform(0, 3, n)
    i0 = xray * rng.gamma(9, 1 / 9, n)
    gain = 1 + drift * rng.standard_normal(10)[event // 120]
    change = 1 + 0.2 * laser * (np.floor(delay) == 1)
    signal = 2 + 5 * i0 * gain * change + 0.2 * np.sqrt(i0) * rng.standard_normal(n)
    return write(
        {
            "lightStatus/xray": xray,
            "lightStatus/laser": laser,
            "d": (np.where(laser == 1, delay, np.nan), "ps"),
            "XppSb2BmMon/totalIntensityJoules": (i0 + 0.1, "J"),
            "s": (signal, "keV"),
        },
        run=seed,
    )


def test_on_off_and_difference_equal_arithmetic_by_hand(write: Write) -> None:
    run = open_run(make(write, 1))
    result = on_off(run, {"d": EDGES}, "s", cut("i0", 0.2))
    i0, signal = run["XppSb2BmMon/totalIntensityJoules"].read(), run["s"].read()
    delay, classes = run["d"].read(), run.classes
    norm = i0 - i0[classes.dark].mean()
    light = signal - signal[classes.dark].mean()
    on = classes.on & (i0 >= 0.2) & (delay >= 1) & (delay < 2)
    off = classes.off & (i0 >= 0.2)
    r_on, r_off = light[on].sum() / norm[on].sum(), light[off].sum() / norm[off].sum()

    def error(events: np.ndarray, ratio: float) -> float:
        n, residual = events.sum(), light[events] - ratio * norm[events]
        return float(np.sqrt(n / (n - 1) * (residual**2).sum()) / norm[events].sum())

    e_on, e_off = error(on, r_on), error(off, r_off)
    expected = {
        "on": r_on,
        "on_error": e_on,
        "difference": r_on - r_off,
        "difference_error": e_on,
        "difference_error_common": e_off,
        "difference_error_total": np.hypot(e_on, e_off),
        "relative": r_on / r_off - 1,
        "relative_error": e_on / r_off,
        "relative_error_common": r_on / r_off**2 * e_off,
        "on_count": on.sum(),
    }
    for name, value in expected.items():
        np.testing.assert_allclose(result[name].values[1], value, rtol=1e-10, err_msg=name)
    np.testing.assert_allclose(float(result["off"]), r_off, rtol=1e-12)
    np.testing.assert_allclose(float(result["off_error"]), e_off, rtol=1e-10)
    assert int(result["off_count"]) == off.sum()
    assert result["relative"].attrs["units"] == "1"
    assert result["difference"].attrs["units"] == "keV/J"


def test_without_dark_shots_nothing_is_subtracted_and_the_dataset_says_so(write: Write) -> None:
    result = on_off(open_run(make(write, 2, dark=False)), {"d": EDGES}, "s")
    assert result.attrs["background"].endswith("signal over 0 dark events, intensity over 0")
    subtracted = on_off(open_run(make(write, 3)), {"d": EDGES}, "s")
    assert subtracted.attrs["background"].endswith(
        "signal over 120 dark events, intensity over 120"
    )


def test_stated_errors_are_the_scatter_over_many_runs(write: Write) -> None:
    """Errors of on shots, of off shots in common, and both, against 60 made-up runs."""
    results = [on_off(open_run(make(write, seed)), {"d": EDGES}, "s") for seed in range(60)]
    planted = np.array([0.0, 0.2, 0.0])
    values = np.array([result["relative"].values for result in results]) - planted
    total = np.array([result["relative_error_total"].values for result in results])
    own = np.array([result["relative_error"].values for result in results])
    pulls = values / total
    assert abs(pulls.mean(axis=0)).max() < 0.45
    assert 0.8 < pulls.std() < 1.2
    apart = (values[:, 0] - values[:, 2]) / np.hypot(own[:, 0], own[:, 2])
    assert 0.75 < apart.std() < 1.25  # the common part drops out of a difference of bins
    assert np.corrcoef(values[:, 0], values[:, 2])[0, 1] > 0.1  # and is there in each of them


def test_the_jackknife_sees_drift_that_shots_do_not(write: Write) -> None:
    still = on_off(open_run(make(write, 4)), {"d": EDGES}, "s", background="none")
    drifting = on_off(open_run(make(write, 5, drift=0.2)), {"d": EDGES}, "s", background="none")
    ratio = still["difference_error_jackknife"] / still["difference_error_total"]
    assert ((ratio > 0.5) & (ratio < 1.8)).all()
    on_only = drifting["difference_error_jackknife"] / drifting["difference_error_total"]
    assert np.isfinite(on_only).all()


def test_drift_common_to_on_and_off_cancels_in_their_jackknife(write: Write) -> None:
    """Gain that changes every second moves on and off alike: their ratio hardly moves."""
    runs = [open_run(make(write, seed, drift=0.3)) for seed in range(100, 112)]
    results = [on_off(run, {"d": [0.0, 3.0]}, "s") for run in runs]
    scatter = np.std([float(result["relative"].values[0]) for result in results], ddof=1)
    stated = np.mean([float(result["relative_error_jackknife"].values[0]) for result in results])
    assert 0.5 < stated / scatter < 2.0


def test_the_error_at_the_mean_leaves_out_a_slope_within_the_bin(write: Write) -> None:
    rng = np.random.default_rng(9)
    n = 3000
    laser = (np.arange(n) % 3 != 0).astype(int)
    delay = rng.uniform(0, 1, n)
    signal = 1 + laser * delay + 0.01 * rng.standard_normal(n)
    run = open_run(
        write(
            {
                "lightStatus/xray": np.ones(n, int),
                "lightStatus/laser": laser,
                "d": (delay, "ps"),
                "s": (signal, "keV"),
            }
        )
    )
    result = on_off(run, {"d": [0.0, 1.0]}, "s", by=None)
    np.testing.assert_allclose(result["on_error"], np.sqrt(1 / 12) / np.sqrt(2000), rtol=0.05)
    np.testing.assert_allclose(result["difference_error_at_mean"], 0.01 / np.sqrt(2000), rtol=0.05)
    at_mean = 1 + float(result["d_mean"].values[0])
    assert abs(float(result["on"].values[0]) - at_mean) < 4 * 0.01 / np.sqrt(2000)


def test_positions_are_those_of_shots_in_which_the_field_was_measured(write: Write) -> None:
    """A camera read at every fifth shot sees other delays than the average shot of the bin."""
    laser = np.tile([1, 1, 0, 1], 10)
    delay = np.linspace(0, 1, 40, endpoint=False)
    signal = np.where(np.arange(40) % 5 == 0, 1.0 + np.arange(40), np.nan)
    run = open_run(
        write(
            {
                "lightStatus/xray": np.ones(40, int),
                "lightStatus/laser": laser,
                "d": (delay, "ps"),
                "s": (signal, "keV"),
            }
        )
    )
    result = on_off(run, {"d": [0.0, 1.0]}, "s", by=None)
    measured = np.isfinite(signal) & (laser == 1)
    np.testing.assert_allclose(result["d_mean"].values[0], delay[measured].mean())


def test_a_selection_that_leaves_no_off_shot_is_explained(write: Write) -> None:
    with pytest.raises(NothingLeftError, match=r"leave laser_on\(\) out"):
        on_off(open_run(make(write, 6)), {"d": EDGES}, "s", laser_on())


def test_shots_without_light_where_flags_say_x_rays_are_named_as_the_cause(write: Write) -> None:
    event = np.arange(60)
    made = {
        "lightStatus/xray": (event % 5 > 0).astype(int),
        "lightStatus/laser": (event % 3 > 0).astype(int),
        "d": (np.full(60, 0.5), "ps"),
        "i": (np.where(event % 3 > 0, 2.0, -0.1) + 0.1 * (event % 2), "J"),
        "s": (np.ones(60), "keV"),
    }
    dropped = (event % 5 == 0) & (event % 3 > 0)
    made["i"][0][dropped] = 0.2
    match = (
        r"no laser-off shot .*i not positive 16\); their flags say X-rays, yet i saw none.*check"
    )
    with pytest.raises(NothingLeftError, match=match):
        on_off(open_run(write(made)), {"d": [0.0, 1.0]}, "s", by="i")


def test_one_event_is_too_few_to_compare(write: Write) -> None:
    flags = {f"lightStatus/{beam}": np.ones(1, int) for beam in ("xray", "laser")}
    run = open_run(write({**flags, "d": (np.zeros(1), "ps"), "s": (np.ones(1), "keV")}))
    with pytest.raises(FewEventsError, match="only 1 event, of at least 2"):
        on_off(run, {"d": [0.0, 1.0]}, "s", by=None)


def test_a_field_without_one_row_per_event_is_refused(write: Write) -> None:
    run = open_run(
        write(
            {
                "lightStatus/xray": np.ones(4, int),
                "lightStatus/laser": np.ones(4, int),
                "Sums/a": np.zeros((2, 2)),
                "d": np.zeros(4),
            }
        )
    )
    with pytest.raises(InputError, match="no numbers for every event"):
        on_off(run, {"d": EDGES}, "Sums/a", by=None)
    with pytest.raises(InputError, match="'nearest' or 'interleaved'"):
        on_off(run, {"d": EDGES}, "d", by=None, off="next")  # type: ignore[arg-type]
