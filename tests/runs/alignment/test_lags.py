import numpy as np
import pytest

from workbench.core.arrays import Floats
from workbench.runs.alignment import shot_lag
from workbench.runs.alignment.estimators import excess, rank_z


def pulses(n: int = 6000, *, seed: int = 1) -> Floats:
    return np.random.default_rng(seed).gamma(9.0, 1 / 9, n)


def late(values: Floats, events: int) -> Floats:
    return np.roll(values, events)


def follow(i0: Floats, *, noise: float = 0.2, seed: int = 2) -> Floats:
    return i0 + noise * np.random.default_rng(seed).standard_normal(len(i0))


@pytest.mark.parametrize("lag", [-3, -1, 0, 1, 2])
def test_a_detector_that_is_late_is_found_at_its_lag(lag: int) -> None:
    i0 = pulses()
    found = shot_lag(i0, late(follow(i0), lag), names=("i0", "camera"))
    assert found.best == lag
    assert found.correlation == pytest.approx(0.85, abs=0.05)


def test_the_correlation_is_that_of_ranks_by_brute_force() -> None:
    i0 = pulses(200)
    camera = follow(i0)
    ranks = [np.array([np.sum(v < x) for x in v]) for v in (i0, camera)]
    expected = np.corrcoef(*ranks)[0, 1]
    assert np.tanh(rank_z(i0, camera)[0]) == pytest.approx(expected, abs=1e-12)
    assert rank_z(i0, camera)[1] == pytest.approx(np.sqrt(1.06 / 197))


def test_a_lag_that_begins_in_the_middle_of_a_run_names_its_blocks() -> None:
    i0 = pulses(12_000)
    camera = follow(i0)
    camera[6000:] = late(camera, 1)[6000:]
    found = shot_lag(i0, camera, names=("i0", "camera"))
    assert found.shifted == ((6000, 12_000, 1),)


def test_drifts_and_outliers_make_no_lag() -> None:
    i0 = pulses()
    drift = 3 * np.sin(np.arange(len(i0)) / 900)
    camera = follow(i0) + drift
    camera[::500] = 1e6
    found = shot_lag(i0 + drift, camera, names=("i0", "camera"))
    assert found.best == 0
    assert not found.shifted


def test_a_camera_read_at_every_fifth_event_may_be_late_by_a_frame() -> None:
    i0 = pulses()
    camera = np.full(len(i0), np.nan)
    camera[::5] = follow(i0)[::5]
    delayed = np.full(len(i0), np.nan)
    delayed[5::5] = camera[:-5:5]
    assert shot_lag(i0, camera, names=("i0", "camera")).best == 0
    assert shot_lag(i0, delayed, names=("i0", "camera")).best == 5
    assert shot_lag(i0, late(camera, 1), names=("i0", "camera")).best == 1


def test_what_does_not_follow_i0_is_not_judged() -> None:
    found = shot_lag(pulses(seed=3), pulses(seed=4), names=("i0", "noise"))
    assert found.best == 0
    assert not found.correlated


def test_a_flag_with_period_two_is_told_from_its_opposite() -> None:
    flag = np.arange(3000) % 2.0
    light = flag * pulses(3000)
    assert shot_lag(light, flag, names=("diode", "laser"), signed=True).best == 0
    found = shot_lag(light, late(flag, 1), names=("diode", "laser"), signed=True)
    assert abs(found.best) == 1


@pytest.mark.parametrize("n", [0, 1, 2, 7])
def test_a_few_events_tell_nothing(n: int) -> None:
    found = shot_lag(pulses(n), pulses(n), names=("i0", "camera"))
    assert found.best == 0
    assert not found.correlated


def test_noise_seldom_looks_like_a_lag() -> None:
    names = "i0", "noise"
    seeds = range(30)
    lags = [shot_lag(pulses(1500, seed=s), pulses(1500, seed=s + 99), names=names) for s in seeds]
    assert not [lag for lag in lags if lag.best or lag.shifted]


def test_an_excess_of_counts_is_in_sigma() -> None:
    draws = np.random.default_rng(5).poisson(40.0, 20_000)
    assert np.std([excess(float(n), 40.0) for n in draws]) == pytest.approx(1.0, abs=0.02)
