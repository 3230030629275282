from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from workbench.binning import bin_run, binned, time_blocks
from workbench.binning.jackknife import BlockSums
from workbench.binning.sums import RatioSums
from workbench.runs import open_run, open_runs

Write = Callable[..., Path]
SECONDS = 12
N = 120 * SECONDS
BINS = 3
Q = 5
I0 = "XppSb2BmMon/totalIntensityJoules"


def left_out(signal: np.ndarray, norm: np.ndarray, blocks: np.ndarray) -> float:
    """Return the textbook jackknife: the ratio made anew without each block, exactly."""
    there = np.isfinite(signal)
    signal, norm, blocks = signal[there], norm[there], blocks[there]
    each = np.unique(blocks)
    if len(each) < 2:
        return np.nan
    ratios = [signal[blocks != one].sum() / norm[blocks != one].sum() for one in each]
    n = len(each)
    return float(np.sqrt((n - 1) / n * ((ratios - np.mean(ratios)) ** 2).sum()))


def first_order(signal: np.ndarray, norm: np.ndarray, blocks: np.ndarray) -> float:
    """Return the same to first order, block by block, as the formula says it."""
    there = np.isfinite(signal)
    signal, norm, blocks = signal[there], norm[there], blocks[there]
    each = np.unique(blocks)
    if len(each) < 2:
        return np.nan
    ratio = signal.sum() / norm.sum()
    parts = [(signal - ratio * norm)[blocks == one].sum() / norm.sum() for one in each]
    return float(np.sqrt(len(each) / (len(each) - 1) * np.square(parts).sum()))


