"""What every source of raw runs promises, of a run whose every value is known."""

import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from written_run import BEGIN, EVENTS, EXPERIMENT, RUN, SECOND, STEP_LENGTH, WrittenRun

from workbench.core.errors import InputError, NotThereError, UnknownNameError
from workbench.sources import RawRun
from workbench.sources.timing import EventCodeRule, event_codes

Open = Callable[..., RawRun]


def test_a_run_says_which_one_it_is_and_where_it_lies(run: RawRun, truth: WrittenRun) -> None:
    assert (run.experiment, run.number, run.file_number) == (EXPERIMENT, RUN, RUN)
    assert run.begin_time == BEGIN - 8 * SECOND
    assert run.n_events == EVENTS
    assert sorted(run.files) == sorted(truth.folder.glob("*.xtc2"))
    assert run.timestamps.dtype == np.uint64
    assert run.timestamps.tolist() == truth.stamps.tolist()


def test_detectors_are_described_before_any_event_is_read(run: RawRun) -> None:
    assert set(run.detectors) == {"gasdet", "timing", "wave", "log", "slow", "tiles"}
    tiles = run.detectors["tiles"]["raw"]["raw"]
    assert (tiles.dtype, tiles.shape, tiles.rank, tiles.segments) == ("uint16", (2, 20, 30), 3, 2)
    trace = run.detectors["wave"]["fex"]["trace"]
    assert (trace.dtype, trace.shape, trace.variable) == ("float32", (-1,), True)
    log = run.detectors["log"]["raw"]
    assert (log["text"].dtype, log["state"].dtype) == ("str", "enum")
    assert log["state"].labels == {0: "idle", 1: "busy"}
    assert run.segments == {**dict.fromkeys(run.detectors, (0,)), "tiles": (0, 1)}
    assert run.detector_types["tiles"] == "jungfrau"
    assert run.serials["tiles"] == "jungfrau_module0_module1"
    assert run.serials["slow"] == "archon_7"


def test_whole_partial_and_damaged_records_are_told_apart(run: RawRun, truth: WrittenRun) -> None:
    whole = truth.has_tile.all(axis=1)
    assert run.present("tiles").tolist() == whole.tolist()
    assert run.partial("tiles").tolist() == (truth.has_tile.any(axis=1) & ~whole).tolist()
    assert np.flatnonzero(run.damaged("tiles")).tolist() == [truth.damaged_tile]
    assert run.present("gasdet").tolist() == truth.has_gasdet.tolist()
    assert not run.partial("gasdet").any()
    assert not run.damaged("gasdet").any()


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_stacks_hold_every_value_whatever_their_size(
    run: RawRun, truth: WrittenRun, size: int
) -> None:
    names = ["gasdet", "tiles", "wave", "log", "timing.raw.pulseId"]
    stacks = list(run.stacks(names, size=size, start=3, stop=-2))
    span = slice(3, EVENTS - 2)
    assert [stack.first for stack in stacks] == list(range(3, EVENTS - 2, size))
    joined = {name: np.concatenate([one[name] for one in stacks]) for name in stacks[0].arrays}
    there = np.concatenate([one.present["gasdet.raw"] for one in stacks])
    assert there.tolist() == truth.has_gasdet[span].tolist()
    energy = np.where(truth.has_gasdet, truth.energy, 0)[span]
    np.testing.assert_array_equal(joined["gasdet.raw.energy"], energy)
    assert joined["gasdet.raw.parts"].shape == (len(energy), 4)
    whole = truth.has_tile.all(axis=1)
    expected = np.where(whole[:, None, None, None], truth.tiles, 0)[span]
    np.testing.assert_array_equal(joined["tiles.raw.raw"], expected)
    for trace, wave in zip(joined["wave.fex.trace"], truth.waves[span], strict=True):
        np.testing.assert_array_equal(trace, wave)
    assert joined["log.raw.text"].tolist() == [f"shot {event}" for event in range(EVENTS)][span]
    assert joined["log.raw.state"].tolist() == [event % 2 for event in range(EVENTS)][span]
    assert joined["timing.raw.pulseId"].tolist() == [*range(10, 10 + EVENTS)][span]
    assert sum(int(one.partial["tiles"].sum()) for one in stacks) == 6


def test_stacks_may_be_asked_for_in_any_order(run: RawRun, truth: WrittenRun) -> None:
    for start, stop in ((40, 45), (0, 3), (43, 50), (7, 8), (20, 20)):
        found = run.read(["slow.raw.raw"], start, stop)
        expected = np.where(truth.has_slow[:, None, None], truth.slow, 0)[start:stop]
        np.testing.assert_array_equal(found["slow.raw.raw"], expected)


