import itertools
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.binning import NothingLeftError, bin_run, block_jackknife, block_residuals
from workbench.binning.sums import RatioSums
from workbench.core.errors import InputError
from workbench.runs import Channel, cut, laser_on, open_run

Write = Callable[..., Path]
N = 400
RNG = np.random.default_rng(11)
EVENT = np.arange(N)
XRAY = (EVENT % 9 != 4).astype(int)
LASER = (EVENT % 4 != 1).astype(int)
DELAY = RNG.uniform(-1.2, 2.2, N)
I0 = np.where(XRAY == 1, RNG.gamma(9, 1 / 9, N), 0) + 0.05 + 0.01 * RNG.standard_normal(N)
SIGNAL = 3 + XRAY * I0 * (5 + (DELAY > 0) * LASER) + 0.3 * RNG.standard_normal(N)
IMAGES = SIGNAL[:, None, None] * np.arange(1, 7).reshape(2, 3) + RNG.standard_normal((N, 2, 3))
EDGES = np.linspace(-1, 2, 7)


@pytest.fixture
def path(write: Write) -> Path:
    i0, signal, images = I0.copy(), SIGNAL.copy(), IMAGES.copy()
    i0[[5, 50]] = np.nan
    i0[[6, 60]] = -0.1
    signal[EVENT % 5 == 0] = np.nan
    images[EVENT % 7 == 0] = np.nan
    images[100:110, 1, 2] = np.nan  # a pixel that is masked now and then
    delay = DELAY.copy()
    delay[[7, 70, 77]] = np.nan
    return write(
        {
            "lightStatus/xray": XRAY,
            "lightStatus/laser": LASER,
            "x/delay": (delay, "ps"),
            "XppSb2BmMon/totalIntensityJoules": (i0, "J"),
            "det/sum": (signal, "keV"),
            "det/area": (images, "keV"),
        }
    )


def brute(signal: np.ndarray, norm: np.ndarray) -> tuple[float, float, float, float, int]:
    """Ratio of sums and its error, event by event as the formula says it."""
    n = len(signal)
    if not n:
        return np.nan, np.nan, 0.0, 0.0, 0
    ratio = signal.sum() / norm.sum()
    error = np.nan
    if n > 1:
        error = np.sqrt(n / (n - 1) * ((signal - ratio * norm) ** 2).sum()) / norm.sum()
    return ratio, error, signal.sum(), norm.sum(), n


def test_ratio_error_sums_and_counts_equal_brute_force(path: Path) -> None:
    run = open_run(path)
    result = bin_run(run, {"x/delay": EDGES}, "det/sum", cut("x/delay", -0.9), by="i0", of="on")
    delay, i0 = run["x/delay"].read(), run["XppSb2BmMon/totalIntensityJoules"].read()
    signal = run["det/sum"].read()
    good = (XRAY == 1) & (LASER == 1) & (delay >= -0.9) & (i0 > 0) & np.isfinite(signal)
    for index, (low, high) in enumerate(itertools.pairwise(EDGES)):
        inside = good & (delay >= low) & (delay < high)
        expected = brute(signal[inside], i0[inside])
        for name, value in zip(("", "_error", "_sum", "_norm", "_count"), expected, strict=True):
            np.testing.assert_allclose(
                result[f"det/sum{name}"].values[index], value, rtol=1e-12, err_msg=name
            )
        mean = np.average(delay[inside], weights=i0[inside])
        np.testing.assert_allclose(result["det/sum_x/delay_mean"].values[index], mean, rtol=1e-12)


def test_images_equal_brute_force_pixel_by_pixel_with_gaps(path: Path) -> None:
    run = open_run(path)
    result = bin_run(run, {"x/delay": EDGES}, "det/area", by="i0", stack_size=13)
    delay, i0 = run["x/delay"].read(), run["XppSb2BmMon/totalIntensityJoules"].read()
    images = run["det/area"].read()
    for index, (low, high) in enumerate(itertools.pairwise(EDGES)):
        inside = (i0 > 0) & (delay >= low) & (delay < high)
        for row, col in np.ndindex(2, 3):
            there = inside & np.isfinite(images[:, row, col])
            expected = brute(images[there, row, col], i0[there])
            for name, value in zip(
                ("", "_error", "_sum", "_norm", "_count"), expected, strict=True
            ):
                found = result[f"det/area{name}"].values[index, row, col]
                np.testing.assert_allclose(found, value, rtol=1e-12, err_msg=name)
    assert result["det/area"].dims == ("x/delay", "det_area_row", "det_area_col")


