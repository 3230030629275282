"""From streams to events, steps and slow values."""

import struct
from pathlib import Path

import numpy as np
import pytest
from xtc2_bytes import (
    BEGIN_STEP,
    CONFIGURE,
    END_STEP,
    EVENT,
    F32,
    F64,
    SLOW_UPDATE,
    SMALL,
    TEXT,
    U8,
    U16,
    begin,
    described,
    dgram,
    end,
    record,
    run_info,
    text,
    write,
)

from workbench.core.errors import InputError, UnknownNameError
from workbench.core.findings import Severity
from workbench.sources import RawRun, Steps, open_raw


def stream(folder: Path, number: int, times: list[int], det: str) -> None:
    content = begin(described(1, det, "raw", [("x", U8, 0)]))
    for time in times:
        content += dgram(EVENT, time, record(1, bytes([time])))
    write(folder, content + end(200), number)


def test_events_are_the_streams_heads_with_the_smallest_time(tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    times = [sorted(rng.choice(np.arange(10, 150), 60, replace=False).tolist()) for _ in range(3)]
    for number, own in enumerate(times):
        stream(tmp_path, number, own, f"d{number}")
    run = open_raw(tmp_path)
    heads, expected = [list(own) for own in times], []
    while any(heads):
        first = min(own[0] for own in heads if own)
        expected.append((first, [bool(own) and own[0] == first for own in heads]))
        heads = [own[1:] if own and own[0] == first else own for own in heads]
    assert run.timestamps.tolist() == [time for time, _ in expected]
    stack = run.read(["d0", "d1", "d2"])
    for number in range(3):
        there = [states[number] for _, states in expected]
        assert stack.present[f"d{number}"].tolist() == there
        values = np.where(there, run.timestamps, 0)
        assert stack[f"d{number}.raw.x"].tolist() == values.tolist()


def test_a_time_that_one_stream_repeats_makes_as_many_events(tmp_path: Path) -> None:
    stream(tmp_path, 0, [10, 11, 11, 12], "a")
    stream(tmp_path, 1, [11, 12], "b")
    run = open_raw(tmp_path)
    assert run.timestamps.tolist() == [10, 11, 11, 12]
    assert run.present("a").all()
    assert run.present("b").tolist() == [False, True, False, True]


def test_events_out_of_order_are_sorted_and_told(tmp_path: Path) -> None:
    stream(tmp_path, 0, [10, 13, 11, 12], "a")
    run = open_raw(tmp_path)
    assert run.read(["a"])["a.raw.x"].tolist() == [10, 11, 12, 13]
    (finding,) = [found for found in run.findings if found.code == "out-of-order"]
    assert (finding.count, finding.severity) == (1, Severity.WARNING)


def test_stacks_cover_a_range_once_whatever_their_size(tmp_path: Path) -> None:
    stream(tmp_path, 0, list(range(10, 60)), "a")
    run = open_raw(tmp_path)
    for size in (1, 7, 50, 1000):
        stacks = list(run.stacks(["a.raw.x"], size=size, start=5, stop=-3))
        values = np.concatenate([stack["a.raw.x"] for stack in stacks])
        assert values.tolist() == list(range(15, 57))
        assert [stack.first for stack in stacks] == list(range(5, 47, size))
    assert list(run.stacks("a", start=50)) == []
    assert len(run.read(["a"], 20, 10)) == 0


def test_wrong_names_and_indices_are_refused_with_the_way_out(tmp_path: Path) -> None:
    stream(tmp_path, 0, [10], "camera")
    run = open_raw(tmp_path)
    with pytest.raises(UnknownNameError, match=r"did you mean camera"):
        run.stacks(["camra"])
    with pytest.raises(UnknownNameError, match=r"detector 'camra' in run 14"):
        run.present("camra")
    with pytest.raises(UnknownNameError, match=r"no field 'camera.raw.y'"):
        run.event(0)["camera.raw.y"]
    with pytest.raises(InputError, match="no event 1"):
        run.event(1)
    with pytest.raises(InputError, match="at least one event"):
        run.stacks(["camera"], size=0)


def test_steps_last_until_their_end_or_the_next_beginning(tmp_path: Path) -> None:
    content = begin(described(1, "a", "raw", [("x", U8, 0)]), time=1)  # BeginStep at 3
    services = [(EVENT, 10), (EVENT, 11), (END_STEP, 12), (EVENT, 13), (BEGIN_STEP, 14)]
    services += [(EVENT, 15), (BEGIN_STEP, 16), (BEGIN_STEP, 17), (EVENT, 18)]
    for service, time in services:
        blocks = [record(1, b"\1")] if service == EVENT else []
        content += dgram(service, time, *blocks)
    run = open_raw(write(tmp_path, content))
    assert run.steps.times.tolist() == [3, 14, 16, 17]
    assert run.steps.first.tolist() == [0, 3, 4, 4]
    assert run.steps.last.tolist() == [2, 4, 4, 5]
    assert run.steps.number_of(np.arange(5)).tolist() == [0, 0, -1, 1, 3]


def test_without_steps_no_event_is_in_one() -> None:
    none = np.empty(0, np.int64)
    steps = Steps(none.astype(np.uint64), none, none)
    assert steps.number_of(np.arange(3)).tolist() == [-1, -1, -1]


@pytest.fixture
def slow_run(tmp_path: Path) -> RawRun:
    """EPICS variables in two streams, one of them in both; values tell when they were set."""
    fields = [("pressure", F64, 0), ("state", TEXT, 1)]
    zero = begin(
        described(1, "epics", "raw", fields), described(2, "scan", "raw", [("motor", F64, 0)])
    )
    one = begin(described(1, "epics", "raw", [("image", F32, 2), ("pressure", F64, 0)]))
    for time in range(10, 60):
        if time % 10 == 5:
            raw, shape = text(f"at {time}")
            zero += dgram(SLOW_UPDATE, time, record(1, struct.pack("<d", time) + raw, [shape]))
            image = np.full((2, 3), time, np.float32).tobytes() + struct.pack("<d", -time)
            one += dgram(SLOW_UPDATE, time, *([record(1, image, [(2, 3)])] if time == 35 else []))
        elif time % 20 == 1:
            zero += dgram(BEGIN_STEP, time, record(2, struct.pack("<d", time)))
        else:
            zero += dgram(EVENT, time)
            one += dgram(EVENT, time)
    write(tmp_path, zero, 0)
    write(tmp_path, one, 1)
    return open_raw(tmp_path)


def test_slow_values_are_those_set_at_or_before_the_moment(slow_run: RawRun) -> None:
    times = np.arange(0, 70, dtype=np.uint64)
    states, known = slow_run.epics.read("state", times)
    for time, state, there in zip(times.tolist(), states, known, strict=True):
        set_at = [when for when in (15, 25, 35, 45, 55) if when <= time]
        assert there == bool(set_at)
        assert state == (f"at {set_at[-1]}" if set_at else "")
    motor, known = slow_run.scan.read("motor", times)
    assert motor.tolist() == [0.0] * 21 + [21.0] * 20 + [41.0] * 29
    assert known.tolist() == [False] * 21 + [True] * 49


def test_a_variable_of_two_streams_takes_the_later_value_and_the_last_stream_at_ties(
    slow_run: RawRun,
) -> None:
    times = np.array([34, 35, 44, 45], np.uint64)
    assert slow_run.epics.read("pressure", times)[0].tolist() == [25.0, -35.0, -35.0, 45.0]
    image, known = slow_run.epics.read("image", times)
    assert known.tolist() == [False, True, True, True]
    assert image[0].tolist() == [[0.0] * 3] * 2
    assert image[3].tolist() == [[35.0] * 3] * 2
    assert slow_run.epics.names == ("image", "pressure", "state")
    assert slow_run.epics.field("image").shape == (2, 3)
    with pytest.raises(UnknownNameError, match="did you mean pressure"):
        slow_run.epics.read("presure", times)


def test_settings_are_those_in_force_at_the_event(tmp_path: Path) -> None:
    full = described(1, "det", "config", [("gain", U8, 0), ("delay", U16, 1)])
    small = described(2, "det", "config", [("gain", U8, 0)])
    names = full + small + described(3, "det", "raw", [("x", U8, 0)])
    content = begin(names, record(1, b"\1\7\0\11\0", [(2,)]))
    content += dgram(EVENT, 10, record(3, b"\0"))
    content += dgram(BEGIN_STEP, 11, record(2, b"\5"))
    content += dgram(EVENT, 12, record(3, b"\0"))
    run = open_raw(write(tmp_path, content))
    assert list(run.detectors["det"]) == ["raw"]
    for event, gain in ((0, 1), (1, 5)):
        settings = run.config("det", event)
        assert settings["gain"] == gain
        assert settings["delay"].tolist() == [7, 9]
    with pytest.raises(UnknownNameError, match="did you mean det"):
        run.config("dett")


def test_settings_of_several_segments_are_stacked(tmp_path: Path) -> None:
    names = [
        described(number, "det", "config", [("w", U8, 1)], segment=number) for number in (1, 2)
    ]
    for name, second, expected in (
        ("same", [(2,)], [[1, 2], [3, 4]]),
        ("other", [(1,)], [[1, 2], [3]]),
    ):
        folder = tmp_path / name
        folder.mkdir()
        data = b"\3\4"[: second[0][0]]
        records = [record(1, b"\1\2", [(2,)]), record(2, data, second)]
        run = open_raw(write(folder, dgram(CONFIGURE, 1, *names, *records)))
        assert [part.tolist() for part in run.config("det")["w"]] == expected
        assert run.n_events == 0


def test_each_event_belongs_to_the_next_one_of_the_integrating_detector() -> None:
    run = open_raw(SMALL / "intg_det", run=14)
    groups = run.integrated_by("andor")
    ends = [int(run.timestamps[groups == group][-1]) for group in range(5)]
    assert ends == [7, 10, 13, 16, 19]  # the example of the format description
    assert groups[run.timestamps == 20].tolist() == [5]
    assert run.timestamps.tolist() == list(range(4, 21))
    assert (run.present("andor").sum(), run.present("epix").sum()) == (5, 2)


def test_run_information_comes_from_the_first_stream_that_has_it(tmp_path: Path) -> None:
    silent = dgram(CONFIGURE, 1) + dgram(4, 2) + dgram(EVENT, 10)
    write(tmp_path, silent, 0)
    content = begin(experiment="xppx7", number=3) + dgram(BEGIN_STEP, 9, run_info("other", 99))
    write(tmp_path, content + dgram(EVENT, 10), 1)
    run = open_raw(tmp_path)
    assert (run.experiment, run.number, run.file_number, run.begin_time) == ("xppx7", 3, 14, 2)
    codes = {finding.code for finding in run.findings}
    assert {"stream-without-runinfo", "run-number-differs", "no-end-run"} <= codes


def test_streams_of_different_runs_under_one_name_are_told(tmp_path: Path) -> None:
    write(tmp_path, begin(number=14) + dgram(EVENT, 10), 0)
    write(tmp_path, begin(number=15) + dgram(EVENT, 10), 1)
    (finding,) = [
        found for found in open_raw(tmp_path).findings if found.code == "run-information-differs"
    ]
    assert finding.severity is Severity.ERROR
    assert "run 14" in finding.message
    assert "run 15" in finding.message
