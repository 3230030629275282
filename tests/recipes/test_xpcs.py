"""XPCS: g2 against a plain loop over pairs, planted relaxation, honest errors, named states."""

from pathlib import Path

import h5py
import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

import workbench as wb
from tests.conftest import ModuleFolder
from tests.pulls import SEEDS, assert_as_stated, pulls_of
from tests.recipes.conftest import Meet
from tests.recipes.judging import met
from workbench.binning import verdict
from workbench.core.errors import WorkbenchError
from workbench.plots import speckle_correlation
from workbench.recipes import (
    Correlation,
    CorrelationError,
    Movie,
    Relaxation,
    correlate,
    fit_relaxation,
    movie_of,
    two_times,
)
from workbench.runs import Run
from workbench.synthetic import PumpProbe, write_small_data
from workbench.synthetic.scenes import Speckle

SPEC = PumpProbe(experiment="xcssyn0126", n_events=900, camera_every=3)
SCENE = Speckle(relaxation_time=0.2)
SIDE = 20  # pixels
PLACE = np.indices((SIDE, SIDE)).reshape(2, -1)


def patches(side: int = SIDE) -> np.ndarray:
    row, col = np.indices((side, side)).reshape(2, -1) * 5 // side
    return row * 5 + col


def speckle_movie(
    seed: int, frames: int, *, tau: float = 0.3, kbar: float = 0.3, size: float = 0.0
) -> Movie:
    """Photons of fields that keep exp(-dt / tau) of themselves, with gaps; M = 2, 30 Hz.

    The field is blurred by a Gaussian of `size` pixels: speckles reach over several pixels.
    """
    draw, period = np.random.default_rng(seed), 1 / 30
    kept = np.exp(-period / tau)

    def drawn() -> np.ndarray:
        field = draw.normal(size=(4, SIDE, SIDE))
        if size:  # wrapped at the ends, height restored
            field = gaussian_filter(field, (0, size, size), mode="wrap")
            field *= 2 * np.sqrt(np.pi) * size
        return field.reshape(4, -1)

    field = drawn()
    values = np.empty((frames, SIDE * SIDE))
    for frame in range(frames):
        values[frame] = (field**2).sum(axis=0) / 4
        field = kept * field + np.sqrt(1 - kept**2) * drawn()
    photons = draw.poisson(kbar * values * draw.gamma(10, 0.1, (frames, 1))).astype(float)
    there = np.flatnonzero(draw.random(frames) > 0.05)
    return Movie(photons[there], there - there[0], period, PLACE, patches(), "spot", "photons")


def test_g2_equals_a_loop_over_all_pairs_of_frames_with_gaps() -> None:
    movie = speckle_movie(1, 50)
    above: dict[int, float] = {}
    below: dict[int, float] = {}
    for one in range(len(movie.index)):
        for other in range(one + 1, len(movie.index)):
            lag = int(movie.index[other] - movie.index[one])
            first, second = movie.values[one], movie.values[other]
            above[lag] = above.get(lag, 0) + float((first * second).mean())
            below[lag] = below.get(lag, 0) + float(first.mean() * second.mean())
    found = correlate(movie, per_octave=0)
    lags = np.rint(found.lag / movie.period).astype(int)
    np.testing.assert_allclose(found.g2, [above[lag] / below[lag] for lag in lags], rtol=1e-12)
    grouped = correlate(movie, per_octave=2)
    first = grouped.weights[-1] > 0
    members = np.flatnonzero(first) + 1
    expected = sum(above[lag] for lag in members) / sum(below[lag] for lag in members)
    assert grouped.g2[-1] == pytest.approx(expected, rel=1e-12)


def test_the_two_time_correlation_equals_a_loop_and_pairs_no_frame_with_itself() -> None:
    movie = speckle_movie(2, 30)
    edges, found, error = two_times(movie, ages=4)
    place = np.searchsorted(edges, movie.index * movie.period, "right") - 1
    for row in range(4):
        for col in range(4):
            pairs = [
                (movie.values[one], movie.values[other])
                for one in np.flatnonzero(place == row)
                for other in np.flatnonzero(place == col)
                if one != other
            ]
            expected = sum((a * b).mean() for a, b in pairs) / sum(
                a.mean() * b.mean() for a, b in pairs
            )
            assert found[row, col] == pytest.approx(expected, rel=1e-12)
    assert (error > 0).all()


@SEEDS
@pytest.mark.parametrize("size", [0.0, 1.0])
def test_errors_of_contrast_relaxation_time_and_baseline_are_honest(
    size: float, seeds: int
) -> None:
    """Speckles of one pixel, and of 2.4 pixels in patches of four."""
    truth = {"contrast": 0.5, "relaxation_time": 0.3, "baseline": 1.0}
    pulls = [
        pulls_of(fit_relaxation(correlate(speckle_movie(seed, 200, size=size))).parameters, truth)
        for seed in range(seeds)
    ]
    assert_as_stated(pulls, list(truth))


