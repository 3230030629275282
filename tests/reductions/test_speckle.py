import numpy as np
import pytest

from workbench.core.arrays import Array
from workbench.reductions.speckle import (
    SpeckleError,
    check_probability,
    contrast,
    contrast_of_ratio,
    join,
    photon_probability,
    photon_statistics,
)

VECTORS = {  # (kbar, M): P0, P1, P2, P3, computed independently to 12 digits
    (0.01, 1): (0.990099009901, 0.00980296049407, 9.70590147928e-05, 9.60980344483e-07),
    (0.01, 10): (0.990054780713, 0.00989065714998, 5.43442700548e-05, 2.17159920299e-07),
    (0.1, 2): (0.907029478458, 0.0863837598531, 0.00617026856094, 0.000391763083234),
    (0.1, 100): (0.904882630898, 0.0903978652246, 0.00456053166218, 0.000154903173341),
    (1, 1): (0.5, 0.25, 0.125, 0.0625),
}


@pytest.mark.parametrize(("kbar", "modes"), VECTORS)
def test_probabilities_equal_the_published_formula(kbar: float, modes: float) -> None:
    found = photon_probability(3, kbar, modes)
    np.testing.assert_allclose(found, VECTORS[kbar, modes], rtol=2e-12)
    assert photon_probability(60, kbar, modes).sum() == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize(("kbar", "modes"), [key for key in VECTORS if key[0] != 1])
def test_the_estimator_gives_the_contrast_of_every_vector_back(kbar: float, modes: float) -> None:
    _, p1, p2, _ = VECTORS[kbar, modes]
    assert float(contrast_of_ratio(p1, p2, kbar)) == pytest.approx(1 / modes, rel=1e-9)


def test_at_one_photon_per_pixel_the_ratio_tells_nothing_and_gives_no_number() -> None:
    _, p1, p2, _ = VECTORS[1, 1]
    assert np.isnan(contrast_of_ratio(p1, p2, 1.0))
    for modes in (1, 2, 50):
        _, p1, p2 = photon_probability(2, 1.0, modes)
        assert p2 / p1 == pytest.approx(0.5, abs=1e-12)


def test_infinitely_many_modes_are_a_poisson_distribution() -> None:
    expected = np.exp(-0.7) * np.array([1, 0.7, 0.7**2 / 2, 0.7**3 / 6])
    np.testing.assert_allclose(photon_probability(3, 0.7, np.inf), expected, rtol=1e-14)
    np.testing.assert_allclose(photon_probability(3, 0.7, 1e12), expected, rtol=1e-10)


def frames(rng: np.random.Generator, kbar: Array, beta: float, pixels: int) -> Array:
    """Photons of pixels whose intensity is gamma-distributed with 1 / beta modes."""
    intensity = rng.gamma(1 / beta, beta, (len(kbar), pixels))
    return rng.poisson(intensity * kbar[:, None])


def test_counts_per_frame_equal_a_loop_with_mask_and_gaps() -> None:
    rng = np.random.default_rng(1)
    photons = rng.poisson(0.8, (5, 6, 7)).astype(float)
    photons[0, 0, 0] = 20
    photons[2] = np.nan
    photons[3, 1] = np.nan
    good = rng.random((6, 7)) < 0.7
    good[0, 0] = True
    found = photon_statistics(photons, good, highest=3)
    for frame, image in enumerate(photons):
        used = image[good & np.isfinite(image)]
        expected = [(used == k).sum() for k in range(3)] + [(used >= 3).sum()]
        np.testing.assert_array_equal(found.pixels[frame], expected)
        if len(used):
            assert found.kbar[frame] == pytest.approx(used.mean())
    check_probability(found.probability[[0, 1, 3, 4]], "abcd")
    assert np.isnan(found.kbar[2])
    parts = join([photon_statistics(part, good, highest=3) for part in (photons[:2], photons[2:])])
    np.testing.assert_array_equal(parts.pixels, found.pixels)


def test_probabilities_that_miss_one_are_named_by_region() -> None:
    good = photon_probability(40, 0.5, 2)
    with pytest.raises(SpeckleError, match=r"ROI_1: 0\.9"):
        check_probability([good, 0.9 * good], ["ROI_0", "ROI_1"])
    with pytest.raises(SpeckleError, match="ROI_0"):
        check_probability([np.full(3, np.nan)], ["ROI_0"])


def test_fractions_of_photons_and_negative_counts_are_refused() -> None:
    for wrong in (np.full((2, 3), 0.5), np.full((2, 3), -1)):
        with pytest.raises(SpeckleError, match="whole numbers"):
            photon_statistics(wrong)


@pytest.mark.parametrize("method", ["ratio", "likelihood"])
def test_the_contrast_is_recovered_with_honest_errors_though_pulses_fluctuate(method: str) -> None:
    pulls = []
    for seed in range(30):
        rng = np.random.default_rng(seed)
        kbar = 0.1 * rng.gamma(9, 1 / 9, 80)  # every shot has another intensity
        statistics = photon_statistics(frames(rng, kbar, 0.4, 3000))
        found = contrast(statistics, method=method, samples=100)  # type: ignore[arg-type]
        pulls.append((found.beta - 0.4) / found.error)
    assert abs(np.mean(pulls)) < 0.55
    assert 0.75 < np.std(pulls) < 1.3


def test_one_photon_per_pixel_needs_the_likelihood_and_the_note_says_so() -> None:
    rng = np.random.default_rng(2)
    statistics = photon_statistics(frames(rng, np.ones(60), 0.25, 2000))
    ratio = contrast(statistics)
    assert np.isnan(ratio.beta)
    assert "likelihood" in ratio.note
    likely = contrast(statistics, method="likelihood")
    assert likely.note == ""
    assert abs(likely.beta - 0.25) < 4 * likely.error
    assert likely.error < 0.02


def test_errors_come_from_frames_not_from_pixels() -> None:
    """Shots whose contrast differs scatter more than their pixels would tell."""
    rng = np.random.default_rng(3)
    steady = [frames(rng, np.array([0.1]), 0.3, 50_000) for _ in range(60)]
    jumping = [frames(rng, np.array([0.1]), beta, 50_000) for beta in rng.choice([0.01, 0.6], 60)]
    calm, wild = (contrast(photon_statistics(np.concatenate(some))) for some in (steady, jumping))
    assert wild.error > 1.5 * calm.error


def test_drift_of_the_intensity_is_reported() -> None:
    rng = np.random.default_rng(4)
    found = contrast(photon_statistics(frames(rng, np.linspace(0.05, 0.15, 100), 0.3, 2000)))
    assert abs(found.drift - 0.5) < 4 * found.drift_error
    flat = contrast(photon_statistics(frames(rng, np.full(100, 0.1), 0.3, 2000)))
    assert abs(flat.drift) < 4 * flat.drift_error
    assert found.frames == 100


def test_too_few_frames_with_photons_are_refused() -> None:
    with pytest.raises(SpeckleError, match="1 frames hold photons"):
        contrast(photon_statistics(np.array([[0, 1, 2], [0, 0, 0]])))
    with pytest.raises(SpeckleError, match="ratio, likelihood"):
        contrast(photon_statistics(np.ones((3, 2), int)), method="p1p2")  # type: ignore[arg-type]
