import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import ndtr

from workbench.binning import step_decay, step_decay_in_bins


def test_the_model_equals_the_published_vectors_to_twelve_digits() -> None:
    delays = [-0.1, 0, 0.1, 0.5, 1.0]
    checked = [0.0219290240119, 0.462478785288, 0.799205677379, 0.369723444544, 0.136013654167]
    np.testing.assert_allclose(
        step_decay(delays, t0=0, tau=0.5, sigma=0.05), checked, rtol=0, atol=6e-13
    )


def test_the_model_is_the_convolution_of_decay_and_gaussian() -> None:
    t0, tau, sigma = 0.2, 0.3, 0.12

    def direct(delay: float) -> float:
        def product(late: float) -> float:
            gauss = np.exp(-0.5 * ((delay - t0 - late) / sigma) ** 2) / sigma / np.sqrt(2 * np.pi)
            return float(np.exp(-late / tau) * gauss)

        return float(quad(product, 0, 20, points=[max(1e-6, delay - t0)], limit=200)[0])

    for delay in (-0.2, 0.1, 0.2, 0.35, 1.0):
        assert step_decay(delay, t0=t0, tau=tau, sigma=sigma) == pytest.approx(
            direct(delay), abs=1e-9
        )


def test_a_decay_faster_than_the_response_does_not_overflow() -> None:
    values = step_decay(np.linspace(-3, 3, 601), t0=0, tau=1e-4, sigma=0.5)
    assert np.isfinite(values).all()
    gauss = 1e-4 * np.exp(-0.5 * (np.linspace(-3, 3, 601) / 0.5) ** 2) / 0.5 / np.sqrt(2 * np.pi)
    np.testing.assert_allclose(values, gauss, rtol=2e-3, atol=1e-12)


def test_a_decay_that_never_ends_is_an_error_function() -> None:
    delays = np.linspace(-0.2, 0.3, 51)
    np.testing.assert_allclose(
        step_decay(delays, t0=0.05, tau=1e9, sigma=0.05), ndtr((delays - 0.05) / 0.05), atol=1e-8
    )


def test_width_from_ten_to_ninety_percent_is_the_published_multiple_of_sigma() -> None:
    delays = np.linspace(-0.3, 0.3, 200_001)
    rise = step_decay(delays, t0=0, tau=1e9, sigma=0.05)
    width = np.interp(0.9, rise, delays) - np.interp(0.1, rise, delays)
    assert width == pytest.approx(2.563103131 * 0.05, rel=1e-6)


def test_the_response_has_the_published_full_width_at_half_maximum() -> None:
    delays = np.linspace(-0.3, 0.3, 200_001)
    response = np.gradient(step_decay(delays, t0=0, tau=1e9, sigma=0.05), delays)
    above = delays[response >= response.max() / 2]
    assert above[-1] - above[0] == pytest.approx(2.354820045 * 0.05, rel=1e-4)


@pytest.mark.parametrize("bins", [5, 40, 3000])
def test_means_over_bins_equal_quadrature(bins: int) -> None:
    edges = np.linspace(-0.5, 2.5, bins + 1)
    nodes, weights = np.polynomial.legendre.leggauss(60)
    low, high = edges[:-1, None], edges[1:, None]
    parts = 8  # panels of a bin: the rise is narrower than the widest bins
    total = np.zeros(bins)
    for part in range(parts):
        left = low + (high - low) * part / parts
        right = low + (high - low) * (part + 1) / parts
        points = (left + right) / 2 + (right - left) / 2 * nodes
        total += (step_decay(points, t0=0.1, tau=0.5, sigma=0.05) * weights).sum(1) / 2 / parts
    found = step_decay_in_bins(edges[:-1], edges[1:], t0=0.1, tau=0.5, sigma=0.05)
    np.testing.assert_allclose(found, total, rtol=0, atol=1e-12)


def test_a_bin_without_width_is_the_model_itself() -> None:
    at = np.array([-0.05, 0.0, 0.3])
    np.testing.assert_allclose(
        step_decay_in_bins(at, at, t0=0, tau=0.5, sigma=0.05),
        step_decay(at, t0=0, tau=0.5, sigma=0.05),
        atol=1e-7,
    )