def test_speckles_that_reach_into_the_next_patch_stretch_the_errors() -> None:
    """With r(d)² = exp(-d² / size²) between pixels, summed by hand over patches and the region."""
    assert speckle_movie(1, 300).stretch == pytest.approx(1, abs=0.01)
    alike = np.exp(-(np.arange(-3, 4) ** 2))
    within, over = (1 - np.abs(np.arange(-3, 4)) / side for side in (4, 20))
    by_hand = (alike @ over) / (alike @ within)  # squared: two directions
    assert speckle_movie(1, 300, size=1.0).stretch == pytest.approx(by_hand, rel=0.03)


def test_a_pattern_that_never_or_at_once_changes_gives_no_relaxation_time() -> None:
    draw = np.random.default_rng(5)
    fixed = draw.gamma(2, 0.5, SIDE * SIDE)
    index = np.arange(200)

    def movie(rate: np.ndarray) -> Movie:
        return Movie(
            draw.poisson(rate).astype(float), index, 0.1, PLACE, patches(), "spot", "photons"
        )

    still = fit_relaxation(correlate(movie(np.tile(fixed, (200, 1)))))
    assert still.state in {"no-signal", "not-determined"}
    assert "static scattering" in still.message
    fresh = fit_relaxation(correlate(movie(draw.gamma(2, 0.5, (200, SIDE * SIDE)))))
    assert fresh.state in {"no-signal", "not-determined"}
    assert abs(fresh.baseline.value - 1) < 0.01


@pytest.fixture(scope="module")
def file(module_folder: ModuleFolder) -> Path:
    return write_small_data(SPEC, module_folder("xpcs"), scene=SCENE)


@pytest.fixture(scope="module")
def found(file: Path) -> Correlation:
    return correlate(movie_of(wb.open_run(file), region="near"))


def test_planted_relaxation_is_found_in_a_list_of_photons(file: Path, found: Correlation) -> None:
    run = wb.open_run(file)
    movie = movie_of(run)
    assert movie.region == "far"
    assert movie.period == pytest.approx(0.025, rel=1e-6)
    fit = fit_relaxation(correlate(movie))
    assert run.truth is not None
    table = verdict(fit, run.truth)
    assert len(table) == 3
    assert all(row[-1] for row in table.rows), str(table)
    near = fit_relaxation(found)
    assert abs(near.contrast.value - 0.5) < 3 * near.contrast.error
    assert abs(near.relaxation_time.value - 0.2) < 3 * near.relaxation_time.error
    assert speckle_correlation(found, near).axes[0].get_ylabel() == "g2 [1]"


def test_stored_pixels_give_what_their_photons_give(tmp_path: Path) -> None:
    made = speckle_movie(3, 300)
    path = tmp_path / "xcslx1234_Run0007.h5"
    events = 300
    lit = np.zeros(events, np.int64)
    lit[made.index] = 1
    area = np.full((events, SIDE, SIDE), 0.3, np.float32)  # dark level, unsubtracted
    area[made.index] += 8.0 * made.values.reshape(-1, SIDE, SIDE)
    with h5py.File(path, "w") as h5:
        seconds = 1_700_000_000 + np.arange(events, dtype=np.int64) // 30
        h5["event_time"] = (seconds << 32) | (np.arange(events, dtype=np.int64) % 30 * 33_333_333)
        h5["lightStatus/xray"], h5["lightStatus/laser"] = lit, lit
        h5["epix_1/ROI_0_area"] = area
    movie = movie_of(wb.open_run(path), "epix_1/ROI_0_area")
    np.testing.assert_array_equal(movie.index, made.index)
    np.testing.assert_allclose(movie.values, 8.0 * made.values, atol=1e-4)
    np.testing.assert_allclose(correlate(movie).g2, correlate(made).g2, rtol=1e-5)


def test_what_cannot_be_correlated_is_refused_with_the_way_out(file: Path) -> None:
    run = wb.open_run(file)
    with pytest.raises(WorkbenchError, match="did you mean near"):
        movie_of(run, region="nera")
    with pytest.raises(CorrelationError, match="too few for errors"):
        movie_of(run, region="a 100:102 100:102")
    with pytest.raises(CorrelationError, match="smaller region"):
        movie_of(run, region="a 0:704 0:768")
    with pytest.raises(CorrelationError, match="shorter than two frames"):
        correlate(movie_of(run), longest=0.01)


def analyse(run: Run) -> Relaxation:
    return fit_relaxation(correlate(movie_of(run, region="near")))


@pytest.mark.faults
@pytest.mark.parametrize("name", met("xpcs"))
def test_no_fault_gives_a_wrong_number_without_a_word(name: str, file: Path, meet: Meet) -> None:
    planted = {"contrast": 0.5, "relaxation_time": 0.2}  # of the region near, [1] and [s]
    meet("xpcs", name, file, analyse, (SPEC, SCENE), planted=planted)
