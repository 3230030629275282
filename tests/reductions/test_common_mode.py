"""Common mode against medians taken patch by patch with numpy."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from workbench.core.bounds import Bounds
from workbench.core.constants import Constants
from workbench.core.errors import InputError
from workbench.reductions import Calibration, PixelSum, calibrate
from workbench.reductions.calibrate import RangeTable
from workbench.reductions.common_mode import CommonMode
from workbench.reductions.ranges import JUNGFRAU

SHAPE, GRID = (2, 12, 24), (2, 3)
DRAW = np.random.default_rng(12)
FRAMES = DRAW.normal(0, 3, (4, *SHAPE)).astype("f4")
FRAMES[1] += np.repeat(DRAW.normal(0, 8, (2, 12, 3)), 8, axis=2)  # rows of banks
FRAMES[2, :, :6] += 40.0  # more than the limit
FRAMES[3, 0, 3, 4] = np.nan
USED = DRAW.random(FRAMES.shape) > 0.2
USED[:, 0, 0, :6] = False  # too few are left in that row


def medians_off(frames: Any, used: Any, made: CommonMode) -> Any:
    """Take medians off as psana documents it, with masked arrays."""
    out, used = frames.astype("f4").copy(), used & ~np.isnan(frames)
    height, width = SHAPE[1] // made.grid[0], SHAPE[2] // made.grid[1]
    every = [(made.banks, height, width, made.fewest), (made.rows, 1, width, made.fewest + 1),
             (made.columns, height, 1, made.fewest + 1)]  # fmt: skip
    for wanted, tall, wide, fewest in every:
        for event, tile in np.ndindex(out.shape[:2]):
            for row in range(0, SHAPE[1], tall):
                for col in range(0, SHAPE[2], wide):
                    patch = (event, tile, slice(row, row + tall), slice(col, col + wide))
                    chosen = out[patch][used[patch]]
                    median = np.median(chosen) if len(chosen) >= fewest else 0
                    if wanted and abs(median) < made.limit:
                        out[patch] -= np.where(used[patch], median, 0).astype("f4")
    return out


@pytest.mark.parametrize("bits", range(1, 8))
def test_each_median_is_taken_off_in_the_order_of_psana(bits: int) -> None:
    made = CommonMode(bool(bits & 1), bool(bits & 2), bool(bits & 4), 20.0, 3, GRID)
    assert made.bits == bits
    before = FRAMES.copy()
    np.testing.assert_allclose(
        made.correct(FRAMES, USED), medians_off(FRAMES, USED, made), rtol=1e-6, atol=1e-6
    )
    np.testing.assert_array_equal(FRAMES, before)


def test_events_alone_give_the_same_bits() -> None:
    made = CommonMode(grid=GRID, fewest=3)
    alone = [made.correct(FRAMES[e : e + 1], USED[e : e + 1])[0] for e in range(len(FRAMES))]
    np.testing.assert_array_equal(made.correct(FRAMES, USED), np.array(alone))


def test_frames_without_usable_pixels_stay_as_they_are() -> None:
    made = CommonMode(grid=GRID)
    np.testing.assert_array_equal(made.correct(FRAMES, np.zeros_like(USED)), FRAMES)
    assert made.correct(FRAMES[:0], USED[:0]).shape == (0, *SHAPE)


def calibration(**changes: Any) -> Calibration:
    gain = DRAW.uniform(20, 30, SHAPE)
    good = DRAW.random(SHAPE) > 0.1
    made = Calibration.of(
        Constants("cam", np.full(SHAPE, 100.0), gain, good), shape=SHAPE, dtype="uint16"
    )
    return replace(made, common=CommonMode(grid=GRID, limit=30.0, fewest=3), **changes)


def test_constants_are_applied_around_the_common_mode_which_is_one_of_readings() -> None:
    made = calibration()
    raw = DRAW.integers(90, 130, (3, *SHAPE)).astype(np.uint16)
    readings = raw.astype("f4") - 100
    used = np.broadcast_to(made.good, readings.shape)
    assert made.common is not None
    expected = medians_off(readings, used, made.common) / made.gain
    np.testing.assert_allclose(calibrate(raw, made), expected, rtol=1e-5, atol=1e-6)
    summed = PixelSum("calib")
    total = summed.add(summed.start(made.spec), list(raw), made)
    np.testing.assert_allclose(total, expected.sum(axis=0), rtol=1e-4, atol=1e-5)


def test_pixels_in_another_gain_range_neither_tell_nor_are_corrected() -> None:
    pedestals = np.zeros((JUNGFRAU.n_ranges, *SHAPE), "f4")
    gains = np.ones((JUNGFRAU.n_ranges, *SHAPE), "f4")
    made = calibration(table=RangeTable(JUNGFRAU, pedestals, gains), unit="keV")
    raw = DRAW.integers(0, 12, (2, *SHAPE)).astype(np.uint16)
    switched = DRAW.random(raw.shape) < 0.1
    raw[switched] |= np.uint16(1 << 14)
    readings = (raw & 0x3FFF).astype("f4")
    assert made.common is not None
    expected = medians_off(readings, made.good & ~switched, made.common)
    np.testing.assert_allclose(calibrate(raw, made), expected, rtol=1e-6, atol=1e-6)


def test_a_part_of_a_tile_is_never_calibrated_by_itself() -> None:
    made, region = calibration(), Bounds((1, 2, 3), (2, 5, 9))
    assert made.around(region) == Bounds((1, 0, 0), (2, 12, 24))
    with pytest.raises(InputError, match="whole tiles"):
        made.within(region)
    assert made.within(made.around(region)).common == made.common
    assert replace(made, common=None).around(region) == region


@pytest.mark.parametrize("change", [{"limit": 0}, {"fewest": 0}, {"limit": float("nan")}])
def test_numbers_that_make_no_sense_are_refused(change: Any) -> None:
    with pytest.raises(InputError, match="common mode needs a limit"):
        CommonMode(**change)


def test_frames_that_the_banks_do_not_divide_are_refused() -> None:
    with pytest.raises(InputError, match="banks divide"):
        CommonMode(grid=(2, 5)).check((12, 24))


@pytest.mark.parametrize("count", [11, 12, 4096])
def test_medians_of_patches_in_any_order_are_those_of_numpy(count: int) -> None:
    rising = np.arange(count, dtype=np.float32) % 99
    orders = [
        np.sort(rising),
        np.sort(rising)[::-1],
        np.roll(np.sort(rising), count // 3),
        np.minimum(rising, rising[::-1]),
        np.full(count, 7.0, np.float32),
        np.random.default_rng(3).permutation(rising),
        (rising > 50).astype(np.float32),
    ]
    frames = np.stack(orders)[:, None, :]
    used = np.ones(frames.shape, bool)
    alone = CommonMode(rows=False, columns=False, limit=1e3)
    found = alone.correct(frames, used)
    assert np.array_equal(found, frames - np.median(frames, axis=2, keepdims=True))
