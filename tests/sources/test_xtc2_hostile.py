"""Bytes that break the format are refused with file, offset, problem and a next step."""

import pickle
import struct
from pathlib import Path

import numpy as np
import pytest
from xtc2_bytes import (
    CONFIGURE,
    DATA,
    EVENT,
    NAMES,
    PARENT,
    SHAPES,
    SHAPES_DATA,
    SLOW_UPDATE,
    TEXT,
    U8,
    U16,
    begin,
    described,
    dgram,
    record,
    write,
    xtc,
)
from xtc2_exercise import exercise

from workbench.core.errors import WorkbenchError
from workbench.sources import Xtc2Error, open_raw

FIELDS = [("x", U8, 0), ("frame", U16, 2)]
DET = described(1, "det", "raw", FIELDS)
START = len(begin(DET))
GOOD = record(1, b"\1" + bytes(12), [(2, 3)])


def sized(block: bytes, extent: int) -> bytes:
    """The block with another extent in its header."""
    return block[:8] + struct.pack("<I", extent) + block[12:]


def nested(depth: int) -> bytes:
    inside = GOOD
    for _ in range(depth):
        inside = xtc(PARENT, inside)
    return inside


# name: (blocks of an event, byte of the trouble counted from the event's first block, problem)
EVENTS: dict[str, tuple[bytes, int, str]] = {
    "extent below its header": (sized(GOOD, 11), 0, "fewer bytes than its own header"),
    "extent of zero": (sized(GOOD, 0), 0, "fewer bytes than its own header"),
    "child past its parent": (sized(GOOD, len(GOOD) + 1), 0, "past the end of the block"),
    "child of 4 GiB": (sized(GOOD, 2**32 - 1), 0, "past the end of the block"),
    "grandchild past its parent": (
        xtc(SHAPES_DATA, sized(xtc(DATA, b"\1"), 14), src=1),
        0,
        "past the end of the block",
    ),
    "less than a header left": (GOOD + b"\0" * 11, len(GOOD), "past the end of the block"),
    "unknown names": (record(7, b""), 0, "does not describe"),
    "names outside Configure": (DET, 0, "outside Configure"),
    "shapes without a record": (xtc(SHAPES), 0, "no place here"),
    "unknown block": (xtc(9), 0, "no place here"),
    "two data blocks": (xtc(SHAPES_DATA, xtc(DATA) + xtc(DATA), src=1), 0, "one Shapes and one"),
    "a record in a record": (xtc(SHAPES_DATA, GOOD, src=1), 0, "one Shapes and one Data"),
    "too few shapes": (record(1, b"\1" + bytes(12)), 0, "fewer shapes than arrays"),
    "no data": (xtc(SHAPES_DATA, src=1), 0, "past the end of its record"),
    "array past the data": (record(1, b"\1" + bytes(12), [(2, 4)]), 0, "past the end of its"),
    "array of 2**64 elements": (record(1, b"\1", [(2**32 - 1, 2**32 - 1)]), 0, "past the end"),
    "product that wraps to zero": (record(1, b"\1", [(2**31, 2**31)]), 0, "past the end of its"),
    "empty array with a huge axis": (record(1, b"\1", [(0, 2**32 - 1)]), 0, "past the end of"),
    "too deep": (nested(17), 15 * 12, "nested deeper than 16"),
}


@pytest.mark.parametrize("name", EVENTS)
def test_a_bad_event_is_refused_at_its_byte(tmp_path: Path, name: str) -> None:
    blocks, place, problem = EVENTS[name]
    path = write(tmp_path, begin(DET) + dgram(EVENT, 10, blocks) + dgram(EVENT, 11, GOOD))
    with pytest.raises(Xtc2Error) as caught:
        open_raw(path)
    error = caught.value
    assert error.file == path
    assert problem in error.problem
    assert error.offset == START + 24 + place
    assert str(path) in str(error)
    assert f"byte {error.offset}" in str(error)
    assert error.problem in str(error)
    assert str(error).endswith(error.remedy)


@pytest.mark.parametrize("name", EVENTS)
def test_a_bad_transition_is_refused_like_a_bad_event(tmp_path: Path, name: str) -> None:
    blocks, place, problem = EVENTS[name]
    path = write(tmp_path, begin(DET) + dgram(SLOW_UPDATE, 10, blocks))
    with pytest.raises(Xtc2Error, match=f"byte {START + 24 + place}: .*{problem}"):
        open_raw(path)


