"""Regions, droplets, photons on one core against NumPy and SciPy, frame after frame."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from peers import event_reductions as peer
from pytest_benchmark.fixture import BenchmarkFixture
from ratios import Ratios

from workbench.core.arrays import Array, Bools, Frames
from workbench.core.bounds import Bounds
from workbench.core.frames import FrameSpec, Values
from workbench.reductions import DropletPhotons, Droplets, PhotonCounting, Roi
from workbench.reductions.entries import ALL

SHAPES = {"epix100": (1, 704, 768), "jungfrau1M": (2, 512, 1024)}
EVENTS, ROUNDS = 16, 5
NOISE, PHOTON = 0.4, 8.0  # keV
HIGH, LOW = 5.0, 3.0  # sigma
LEAST = 0.5 * PHOTON  # of a droplet
FRACTION = 0.9  # of a photon in two pixels
SPARSE, DENSE = 0.01, 0.1  # photons per pixel
SHARED = 0.3  # of the photons, between two pixels
ROI_GOAL, FRAME_GOAL, DROPLET_GOAL, DROPLET_PHOTON_GOAL, PHOTON_GOAL = 8.0, 5.0, 30.0, 50.0, 4.0

# Of the rate at which one core adds the frames up: what reading them from memory allows.
FRAME_LIMIT, DROPLET_LIMIT, PHOTON_LIMIT = 0.15, 0.08, 0.1

Work = Callable[[], Any]


@dataclass(frozen=True, eq=False)
class Made:
    """Frames of a detector with photons on it, and what is known of its pixels."""

    frames: Frames
    good: Bools
    noise: Array

    @property
    def spec(self) -> FrameSpec:
        """What reductions are told."""
        return FrameSpec(self.good.shape, "keV", self.good, noise=self.noise)


def made(name: str, per_pixel: float) -> Made:
    """Return frames whose photons lie in one pixel or are shared by two beside each other."""
    draw, shape = np.random.default_rng(7), SHAPES[name]
    frames = draw.normal(0, NOISE, (EVENTS, *shape))
    for frame in frames:
        count = draw.poisson(per_pixel * frame.size)
        tile, row, col = (draw.integers(0, high, count) for high in (*shape[:2], shape[2] - 1))
        share = np.where(draw.random(count) < SHARED, draw.random(count), 0)
        np.add.at(frame, (tile, row, col), PHOTON * (1 - share))
        np.add.at(frame, (tile, row, col + 1), PHOTON * share)
    good = draw.random(shape) > 1e-3
    return Made(frames.astype("f4"), good, np.full(shape, NOISE, "f4"))


def compare(
    what: str, ours: Work, theirs: Work, goals: tuple[float | None, float | None], frames: Frames,
    ratios: Ratios,
) -> None:  # fmt: skip
    """Time both side by side, and how long it takes to add the frames up."""
    taken: dict[str, list[float]] = {"ours": [], "theirs": [], "sum": []}
    works = {"ours": ours, "theirs": theirs, "sum": lambda: [frame.sum() for frame in frames]}
    for _ in range(ROUNDS):
        for which, work in works.items():
            begin = time.perf_counter()
            work()
            taken[which].append(time.perf_counter() - begin)
    rates = {which: len(frames) / statistics.median(found) for which, found in taken.items()}
    for other, name, goal in (
        ("theirs", what, goals[0]),
        ("sum", f"{what}, frame.sum()", goals[1]),
    ):
        detail = f"{rates['ours']:.0f} and {rates[other]:.1f} frames/s"
        ratios.add(name, measured=rates["ours"] / rates[other], goal=goal, detail=detail)


@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize("size", [64, None])
def test_statistics_of_a_region(
    name: str, size: int | None, ratios: Ratios, benchmark: BenchmarkFixture
) -> None:
    data, shape = made(name, SPARSE), SHAPES[name]
    low = (0, 0, 0) if size is None else (0, 200, 200)
    high = (1, *shape[1:]) if size is None else (1, 200 + size, 200 + size)
    reduction = Roi(Bounds(low, high), low=1.0)
    cut = Bounds(low, high).slices

    def theirs() -> list[Any]:
        return [peer.region(frame, data.good, cut, 1.0) for frame in data.frames]

    values = reduction.reduce(data.frames, data.spec)
    given = [values[field] for field in ("sum", "mean", "max", "com")]
    for field, expected in zip(given, zip(*theirs(), strict=True), strict=True):
        np.testing.assert_allclose(field, np.array(expected), rtol=1e-5)
    what = "one tile" if size is None else f"{size} x {size}"
    compare(
        f"region, {what}, {name}", lambda: reduction.reduce(data.frames, data.spec), theirs,
        (FRAME_GOAL, FRAME_LIMIT) if size is None else (ROI_GOAL, None),
        data.frames[(slice(None), *cut)], ratios,
    )  # fmt: skip
    benchmark.pedantic(reduction.reduce, args=(data.frames, data.spec), rounds=1)


@pytest.mark.parametrize(
    ("name", "per_pixel", "goals"),
    [
        ("epix100", SPARSE, (DROPLET_GOAL, DROPLET_PHOTON_GOAL)),
        ("jungfrau1M", SPARSE, (DROPLET_GOAL, DROPLET_PHOTON_GOAL)),
        ("epix100", DENSE, (None, None)),
    ],
)
def test_droplets_and_their_photons(
    name: str, per_pixel: float, goals: tuple[float | None, float | None], ratios: Ratios,
    benchmark: BenchmarkFixture,
) -> None:  # fmt: skip
    data = made(name, per_pixel)
    alone = Droplets(HIGH, LOW, least=LEAST, store=ALL)
    placed = Droplets(HIGH, LOW, least=LEAST, photons=DropletPhotons(PHOTON, store=ALL))

    def found(frame: Array) -> tuple[int, list[peer.Labelled]]:
        return peer.droplets(frame, data.good, data.noise, HIGH, LOW, LEAST)

    def theirs() -> list[Any]:
        return [peer.droplet_photons(found(frame)[1], data.good, PHOTON) for frame in data.frames]

    same_droplets(alone.reduce(data.frames, data.spec), [found(frame) for frame in data.frames])
    same_photons(placed.reduce(data.frames, data.spec), theirs())
    for what, ours, other, goal in (
        ("droplets", alone, lambda: [found(frame) for frame in data.frames], goals[0]),
        ("photons of droplets", placed, theirs, goals[1]),
    ):
        compare(
            f"{what}, {per_pixel} photons per pixel, {name}",
            lambda ours=ours: ours.reduce(data.frames, data.spec), other,
            (goal, goal and DROPLET_LIMIT), data.frames, ratios,
        )  # fmt: skip
    benchmark.pedantic(placed.reduce, args=(data.frames, data.spec), rounds=1)


@pytest.mark.parametrize("name", SHAPES)
def test_photons_per_pixel(name: str, ratios: Ratios, benchmark: BenchmarkFixture) -> None:
    data = made(name, SPARSE)
    reduction = PhotonCounting(PHOTON, FRACTION)

    def theirs() -> list[int]:
        return [
            int(peer.photons(frame, data.good, PHOTON, FRACTION).sum()) for frame in data.frames
        ]

    assert reduction.reduce(data.frames, data.spec)["nPhot"].tolist() == theirs()
    compare(
        f"photons, {SPARSE} per pixel, {name}",
        lambda: reduction.reduce(data.frames, data.spec), theirs, (PHOTON_GOAL, PHOTON_LIMIT),
        data.frames, ratios,
    )  # fmt: skip
    benchmark.pedantic(reduction.reduce, args=(data.frames, data.spec), rounds=1)


def same_droplets(values: Values, expected: list[tuple[int, list[peer.Labelled]]]) -> None:
    """Compare numbers, sums and centres of mass of all droplets."""
    for event, (every, tiles) in enumerate(expected):
        assert values["nDroplets_all"][event] == every
        assert values["nDroplets"][event] == sum(len(tile.adu) for tile in tiles) > 0
        data, npix = (np.concatenate([getattr(tile, name) for tile in tiles])
                      for name in ("adu", "npix"))  # fmt: skip
        centre = np.concatenate([tile.centre for tile in tiles])
        np.testing.assert_array_equal(values["sparse/npix"][event], npix)
        np.testing.assert_allclose(values["sparse/data"][event], data, rtol=1e-9)
        for axis, name in enumerate(("row", "col")):
            np.testing.assert_allclose(values[f"sparse/{name}"][event], centre[:, axis], rtol=1e-9)


def same_photons(values: Values, expected: list[tuple[Array, Array]]) -> None:
    """Compare all photons and how often a pixel holds k of them."""
    for event, (photons, probability) in enumerate(expected):
        given = np.column_stack(
            [values[f"droplet2phot_sparse/{name}"][event] for name in ("row", "col", "tile")]
        )
        assert len(given) == len(photons) > 0
        order, other = (np.lexsort(np.round(one, 6).T) for one in (given, photons))
        np.testing.assert_allclose(given[order], photons[other], atol=1e-6)
        np.testing.assert_allclose(values["droplet2phot_prob"][event], probability, rtol=1e-12)
