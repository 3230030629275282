"""Common mode 45, 46, 47 of an ePix100 against a literal loop over its pixels."""

from dataclasses import replace

import numpy as np
import pytest

from workbench.core.constants import Constants
from workbench.core.errors import InputError
from workbench.producer.common_mode import CommonModeEntry, read_common_mode
from workbench.producer.entries import EntryError
from workbench.producer.frames import FrameField
from workbench.reductions import Calibration, calibrate
from workbench.reductions.epix_medians import EPIX_MODES, EpixMedians

SHAPE = (32, 64)  # two halves of eight banks of 16 x 8
DRAW = np.random.default_rng(3)
NOISE = DRAW.uniform(1.5, 3.0, SHAPE)
GOOD = DRAW.random(SHAPE) > 0.02
FIELD = FrameField("cam", "cam.raw.raw", "uint16", SHAPE, "epix100")


def made_frames() -> np.ndarray:
    frames = DRAW.normal(0, NOISE, (4, *SHAPE))
    frames += DRAW.normal(0, 5, (4, 2, 1, 64)).repeat(16, axis=2).reshape(4, *SHAPE)  # columns
    frames += DRAW.normal(0, 5, (4, 32, 8, 1)).repeat(8, axis=3).reshape(4, *SHAPE)  # rows
    frames += 60.0 * (DRAW.random(frames.shape) < 0.02)  # photons
    frames[2, :16, 5] += 45  # beyond what is taken off
    frames[3, 20, 8:16] = 100.0  # no pixel of the row tells
    return frames


def literal(frame: np.ndarray, mode: int) -> np.ndarray:
    values = frame.copy()
    if mode == 47:
        for top in (0, 16):
            for left in range(0, 64, 8):
                bank = slice(top, top + 16), slice(left, left + 8)
                values[bank] -= np.median(values[bank][GOOD[bank]])
    tells = GOOD.copy()
    for row in range(32):
        for col in range(64):
            near = [(row, col), (row - 1, col), (row + 1, col), (row, col - 1), (row, col + 1)]
            for r, c in near:
                inside = 0 <= r < 32 and 0 <= c < 64
                if inside and values[r, c] >= 10 * NOISE[r, c]:
                    tells[row, col] = False
            if abs(values[row, col]) > 30:
                tells[row, col] = False
    if mode == 46:
        values -= values[tells].mean()
    columns = [(slice(top, top + 16), slice(c, c + 1)) for top in (0, 16) for c in range(64)]
    rows = [(slice(r, r + 1), slice(left, left + 8)) for r in range(32) for left in range(0, 64, 8)]
    for line in (*columns, *rows):
        some = values[line][tells[line]]
        if len(some) >= values[line].size / 4 and abs(np.median(some)) < 30:
            values[line] -= np.median(some)
    return values


@pytest.mark.parametrize("mode", EPIX_MODES)
def test_medians_are_those_of_a_literal_loop(mode: int) -> None:
    frames = made_frames()
    found = EpixMedians(mode=mode, noise=NOISE).correct(frames, np.broadcast_to(GOOD, frames.shape))
    expected = np.stack([literal(frame, mode) for frame in frames])
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-9)
    assert found[:2][frames[:2] < 20].std() < 0.7 * frames[:2][frames[:2] < 20].std()


def test_a_config_takes_it_off_readings_before_the_gain() -> None:
    read = read_common_mode({"mode": 46})
    assert isinstance(read, EpixMedians)
    constants = Constants(
        "cam", np.full(SHAPE, 1000.0), np.full(SHAPE, 4.0), GOOD, noise=NOISE, origin="made up"
    )
    plain = Calibration.of(constants, shape=SHAPE, dtype="uint16", detector_type="epix100")
    applied = CommonModeEntry("cam", read).applied(plain, FIELD)
    raw = (1000 + np.rint(made_frames())).astype(np.uint16)
    expected = np.stack([literal(one - 1000.0, 46) for one in raw.astype(float)]) / 4
    np.testing.assert_allclose(calibrate(raw, applied), expected, atol=1e-4)


def test_without_noise_or_for_other_detectors_it_is_refused() -> None:
    constants = Constants("cam", np.full(SHAPE, 1000.0), origin="made up")
    plain = Calibration.of(constants, shape=SHAPE, dtype="uint16", detector_type="epix100")
    with pytest.raises(EntryError, match="needs the noise"):
        CommonModeEntry("cam", EpixMedians()).applied(plain, FIELD)
    with pytest.raises(InputError, match="one ePix100"):
        replace(EpixMedians(), noise=NOISE).check((2, *SHAPE))