def entry(kind: int, rank: int) -> bytes:
    return described(1, "det", "raw", [("x", kind, rank)])


CONFIGURES: dict[str, tuple[bytes, str]] = {
    "a name cut short": (xtc(NAMES, DET[12:-1], src=1), "no whole number of fields"),
    "less than a description": (xtc(NAMES, DET[12:1000], src=1), "no whole number of fields"),
    "rank 6": (entry(U8, 6), "rank 6, where"),
    "rank 2**32 - 1": (entry(U8, 2**32 - 1), "rank 4294967295"),
    "type 13": (entry(13, 0), "type 13"),
    "the same number twice": (DET + entry(U8, 0), "described twice"),
    "extent below its header": (sized(DET, 4), "fewer bytes than its own header"),
    "past the end": (sized(DET, len(DET) + 4), "past the end of the block"),
    "too deep": (nested(20), "nested deeper than 16"),
    "a record that nothing describes": (record(1), "does not describe"),
}


@pytest.mark.parametrize("name", CONFIGURES)
def test_a_bad_configure_is_refused(tmp_path: Path, name: str) -> None:
    block, problem = CONFIGURES[name]
    path = write(tmp_path, dgram(CONFIGURE, 1, block) + dgram(EVENT, 10))
    with pytest.raises(Xtc2Error, match=problem) as caught:
        open_raw(path)
    assert 12 < caught.value.offset < path.stat().st_size


def test_bad_datagram_headers_are_refused_at_their_byte(tmp_path: Path) -> None:
    good = dgram(EVENT, 10, GOOD)
    short = good[:20] + struct.pack("<I", 11) + good[24:]
    kind = good[:18] + struct.pack("<H", SHAPES) + good[20:]
    service = good[:11] + b"\x0d" + good[12:]
    for bad, problem in (
        (short, "fewer bytes than its own header"),
        (kind, "no place here"),
        (service, "unknown transition"),
        (bytes(100), "fewer bytes than its own header"),
    ):
        path = write(tmp_path, begin(DET) + good + bad + good)
        with pytest.raises(Xtc2Error, match=problem) as caught:
            open_raw(path)
        assert caught.value.offset == START + len(good)


def test_thousands_of_runs_in_one_file_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path, begin(DET) + b"".join(dgram(4, 10 + number) for number in range(1000)))
    with pytest.raises(Xtc2Error, match="more than 1000 Configure and BeginRun"):
        open_raw(path)


def test_types_that_differ_between_segments_come_as_stored(tmp_path: Path) -> None:
    names = described(1, "d", "raw", [("x", U8, 0), ("t", U8, 1)])
    names += described(2, "d", "raw", [("x", U16, 0), ("t", TEXT, 1)], segment=1)
    path = write(
        tmp_path,
        begin(names) + dgram(EVENT, 10, record(1, b"\1ab", [(2,)]), record(2, b"\2\0c\0", [(2,)])),
    )
    x, t = (open_raw(path).event(0)[f"d.raw.{name}"] for name in ("x", "t"))
    assert [(value.dtype, value.tolist()) for value in x] == [(np.uint8, 1), (np.uint16, 2)]
    assert [value.tolist() for value in t] == [[97, 98], [99, 0]]


def test_names_that_python_would_not_choose_do_no_harm(tmp_path: Path) -> None:
    fields = [("", U8, 0), (".", U8, 0), ("a.b:c", U8, 0), ("é\n", U8, 0), ("a.b:c", U8, 0)]
    names = described(1, "x.y", "", fields) + described(2, "", "raw", [("x", 11, 1), (":", 12, 2)])
    path = write(
        tmp_path,
        begin(names) + dgram(EVENT, 10, record(1, bytes(5)), record(2, b"", [(0,), (1, 0)])),
    )
    assert exercise(path) == "fine"


def test_the_error_survives_the_way_between_processes() -> None:
    error = Xtc2Error(Path("a.xtc2"), 7, "problem", "remedy")
    copy = pickle.loads(pickle.dumps(error))
    assert (copy.file, copy.offset, copy.problem) == (Path("a.xtc2"), 7, "problem")
    assert str(copy) == str(error) == "a.xtc2, byte 7: problem; remedy"
    assert isinstance(copy, ValueError)
    assert isinstance(copy, WorkbenchError)