def test_frames_come_with_an_array_per_segment(run: RawRun, truth: WrittenRun) -> None:
    for start, stop in ((10, 50), (0, 12)):
        chunks = list(run.frames("tiles.raw.raw", start=start, stop=stop, size=4))
        events = np.concatenate([events for events, _ in chunks])
        whole = np.flatnonzero(truth.has_tile.all(axis=1))
        assert events.tolist() == whole[(whole >= start) & (whole < stop)].tolist()
        assert max(len(frames) for _, frames in chunks) == 4
        for event, frame in zip(events, [one for _, some in chunks for one in some], strict=True):
            np.testing.assert_array_equal(np.stack(frame), truth.tiles[event])


def test_an_event_has_a_value_for_every_field_or_none(run: RawRun, truth: WrittenRun) -> None:
    for index in (0, 2, 4, -1):
        event, place = run.event(index), index % EVENTS
        assert event["log.raw.text"] == f"shot {place}"
        if truth.has_gasdet[place]:
            assert event["gasdet.raw.energy"] == truth.energy[place]
        else:
            assert event["gasdet.raw.energy"] is None
        if truth.has_tile[place].all():
            np.testing.assert_array_equal(event["tiles.raw.raw"], truth.tiles[place])
        else:
            assert event["tiles.raw.raw"] is None


def test_event_codes_and_beam_status_follow_from_the_timing_record(
    run: RawRun, truth: WrittenRun
) -> None:
    codes = event_codes(run.read(["timing.raw.sequenceValues"])["timing.raw.sequenceValues"])
    np.testing.assert_array_equal(codes, truth.codes)
    status = EventCodeRule(xray=(-137,), laser=(89,)).status(codes)
    assert np.flatnonzero(status.xray == 0).tolist() == list(range(0, EVENTS, 7))


def test_steps_and_scan_values_hold_from_their_begin(run: RawRun) -> None:
    number = np.arange(EVENTS) // STEP_LENGTH
    assert len(run.steps) == 3
    assert run.steps.number_of(np.arange(EVENTS)).tolist() == number.tolist()
    assert run.scan.names == ("lxt",)
    values, known = run.scan.read("lxt", run.timestamps)
    assert known.all()
    assert values.tolist() == (number * 1e-12).tolist()


def test_control_system_values_are_the_last_ones_before_an_event(
    run: RawRun, truth: WrittenRun
) -> None:
    assert run.epics.names == ("att_T", "note")
    first, second = truth.slow_updates
    expected = [np.nan] * first + [first] * (second - first) + [second] * (EVENTS - second)
    values, known = run.epics.read("att_T", run.timestamps)
    assert np.flatnonzero(~known).tolist() == list(range(first))
    assert values[known].tolist() == expected[first:]
    texts, _ = run.epics.read("note", run.timestamps)
    assert texts[-1] == f"at {second}"
    with pytest.raises(UnknownNameError, match="did you mean att_T"):
        run.epics.read("att_t", run.timestamps)


def test_settings_are_those_at_the_event(run: RawRun) -> None:
    for event, gain in ((0, 1), (STEP_LENGTH - 1, 1), (STEP_LENGTH, 2), (EVENTS - 1, 2)):
        assert run.config("slow", event) == {"user.gain": gain}
    assert run.config("gasdet") == {}
    with pytest.raises(UnknownNameError, match="did you mean slow"):
        run.config("slo")


def test_events_belong_to_the_next_frame_of_an_integrating_detector(
    run: RawRun, truth: WrittenRun
) -> None:
    number, seen = [], 0
    for there in truth.has_slow:
        number.append(seen)
        seen += int(there)
    assert run.integrated_by("slow").tolist() == number


def test_wrong_names_are_refused_with_the_way_out(run: RawRun) -> None:
    with pytest.raises(UnknownNameError, match="did you mean tiles"):
        run.present("tils")
    with pytest.raises(UnknownNameError, match=r"tiles\.raw"):
        run.stacks(["tiles.row"])
    with pytest.raises(UnknownNameError, match=r"no field 'tiles\.raw\.rw'"):
        run.frames("tiles.raw.rw")
    with pytest.raises(InputError, match="another shape in each event"):
        run.frames("wave.fex.trace")
    with pytest.raises(InputError, match="at least one event"):
        run.stacks(["tiles"], size=0)
    with pytest.raises(InputError, match=f"no event {EVENTS}"):
        run.event(EVENTS)


def test_a_run_travels_to_another_process(run: RawRun, truth: WrittenRun) -> None:
    again: RawRun = pickle.loads(pickle.dumps(run))
    assert again.read(["gasdet"], 5, 6)["gasdet.raw.energy"][0] == truth.energy[5]


def test_a_run_that_is_not_there_is_named(opened: Open, truth: WrittenRun, tmp_path: Path) -> None:
    with pytest.raises(NotThereError, match="no run 8"):
        opened(truth.folder, 8)
    with pytest.raises(NotThereError, match=r"no \.xtc2 files"):
        opened(tmp_path)
