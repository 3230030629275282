"""Waveforms of a digitizer's channels: whole, in part, with bad and missing samples."""

import numpy as np
import pytest

from workbench.core.errors import InputError
from workbench.core.frames import FrameSpec
from workbench.reductions import ChannelPart, Channels

STEP = 2.5e-10  # s
FRAMES = np.random.default_rng(3).normal(2000, 9, (5, 2, 30)).astype("f4")
FRAMES[3, 1, 12] = np.nan  # not sent
GOOD = np.ones((2, 30), bool)
GOOD[0, 4] = False
SPEC = FrameSpec((2, 30), "ADU", GOOD)


def test_each_channel_keeps_its_own_samples_and_times() -> None:
    made = Channels((1, 4), (30, 20), STEP)
    values, settings = made.reduce(FRAMES, SPEC), made.settings(SPEC)
    assert [output.name for output in made.outputs(SPEC)] == ["hsd_1", "hsd_4"]
    expected = np.where(GOOD[0], FRAMES[:, 0], np.nan)
    np.testing.assert_array_equal(values["hsd_1"], expected)
    np.testing.assert_array_equal(values["hsd_4"], FRAMES[:, 1, :20])
    assert settings["times_4"].value[19] == pytest.approx(19 * STEP)
    assert settings["times_4"].unit == "s"


def test_a_part_is_summed_and_a_sample_that_was_not_sent_leaves_no_sum() -> None:
    made = ChannelPart(4, 1, (10, 15), STEP)
    values = made.reduce(FRAMES, SPEC)
    np.testing.assert_array_equal(values["hsd_4__ROI_wf"], FRAMES[:, 1, 10:15])
    sums = [sum(map(float, wave)) for wave in FRAMES[:, 1, 10:15]]
    np.testing.assert_allclose(values["hsd_4__ROI_sum"], sums)
    assert np.flatnonzero(np.isnan(values["hsd_4__ROI_sum"])).tolist() == [3]
    times = made.settings(SPEC)["hsd_4__ROI.times"]
    np.testing.assert_allclose(times.value, np.arange(10, 15) * STEP)
    one = made.reduce(FRAMES[2:3], SPEC)  # a stack of one event gives the same bits
    assert one["hsd_4__ROI_sum"][0] == values["hsd_4__ROI_sum"][2]


def test_a_single_channel_has_frames_of_one_axis() -> None:
    spec = FrameSpec((30,), "ADU", GOOD[1])
    lines = FRAMES[:, 1]
    whole = Channels((0,), (30,), STEP).reduce(lines, spec)["hsd_0"]
    np.testing.assert_array_equal(whole, lines)
    part = ChannelPart(0, 0, (3, 9), STEP).reduce(lines, spec)["hsd_0__ROI_wf"]
    np.testing.assert_array_equal(part, lines[:, 3:9])


@pytest.mark.parametrize("samples", [(5, 5), (9, 3), (-2, 4), (0, 31)])
def test_a_range_that_does_not_lie_on_the_waveform_is_refused(samples: tuple[int, int]) -> None:
    with pytest.raises(InputError, match=r"write \[first, last\)"):
        ChannelPart(0, 0, samples, STEP).outputs(SPEC)


def test_channels_that_do_not_fit_the_frames_are_refused() -> None:
    with pytest.raises(InputError, match="frames of"):
        Channels((0, 1, 2), (30, 30, 30), STEP).outputs(SPEC)
