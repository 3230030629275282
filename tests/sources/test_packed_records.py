"""Packed records of digitizers: a real run, records made by hand, and damaged ones."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from packed_records import BOTH, laid_out, left_out, literal, record, stream

from workbench.sources import open_raw
from workbench.sources.digitizer_records import (
    CUT_OFF,
    MARKED,
    ODD_WINDOWS,
    OTHER_STREAM,
    PACKED,
    TOO_LONG,
    UNPACKED,
    unpack,
)
from workbench.sources.digitizers import SAMPLE_TIME, digitizer_of, waveforms
from workbench.sources.xtc2_writer import Names, Xtc2Writer

WAVE = list(range(2000, 2012))
WINDOWS = [*left_out(3, 0, 1, 0), 7, 8, 9, 10, *left_out(0, 0, 0, 0), 11, 12, 13, 14]
GOOD = record(stream(0, WAVE), stream(1, WINDOWS))


def test_waveforms_and_windows_of_a_real_run_are_those_that_psana_gives(data_folder: Path) -> None:
    run = open_raw(data_folder / "xtc2" / "test_hsd.xtc2")
    digitizer = digitizer_of(run, "xpphsd")
    assert digitizer is not None
    assert (digitizer.segments, digitizer.lengths) == ((0, 1), (800, 800))
    assert digitizer.times(1)[799] == pytest.approx(1.344471153846154e-07, rel=1e-12)  # s
    _, (first, second) = digitizer.unpack(run.read(["xpphsd"], 0, 21))
    assert first.starts[:3].tolist() == second.starts[:3].tolist() == [280, 504, 752]
    assert first.widths[:3].tolist() == [72, 64, 24]
    assert second.widths[:3].tolist() == [72, 68, 24]
    ((events, frames),) = waveforms(run, digitizer, start=20, stop=21)
    assert events.tolist() == [20]
    assert frames[0, 0, [0, 1, 2, 3, 799]].tolist() == [2057, 2051, 2058, 2054, 2050]
    assert frames[0, 1, [0, 1, 2, 3, 799]].tolist() == [2050, 2046, 2054, 2047, 2047]


def test_every_record_of_the_real_run_equals_a_loop_over_its_words(data_folder: Path) -> None:
    run = open_raw(data_folder / "xtc2" / "test_hsd.xtc2")
    digitizer = digitizer_of(run, "xpphsd")
    assert digitizer is not None
    whole, seen = run.read(["xpphsd"]), 0
    for events, frames in waveforms(run, digitizer, size=30):
        for event, row in zip(events, frames, strict=True):
            for segment in (0, 1):
                header = int(whole["xpphsd.hsd.eventHeader"][event][segment, 0])
                data = whole["xpphsd.hsd.chan00"][event][segment]
                expected = laid_out(*literal(data, header, 800), 800)
                np.testing.assert_array_equal(row[segment], expected)
                seen += 1
    assert seen == 168


def test_a_record_made_by_hand_gives_its_waveform_and_windows() -> None:
    windows = record(stream(1, WINDOWS))
    got = unpack([GOOD, windows, record()], np.array([BOTH, 2 << 20, 2 << 20]), 12)
    assert got.states.tolist() == [UNPACKED] * 3
    assert got.waves.tolist() == WAVE
    assert (got.starts.tolist(), got.widths.tolist()) == ([4, 8, 4, 8], [4, 4, 4, 4])
    assert got.values.tolist() == [*range(7, 15)] * 2
    assert got.window_ends.tolist() == [2, 4, 4]
    frames = got.frames(12)
    assert frames[0].tolist() == WAVE
    np.testing.assert_array_equal(frames[1], [*[np.nan] * 4, *range(7, 15)])
    assert np.isnan(frames[2]).all()


def test_windows_beyond_the_waveform_are_cut_at_its_end() -> None:
    frames = unpack([record(stream(1, WINDOWS))], np.array([2 << 20]), 10).frames(10)
    np.testing.assert_array_equal(frames[0], [*[np.nan] * 4, *range(7, 13)])


@pytest.mark.parametrize(
    ("data", "header", "state"),
    [
        (GOOD[:-2], BOTH, CUT_OFF),
        (GOOD[:30], BOTH, CUT_OFF),
        (GOOD[:8], BOTH, CUT_OFF),
        (record(stream(0, WAVE)), BOTH, CUT_OFF),
        (record(stream(0, WAVE), stream(0, WAVE)), BOTH, OTHER_STREAM),
        (record(stream(2, WAVE)), 1 << 20, OTHER_STREAM),
        (record(stream(1, WINDOWS)), 1 << 20, OTHER_STREAM),
        (GOOD, BOTH | 1 << 22, CUT_OFF),
        (record(stream(0, WAVE, marks=4)), 1 << 20, MARKED),
        (record(stream(1, WINDOWS, marks=1)), 2 << 20, MARKED),
        (record(stream(1, WINDOWS[:-1])), 2 << 20, ODD_WINDOWS),
        (record(stream(1, [7, 8, 9, 1 << 15])), 2 << 20, ODD_WINDOWS),
        (record(stream(1, [1 << 15, 8, 9, 7])), 2 << 20, ODD_WINDOWS),
        (record(stream(0, [*WAVE, 1])), 1 << 20, TOO_LONG),
    ],
)
def test_a_record_that_is_not_as_it_should_be_has_a_state_and_gives_no_frame(
    data: Any, header: int, state: int
) -> None:
    got = unpack([GOOD, data, GOOD], np.array([BOTH, header, BOTH]), 12)
    assert got.states.tolist() == [UNPACKED, state, UNPACKED]
    frames = got.frames(12)
    assert np.isnan(frames[1]).all()
    assert frames[[0, 2]].tolist() == [WAVE, WAVE]  # its neighbours are as they were
    if state in PACKED:
        assert np.diff(got.wave_ends)[0] == np.diff(got.value_ends)[0] == 0


@settings(deadline=None, max_examples=150)
@given(st.binary(max_size=80), st.lists(st.integers(0, len(GOOD) - 1), max_size=3), st.data())
def test_no_bytes_crash_the_unpacking_or_reach_beyond_the_record(
    tail: bytes, places: list[int], data: st.DataObject
) -> None:
    damaged = bytearray(GOOD.tobytes() + tail)
    for place in places:
        damaged[place] = data.draw(st.integers(0, 255))
    header = data.draw(st.integers(0, 15)) << 20
    damaged_record = np.frombuffer(bytes(damaged), np.uint8)
    got = unpack([damaged_record, GOOD], np.array([header, BOTH]), 12)
    assert got.states[1] == UNPACKED
    assert got.waves[got.wave_ends[0] :].tolist() == WAVE
    assert got.values[got.value_ends[0] :].tolist() == [*range(7, 15)]
    assert 2 * (got.wave_ends[0] + got.value_ends[0]) <= len(damaged)
    assert got.frames(12).shape == (2, 12)


def test_windows_of_version_3_begin_with_baselines_and_are_not_among_the_frames(
    tmp_path: Path,
) -> None:
    windows = record(stream(1, [*left_out(3, 0, 1, 0), 7, 8, 9, 10, 21, 22, 23, 24]))
    got = unpack([GOOD, record(), windows], np.array([BOTH, 2 << 20, 2 << 20]), 12)
    rest, baselines = got.without_baselines()
    sent = [number + (1 << 14) for number in (7, 8, 9, 10)]
    assert baselines.tolist() == [sent, [-1] * 4, sent]
    assert (rest.starts.tolist(), rest.widths.tolist()) == ([8, 8, 8], [0, 4, 4])
    assert rest.values.tolist() == [11, 12, 13, 14, 21, 22, 23, 24]
    assert rest.value_ends.tolist() == [4, 4, 8]
    assert got.starts.tolist() == [4, 8, 4]  # as it was
    gates = {"user.raw.gate_ns": 175, "user.fex.gate_ns": 175}
    run = run_with(tmp_path, {**gates, "user.fex.corr.baseline": 9})
    digitizer = digitizer_of(run, "hsd")
    assert digitizer is not None
    assert digitizer.corrected
    ((_, frames),) = waveforms(run, digitizer)
    assert frames[:, :12].tolist() == [WAVE] * 3


def run_with(folder: Path, settings_: dict[str, Any]) -> Any:
    """A run of one digitizer with these settings."""
    names = [
        Names("hsd", "hsd", "raw", fields={"eventHeader": ("uint32", 1), "chan00": ("uint8", 1)}),
        Names("hsd", "hsd", "config", fields=dict.fromkeys(settings_, ("uint32", 0))),
    ]
    with Xtc2Writer(folder / "xpplx1234-r0007-s000-c000.xtc2", names) as writer:
        writer.configure(1 << 32, {1: settings_})
        writer.begin_run((1 << 32) + 1, experiment="xpplx1234", run=7)
        for event in range(3):
            header = np.array([BOTH, 0], np.uint32)
            writer.event((2 << 32) + event, {0: {"eventHeader": header, "chan00": GOOD}})
        writer.end_run(3 << 32)
    return open_raw(folder)


def test_one_digitizer_alone_gives_waveforms_of_one_axis(tmp_path: Path) -> None:
    gates = {"user.raw.gate_ns": 175, "user.fex.gate_ns": 100}  # ns; 26 ticks of 40 samples
    run = run_with(tmp_path, {**gates, "user.fex.ymin": 0, "user.fex.ymax": 9})
    digitizer = digitizer_of(run, "hsd")
    assert digitizer is not None
    assert digitizer.shape == (1040,)
    assert pytest.approx(175e-9) == 1040 * SAMPLE_TIME
    ((_, frames),) = waveforms(run, digitizer)
    assert frames[:, :12].tolist() == [WAVE] * 3
    assert np.isnan(frames[:, 12:]).all()  # the digitizer sent less


@pytest.mark.parametrize(
    "settings_",
    [
        {"user.fex.ymin": 0},
        {"gain": 3},
        {"user.fex.ymin": 0, "user.raw.gate_ns": 0, "user.fex.gate_ns": 0},
        {"user.fex.ymin": 0, "user.raw.gate_ns": 1 << 31, "user.fex.gate_ns": 9},
    ],
)
def test_a_digitizer_with_settings_of_another_kind_is_not_unpacked(
    tmp_path: Path, settings_: dict[str, Any]
) -> None:
    assert digitizer_of(run_with(tmp_path, settings_), "hsd") is None
