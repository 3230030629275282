import numpy as np
import pytest

from workbench.core.bounds import Bounds
from workbench.core.constants import Constants
from workbench.core.errors import WorkbenchError
from workbench.reductions import Calibration, calibrate

SHAPE = (2, 5, 7)


def constants(**changes: object) -> Constants:
    values: dict[str, object] = {
        "pedestal": np.full(SHAPE, 1000.0),
        "gain": np.full(SHAPE, 25.0),
        "good": np.ones(SHAPE, bool),
    }
    return Constants("cam", **(values | changes))  # type: ignore[arg-type]


def raw_frames() -> np.ndarray:
    return np.random.default_rng(1).integers(900, 1500, (4, *SHAPE)).astype(np.uint16)


def test_frames_become_kev_by_pedestal_and_gain() -> None:
    raw = raw_frames()
    calibration = Calibration.of(constants(), shape=SHAPE, dtype="uint16")
    np.testing.assert_allclose(
        calibrate(raw, calibration), (raw.astype(float) - 1000) / 25, rtol=1e-6
    )
    assert calibration.unit == "keV"


def test_frames_without_constants_stay_raw_and_are_in_adu() -> None:
    raw = raw_frames()
    calibration = Calibration.of(None, shape=SHAPE, dtype="uint16")
    np.testing.assert_array_equal(calibrate(raw, calibration), raw)
    assert (calibration.unit, calibration.calibrated) == ("ADU", False)


def test_a_region_is_calibrated_as_in_the_whole_frame() -> None:
    raw = raw_frames()
    calibration = Calibration.of(constants(), shape=SHAPE, dtype="uint16")
    bounds = Bounds((1, 2, 0), (2, 4, 6))
    np.testing.assert_array_equal(
        calibrate(raw[:, 1:2, 2:4, 0:6], calibration.within(bounds)),
        calibrate(raw, calibration)[:, 1:2, 2:4, 0:6],
    )


def test_masked_pixels_keep_their_values() -> None:
    good = np.ones(SHAPE, bool)
    good[0, 1, 1] = False
    calibration = Calibration.of(constants(good=good), shape=SHAPE, dtype="uint16")
    raw = raw_frames()
    assert calibrate(raw, calibration)[0, 0, 1, 1] == pytest.approx(
        (float(raw[0, 0, 1, 1]) - 1000) / 25, rel=1e-6
    )


def test_a_pixel_with_zero_gain_is_not_used() -> None:
    gain = np.full(SHAPE, 25.0)
    gain[1, 0, 3] = 0
    calibration = Calibration.of(constants(gain=gain), shape=SHAPE, dtype="uint16")
    assert not calibration.good[1, 0, 3]
    assert calibration.good.sum() == calibration.good.size - 1


def test_readings_of_another_amplifier_become_nan() -> None:
    raw = raw_frames()
    raw[2, 0, 0, 0] = 0x4000 | 700  # the gain bit of a jungfrau
    calibration = Calibration.of(constants(), shape=SHAPE, dtype="uint16", detector_type="jungfrau")
    assert np.argwhere(np.isnan(calibrate(raw, calibration))).tolist() == [[2, 0, 0, 0]]


def test_constants_of_another_shape_are_refused_with_both_shapes() -> None:
    with pytest.raises(WorkbenchError, match=r"cam: the pedestal has shape \(3,\).*\(2, 5, 7\)"):
        Calibration.of(constants(pedestal=np.zeros(3)), shape=SHAPE, dtype="uint16")


def test_wide_integers_keep_every_digit() -> None:
    raw = np.full((1, *SHAPE), 2**30 + 1, np.int32)
    calibration = Calibration.of(None, shape=SHAPE, dtype="int32")
    np.testing.assert_array_equal(calibrate(raw, calibration), raw)


def test_noise_is_known_in_the_unit_of_the_frames_and_only_where_they_are_calibrated() -> None:
    noise = np.full(SHAPE, 5.0)
    calibration = Calibration.of(constants(noise=noise), shape=SHAPE, dtype="uint16")
    np.testing.assert_allclose(calibration.spec.noise, 0.2)
    part = calibration.within(Bounds((1, 2, 0), (2, 4, 6))).spec
    assert part.noise is not None
    assert part.noise.shape == part.shape
    raw = constants(noise=noise, pedestal=None)
    assert Calibration.of(raw, shape=SHAPE, dtype="uint16").spec.noise is None
    with pytest.raises(WorkbenchError, match="noise has shape"):
        Calibration.of(constants(noise=np.ones(3)), shape=SHAPE, dtype="uint16")
