"""Photon counting against a literal walk, P(k) against published values, correlation by sums."""

from typing import Any

import numpy as np
import pytest

from workbench.core.bounds import Bounds
from workbench.core.errors import InputError
from workbench.core.frames import FrameSpec
from workbench.reductions import (
    Autocorrelation,
    PhotonCounting,
    PhotonProbability,
    Roi,
    Sparsify,
)
from workbench.reductions.base import Nested

SHAPE = (2, 30, 40)
LIST = (Nested("sparse", Sparsify()),)


def spec(shape: tuple[int, ...] = SHAPE, bad: float = 0.05) -> FrameSpec:
    good = np.random.default_rng(1).random(shape) > bad
    return FrameSpec(shape, "keV", good)


def literally(frame: Any, good: Any, per_photon: float, fraction: float, low: float) -> Any:
    """Count photons pixel by pixel, tile by tile, with a rim of empty pixels around each."""
    counts = []
    for pixels, use in zip(frame, good, strict=True):
        value = np.where(use & (pixels >= low) & (pixels > 0), pixels, 0) / np.float32(1)
        value = np.pad(value * np.float32(1 / per_photon), 1)
        whole = np.floor(value)
        rest, used = value - whole, np.zeros(value.shape, bool)
        for row, col in np.argwhere(rest >= 0.5):
            beside = [(row - 1, col), (row, col - 1), (row, col + 1), (row + 1, col)]
            if any(rest[place] > rest[row, col] for place in beside) or used[row, col]:
                continue
            free = [place for place in beside if not used[place]]
            second = max(free, key=lambda place: rest[place], default=None)
            if rest[row, col] + (rest[second] if second else 0) >= fraction:
                whole[row, col] += 1
                used[row, col] = True
                if second and rest[second] > 0:
                    used[second] = True
        counts.append(whole[1:-1, 1:-1])
    return np.array(counts)


def picture(values: Any, event: int, shape: tuple[int, ...] = SHAPE) -> Any:
    full = np.zeros(shape)
    where = tuple(values[f"sparse/{name}"][event] for name in ("tile", "row", "col"))
    full[where] = values["sparse/data"][event]
    return full


@pytest.mark.parametrize("low", [-np.inf, 1.0])
@pytest.mark.parametrize("fraction", [0.9, 0.7])
def test_photons_are_counted_as_the_rule_says(low: float, fraction: float) -> None:
    told = spec()
    draw = np.random.default_rng(2)
    frames = draw.normal(0, 0.5, (3, *SHAPE)) + 8 * draw.gamma(0.3, 1, (3, *SHAPE))
    frames = frames.astype("f4")
    values = PhotonCounting(8.0, fraction, low, children=LIST).reduce(frames, told)
    for event, frame in enumerate(frames):
        expected = literally(frame, told.good, 8.0, fraction, low)
        np.testing.assert_array_equal(picture(values, event), expected)
        assert values["nPhot"][event] == expected.sum() > 100


@pytest.mark.parametrize("kind", ["f4", "f8"])
@pytest.mark.parametrize("odd", [np.nan, np.inf, -np.inf])
def test_a_pixel_that_is_no_finite_number_holds_no_photon(odd: float, kind: str) -> None:
    told = spec(bad=0)
    frames = np.random.default_rng(4).gamma(0.3, 20, (2, *SHAPE)).astype(kind)
    without = frames.copy()
    frames[:, 1, 3, 5], without[:, 1, 3, 5] = odd, 0
    reduction = PhotonCounting(8.0, children=LIST)
    values, expected = (reduction.reduce(some, told) for some in (frames, without))
    for event in range(2):
        np.testing.assert_array_equal(picture(values, event), picture(expected, event))
        assert values["nPhot"][event] == picture(values, event).sum() > 100


def test_more_photons_than_can_be_counted_are_refused() -> None:
    frames = np.ones((1, *SHAPE), np.float32)
    frames[0, 0, 2, 2] = 3e9
    assert PhotonCounting(2.0).reduce(frames, spec(bad=0))["nPhot"][0] >= 1_500_000_000
    with pytest.raises(InputError, match="more than 2147483648 photons of 1 keV"):
        PhotonCounting(1.0).reduce(frames, spec(bad=0))


def test_photons_shared_by_two_pixels_are_found_up_to_the_edge() -> None:
    """Planted one by one, apart from each other, at 5 sigma and more: all must be found."""
    shape = (24, 24)
    told = FrameSpec(shape, "keV", np.ones(shape, bool))
    draw = np.random.default_rng(5)
    frames = draw.normal(0, 0.1, (20, *shape)).astype("f4")
    for frame in frames:
        for row in range(0, 24, 3):
            for col in range(0, 24, 3):  # some in the first row and column
                share = draw.uniform(0.6, 1.0)
                frame[row, col] += 8 * share
                frame[(row, col + 1) if draw.random() < 0.5 else (row + 1, col)] += 8 * (1 - share)
    values = PhotonCounting(8.0, children=LIST).reduce(frames, told)
    truth = np.zeros(shape)
    truth[::3, ::3] = 1
    right = [(picture(values, event, (1, *shape))[0] == truth).mean() for event in range(20)]
    assert np.mean(right) > 0.999


