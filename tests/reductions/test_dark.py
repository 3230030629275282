"""Dark frames: pedestal and noise against plain NumPy, gain ranges apart, bad pixels by reason."""

import numpy as np
import pytest

from workbench.core.constants import Constants
from workbench.core.errors import InputError
from workbench.reductions import Calibration, PixelSum, calibrate
from workbench.reductions.calibrate import ConstantsShapeError
from workbench.reductions.dark import DarkSums
from workbench.reductions.ranges import JUNGFRAU, ONE_RANGE
from workbench.reductions.sums import add_together

FRAME = (2, 6, 8)
CODES = np.array([0, 1, 3])  # of Jungfrau's ranges


def dark_frames(count: int, seed: int = 1) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.normal(2000, 3, (count, *FRAME)).round().astype(np.uint16)


def test_pedestal_and_noise_are_mean_and_standard_deviation_however_frames_are_split() -> None:
    frames = dark_frames(50)
    whole, pieces = DarkSums(FRAME, ONE_RANGE), DarkSums(FRAME, ONE_RANGE)
    whole.add(frames)
    for part in np.array_split(frames, 7):
        pieces.add(part)
    one, other = whole.finish(sigmas=6), pieces.finish(sigmas=6)
    np.testing.assert_allclose(one.pedestal[0], frames.mean(axis=0), rtol=1e-14)
    np.testing.assert_allclose(one.noise[0], frames.std(axis=0, ddof=1), rtol=1e-12)
    np.testing.assert_array_equal(one.pedestal, other.pedestal)
    np.testing.assert_array_equal(one.noise, other.noise)


def test_gain_ranges_are_measured_apart_and_a_range_that_few_pixels_show_is_unknown() -> None:
    frames = dark_frames(40)
    first, second = frames[:20], frames[20:] | (1 << 14)
    second[0] = frames[20] | (3 << 14)  # one frame of the third range, and
    first[3, 0, 0, 0] |= 2 << 14  # one reading of a code that stands for nothing
    sums = DarkSums(FRAME, JUNGFRAU)
    sums.add(first)
    sums.add(second)
    darks = sums.finish(sigmas=6)
    np.testing.assert_allclose(darks.pedestal[1], frames[21:].mean(axis=0), rtol=1e-14)
    assert np.isnan(darks.pedestal[2]).all()
    assert darks.count[0].sum() == 20 * np.prod(FRAME) - 1


def test_a_loud_and_a_stuck_pixel_are_bad_by_reason() -> None:
    frames = dark_frames(60)
    frames[:, 0, 1, 2] += np.tile([0, 300], 30).astype(np.uint16)
    frames[:, 1, 3, 4] = 17
    sums = DarkSums(FRAME, ONE_RANGE)
    sums.add(frames)
    darks = sums.finish(sigmas=6)
    assert not darks.good[0, 1, 2]
    assert not darks.good[1, 3, 4]
    assert darks.reasons["never changes"] == 1
    assert darks.reasons["noisy"] == 1


def test_too_few_frames_are_refused() -> None:
    sums = DarkSums(FRAME, ONE_RANGE)
    sums.add(dark_frames(9))
    with pytest.raises(InputError, match="at most 9 dark readings of a pixel"):
        sums.finish(sigmas=6)


@pytest.fixture
def ranged() -> Constants:
    rng = np.random.default_rng(3)
    pedestal = rng.uniform(1000, 3000, (3, *FRAME))
    gain = np.array([41.5, -1.4, -0.1]).reshape(3, 1, 1, 1) * rng.uniform(0.9, 1.1, (3, *FRAME))
    return Constants("cam", pedestal, gain, ranges=JUNGFRAU.names)


def raw_frames(count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(4)
    readings = rng.integers(0, 1 << 14, (count, *FRAME))
    place = rng.integers(0, 3, (count, *FRAME))
    raw = (readings | (CODES[place] << 14)).astype(np.uint16)
    raw[0, 0, 0, 0] = 2 << 14  # stands for no amplifier
    return raw, readings, place


def test_each_pixel_is_calibrated_by_the_amplifier_that_it_used(ranged: Constants) -> None:
    raw, readings, place = raw_frames(5)
    calibration = Calibration.of(ranged, shape=FRAME, dtype="uint16", detector_type="jungfrau")
    found = calibrate(raw, calibration)
    assert ranged.pedestal is not None
    assert ranged.gain is not None
    for event in range(len(raw)):
        pedestal, gain = (
            np.take_along_axis(values.astype(np.float32), place[event][np.newaxis], axis=0)[0]
            for values in (ranged.pedestal, ranged.gain)
        )
        expected = (readings[event].astype(np.float32) - pedestal) / gain
        if event == 0:
            expected[0, 0, 0] = np.nan
        np.testing.assert_array_equal(found[event], expected)


def test_sums_take_the_same_values_and_tell_frames_with_a_pixel_without_constants(
    ranged: Constants,
) -> None:
    raw, _, _ = raw_frames(5)
    calibration = Calibration.of(ranged, shape=FRAME, dtype="uint16", detector_type="jungfrau")
    total = np.zeros((1, np.prod(FRAME)))
    missing = add_together([PixelSum("calib")], total, list(raw), calibration)
    values = calibrate(raw, calibration).astype(np.float64)
    np.testing.assert_allclose(total[0].reshape(FRAME), np.nansum(values, axis=0), rtol=1e-14)
    np.testing.assert_array_equal(missing, [True, False, False, False, False])


def test_constants_of_ranges_that_raw_values_do_not_tell_are_refused(ranged: Constants) -> None:
    with pytest.raises(ConstantsShapeError, match="--range"):
        Calibration.of(ranged, shape=FRAME, dtype="uint16", detector_type="epix100")