def test_without_normalisation_the_value_is_mean_and_standard_error(path: Path) -> None:
    run = open_run(path)
    result = bin_run(run, {"x/delay": [-1.0, 2.0]}, "det/sum")
    delay, signal = run["x/delay"].read(), run["det/sum"].read()
    inside = signal[(delay >= -1) & (delay < 2) & np.isfinite(signal)]
    np.testing.assert_allclose(result["det/sum"].values[0], inside.mean(), rtol=1e-12)
    np.testing.assert_allclose(
        result["det/sum_error"].values[0],
        inside.std(ddof=1) / np.sqrt(len(inside)),
        rtol=1e-12,
    )


def test_events_in_no_bin_are_counted_each_for_one_reason(path: Path) -> None:
    result = bin_run(open_run(path), {"x/delay": EDGES}, "det/sum", by="i0")
    excluded = json.loads(result.attrs["excluded"])
    assert excluded["XppSb2BmMon/totalIntensityJoules missing"] == 2
    assert excluded["XppSb2BmMon/totalIntensityJoules not positive"] == 2
    assert excluded["x/delay missing"] == 3
    assert sum(excluded.values()) + result.attrs["used"] == N


def test_the_dark_mean_is_subtracted_from_signal_and_intensity_first(path: Path) -> None:
    run = open_run(path)
    selection = cut("i0", 0.3) & laser_on()  # the cut on I0 must not reach the dark shots
    result = bin_run(
        run, {"x/delay": EDGES}, "det/sum", selection, by="i0", of="on", background="dark"
    )
    delay, i0 = run["x/delay"].read(), run["XppSb2BmMon/totalIntensityJoules"].read()
    signal = run["det/sum"].read()
    dark_i, dark_s = np.nanmean(i0[XRAY == 0]), np.nanmean(signal[XRAY == 0])
    good = (XRAY == 1) & (LASER == 1) & (i0 >= 0.3) & np.isfinite(signal)
    inside = good & (delay >= EDGES[2]) & (delay < EDGES[3])
    ratio, error, *_ = brute((signal - dark_s)[inside], (i0 - dark_i)[inside])
    np.testing.assert_allclose(result["det/sum"].values[2], ratio, rtol=1e-12)
    np.testing.assert_allclose(result["det/sum_error"].values[2], error, rtol=1e-10)
    lit = np.isfinite(signal) & (XRAY == 0)
    share = inside.sum() / (i0 - dark_i)[inside].sum()
    sem_s = signal[lit].std(ddof=1) / np.sqrt(lit.sum())
    dark_intensity = i0[(XRAY == 0) & np.isfinite(i0)]
    sem_i = dark_intensity.std(ddof=1) / np.sqrt(len(dark_intensity))
    np.testing.assert_allclose(
        result["det/sum_error_dark"].values[2], share * np.hypot(sem_s, ratio * sem_i), rtol=1e-9
    )


def test_one_event_in_a_bin_has_a_value_but_no_error_and_an_empty_bin_neither(
    write: Write,
) -> None:
    run = open_run(write({"d": np.array([0.5, 1.5, 1.6]), "s": np.array([2.0, 4.0, 6.0])}))
    result = bin_run(run, {"d": [0, 1, 2, 3]}, "s")
    assert result["s"].values[:2].tolist() == [2.0, 5.0]
    assert np.isnan(result["s"].values[2])
    assert np.isnan(result["s_error"].values).tolist() == [True, False, True]
    assert result["s_count"].values.tolist() == [1, 2, 0]


def test_the_first_edge_belongs_to_its_bin_and_the_last_does_not(write: Write) -> None:
    run = open_run(write({"d": np.array([0.0, 1.0, 2.0]), "s": np.ones(3)}))
    assert bin_run(run, {"d": [0, 1, 2]}, "s")["s_count"].values.tolist() == [1, 1]


def test_two_axes_give_a_map(path: Path) -> None:
    run = open_run(path)
    result = bin_run(run, {"x/delay": [-1, 0, 2], "lightStatus/laser": [-0.5, 0.5, 1.5]}, "det/sum")
    assert result["det/sum"].dims == ("x/delay", "lightStatus/laser")
    delay, signal = run["x/delay"].read(), run["det/sum"].read()
    cell = (delay >= 0) & (delay < 2) & (LASER == 0) & np.isfinite(signal)
    np.testing.assert_allclose(result["det/sum"].values[1, 0], signal[cell].mean(), rtol=1e-12)


def test_units_and_what_was_done_are_on_the_dataset(path: Path) -> None:
    run = open_run(path)
    selection = cut("i0", 0.1)
    result = bin_run(run, {"x/delay": EDGES}, "det/sum", selection, by="i0")
    assert result["det/sum"].attrs["units"] == "keV/J"
    assert result["det/sum_sum"].attrs["units"] == "keV"
    assert result["x/delay"].attrs["units"] == "ps"
    assert json.loads(result.attrs["where"]) == selection.to_dict()
    assert result.attrs["run"] == "xpplx1234 run 14"