def test_two_equal_neighbours_are_one_photon() -> None:
    told = FrameSpec((1, 3, 4), "keV", np.ones((1, 3, 4), bool))
    frame = np.zeros((1, 1, 3, 4), "f4")
    frame[0, 0, 1, 1:3] = 4.0
    values = PhotonCounting(8.0, children=LIST).reduce(frame, told)
    assert (values["nPhot"][0], picture(values, 0, (1, 3, 4))[0, 1, 1]) == (1, 1)


@pytest.mark.parametrize(
    ("kbar", "modes", "published"),
    [
        (0.1, 2, [0.907029478458, 0.0863837598531, 0.00617026856094, 0.000391763083234]),
        (1.0, 1, [0.5, 0.25, 0.125, 0.0625]),
    ],
)
def test_probabilities_of_drawn_speckle_are_the_published_ones(
    kbar: float, modes: float, published: list[float]
) -> None:
    draw = np.random.default_rng(6)
    told = FrameSpec((300, 400), "1", draw.random((300, 400)) > 0.1, "int32")
    pixels = draw.poisson(draw.gamma(modes, kbar / modes, (10, 300, 400))).astype("i4")
    found = PhotonProbability().reduce(pixels, told)["prob"]
    count = 10 * np.count_nonzero(told.good)
    for k, expected in enumerate(published):
        spread = np.sqrt(expected * (1 - expected) / count)
        assert abs(found[:, k].mean() - expected) < 5 * spread
    assert found[:, -1].mean() == pytest.approx(kbar, rel=0.02)
    np.testing.assert_allclose(found[:, :-1].sum(axis=1), 1, rtol=1e-12)


def test_probability_per_region_is_a_region_of_the_picture_of_photons() -> None:
    told = spec()
    frames = (8.0 * np.random.default_rng(3).poisson(0.4, (2, *SHAPE))).astype("f4") + 0.01
    bounds = Bounds((1, 5, 6), (2, 20, 30))
    roi = Roi(bounds, statistics=False, children=(Nested("", PhotonProbability()),))
    values = PhotonCounting(8.0, children=(Nested("ROI_0", roi),)).reduce(frames, told)
    used = told.good[bounds.slices]
    for frame, probability in zip(frames, values["ROI_0_prob"], strict=True):
        photons = np.floor(frame[bounds.slices] / 8)[used].astype(int)
        expected = np.bincount(np.minimum(photons, 10), minlength=11) / photons.size
        np.testing.assert_allclose(probability[:11], expected, rtol=1e-12)


def by_sums(frame: Any, used: Any, half: tuple[int, int]) -> Any:
    rows, cols = frame.shape
    out = np.full((2 * half[0], 2 * half[1]), np.nan)
    for down in range(-half[0], half[0]):
        for right in range(-half[1], half[1]):
            products = [
                frame[r, c] * frame[r + down, c + right]
                for r in range(max(0, -down), min(rows, rows - down))
                for c in range(max(0, -right), min(cols, cols - right))
                if used[r, c] and used[r + down, c + right]
            ]
            if products:
                out[down + half[0], right + half[1]] = np.mean(products)
    return out


def test_the_autocorrelation_is_the_mean_product_of_pixels_a_distance_apart() -> None:
    told = spec((9, 11), bad=0.2)
    draw = np.random.default_rng(7)
    frames = draw.gamma(2, 3, (2, 9, 11)).astype("f4")
    frames[0, 2, 3] = np.nan
    masks = np.array([draw.random((9, 11)) > 0.4, np.zeros((9, 11), bool)])
    masks[1, 2:4, 5:9] = True
    half = (5, 8)
    values = Autocorrelation(masks, half, low=1.0, high=20.0).reduce(frames, told)
    for event, frame in enumerate(frames):
        for number, mask in enumerate(masks):
            used = mask & told.good & ~np.isnan(frame)
            signal = np.where((frame >= 1) & (frame <= 20) & used, frame, 0).astype(float)
            np.testing.assert_allclose(
                values["autocorr"][event, number], by_sums(signal, used, half), atol=1e-9
            )
            assert values["cr"][event, number] == pytest.approx(signal[used].mean())


@pytest.mark.parametrize("half", [(0, 3), (10, 3)])
def test_distances_beyond_the_frame_are_refused(half: tuple[int, int]) -> None:
    with pytest.raises(InputError, match="distances"):
        Autocorrelation(np.ones((1, 9, 11), bool), half).outputs(spec((9, 11)))


def test_masks_that_do_not_fit_are_refused() -> None:
    with pytest.raises(InputError, match="shape"):
        Autocorrelation(np.ones((1, 9, 11), bool), (2, 2)).outputs(spec((9, 12)))
    with pytest.raises(InputError, match="mask"):
        PhotonCounting(8.0, good=np.ones((2, 2), bool)).outputs(spec())
    with pytest.raises(InputError, match="above 0"):
        PhotonCounting(0.0)
