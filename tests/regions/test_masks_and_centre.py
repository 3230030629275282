"""Masks grow and are proposed as planted; the beam centre comes out with honest errors."""

import numpy as np
import pytest

from workbench.core.errors import InputError
from workbench.regions import (
    CentreFit,
    RingError,
    RingPoints,
    bad_fraction,
    between,
    edges,
    find_ring,
    fit_centre,
    fit_rings,
    grown,
    propose,
)

RADII = (60.0, 95.5)


def truth(seed: int) -> tuple[float, float]:
    row, col = np.random.default_rng(seed).uniform(-0.5, 0.5, 2)  # pixels matter as much as photons
    return 151.3 + row, 198.7 + col


def rings(seed: int, level: float = 50.0) -> np.ndarray:
    row, col = np.indices((320, 400)) + 0.5
    distance = np.hypot(row - truth(seed)[0], col - truth(seed)[1])
    light = 2 + sum(level * np.exp(-((distance - radius) ** 2) / (2 * 2.0**2)) for radius in RADII)
    return np.random.default_rng(seed).poisson(light).astype(float)


def fitted(seed: int) -> CentreFit:
    picture = rings(seed)
    good = np.ones(picture.shape, np.bool_)
    good[100:110] = False
    return fit_centre(picture, good, centre=(154.0, 196.0), radii=(61.0, 94.0), width=24)


def test_the_centre_lies_within_a_twentieth_of_a_pixel_with_honest_errors() -> None:
    pulls = []
    for seed in range(25):
        fit, (row, col) = fitted(seed), truth(seed)
        assert abs(fit.row - row) < 0.05
        assert abs(fit.col - col) < 0.05
        pulls += [(fit.row - row) / fit.row_error, (fit.col - col) / fit.col_error]
        np.testing.assert_allclose(fit.radii, RADII, atol=0.05)
    assert abs(np.mean(pulls)) < 0.4
    assert 0.75 < np.std(pulls) < 1.25


def test_exact_points_give_the_exact_circle() -> None:
    angle = np.array([0.1, 1.0, 2.2, 3.0, 4.4, 5.5])
    fit = fit_rings([RingPoints(10 + 5 * np.sin(angle), 20 + 5 * np.cos(angle))])
    np.testing.assert_allclose([fit.row, fit.col, *fit.radii], [10, 20, 5], atol=1e-8)
    assert fit.rms < 1e-8


def test_points_that_err_as_their_neighbours_do_tell_less() -> None:
    random, angle = np.random.default_rng(8), np.linspace(0, 2 * np.pi, 120, endpoint=False)
    pulls = []
    for _ in range(60):
        noise = random.normal(0, 0.1, 124)
        reach = 50 + (noise[4:] + noise[3:-1] + noise[2:-2] + noise[1:-3] + noise[:-4]) / 5
        fit = fit_rings([RingPoints(reach * np.sin(angle), reach * np.cos(angle))])
        pulls += [fit.row / fit.row_error, fit.col / fit.col_error]
    assert 0.7 < np.std(pulls) < 1.2


def test_too_few_points_and_points_on_a_line_are_refused() -> None:
    with pytest.raises(RingError, match="pick at least"):
        fit_rings([RingPoints(np.array([1.0, 2, 3]), np.array([1.0, 0, 1]))])
    with pytest.raises(RingError, match="pick at least"):
        fit_rings([])
    line = np.arange(9.0)
    with pytest.raises(RingError, match="short an arc"):
        fit_rings([RingPoints(line, 2 * line)])


def test_a_picture_without_a_ring_says_so() -> None:
    flat = np.random.default_rng(1).poisson(20, (200, 200)).astype(float)
    good = np.ones(flat.shape, np.bool_)
    with pytest.raises(RingError, match="sectors show a ring"):
        find_ring(flat, good, centre=(100, 100), radius=50, width=20)
    with pytest.raises(RingError, match="no pixel lies"):
        find_ring(flat, ~good, centre=(100, 100), radius=50, width=20)


def test_edges_leave_the_border_of_every_tile_out() -> None:
    good = edges((2, 6, 8), 2)
    assert good.sum() == 2 * 2 * 4
    assert not good[:, :2].any()
    with pytest.raises(InputError, match="leaves nothing"):
        edges((6, 8), 3)


def test_bad_areas_grow_within_their_tile_only() -> None:
    good = np.ones((2, 7, 7), np.bool_)
    good[0, 3, 3] = good[0, 0, 0] = False
    larger = grown(good, 1)
    expected = np.ones_like(good)
    expected[0, 2:5, 2:5] = expected[0, :2, :2] = False
    np.testing.assert_array_equal(larger, expected)
    np.testing.assert_array_equal(grown(good, 0), good)


def test_thresholds_take_nan_out() -> None:
    frame = np.array([[1.0, np.nan, 5.0, 9.0]])
    np.testing.assert_array_equal(between(frame, 2, 9), [[False, False, True, False]])
    np.testing.assert_array_equal(between(frame), [[True, False, True, True]])


def test_planted_bad_pixels_are_proposed_with_their_reason() -> None:
    random = np.random.default_rng(5)
    dark = random.normal(0, 0.1, (2, 60, 80))
    noise = random.normal(3, 0.2, (2, 60, 80))
    dark[1] += 5  # each tile has its own level
    dark[0, 3, 4] = 9
    noise[1, 7, 7] = 30
    noise[0, 5, 5] = 0
    dark[1, 1, 1] = np.nan
    found = propose(dark, noise, sigmas=7)
    assert found.counts() == {
        "not measured": 1, "never changes": 1, "noisy": 1, "quiet": 0, "dark level": 1,
    }  # fmt: skip
    assert bad_fraction(found.good) == pytest.approx(4 / found.good.size)
