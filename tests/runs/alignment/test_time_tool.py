import numpy as np
import pytest

from workbench.core.arrays import Floats
from workbench.runs.alignment import Segment, follow, segments
from workbench.runs.alignment.change_points import change_points
from workbench.runs.alignment.judge import judge_segments
from workbench.runs.alignment.time_tool import along

N = 12_000
BOTH = np.arange(N) % 8 != 7
TIMES = (np.int64(1_137_355_200) << 32) + np.arange(N) * 8_333_333


def edges(*, seed: int = 1) -> Floats:
    rng = np.random.default_rng(seed)
    return np.where(BOTH & (rng.random(N) > 0.02), 0.08 * rng.standard_normal(N), np.nan)


def cut_up(position: Floats) -> tuple[Segment, ...]:
    return segments(follow(position, BOTH), TIMES, "timestamp")


def test_a_steady_run_is_one_segment() -> None:
    (only,) = cut_up(edges())
    assert (only.first, only.last, only.step) == (0, N, 0.0)
    assert only.position == pytest.approx(0, abs=5 * only.position_error)
    assert only.found == pytest.approx(0.98, abs=0.01)


def test_noise_is_seldom_cut() -> None:
    assert all(len(cut_up(edges(seed=seed))) == 1 for seed in range(15))


def test_a_jump_of_two_picoseconds_cuts_the_run_where_it_happens() -> None:
    position = edges()
    position[7200:] += 2.0
    first, second = cut_up(position)
    assert (first.last, second.first) == (7200, 7200)
    assert second.step == pytest.approx(2.0, abs=5 * second.step_error)
    assert second.cut is not None
    assert first.cut is not None


def test_a_jump_out_of_the_window_shows_as_a_lost_edge() -> None:
    position = edges()
    position[7200:] = np.nan
    first, second = cut_up(position)
    assert second.first == 7200
    assert (first.found, second.found) == (pytest.approx(0.98, abs=0.01), 0.0)
    (told,) = judge_segments(follow(position, BOTH), (first, second), "tt/fltpos_ps")
    assert (told.code, told.count) == ("time-tool-jump", 4800)
    assert "loses its edge at event 7200" in told.message
    assert "have no delay; expected where a scan" in told.message
    assert "time zero" not in told.message  # nothing was seen to jump


def test_a_slow_drift_is_no_jump() -> None:
    found = cut_up(edges() + np.linspace(0, 1.0, N))
    assert all(part.step == 0 for part in found)


def test_change_points_are_those_planted() -> None:
    rng = np.random.default_rng(3)
    levels = np.repeat([0.0, 1.0, 0.2], [40, 30, 50])
    assert change_points(levels + 0.05 * rng.standard_normal(120), np.full(120, 0.05)) == [40, 70]
    assert change_points(np.full(30, 2.0), np.zeros(30)) == []
    assert change_points(np.full(30, np.nan), np.ones(30)) == []


def test_errors_that_are_too_small_do_not_make_change_points() -> None:
    rng = np.random.default_rng(3)
    assert change_points(rng.standard_normal(300), np.full(300, 1e-6)) == []


@pytest.mark.parametrize("n", [0, 1, 100])
def test_short_runs_have_at_most_one_segment(n: int) -> None:
    track = follow(edges()[:n], BOTH[:n])
    assert len(segments(track, TIMES[:n], "timestamp")) <= 1


def test_a_time_tool_that_follows_the_scan_has_no_jumps_left() -> None:
    scan = np.repeat(np.linspace(-1, 1, 10), N // 10)
    moved = edges() + scan
    np.testing.assert_allclose(along(moved, scan), scan - scan.mean(), atol=0.1)
    assert len(cut_up(moved - along(moved, scan))) == 1
    jumped = edges()
    jumped[7200:] += 2.0
    assert not along(jumped, scan).any()
