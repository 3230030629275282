import numpy as np
import pytest

from workbench.core.arrays import Floats, Ints
from workbench.runs.alignment import Monitor, compare, compare_flags, compare_monitors, see_light

N = 6000
LIT = np.arange(N) % 23 != 22


def monitor(lit: np.ndarray = LIT, *, modes: float = 9.0, seed: int = 1) -> Floats:
    rng = np.random.default_rng(seed)
    return rng.gamma(modes, 1 / modes, N) * lit + 0.01 * rng.standard_normal(N) + 0.02


def flags(lit: np.ndarray = LIT) -> Ints:
    return lit.astype(np.int64)


def test_flags_that_tell_the_truth_are_not_contradicted() -> None:
    found = compare("xray", flags(), [see_light("ipm", monitor(), flags())])
    assert found.count == 0
    assert found.monitors == ("ipm",)


def test_weak_pulses_of_a_single_mode_are_not_called_dark() -> None:
    for seed in range(10):
        values = monitor(modes=1.0, seed=seed)  # exponential: many pulses near zero
        assert compare("xray", flags(), [see_light("ipm", values, flags())]).count == 0


def test_a_closed_shutter_is_found_with_its_blocks_and_its_shots() -> None:
    shut = LIT & ~((np.arange(N) >= 1000) & (np.arange(N) < 1600))
    found = compare("xray", flags(), [see_light("ipm", monitor(shut), flags())])
    assert found.count == int((LIT & ~shut).sum())
    np.testing.assert_array_equal(found.unlit, LIT & ~shut)


def test_lit_shots_flagged_off_are_counted_one_by_one() -> None:
    wrong = flags()
    wrong[np.arange(100, 3000, 100)] = 0
    lights = [see_light(str(k), monitor(seed=k), wrong) for k in range(2)]
    found = compare("xray", wrong, lights)
    assert found.lit.sum() == (LIT[100:3000:100]).sum()


def test_a_shot_that_one_monitor_saw_was_lit() -> None:
    broken = monitor()
    broken[2000:3000] = 0.02
    lights = [see_light("broken", broken, flags()), see_light("ipm", monitor(seed=2), flags())]
    assert compare("xray", flags(), lights).count == 0


def test_monitors_that_never_see_light_contradict_every_flag() -> None:
    nothing = monitor(np.zeros(N))
    found = compare("xray", flags(), [see_light("ipm", nothing, flags())])
    assert found.never
    assert found.count == LIT.sum()


def test_without_a_monitor_nothing_is_claimed() -> None:
    found = compare("xray", flags(), [])
    assert found.count == 0
    assert found.monitors == ()


def exchanged(*, diodes: bool) -> tuple[Monitor, Monitor]:
    rng = np.random.default_rng(1)
    beam = rng.gamma(9, 1 / 9, N)
    first = 9000 * beam + 100 * rng.standard_normal(N)
    second = 800 * beam + 10 * rng.standard_normal(N)
    own = (first / 4, second / 4) if diodes else (None, None)
    usual = ((2e3, 4e4), (1e2, 2e3))
    return Monitor("ipm2", second, own[0], usual[0]), Monitor("ipm3", first, own[1], usual[1])


@pytest.mark.parametrize("diodes", [True, False])
def test_exchanged_monitors_are_told_by_their_diodes_or_their_usual_range(*, diodes: bool) -> None:
    first, second = exchanged(diodes=diodes)
    swap, told = compare_monitors(first, second)
    assert told
    assert swap is not None
    assert (swap.first, swap.second, swap.count) == ("ipm2", "ipm3", N)
    right = (
        Monitor("ipm2", second.values, first.diodes, first.usual),
        Monitor("ipm3", first.values, second.diodes, second.usual),
    )
    assert compare_monitors(*right) == (None, True)


def test_monitors_without_a_second_source_are_left_open() -> None:
    first, second = exchanged(diodes=False)
    bare = Monitor("a", first.values), Monitor("b", second.values)
    assert compare_monitors(*bare) == (None, False)


def test_exchanged_flags_are_told_by_the_event_codes() -> None:
    xray, laser = flags(), (np.arange(N) % 8 != 7).astype(np.int64)
    swap = compare_flags(laser, xray, (xray, laser))
    assert swap is not None
    assert swap.count == int((xray != laser).sum())
    assert compare_flags(xray, laser, (xray, laser)) is None
    assert compare_flags(1 - xray, laser, (xray, laser)) is None
