"""Errors of on-off changes of curves and images from blocks of time, and their common part."""

import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from workbench.binning import binned, on_off, time_blocks
from workbench.core.arrays import Array
from workbench.runs import Channel, Run, find_pairs, open_run

Write = Callable[..., Path]
EDGES = [0.0, 1.0, 2.0, 3.0]
NORM = "XppSb2BmMon/totalIntensityJoules"
Q = 3
SECONDS = 20
OFFS = ["all", "nearest", "interleaved"]
PLANTED = np.array([0.0, 0.2, 0.0])


def make(
    write: Write,
    seed: int,
    *,
    rows: Array | None = None,
    gaps: float = 0.0,
    drift: float = 0.0,
    folder: Path | None = None,
) -> Run:
    """Write curves I0 k (1 + 0.2 (bin == 1)) whose gain changes every second; dark shots read 2."""
    rng = np.random.default_rng(seed)
    n = 120 * SECONDS
    event = np.arange(n)
    xray, laser = (event % 10 != 3).astype(int), (event % 6 != 0).astype(int)
    delay, i0 = rng.uniform(0, 3, n), xray * rng.gamma(9, 1 / 9, n)
    gain = 1 + drift * rng.standard_normal(SECONDS)[event // 120]
    signal = i0 * gain * (1 + 0.2 * laser * (np.floor(delay) == 1))
    curves = 2 + signal[:, None] * (1.0 + np.arange(Q)) + 0.1 * rng.standard_normal((n, Q))
    curves[rng.random(n) < gaps] = np.nan
    curves[rng.random((n, Q)) < gaps] = np.nan
    rows = event if rows is None else rows
    columns = {
        "timestamp": ((event // 120 + 1_137_355_200) << 32 | event % 120 * 8_333_333)[rows],
        "lightStatus/xray": xray[rows],
        "lightStatus/laser": laser[rows],
        "d": (np.where(laser == 1, delay, np.nan)[rows], "ps"),
        NORM: (i0[rows], "J"),
        "curve": (curves[rows], "keV"),
    }
    options = {} if folder is None else {"folder": folder}
    return open_run(write(columns, run=seed, **options))


def weights(run: Run, off: str) -> tuple[Array, Array]:
    """Return how much each event counts in each bin, as on and as off shot: (bin, event)."""
    delay, norm = run["d"].read(), run[NORM].read() - run[NORM].read()[run.classes.dark].mean()
    good = ~np.isnan(run["curve"].read()).all(axis=1) & (norm > 0)
    on, unlit = run.classes.on & good, run.classes.off & good
    lit = np.array([on & (delay >= low) & (delay < low + 1) for low in EDGES[:-1]], dtype=float)
    if off == "all":
        return lit, np.tile(unlit.astype(float), (3, 1))
    uses = np.zeros_like(lit)
    pairs = find_pairs(run, on, unlit, pairing=off)  # type: ignore[arg-type]
    for event, partners, shares in zip(pairs.on, pairs.off, pairs.weight, strict=True):
        for partner, share in zip(partners, shares, strict=True):
            uses[lit[:, event] > 0, partner] += share if partner >= 0 else 0
    lit[:, pairs.unpaired] = 0
    return lit, uses


def changes(s: Array, i: Array, lit: Array, uses: Array) -> Array:
    """Return difference and relative change of one point in one bin, plainly."""
    on, off = ((w * s).sum() / (w * i).sum() for w in (lit, uses))
    return np.array([on - off, on / off - 1])


def left_out(s: Array, i: Array, lit: Array, uses: Array, blocks: Array) -> Array:
    """Return the textbook jackknife of both: everything made anew without each block."""
    each = range(SECONDS)
    left = [changes(s, i, lit * (blocks != one), uses * (blocks != one)) for one in each]
    squares = (np.array(left) - np.mean(left, axis=0)) ** 2
    return np.asarray(np.sqrt((SECONDS - 1) / SECONDS * squares.sum(axis=0)))


def first_order(s: Array, i: Array, lit: Array, uses: Array, blocks: Array) -> Array:
    """Return the same to first order, block by block, as the formula says it."""
    moved = np.zeros((2, SECONDS))
    ratios = [(w * s).sum() / (w * i).sum() for w in (lit, uses)]
    for one in range(SECONDS):
        for number, w in enumerate((lit, uses)):
            residual = (w * (s - ratios[number] * i))[blocks == one].sum()
            moved[number, one] = residual / (w * i).sum()
    on, off = ratios
    both = np.array([moved[0] - moved[1], moved[0] / off - moved[1] * on / off**2])
    return np.asarray(np.sqrt(SECONDS / (SECONDS - 1) * (both**2).sum(axis=1)))


@pytest.mark.parametrize("off", OFFS)
def test_errors_from_blocks_are_those_of_leaving_each_block_out(write: Write, off: str) -> None:
    rows = np.concatenate([np.arange(start, 120 * SECONDS, 3) for start in range(3)])
    run = make(write, 1, rows=rows, gaps=0.1, drift=0.2)
    result = on_off(run, {"d": EDGES}, "curve", off=off)  # type: ignore[arg-type]
    curves, norm = run["curve"].read(), run[NORM].read()
    signal = curves - np.nanmean(curves[run.classes.dark], axis=0)
    norm = norm - norm[run.classes.dark].mean()
    blocks = time_blocks(run.timestamps)
    lit, uses = weights(run, off)
    for bin_, point in np.ndindex(3, Q):
        there = np.isfinite(signal[:, point])
        shots = (signal[there, point], norm[there], lit[bin_, there], uses[bin_, there])
        expected = {"": changes(*shots), "_jackknife": first_order(*shots, blocks[there])}
        for suffix, pair in expected.items():
            for name, value in zip(("difference", "relative"), pair, strict=True):
                found = result[f"{name}_error{suffix}" if suffix else name].values[bin_, point]
                assert found == pytest.approx(value, rel=1e-9), (name, suffix)
        np.testing.assert_allclose(
            expected["_jackknife"], left_out(*shots, blocks[there]), rtol=0.15
        )


@pytest.mark.parametrize("off", OFFS)
def test_each_point_of_a_curve_has_the_errors_that_it_has_as_a_number(
    write: Write, off: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make(write, 2, drift=0.1)
    column = Channel.from_values("one", run["curve"].read()[:, 1], unit="keV")
    alone = on_off(run, {"d": EDGES}, column, off=off)  # type: ignore[arg-type]
    monkeypatch.setattr("workbench.runs.channel.BLOCK_BYTES", 77 * 8 * Q)  # many small stacks
    curve = on_off(run, {"d": EDGES}, "curve", off=off)  # type: ignore[arg-type]
    for name in ("difference", "relative"):
        for suffix in ("", "_error", "_error_common", "_error_total", "_error_jackknife"):
            found = curve[f"{name}{suffix}"]
            assert found.dims == ("d", "curve_index")
            expected = alone[f"{name}{suffix}"].values
            np.testing.assert_allclose(found.values[:, 1], expected, rtol=1e-8, err_msg=name)
    assert curve.attrs["jackknife"] == alone.attrs["jackknife"] == "error from blocks of 1 s"


def test_images_have_errors_from_blocks_in_each_pixel(write: Write) -> None:
    run = make(write, 3)
    curve = run["curve"].read()
    image = Channel.from_values("image", np.stack([curve, 2 * curve], axis=1), unit="keV")
    result = on_off(run, {"d": EDGES}, image, off="nearest")
    expected = on_off(run, {"d": EDGES}, "curve", off="nearest")
    for name in ("difference_error_jackknife", "difference_error_common"):
        assert result[name].shape == (3, 2, Q)
        np.testing.assert_allclose(result[name].values[:, 1], 2 * expected[name].values, rtol=1e-9)


def test_arrays_too_large_for_sums_of_blocks_say_so(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make(write, 4)
    monkeypatch.setattr(binned, "JACKKNIFE_BYTES", 100)
    result = on_off(run, {"d": EDGES}, "curve", off="nearest")
    assert result.attrs["jackknife"].startswith("not computed: its sums would take")
    assert "difference_error_jackknife" not in result
    assert "difference_error_common" not in result
    np.testing.assert_array_equal(result["difference_error"], result["difference_error_total"])


def test_memory_does_not_grow_with_the_number_of_shots(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    n, points = 6000, 200
    event = np.arange(n)
    columns = {
        "lightStatus/xray": np.ones(n, int),
        "lightStatus/laser": event % 2,
        "d": event % 2 + 0.5,
        "curve": np.random.default_rng(5).standard_normal((n, points)),
    }
    run = open_run(write(columns))
    monkeypatch.setattr("workbench.runs.channel.BLOCK_BYTES", 100 * 8 * points)
    on_off(run, {"d": [1, 2]}, "curve", by=None, off="nearest")  # compiles
    tracemalloc.start()
    on_off(run, {"d": [1, 2]}, "curve", by=None, off="nearest")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # The curves alone would be 9.6 MB; what is left is the list of partners.
    assert peak < 5e6


def check_pulls(write: Write, folder: Path, off: str, drift: float, seeds: int) -> None:
    """Compare deviations from the planted change with the stated errors, over many made-up runs."""
    results = []
    for seed in range(seeds):
        run = make(write, seed, drift=drift, folder=folder)
        results.append(on_off(run, {"d": EDGES}, "curve", off=off))  # type: ignore[arg-type]
        run.path.unlink()  # hundreds of them would fill a small disk
    values = np.array([result["relative"].values for result in results]) - PLANTED[:, None]
    stated = np.array([result["relative_error_jackknife"].values for result in results])
    pulls = values / stated
    assert abs(pulls.mean()) < 3 / np.sqrt(seeds)
    assert 0.8 < pulls.std() < 1.25
    own = np.array([result["relative_error"].values for result in results])
    apart = (values[:, 0] - values[:, 2]) / np.hypot(own[:, 0], own[:, 2])
    if not drift:  # the scatter of shots knows of no drift
        assert 0.75 < apart.std() < 1.3  # the shared part drops out of a difference of bins


@pytest.mark.parametrize("off", ["all", "nearest"])
def test_errors_of_curves_are_their_scatter_over_many_runs(
    write: Write, tmp_path: Path, off: str
) -> None:
    check_pulls(write, tmp_path, off, 0.0, 12)


@pytest.mark.long
@pytest.mark.parametrize("drift", [0.0, 0.2])
@pytest.mark.parametrize("off", OFFS)
def test_pulls_of_curves_have_unit_width_over_hundreds_of_runs(
    write: Write, tmp_path: Path, off: str, drift: float
) -> None:
    check_pulls(write, tmp_path, off, drift, 200)
