import numpy as np
import pytest

from workbench.binning import EdgesError, edges_around, edges_by_count, edges_by_width
from workbench.binning.edges import bin_numbers, check_edges


def test_edges_by_width_reach_both_ends() -> None:
    np.testing.assert_allclose(edges_by_width(-1, 1, 0.5), [-1, -0.5, 0, 0.5, 1])
    np.testing.assert_allclose(edges_by_width(0, 1, 0.4), [0, 0.4, 0.8, 1])
    assert len(edges_by_width(-1.1, 3.1, 0.1)) == 43


def test_edges_by_count_hold_equally_many_events_and_all_of_them() -> None:
    values = np.random.default_rng(1).exponential(size=1000)
    edges = edges_by_count(values, 100)
    counts = np.bincount(bin_numbers(values, edges), minlength=10)
    assert counts.tolist() == [100] * 10
    assert edges_by_count([1.0, 2.0], 50).tolist()[0] == 1.0


def test_edges_around_scan_steps_have_every_step_inside_its_own_bin() -> None:
    steps = np.repeat([1.0, 2.0, 4.0, 8.0], 5) + 1e-12 * np.arange(20)
    edges = edges_around(np.append(steps, np.nan))
    np.testing.assert_allclose(edges, [0.5, 1.5, 3.0, 6.0, 10.0])
    assert np.bincount(bin_numbers(steps, edges)).tolist() == [5, 5, 5, 5]


def test_bins_are_half_open_and_outsiders_are_told_apart() -> None:
    numbers = bin_numbers(np.array([-0.1, 0.0, 0.99, 1.0, 2.0, 2.1, np.nan]), np.array([0, 1, 2.0]))
    assert numbers.tolist() == [-1, 0, 0, 1, 2, 2, -2]


@pytest.mark.parametrize("edges", [[1], [1, 1, 2], [2, 1], [0, np.nan, 1], [[0, 1], [2, 3]]])
def test_edges_that_do_not_rise_are_refused_by_name(edges: list[float]) -> None:
    with pytest.raises(EdgesError, match="delay"):
        check_edges("delay", edges)


def test_impossible_requests_for_edges_are_refused() -> None:
    for make in (
        lambda: edges_by_width(1, 0, 0.1),
        lambda: edges_by_width(0, 1, 0),
        lambda: edges_by_count([1.0], 0),
        lambda: edges_by_count([np.nan], 5),
        lambda: edges_around([3.0, 3.0]),
    ):
        with pytest.raises(EdgesError):
            make()