def drifting(rng: np.random.Generator, blocks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return curves, common drift of all shots of a block included, and their intensity."""
    norm = rng.gamma(9, 1 / 9, len(blocks))
    drift = 0.05 * rng.standard_normal(blocks.max() + 1)[blocks]
    shape = 1 + np.arange(Q)
    curves = shape * (norm * (1 + drift))[:, None] + 0.02 * rng.standard_normal((len(blocks), Q))
    curves[rng.random(curves.shape) < 0.05] = np.nan
    return curves, norm


def jackknife(
    curves: np.ndarray, norm: np.ndarray, numbers: np.ndarray, blocks: np.ndarray, size: int
) -> np.ndarray:
    provisional = np.full(Q, 1.3)
    ratios, of_blocks = RatioSums(BINS, provisional), BlockSums(BINS, provisional)
    for first in range(0, len(norm), size):
        part = slice(first, first + size)
        ratios.add(numbers[part], curves[part], norm[part])
        of_blocks.add(numbers[part], blocks[part], curves[part], norm[part])
    return of_blocks.error(ratios.result())


@pytest.mark.parametrize("size", [1, 7, 100])
def test_one_pass_over_curves_gives_the_jackknife_of_every_point_however_split(size: int) -> None:
    rng = np.random.default_rng(size)
    blocks = np.sort(rng.integers(0, 9, 150))
    curves, norm = drifting(rng, blocks)
    numbers = rng.integers(0, BINS - 1, 150)  # the last bin stays empty
    found = jackknife(curves, norm, numbers, blocks, size)
    np.testing.assert_array_equal(found, jackknife(curves, norm, numbers, blocks, 1000))
    for bin_, point in np.ndindex(BINS, Q):
        inside = numbers == bin_
        expected = first_order(curves[inside, point], norm[inside], blocks[inside])
        np.testing.assert_allclose(found[bin_, point], expected, rtol=1e-9)


def test_it_agrees_with_making_the_ratio_anew_without_each_block() -> None:
    rng = np.random.default_rng(4)
    blocks = np.repeat(np.arange(60), 30)
    curves, norm = drifting(rng, blocks)
    numbers = np.arange(len(norm)) % BINS
    found = jackknife(curves, norm, numbers, blocks, 77)
    for bin_, point in np.ndindex(BINS, Q):
        inside = numbers == bin_
        expected = left_out(curves[inside, point], norm[inside], blocks[inside])
        assert found[bin_, point] == pytest.approx(expected, rel=0.02)


def test_a_small_drift_of_a_large_signal_keeps_its_digits() -> None:
    rng = np.random.default_rng(6)
    blocks = np.repeat(np.arange(40), 25)
    drift = 1e-3 * rng.standard_normal(40)[blocks]
    curves, norm = np.repeat((1e8 + drift)[:, None], Q, axis=1), np.ones(1000)
    sums, of_blocks = RatioSums(1, np.full(Q, 1e8 - 1)), BlockSums(1, np.full(Q, 1e8 - 1))
    zeros = np.zeros(1000, dtype=np.int64)
    sums.add(zeros, curves, norm)
    of_blocks.add(zeros, blocks, curves, norm)
    # Centred by hand: the numbers themselves hold only eight digits behind the point.
    expected = first_order(curves[:, 0] - 1e8, norm, blocks)
    np.testing.assert_allclose(of_blocks.error(sums.result())[0], expected, rtol=1e-5)


@pytest.fixture
def shuffled(write: Write) -> Path:
    """A run whose rows lie part after part, each part spread over the whole run."""
    rng = np.random.default_rng(8)
    row = np.concatenate([np.arange(start, N, 3) for start in range(3)])
    stamps = (row // 120 + 1_137_355_200) << 32 | row % 120 * 8_333_333
    curves, norm = drifting(rng, row // 120)
    return write(
        {
            "timestamp": stamps,
            "x/delay": (rng.uniform(0, 3, N), "ps"),
            I0: (norm, "J"),
            "det/sum": (curves[:, 1], "keV"),
            "det/curve": (curves, "keV"),
        }
    )


def test_rows_out_of_order_give_the_jackknife_of_blocks_of_time(shuffled: Path) -> None:
    run = open_run(shuffled)
    result = bin_run(
        run, {"x/delay": [0, 1, 2, 3]}, ["det/curve", "det/sum"], by="i0", stack_size=50
    )
    curves, norm = run["det/curve"].read(), run[I0].read()
    blocks = time_blocks(run.timestamps)
    numbers = run["x/delay"].read().astype(int)
    error = result["det/curve_error_jackknife"]
    assert error.dims == result["det/curve"].dims == ("x/delay", "det_curve_index")
    for bin_, point in np.ndindex(3, Q):
        inside = numbers == bin_
        expected = first_order(curves[inside, point], norm[inside], blocks[inside])
        np.testing.assert_allclose(error.values[bin_, point], expected, rtol=1e-9)
    np.testing.assert_allclose(
        error.values[:, 1], result["det/sum_error_jackknife"].values, rtol=1e-9
    )
    assert (error > 1.5 * result["det/curve_error"]).all()  # shots do not see the drift
    assert result["det/curve"].attrs["jackknife"] == "error from blocks of 1 s"


def test_blocks_of_several_runs_are_kept_apart(write: Write) -> None:
    rng, paths = np.random.default_rng(9), []
    for number in (1, 2):  # both begin at the same time
        curves, norm = drifting(rng, np.arange(N) // 120)
        columns = {"x": np.zeros(N), I0: (norm, "J"), "det/curve": (curves, "keV")}
        paths.append(write(columns, run=number))
    runs = open_runs(paths)
    result = bin_run(runs, {"x": [-1, 1]}, "det/curve", by=I0)
    curves, norm = runs["det/curve"].read(), runs[I0].read()
    blocks = np.arange(2 * N) // 120
    for point in range(Q):
        expected = first_order(curves[:, point], norm, blocks)
        found = result["det/curve_error_jackknife"].values[0, point]
        np.testing.assert_allclose(found, expected, rtol=1e-9)


def test_images_too_large_for_the_sums_of_blocks_say_so(
    shuffled: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(binned, "JACKKNIFE_BYTES", 100)
    result = bin_run(open_run(shuffled), {"x/delay": [0, 3]}, "det/curve", by="i0")
    assert "det/curve_error_jackknife" not in result
    assert result["det/curve"].attrs["jackknife"].startswith("not computed: its sums would take")
    assert (result["det/curve_error"] > 0).all()
