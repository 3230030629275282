"""Waveforms with planted pulses, curved lines made straight by loops over single lines."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from workbench.core.errors import InputError
from workbench.core.frames import FrameSpec
from workbench.reductions import (
    AboveThreshold,
    Basis,
    CurveCorrection,
    Hits,
    Projection,
    Reduction,
    Roi,
    SvdFit,
    WaveformIntegral,
)
from workbench.reductions.base import Nested
from workbench.smalldata import missing_rows

SAMPLES = 400


def spec(*shape: int) -> FrameSpec:
    return FrameSpec(shape, "ADU", np.ones(shape, bool))


def pulse(at: float, width: float = 8.0) -> Any:
    """Return a pulse that rises fast and falls slowly, of height 1."""
    time = np.arange(SAMPLES) - at
    rise = 1 / (1 + np.exp(-time / 2))
    return rise * np.exp(-np.clip(time, 0, None) / width)


def test_the_integral_is_the_sum_above_the_median_before_the_pulse() -> None:
    draw = np.random.default_rng(1)
    waves = draw.normal(50, 3, (5, 8, SAMPLES)).astype("f4")
    waves[:, :, 110:120] -= 30
    found = WaveformIntegral((104, 130), (0, 80), negative=True).reduce(waves, spec(8, SAMPLES))
    for event in range(5):
        for channel in range(8):
            wave = waves[event, channel].astype(float)
            expected = -sum(wave[sample] - np.median(wave[:80]) for sample in range(104, 130))
            assert found[""][event, channel] == pytest.approx(expected, rel=1e-12)


def test_without_ranges_all_samples_are_summed_as_they_are() -> None:
    waves = np.random.default_rng(2).normal(0, 1, (3, SAMPLES)).astype("f4")
    found = WaveformIntegral().reduce(waves, spec(SAMPLES))[""]
    np.testing.assert_allclose(found, waves.astype(float).sum(axis=1), rtol=1e-12)


@pytest.mark.parametrize("samples", [(-1, 5), (5, 5), (10, 401)])
def test_a_range_that_is_not_on_the_waveform_is_refused(samples: tuple[int, int]) -> None:
    with pytest.raises(InputError, match="sig_roi"):
        WaveformIntegral(samples).outputs(spec(8, SAMPLES))


def test_samples_above_threshold_are_marked_unless_they_are_too_high() -> None:
    waves = np.random.default_rng(3).normal(10, 2, (4, 2, SAMPLES)).astype("f4")
    waves[:, :, 7] = 1e7
    fixed = AboveThreshold(12.0, 1e4).reduce(waves, spec(2, SAMPLES))[""]
    np.testing.assert_array_equal(fixed, (waves > 12) & (waves <= 1e4))
    relative = AboveThreshold(2.0, 1e4, (20, 120)).reduce(waves, spec(2, SAMPLES))[""]
    for event in range(4):
        for channel in range(2):
            quiet = waves[event, channel, 20:120].astype(float)
            level = quiet.mean() + 2 * quiet.std()
            wave = waves[event, channel]
            np.testing.assert_array_equal(relative[event, channel], (wave > level) & (wave <= 1e4))


@pytest.mark.parametrize("sign", [1, -1])
def test_pulses_are_found_at_the_same_place_whatever_their_height(sign: int) -> None:
    places = [60, 150, 290]
    noise = np.random.default_rng(4).normal(0, 0.2, (6, SAMPLES))
    shapes = np.array([pulse(at) for at in places])
    heights = np.random.default_rng(5).uniform(50, 100, (6, 3))
    waves = 20 + sign * (heights @ shapes) + noise
    finder = Hits(smoothing=9, offset=6, fraction=-0.6, threshold=1.5, most=5)
    found = finder.reduce(waves, spec(SAMPLES))
    np.testing.assert_array_equal(found["nHits"], np.full(6, 3))
    lag = found["hitIndices"][:, :3] - np.array(places)
    assert np.ptp(lag) <= 1  # the same part of every pulse
    assert np.abs(lag).max() < 6
    assert not found["hitIndices"][:, 3:].any()


def test_hits_of_a_waveform_without_pulses_are_none() -> None:
    flat = np.full((2, SAMPLES), 7.0)
    flat[1, 1:] = np.nan
    assert not Hits().reduce(flat, spec(SAMPLES))["nHits"].any()


def test_hits_of_a_record_without_a_usable_sample_are_missing_not_none() -> None:
    waves = np.full((3, SAMPLES), np.nan)
    waves[0] = 100 * pulse(150)
    waves[1, ::2] = 7.0  # samples that are masked
    good = np.arange(SAMPLES) % 2 == 1
    finder = Hits(smoothing=9, offset=6, fraction=-0.6, threshold=1.5, most=5)
    found = finder.reduce(waves, replace(spec(SAMPLES), good=good))
    assert found["nHits"].tolist()[1:] == [-99999, -99999]
    assert missing_rows(found["nHits"]).tolist() == [False, True, True]
    assert missing_rows(found["hitIndices"]).tolist() == [False, True, True]
    assert found["nHits"].dtype == found["hitIndices"].dtype == np.int64


def test_marks_of_a_channel_without_a_usable_sample_are_nan_not_0() -> None:
    waves = np.zeros((4, 2, SAMPLES), "f4")
    waves[:, :, 200] = 50.0
    waves[1, 0] = np.nan
    waves[2, 1, :200] = np.nan  # half of it was sent, no background
    waves[3] = np.nan
    marks = AboveThreshold(10.0).reduce(waves, spec(2, SAMPLES))[""]
    assert np.isnan(marks).all(axis=2).tolist() == [[False, False], [True, False], [False, False],
                                                    [True, True]]  # fmt: skip
    assert not np.isnan(marks[[0, 2]]).any()
    assert np.nansum(marks, axis=2).tolist() == [[1, 1], [0, 1], [1, 1], [0, 0]]
    assert np.flatnonzero(marks[1, 1] == 1).tolist() == [200]
    relative = AboveThreshold(3.0, background=(0, 80)).reduce(waves, spec(2, SAMPLES))[""]
    assert np.isnan(relative).all(axis=2).tolist() == [[False, False], [True, False],
                                                       [False, True], [True, True]]  # fmt: skip
    dead = FrameSpec((2, SAMPLES), "ADU", np.array([[True], [False]]).repeat(SAMPLES, axis=1))
    masked = AboveThreshold(10.0).reduce(waves[:1], dead)[""]
    assert np.isnan(masked).all(axis=2).tolist() == [[False, True]]


def test_more_hits_than_are_stored_are_still_counted() -> None:
    waves = sum(pulse(at) for at in (60, 150, 290))[None] * 100.0
    finder = Hits(smoothing=9, offset=6, fraction=-0.6, threshold=1.5, most=2)
    found = finder.reduce(waves, spec(SAMPLES))
    assert (found["nHits"][0], found["hitIndices"].shape) == (3, (1, 2))


def a_basis(channel: int | None = None) -> Basis:
    draw = np.random.default_rng(6)
    singles = np.array([pulse(140, width) for width in draw.uniform(6, 14, 30)])[:, 100:300]
    *_, components = np.linalg.svd(singles, full_matrices=False)
    return Basis(components, (100, 300), 80, channel)


def test_the_fit_finds_pulses_made_of_the_shapes_and_their_strength() -> None:
    basis = a_basis(channel=1)
    draw = np.random.default_rng(7)
    truth = draw.normal(0, 5, (4, 3))
    waves = np.zeros((4, 2, SAMPLES))
    waves[:, 1, 100:300] = truth @ basis.components[:3]
    waves += draw.normal(100, 20, (4, 2, 1))  # a baseline of its own
    values = SvdFit(basis, 3, mode="both", reconstructed=True).reduce(waves, spec(2, SAMPLES))
    np.testing.assert_allclose(values["coefficients"], truth, rtol=1e-9)
    fitted = truth @ basis.components[:3]
    np.testing.assert_allclose(values["reconstructed"], fitted, atol=1e-9)
    np.testing.assert_allclose(values["score"], 1, rtol=1e-9)
    strengths = np.column_stack([np.linalg.norm(truth, axis=1), fitted.max(axis=1)])
    np.testing.assert_allclose(values["intensities"], strengths, rtol=1e-9)


def test_two_pulses_that_overlap_are_told_apart() -> None:
    basis = a_basis()
    draw = np.random.default_rng(8)
    heights = draw.uniform(10, 100, (5, 2))
    waves = heights @ np.array([pulse(140, 9), pulse(155, 9)]) + draw.normal(0, 0.1, (5, SAMPLES))
    values = SvdFit(basis, 2, (0, 15)).reduce(waves, spec(SAMPLES))
    tops = heights * pulse(140, 9).max()
    np.testing.assert_allclose(values["intensities"], tops, rtol=0.05)
    expected = np.linalg.lstsq(
        np.concatenate([basis.components[:2], np.roll(basis.components[:2], 15, axis=1)]).T,
        (waves - waves[:, :80].mean(axis=1, keepdims=True))[:, 100:300].T,
    )[0].T  # the shapes are 0 at the end of the range: rolling and moving are the same
    np.testing.assert_allclose(values["coefficients"], expected, rtol=0.02, atol=0.5)


def test_the_score_is_low_where_the_waveform_is_no_pulse() -> None:
    waves = np.random.default_rng(9).normal(0, 1, (3, SAMPLES))
    values = SvdFit(a_basis(), 2).reduce(waves, spec(SAMPLES))
    assert (values["score"] < 0.3).all()


@pytest.mark.parametrize(
    "make",
    [
        lambda: SvdFit(a_basis(), 31),
        lambda: SvdFit(a_basis(), 2, ()),
        lambda: SvdFit(a_basis(), 2, mode="most"),  # type: ignore[arg-type]
        lambda: SvdFit(a_basis(channel=2)).outputs(spec(2, SAMPLES)),
        lambda: SvdFit(a_basis()).outputs(spec(2, SAMPLES)),
        lambda: SvdFit(a_basis()).outputs(spec(200)),
        lambda: Hits().outputs(spec(2, SAMPLES)),
        lambda: Hits(fraction=0.5),
        lambda: CurveCorrection(()),
        lambda: CurveCorrection((1.0,), axis=2),
        lambda: CurveCorrection((1.0, 0.0)).outputs(spec(3, 4, 5)),
        lambda: CurveCorrection((3.0, 0.0)).outputs(spec(10, 20)),
    ],
)
def test_what_does_not_fit_is_refused(make: Any) -> None:
    with pytest.raises(InputError):
        make()


def straightened(frame: Any, coefficients: Any, axis: int, wraps: bool) -> Any:
    lines = frame if axis == 0 else frame.T
    along = np.polyval(coefficients, np.arange(len(lines)))
    out = np.full(lines.shape, np.nan)
    for number, line in enumerate(lines):
        shift = round(along[number] - along.min())
        for place in range(len(line)):
            if wraps or place + shift < len(line):
                out[number, place] = line[(place + shift) % len(line)]
    return out if axis == 0 else out.T


@pytest.mark.parametrize("method", ["roll", "vectorized", "ndimage"])
@pytest.mark.parametrize("axis", [0, 1])
def test_each_line_moves_by_its_own_shift(method: Any, axis: int) -> None:
    frames = np.random.default_rng(10).normal(0, 1, (3, 1, 20, 30)).astype("f4")
    coefficients = (0.02, -0.3, 1.0)
    told = spec(1, 20, 30)
    told.good[0, 4, 5] = False
    found = CurveCorrection(coefficients, axis, method).reduce(frames, told)["corrected_image"]
    for event, frame in enumerate(np.where(told.good, frames, np.nan)[:, 0]):
        expected = straightened(frame, coefficients, axis, method != "ndimage")
        np.testing.assert_array_equal(found[event], expected)


def test_a_curved_line_is_straight_in_the_projection_of_the_corrected_picture() -> None:
    frames = np.zeros((1, 40, 50), "f4")
    row = np.rint(5 + 0.01 * (np.arange(50) - 25) ** 2).astype(int)
    frames[0, row, np.arange(50)] = 1
    roi = Roi(statistics=False, projections=(Projection(1),))
    curve: Reduction = CurveCorrection((0.01, -0.5, 6.25), 1, children=(Nested("", roi),))
    lines = curve.reduce(frames, spec(40, 50))["pj_ax_1_data"][0]
    assert (lines.argmax(), lines.max()) == (5, 50)
