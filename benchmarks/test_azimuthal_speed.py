"""Azimuthal averages on one core against pyFAI's CSR engine and a per-event NumPy histogram."""

import os
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from pyFAI.detectors import Detector
from pyFAI.integrator.azimuthal import AzimuthalIntegrator
from pytest_benchmark.fixture import BenchmarkFixture
from ratios import Ratios

from workbench.core.arrays import Array, Floats
from workbench.core.frames import FrameSpec
from workbench.producer.entries import DetectorFacts
from workbench.producer.pyfai_entries import read_azav_pyfai
from workbench.reductions import Azimuthal

SHAPES = {"epix100": (704, 768), "jungfrau1M": (1024, 1024)}
EVENTS = 64  # in a stack
BINS = 256
ROUNDS = 5
CSR_GOAL = 15.0  # times the frames per second of pyFAI's integrate1d with its CSR engine
SUM_GOAL = 0.3  # of the rate at which one core adds the frames up
PONI = {"dist": 0.08, "poni1": 0.03, "poni2": 0.035, "rot1": 0.02, "rot2": -0.03, "rot3": 0.0}
WAVELENGTH, PIXEL = 1.3e-10, 75e-6  # m

Work = Callable[[], Array]


@pytest.mark.parametrize("name", SHAPES)
def test_averages_of_a_stack(name: str, ratios: Ratios, benchmark: BenchmarkFixture) -> None:
    shape = SHAPES[name]
    made, spec = reduction(shape)
    split, _ = reduction(shape, "bbox")
    frames = np.random.default_rng(3).normal(2, 1, (EVENTS, *shape)).astype(np.float32)

    def ours() -> Array:
        return np.asarray(made.reduce(frames, spec)["azav"][:, 0])

    def ours_split() -> Array:
        return np.asarray(split.reduce(frames, spec)["azav"][:, 0])

    by_csr = csr(made, spec, frames)  # on as many cores as there are
    split_by_csr = csr(split, spec, frames)
    peers = {
        "pyFAI CSR": by_csr,
        "pyFAI CSR on one core": lambda: on_one_core(by_csr),
        "NumPy histogram": histogram(made, spec, frames),
    }
    expected = ours()
    for work in peers.values():
        assert_equal(expected, work(), made.pixels(spec)[0])
    inner = slice(1, -1)  # pyFAI counts into the first and the last bin what lies beside them
    np.testing.assert_allclose(ours_split()[:, inner], split_by_csr()[:, inner], rtol=2e-5)
    peers["frame.sum()"] = lambda: np.array([frame.sum() for frame in frames])
    splits = {"ours, split": ours_split, "pyFAI CSR, split": split_by_csr}
    works = {"ours": ours, **peers, **splits}
    taken: dict[str, list[float]] = {which: [] for which in works}
    for _ in range(ROUNDS):  # side by side, so that all meet the same machine
        for which, work in works.items():
            begin = time.perf_counter()
            work()
            taken[which].append(time.perf_counter() - begin)
    benchmark.pedantic(ours, rounds=1)
    rates = {which: EVENTS / statistics.median(found) for which, found in taken.items()}
    for peer in peers:
        goal = {"pyFAI CSR": CSR_GOAL, "frame.sum()": SUM_GOAL}.get(peer)
        detail = f"{rates['ours']:.0f} frames/s, {peer} {rates[peer]:.0f}"
        ratios.add(
            f"azav {name}, {peer}", measured=rates["ours"] / rates[peer], goal=goal, detail=detail
        )
    mine, theirs = (rates[which] for which in splits)
    detail = f"{mine:.0f} frames/s, pyFAI CSR {theirs:.0f}"
    what = f"azav {name}, pixels split, pyFAI CSR"
    ratios.add(what, measured=mine / theirs, goal=None, detail=detail)


def reduction(shape: tuple[int, int], splitting: str = "no") -> tuple[Azimuthal, FrameSpec]:
    """Return what an entry of ``get_azav_pyfai`` makes for a camera of one tile, a few bad."""
    good = np.random.default_rng(1).random(shape) > 1e-3
    spec = FrameSpec(shape, "keV", good)
    sizes = {"pixel1": PIXEL, "pixel2": PIXEL, "wavelength": WAVELENGTH}
    entry = {"ai_kwargs": PONI | sizes, "npts": BINS, "return2d": False, "int_units": "q_A^-1"}
    entry |= {"splitting": splitting}
    row, col = (np.indices(shape) + 0.5) * 1e6 * PIXEL
    facts = DetectorFacts("camera", 1, spec, known=(-col, -row, np.zeros(shape)))
    return read_azav_pyfai(entry)[1].build(facts).azimuthal, spec


def csr(made: Azimuthal, spec: FrameSpec, frames: Array) -> Work:
    """Return pyFAI's integration of each frame; its map is made beforehand, as ours is."""
    integrator = AzimuthalIntegrator(
        **PONI, detector=Detector(PIXEL, PIXEL, max_shape=spec.shape), wavelength=WAVELENGTH
    )
    option: dict[str, Any] = {
        "unit": "q_A^-1", "mask": ~spec.good, "polarization_factor": 1.0,
        "radial_range": (float(made.radial_edges[0]), float(made.radial_edges[-1])),
        "method": (made.splitting, "csr", "cython"),
    }  # fmt: skip
    integrator.integrate1d_ng(frames[0], BINS, **option)
    return lambda: np.stack(
        [integrator.integrate1d_ng(frame, BINS, **option).intensity for frame in frames]
    )


def on_one_core(work: Work) -> Array:
    """Work with the whole process held to one core."""
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cores)})
    try:
        return work()
    finally:
        os.sched_setaffinity(0, cores)


def histogram(made: Azimuthal, spec: FrameSpec, frames: Array) -> Work:
    """Return the same average by one ``np.bincount`` a frame, the bins known beforehand."""
    place = np.searchsorted(made.radial_edges, made.scattering.radial.ravel(), side="right") - 1
    used = np.flatnonzero(spec.good.ravel() & (place >= 0) & (place < BINS))
    place, norm = place[used], made.scattering.norm.ravel()[used]
    total = np.bincount(place, norm, BINS)
    return lambda: np.stack(
        [np.bincount(place, frame.ravel()[used], BINS) / total for frame in frames]
    )


def assert_equal(ours: Array, theirs: Array, count: Floats) -> None:
    """Compare curves where more than 10 pixels are in a bin.

    pyFAI finds bins in single precision: a pixel on an edge may go either way.
    """
    filled = count > 10
    off = np.abs(ours[:, filled] / theirs[:, filled] - 1)
    assert filled.sum() > 0.9 * BINS
    assert np.median(off) < 1e-4
    assert np.quantile(off, 0.99) < 5e-3
