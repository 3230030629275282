import numpy as np
import pytest

from workbench.synthetic import PumpProbe
from workbench.synthetic.cameras import (
    BACKGROUND,
    SIGNAL,
    epix_1,
    jungfrau_1m,
    ring_radius,
)
from workbench.synthetic.frames import Exposures

SPEC = PumpProbe(seed=5, background_photons=0.05)


@pytest.fixture(scope="module")
def exposures() -> Exposures:
    return Exposures(SPEC)


def calibrated(frame: np.ndarray, camera: object) -> np.ndarray:
    """Return photons per pixel, 0 in bad pixels, without rounding them to whole ones."""
    photons = (frame - camera.pedestal.astype(float)) / np.where(camera.good, camera.adu, 1)
    return np.where(camera.good, photons, 0.0)


def test_the_signal_region_counts_as_poisson_says(exposures: Exposures) -> None:
    camera = epix_1()
    sums, beside = [], []
    for event in range(120):
        photons = calibrated(exposures.epix(event, relative=1.0, change=1.2), camera)
        sums.append(photons[SIGNAL.slices].sum())
        beside.append(photons[BACKGROUND.slices].sum())
    expected = 1.2 * SPEC.signal_photons
    assert np.mean(sums) == pytest.approx(expected, abs=4 * (expected / 120) ** 0.5)
    assert np.var(sums) == pytest.approx(expected, rel=0.4)  # 3 sigma of a variance of 120
    even = 0.05 * camera.good[BACKGROUND.slices].sum()
    assert np.mean(beside) == pytest.approx(even, abs=4 * (even + 20) ** 0.5 / 120**0.5)


def test_photons_come_in_whole_numbers(exposures: Exposures) -> None:
    frame = exposures.epix(7, relative=1.0, change=1.0)
    photons = calibrated(frame, epix_1())[~np.zeros_like(epix_1().good)]
    single = photons[(photons > 0.6) & (photons < 1.4)]
    assert len(single) > 5000
    assert np.median(single) == pytest.approx(1.0, abs=0.01)
    assert single.std() == pytest.approx(12 / 150, rel=0.1)


def test_a_dropped_shot_is_a_dark_frame(exposures: Exposures) -> None:
    camera = epix_1()
    dark = exposures.epix(3, relative=0.0, change=1.0) - camera.pedestal.astype(float)
    assert dark[camera.good].mean() == pytest.approx(0.0, abs=0.1)
    assert dark[camera.good].std() == pytest.approx(12.0, rel=0.01)


def test_hot_and_dead_pixels_are_the_ones_in_the_mask() -> None:
    for camera in (epix_1(), jungfrau_1m()):
        assert (~camera.good).sum() == camera.good.size // 2000
        assert (camera.adu[~camera.good] == 0).any()
        assert (camera.pedestal[~camera.good] > 8000).any()
        assert camera.adu[camera.good].min() > 0
        constants = camera.constants(SPEC.photon_energy)
        assert constants.unit == "keV"
        assert (constants.gain > 0).all()


def test_rings_lie_where_the_truth_says(exposures: Exposures) -> None:
    camera = jungfrau_1m()
    photons = sum(
        calibrated(exposures.jungfrau(event, relative=2.0), camera) for event in range(12)
    )
    radius = np.hypot(camera.geometry.x, camera.geometry.y)
    edges = np.arange(0.0, 60_000, 50.0)
    inside = np.histogram(radius[camera.good], edges)[0]
    total = np.histogram(radius[camera.good], edges, weights=photons[camera.good])[0]
    profile = np.divide(total, inside, where=inside > 0, out=np.zeros(len(total)))
    centres = (edges[:-1] + edges[1:]) / 2
    background = np.median(profile[inside > 0])
    for expected in ring_radius(SPEC.photon_energy):
        near = abs(centres - expected) < 700
        weight = np.clip(profile[near] - background, 0, None)
        assert np.average(centres[near], weights=weight) == pytest.approx(expected, abs=30)


def test_ring_radii_follow_bragg() -> None:
    for order, radius in zip((1, 2, 3, 4), ring_radius(9.5), strict=True):
        two_theta = np.arctan(radius / 60_000)
        spacing = 12.398419843320026 / 9.5 / (2 * np.sin(two_theta / 2))
        assert spacing == pytest.approx(4.1569 / np.sqrt(order), rel=1e-9)


def test_a_frame_depends_on_its_event_and_not_on_those_before() -> None:
    later, first = Exposures(SPEC), Exposures(SPEC)
    first.epix(1, relative=1.0, change=1.0)
    np.testing.assert_array_equal(
        later.epix(2, relative=1.0, change=1.0), first.epix(2, relative=1.0, change=1.0)
    )