def test_a_computed_axis_serves_as_well(path: Path) -> None:
    run = open_run(path)
    mine = Channel.from_values("mine", EVENT.astype(float), unit="1")
    counts = bin_run(run, {mine: [0, 200, 400]}, "x/delay")["x/delay_count"].values
    assert counts.tolist() == [197, 200]


def test_an_empty_selection_and_useless_arguments_are_refused(path: Path) -> None:
    run = open_run(path)
    with pytest.raises(NothingLeftError, match="not selected 400"):
        bin_run(run, {"x/delay": EDGES}, "det/sum", cut("i0", 1e9))
    with pytest.raises(NothingLeftError, match="outside of the bins: look at the bin edges"):
        bin_run(run, {"x/delay": [80.0, 90.0]}, "det/sum")
    with pytest.raises(InputError, match="at least one axis"):
        bin_run(run, {}, "det/sum")
    with pytest.raises(InputError, match="at least one field"):
        bin_run(run, {"x/delay": EDGES}, [])
    with pytest.raises(InputError, match="det/area"):
        bin_run(run, {"det/area": EDGES}, "det/sum")
    with pytest.raises(InputError, match="background"):
        bin_run(run, {"x/delay": EDGES}, "det/sum", background="off")  # type: ignore[arg-type]


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**31), st.lists(st.integers(1, 30), min_size=1, max_size=8))
def test_sums_have_the_same_bits_for_any_split_of_the_events(seed: int, sizes: list[int]) -> None:
    rng = np.random.default_rng(seed)
    total = sum(sizes)
    values, norm = rng.normal(1e4, 1, (total, 2, 2)), rng.gamma(5, 0.2, total)
    values[rng.random((total, 2, 2)) < 0.1] = np.nan
    numbers = rng.integers(0, 3, total)
    whole, split = (RatioSums(3, np.full((2, 2), 9e3)) for _ in range(2))
    whole.add(numbers, values, norm)
    cuts = np.cumsum(sizes)[:-1]
    for part in np.split(np.arange(total), cuts):
        split.add(numbers[part], values[part], norm[part])
    for name in ("value", "error", "total", "norm", "count"):
        np.testing.assert_array_equal(getattr(whole.result(), name), getattr(split.result(), name))


def test_small_scatter_on_a_large_signal_keeps_its_error() -> None:
    """One pass over S² would lose all digits: 1e8 ± 0.01 squared needs 20."""
    rng = np.random.default_rng(5)
    values, norm = 1e8 + 0.01 * rng.standard_normal(1000), np.ones(1000)
    sums = RatioSums(1, np.array(1e8 - 1))
    sums.add(np.zeros(1000, dtype=np.int64), values, norm)
    expected = values.std(ddof=1) / np.sqrt(1000)
    np.testing.assert_allclose(sums.result().error, expected, rtol=1e-6)


def test_blocks_of_one_event_give_the_error_of_the_ratio_of_sums() -> None:
    rng = np.random.default_rng(2)
    norm = rng.gamma(5, 1, 60)
    signal = 2 * norm + rng.standard_normal(60)
    residuals = block_residuals(signal, norm, np.zeros(60, int), np.arange(60), bins=1)
    np.testing.assert_allclose(block_jackknife(residuals)[0], brute(signal, norm)[1], rtol=1e-12)


def test_blocks_agree_with_leaving_them_out_one_by_one() -> None:
    rng = np.random.default_rng(3)
    blocks = np.repeat(np.arange(50), 20)
    norm = rng.gamma(5, 1, 1000)
    drift = 0.1 * rng.standard_normal(50)[blocks]  # common to a block: shots do not see it
    signal = norm * (2 + drift) + 0.1 * rng.standard_normal(1000)
    found = block_jackknife(block_residuals(signal, norm, np.zeros(1000, int), blocks, bins=1))[0]
    without = np.array([signal[blocks != b].sum() / norm[blocks != b].sum() for b in range(50)])
    expected = np.sqrt(49 / 50 * ((without - without.mean()) ** 2).sum())
    assert found == pytest.approx(expected, rel=0.02)
    assert found > 3 * brute(signal, norm)[1]


def test_a_single_block_has_no_jackknife_error() -> None:
    residuals = block_residuals(np.ones(5), np.ones(5), np.zeros(5, int), np.zeros(5, int), bins=2)
    assert np.isnan(block_jackknife(residuals)).all()
