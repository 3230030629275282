"""Detectors of several segments, in one stream or many; presence and damage."""

import pickle
from pathlib import Path

import numpy as np
import pytest
from xtc2_bytes import (
    CORRUPTED,
    EVENT,
    F64,
    PARENT,
    TEXT,
    U8,
    U16,
    begin,
    described,
    dgram,
    record,
    text,
    write,
    xtc,
)

from workbench.sources import Xtc2Error, open_raw

RNG = np.random.default_rng(3)


def camera(number: int, segment: int, *, rank: int = 2) -> bytes:
    return described(
        number, "cam", "raw", [("raw", U16, rank)], segment=segment, dettype="jungfrau"
    )


def test_segments_are_stacked_in_the_order_of_their_numbers_across_streams(tmp_path: Path) -> None:
    frames = RNG.integers(0, 60_000, (3, 2, 4, 5), dtype=np.uint16)
    for stream, segment in ((0, 9), (1, 2)):
        content = begin(camera(1, segment))
        for number in range(3):
            data = frames[number, int(segment == 9)].tobytes()
            content += dgram(EVENT, 10 + number, record(1, data, [(4, 5)]))
        write(tmp_path, content, stream)
    run = open_raw(tmp_path)
    assert run.segments == {"cam": (2, 9)}
    assert run.detectors["cam"]["raw"]["raw"].shape == (2, 4, 5)
    np.testing.assert_array_equal(run.read(["cam"])["cam.raw.raw"], frames)
    np.testing.assert_array_equal(run.event(1)["cam.raw.raw"], frames[1])
    ((events, found),) = run.frames("cam.raw.raw", start=1)
    assert events.tolist() == [1, 2]
    np.testing.assert_array_equal(np.array(found), frames[1:])


def test_frames_come_with_the_events_that_have_all_segments_as_views(tmp_path: Path) -> None:
    content = begin(camera(1, 0), camera(2, 1))
    frames = RNG.integers(0, 60_000, (7, 2, 8, 6), dtype=np.uint16)
    for number in range(7):
        there = [record(1, frames[number, 0].tobytes(), [(8, 6)])]
        if number not in {2, 5}:
            there.append(record(2, frames[number, 1].tobytes(), [(8, 6)]))
        content += dgram(EVENT, 10 + number, *there)
    run = open_raw(write(tmp_path, content))
    groups = list(run.frames("cam.raw.raw", size=2))
    assert [events.tolist() for events, _ in groups] == [[0, 1], [3, 4], [6]]
    for events, found in groups:
        np.testing.assert_array_equal(np.array(found), frames[events])
        assert not any(
            part.flags.owndata or part.flags.writeable for frame in found for part in frame
        )


def test_a_run_that_goes_to_another_process_reads_the_same_there(tmp_path: Path) -> None:
    content = begin(camera(1, 0))
    for number in range(3):
        content += dgram(EVENT, 10 + number, record(1, bytes([number] * 24), [(3, 4)]))
    path = write(tmp_path, content)
    run = open_raw(path)
    sent = pickle.dumps(run)
    again = pickle.loads(sent)
    np.testing.assert_array_equal(
        again.read(["cam"])["cam.raw.raw"], run.read("cam")["cam.raw.raw"]
    )
    with path.open("r+b") as file:
        file.truncate(len(content) - 1)
    with pytest.raises(Xtc2Error, match="shorter than when it was opened"):
        pickle.loads(sent)


def test_large_segments_of_one_stream_are_one_view_on_the_file(tmp_path: Path) -> None:
    frames = RNG.integers(0, 60_000, (3, 2, 50, 60), dtype=np.uint16)
    content = begin(camera(1, 0), camera(2, 1))
    for number, (one, two) in enumerate(frames):
        content += dgram(
            EVENT,
            10 + number,
            record(1, one.tobytes(), [(50, 60)]),
            record(2, two.tobytes(), [(50, 60)]),
        )
    stack = open_raw(write(tmp_path, content)).read(["cam"])
    assert not stack["cam.raw.raw"].flags.owndata
    np.testing.assert_array_equal(stack["cam.raw.raw"], frames)


def test_a_stored_axis_of_one_is_kept_for_one_segment_and_dropped_for_several(
    tmp_path: Path,
) -> None:
    frame = np.arange(6, dtype=np.uint16).tobytes()
    one = write(
        tmp_path, begin(camera(1, 0, rank=3)) + dgram(EVENT, 9, record(1, frame, [(1, 2, 3)]))
    )
    assert open_raw(one).read(["cam"])["cam.raw.raw"].shape == (1, 1, 2, 3)
    records = [record(number, frame, [(1, 2, 3)]) for number in (1, 2)]
    names = begin(camera(1, 0, rank=3), camera(2, 1, rank=3))
    two = write(tmp_path, names + dgram(EVENT, 9, *records), 1)
    assert open_raw(two).read(["cam"])["cam.raw.raw"].shape == (1, 2, 2, 3)
    assert open_raw(two).event(0)["cam.raw.raw"].shape == (2, 2, 3)


