"""Droplets against scipy's labels, their photons against a literal walk and against the truth."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import ndimage
from scipy.special import erf

from workbench.core.errors import InputError
from workbench.core.frames import FrameSpec
from workbench.reductions import DropletPhotons, Droplets, Roi, Sparse, Spectrum
from workbench.reductions.base import Nested
from workbench.reductions.entries import ALL

CROSS = ndimage.generate_binary_structure(2, 1)
SHAPE = (2, 40, 50)
NOISE, PHOTON = 0.2, 8.0


def spec(shape: tuple[int, ...] = SHAPE, bad: float = 0.03) -> FrameSpec:
    draw = np.random.default_rng(8)
    noise = draw.uniform(0.8, 1.2, shape).astype("f4") * np.float32(NOISE)
    return FrameSpec(shape, "keV", draw.random(shape) > bad, noise=noise)


def clouds(shape: tuple[int, ...], events: int, per_pixel: float, width: float) -> Any:
    """Return frames of photons whose charge is a Gaussian of `width` [pixel], and their places."""
    draw = np.random.default_rng(9)
    frames = draw.normal(0, NOISE, (events, *shape))
    rows, cols = shape[-2:]
    where = []
    for event in range(events):
        count = draw.poisson(per_pixel * np.prod(shape))
        tile = draw.integers(0, int(np.prod(shape)) // (rows * cols), count)
        row, col = draw.random(count) * rows, draw.random(count) * cols
        where.append((tile, row, col))
        flat = frames[event].reshape(-1, rows, cols)
        for t, r, c in zip(tile, row, col, strict=True):
            flat[t] += PHOTON * np.outer(_share(r, rows, width), _share(c, cols, width))
    return frames.astype("f4"), where


def _share(place: float, length: int, width: float) -> Any:
    steps = erf((np.arange(length + 1) - place) / (width * np.sqrt(2))) / 2
    return np.diff(steps)


def by_labels(frame: Any, told: FrameSpec, high: float, low: float, least: float) -> Any:
    """Find droplets with scipy: label at the high threshold, grow by one cross, label again."""
    assert told.noise is not None
    found = []
    usable = np.where(told.good, frame, 0)
    for tile, (pixels, noise) in enumerate(zip(usable, told.noise, strict=True)):
        seeds, _ = ndimage.label(np.where(pixels < noise * high, 0, pixels), CROSS)
        grown = ndimage.maximum_filter(seeds, footprint=CROSS, mode="constant")
        kept = np.where(pixels < noise * low, 0, pixels) * (grown > 0)
        labels, count = ndimage.label(kept > 0, CROSS)
        for number in range(1, count + 1):
            inside = labels == number
            total = kept[inside].astype(float).sum()
            row, col = ndimage.center_of_mass(np.where(inside, kept, 0).astype(float))
            found.append((total, row, col, tile, np.count_nonzero(inside)))
    return len(found), [droplet for droplet in found if droplet[0] >= least]


@pytest.mark.parametrize(("high", "low"), [(5, None), (9, 2), (4, 3)])
@pytest.mark.parametrize("least", [-np.inf, 3.0])
def test_droplets_are_those_that_scipy_labels(high: float, low: float | None, least: float) -> None:
    told = spec()
    frames, _ = clouds(SHAPE, 3, 0.03, 0.4)
    frames[0, 0, 3, 3] = np.nan
    values = Droplets(high, low, least=least, store=ALL).reduce(frames, told)
    for event, frame in enumerate(np.nan_to_num(frames)):
        every, found = by_labels(frame, told, high, high if low is None else low, least)
        assert values["nDroplets_all"][event] == every
        assert values["nDroplets"][event] == len(found) > 10
        names = ("data", "row", "col", "tile", "npix")
        given = np.array([values[f"sparse/{name}"][event] for name in names]).T
        np.testing.assert_allclose(given, found, rtol=1e-9)


def test_droplets_of_a_real_diffraction_frame_are_those_that_scipy_labels(
    data_folder: Path,
) -> None:
    frame = np.load(data_folder / "cspad_asic_peaks" / "cxitut13_r10_32_cspadAsic.npy")
    told = FrameSpec(frame.shape, "ADU", np.ones(frame.shape, bool))
    values = Droplets(60, 20, in_sigma=False, store=ALL).reduce(frame[None], told)
    every, found = by_labels(
        frame[None],
        FrameSpec((1, *frame.shape), "ADU", told.good[None], noise=np.ones((1, *frame.shape))),
        60, 20, 0,
    )  # fmt: skip
    assert values["nDroplets"][0] == every > 50
    np.testing.assert_allclose(values["sparse/data"][0], [one[0] for one in found], rtol=1e-9)
    np.testing.assert_array_equal(values["sparse/npix"][0], [one[4] for one in found])


def test_pixels_above_the_top_and_infinite_ones_count_as_empty() -> None:
    told = FrameSpec((3, 7), "keV", np.ones((3, 7), bool))
    frame = np.zeros((1, 3, 7), "f4")
    frame[0, 1] = [5, 5, 99, 5, 0, np.inf, 5]
    values = Droplets(4, in_sigma=False, top=50, store=ALL).reduce(frame, told)
    np.testing.assert_array_equal(values["sparse/npix"][0], [2, 1, 1])


def test_everything_lit_is_one_droplet() -> None:
    told = FrameSpec((300, 400), "keV", np.ones((300, 400), bool))
    values = Droplets(1, in_sigma=False, store=ALL, photons=DropletPhotons(8.0, store=ALL)).reduce(
        np.full((1, 300, 400), 3.0, "f4"), told
    )
    assert (values["nDroplets"][0], values["sparse/npix"][0][0]) == (1, 120_000)
    assert len(values["droplet2phot_sparse/data"][0]) == 45_000


def test_tiles_do_not_touch() -> None:
    told = FrameSpec((2, 2, 3), "keV", np.ones((2, 2, 3), bool))
    values = Droplets(1, in_sigma=False).reduce(np.ones((1, 2, 2, 3), "f4"), told)
    assert values["nDroplets"][0] == 2


def greedy(kept: Any, per_photon: float, total: float) -> list[tuple[float, float]]:
    """Place the photons of one droplet as the rule says, one array element at a time."""
    rest, photons = np.pad(kept / per_photon, 1), []
    count = int(np.floor(total / per_photon + 0.5))
    if count == 1:
        return [ndimage.center_of_mass(kept.astype(float))]
    for row, col in np.argwhere(rest >= 1):
        photons += [(row - 1.0, col - 1.0)] * int(rest[row, col])
        rest[row, col] %= 1
    while len(photons) < count:
        row, col = np.unravel_index(rest.argmax(), rest.shape)
        lacking, rest[row, col] = 1 - rest[row, col], 0
        sides = [(-1, 0), (1, 0), (0, -1), (0, 1)]
        best = max(sides, key=lambda side: rest[row + side[0], col + side[1]])
        beside = row + best[0], col + best[1]
        if rest[beside] > 0:
            rest[beside] = max(rest[beside] - lacking, 0)
            photons.append((row - 1 + lacking * best[0], col - 1 + lacking * best[1]))
        else:
            photons.append((row - 1.0, col - 1.0))
    return photons


def test_photons_are_placed_as_the_rule_says() -> None:
    shape = (60, 70)
    told = spec(shape)
    frames, _ = clouds(shape, 2, 0.25, 0.45)
    values = Droplets(8, 3, photons=DropletPhotons(PHOTON, store=ALL)).reduce(frames, told)
    assert told.noise is not None
    for event, frame in enumerate(frames.astype(float)):
        usable = np.where(told.good, frame, 0)
        seeds = usable >= (told.noise * 8).astype("f4")
        kept = np.where(usable >= (told.noise * 3).astype("f4"), usable, 0)
        kept *= ndimage.binary_dilation(seeds, CROSS)
        labels, count = ndimage.label(kept > 0, CROSS)
        expected, several = [], 0
        for number in range(1, count + 1):
            inside = np.where(labels == number, kept, 0)
            photons = greedy(inside, PHOTON, inside.sum())
            expected += photons
            several += len(photons) > 3
        assert several > 3
        given = np.array([values[f"droplet2phot_sparse/{name}"][event] for name in ("row", "col")])
        assert given.shape == (2, len(expected))
        np.testing.assert_allclose(
            np.array(sorted(map(tuple, given.T))), np.array(sorted(expected)), atol=1e-6
        )


@pytest.mark.parametrize(("per_pixel", "right"), [(0.002, 0.99), (0.008, 0.99)])
def test_photons_fall_where_they_were_planted(per_pixel: float, right: float) -> None:
    """At more than 5 sigma, clouds over at most two pixels each way, below 1 % occupancy."""
    shape = (200, 200)
    told = FrameSpec(shape, "keV", np.ones(shape, bool), noise=np.full(shape, NOISE, "f4"))
    frames, where = clouds(shape, 4, per_pixel, 0.25)
    values = Droplets(8, 3, photons=DropletPhotons(PHOTON, store=ALL)).reduce(frames, told)
    missed = planted = extra = 0
    for event, (_, row, col) in enumerate(where):
        found = np.array([values[f"droplet2phot_sparse/{name}"][event] for name in ("row", "col")])
        distance = np.hypot(found[0][:, None] - (row - 0.5), found[1][:, None] - (col - 0.5))
        missed += np.count_nonzero(distance.min(axis=0) > 1)
        extra += abs(len(found[0]) - len(row))
        planted += len(row)
    assert missed + extra < (1 - right) * planted
    assert planted > 250


def test_probability_counts_photons_per_usable_pixel_of_each_tile() -> None:
    told = spec()
    frames, _ = clouds(SHAPE, 3, 0.3, 0.3)
    good = np.random.default_rng(3).random(SHAPE) > 0.5
    values = Droplets(8, 3, photons=DropletPhotons(PHOTON, good, ALL)).reduce(frames, told)
    used = told.good & good
    for event, probability in enumerate(values["droplet2phot_prob"]):
        picture = np.zeros(SHAPE)
        names = ("tile", "row", "col")
        places = [values[f"droplet2phot_sparse/{name}"][event] for name in names]
        np.add.at(picture, tuple(np.rint(place).astype(int) for place in places), 1)
        counted = np.bincount(np.minimum(picture[used], 10).astype(int), minlength=11)
        np.testing.assert_allclose(probability[:11], counted / used.sum(), rtol=1e-12)
        assert probability[11] == pytest.approx(picture[used].mean())
        assert probability[:11].sum() == pytest.approx(1)


def test_no_photon_leaves_every_pixel_with_none_and_no_usable_pixel_leaves_nan() -> None:
    told = FrameSpec((4, 5), "keV", np.ones((4, 5), bool), noise=np.ones((4, 5), "f4"))
    photons = DropletPhotons(PHOTON, store=ALL)
    values = Droplets(5, photons=photons).reduce(np.zeros((2, 4, 5), "f4"), told)
    np.testing.assert_array_equal(values["droplet2phot_prob"], [[1] + [0] * 11] * 2)
    assert [len(one) for one in values["droplet2phot_sparse/data"]] == [0, 0]
    told.good[:] = False
    dark = Droplets(5, photons=photons).reduce(np.zeros((2, 4, 5), "f4"), told)
    assert np.isnan(dark["droplet2phot_prob"]).all()


def test_a_picture_of_droplets_and_one_of_photons_feed_other_reductions() -> None:
    told = spec()
    frames, _ = clouds(SHAPE, 2, 0.05, 0.4)
    roi = Nested("ROI_0", Roi(None))
    every = Droplets(
        8, 3, store=ALL,
        photons=DropletPhotons(PHOTON, store=ALL, children=(roi,)),
        children=(roi, Nested("spectrum", Spectrum.of([0.5, 60, 60]))),
    )  # fmt: skip
    values = every.reduce(frames, told)
    for event in range(2):
        row, col, tile = (values[f"sparse/{name}"][event] for name in ("row", "col", "tile"))
        usable = told.good[tile, np.rint(row).astype(int), np.rint(col).astype(int)]
        signal = values["sparse/data"][event][usable].sum()
        assert values["ROI_0_sum"][event] == pytest.approx(signal)
        photons = values["droplet2phot_prob"][event, 11] * told.good.sum()
        assert values["droplet2phot_ROI_0_sum"][event] == pytest.approx(photons)
        assert values["spectrum_histogram"][event].sum() > 0.9 * values["nDroplets"][event]


def test_thresholds_in_sigma_need_noise() -> None:
    told = FrameSpec((4, 5), "keV", np.ones((4, 5), bool))
    with pytest.raises(InputError, match="noise"):
        Droplets(5).outputs(told)


@pytest.mark.parametrize(("threshold", "low"), [(5, 6), (-1, None), (5, -1), (np.nan, None)])
def test_thresholds_that_make_no_sense_are_refused(threshold: float, low: float | None) -> None:
    with pytest.raises(InputError, match="thresholds"):
        Droplets(threshold, low)


@pytest.mark.parametrize("per_photon", [0, -1, np.nan, np.inf])
def test_a_photon_without_signal_is_refused(per_photon: float) -> None:
    with pytest.raises(InputError, match="above 0"):
        DropletPhotons(per_photon)


def test_masks_of_another_shape_are_refused() -> None:
    told, mask = spec(), np.ones((3, 3), bool)
    with pytest.raises(InputError, match="mask"):
        Droplets(5, good=mask).outputs(told)
    with pytest.raises(InputError, match="mask"):
        Droplets(5, photons=DropletPhotons(8.0, mask)).outputs(told)


def test_rectangles_of_droplets_hold_the_first_ones() -> None:
    told = spec()
    frames, _ = clouds(SHAPE, 2, 0.03, 0.4)
    ragged = Droplets(8, 3, store=ALL).reduce(frames, told)
    fixed = Droplets(8, 3, store=Sparse(20)).reduce(frames, told)
    for name in ("data", "row", "col", "tile", "npix"):
        for one, row in zip(ragged[f"sparse/{name}"], fixed[f"sparse_{name}"], strict=True):
            np.testing.assert_array_equal(row, one[:20])
    np.testing.assert_array_equal(fixed["sparse_found"], ragged["nDroplets"])


def test_a_million_droplets_in_one_frame_are_all_found() -> None:
    frame = np.zeros((1, 2000, 1000), "f4")
    frame[0, 0::2, 0::2] = frame[0, 1::2, 1::2] = 7.0
    told = FrameSpec((2000, 1000), "keV", np.ones((2000, 1000), bool))
    made = Droplets(5.0, in_sigma=False, store=ALL, photons=DropletPhotons(7.0, store=Sparse(5)))
    values = made.reduce(frame, told)
    assert values["nDroplets"].tolist() == [1_000_000]
    assert values["sparse/data"][0].sum() == 7_000_000
    assert values["droplet2phot_prob"][0, :2].tolist() == [0.5, 0.5]
    assert values["droplet2phot_sparse_found"].tolist() == [1_000_000]