def test_an_event_without_all_segments_is_partial_and_has_no_value(tmp_path: Path) -> None:
    content = begin(camera(1, 0), camera(2, 1))
    there = [(1, 2), (1,), (2,), ()]
    for number, slots in enumerate(there):
        records = [record(slot, bytes([slot, 0]), [(1, 1)]) for slot in slots]
        content += dgram(EVENT, 10 + number, *records)
    run = open_raw(write(tmp_path, content))
    assert run.present("cam").tolist() == [True, False, False, False]
    assert run.partial("cam").tolist() == [False, True, True, False]
    assert [run.event(number)["cam.raw.raw"] is None for number in range(4)] == [False, *[True] * 3]
    assert run.event(2).segments("cam.raw.raw")[1].tolist() == [[2]]
    assert run.event(3).segments("cam.raw.raw") == {}
    stack = run.read(["cam"])
    assert stack["cam.raw.raw"].ravel().tolist() == [1, 2, 0, 0, 0, 0, 0, 0]
    assert stack.partial["cam.raw"].tolist() == [False, True, True, False]


def test_scalars_and_texts_of_several_segments_have_a_segment_axis(tmp_path: Path) -> None:
    fields = [("x", F64, 0), ("note", TEXT, 1)]
    names = [described(number, "det", "raw", fields, segment=number) for number in (1, 2)]
    records = []
    for number in (1, 2):
        raw, shape = text(f"segment {number}")
        records.append(record(number, np.float64(number).tobytes() + raw, [shape]))
    run = open_raw(write(tmp_path, begin(*names) + dgram(EVENT, 9, *records)))
    assert run.event(0)["det.raw.x"].tolist() == [1.0, 2.0]
    assert run.event(0)["det.raw.note"].tolist() == ["segment 1", "segment 2"]
    assert run.detectors["det"]["raw"]["x"].shape == (2,)


def test_segments_of_different_shapes_come_as_tuples(tmp_path: Path) -> None:
    names = [described(number, "det", "raw", [("w", U8, 1)], segment=number) for number in (1, 2)]
    records = [record(1, b"\1\2", [(2,)]), record(2, b"\3", [(1,)])]
    run = open_raw(write(tmp_path, begin(*names) + dgram(EVENT, 9, *records)))
    assert run.detectors["det"]["raw"]["w"].variable
    assert [part.tolist() for part in run.event(0)["det.raw.w"]] == [[1, 2], [3]]


def test_two_descriptions_of_one_segment_are_merged_by_field_and_the_last_record_wins(
    tmp_path: Path,
) -> None:
    full = described(1, "det", "raw", [("a", U8, 0), ("b", U8, 0)])
    small = described(2, "det", "raw", [("b", U8, 0)])
    content = begin(full, small)
    content += dgram(EVENT, 10, record(1, b"\1\2"))
    content += dgram(EVENT, 11, record(1, b"\3\4"), record(2, b"\5"))
    content += dgram(EVENT, 12, record(1, b"\6\7"), record(1, b"\10\11"))
    run = open_raw(write(tmp_path, content))
    stack = run.read(["det"])
    assert stack["det.raw.a"].tolist() == [1, 3, 8]
    assert stack["det.raw.b"].tolist() == [2, 5, 9]
    assert run.segments == {"det": (0,)}


def test_damage_of_a_record_or_anything_around_it_is_told(tmp_path: Path) -> None:
    names = described(1, "a", "raw", [("x", U8, 0)]) + described(2, "b", "raw", [("x", U8, 0)])
    one, two = record(1, b"\1"), record(2, b"\2")
    content = begin(names)
    content += dgram(EVENT, 10, record(1, b"\1", damage=1 << 6), two)
    content += dgram(EVENT, 11, xtc(PARENT, one, damage=1 << 4), two)
    content += dgram(EVENT, 12, one, two, damage=1 << 12)
    content += dgram(EVENT, 13, one, two)
    run = open_raw(write(tmp_path, content))
    assert run.damaged("a").tolist() == [True, True, True, False]
    assert run.damaged("b").tolist() == [False, False, True, False]
    assert run.present("a").all()
    assert run.read(["a"]).damaged["a"].tolist() == [True, True, True, False]


def test_corrupted_containers_are_not_read_and_their_detectors_are_damaged(tmp_path: Path) -> None:
    names = described(1, "a", "raw", [("x", U8, 0)]) + described(2, "b", "raw", [("x", U8, 0)])
    one, two = record(1, b"\1"), record(2, b"\2")
    nonsense = xtc(PARENT, b"\xff" * 40, damage=CORRUPTED)
    content = begin(names)
    content += dgram(EVENT, 10, nonsense, two)
    content += dgram(EVENT, 11, b"\xee" * 30, damage=CORRUPTED)
    content += dgram(EVENT, 12, one, two)
    run = open_raw(write(tmp_path, content))
    assert run.present("a").tolist() == [False, False, True]
    assert run.present("b").tolist() == [True, False, True]
    assert run.damaged("a").tolist() == [True, True, False]
    assert run.damaged("b").tolist() == [False, True, False]
    (finding,) = [found for found in run.findings if found.code == "corrupted"]
    assert finding.count == 2


def test_a_detector_is_present_where_any_of_its_algorithms_is_complete(tmp_path: Path) -> None:
    names = described(1, "opal", "raw", [("x", U8, 0)])
    names += described(2, "opal", "ttfex", [("y", U8, 0)])
    content = begin(names)
    for number in range(4):
        images = [record(1, b"\1")] if number % 2 else []
        content += dgram(EVENT, 10 + number, *images, record(2, bytes([number])))
    run = open_raw(write(tmp_path, content))
    stack = run.read(["opal"])
    assert stack.present["opal"].all()
    assert stack.present["opal.raw"].tolist() == [False, True, False, True]
    assert stack["opal.ttfex.y"].tolist() == [0, 1, 2, 3]
