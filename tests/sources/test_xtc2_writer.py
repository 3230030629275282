import resource
import signal
import struct
import tracemalloc
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from workbench.core.atomic import CannotWriteError
from workbench.core.errors import InputError
from workbench.sources.xtc2_writer import Names, Xtc2Writer

CALIB = Names("andor", "andor", "raw", (0, 0, 2), 1, "detnum1234", {"calib": ("float32", 2)})
PLAIN = Names("gas", "gasdet", "raw", fields={"f11": ("float64", 0), "count": ("uint8", 0)})
# Event 7 of stream 1 of the integrating-detector file in psana's tests, and its index entry.
REAL_EVENT = bytes.fromhex(
    "07000000000000000000000c000000000000000054000000"  # datagram: event, 84 bytes
    "020100000000010048000000"  # record of node 1, names 2
    "000000000000020020000000"
    + "0200000002000000"
    + "00" * 12  # shape (2, 2)
    + "00000000000003001c000000"
    + "00004040" * 4  # 3.0 four times
)
REAL_INDEX = bytes.fromhex(
    "07000000000000000000000c000000000000000040000000"
    "000002000000010034000000" + "00000000000002000c000000" + "00000000000003001c000000"
)


def datagrams(content: bytes) -> list[tuple[int, int, bytes]]:
    """(service, time, whole datagram), walked as the format says and nothing more."""
    found, offset = [], 0
    while offset < len(content):
        time, env = struct.unpack_from("<QI", content, offset)
        (extent,) = struct.unpack_from("<I", content, offset + 20)
        found.append((env >> 24 & 15, time, content[offset : offset + 12 + extent]))
        offset += 12 + extent
    assert offset == len(content)
    return found


def write_one(path: Path, names: Names, values: dict[str, Any]) -> bytes:
    with Xtc2Writer(path, [names]) as writer:
        writer.configure(1)
        writer.event(2, {0: values})
    return datagrams(path.read_bytes())[-1][2]


def test_an_event_has_the_bytes_of_a_real_file(tmp_path: Path) -> None:
    path = tmp_path / "xpptut15-r0014-s001-c000.xtc2"
    index = tmp_path / "smalldata" / "xpptut15-r0014-s001-c000.smd.xtc2"
    with Xtc2Writer(path, [PLAIN, PLAIN, CALIB], smd=index) as writer:
        writer.configure(0)
        writer.event(7, {2: {"calib": np.full((2, 2), 3, np.float32)}})
    content = path.read_bytes()
    (service, time, event) = datagrams(content)[1]
    assert (service, time) == (12, 7)
    assert event == REAL_EVENT
    place = struct.pack("<QQ", len(content) - len(event), len(event))
    assert datagrams(index.read_bytes())[1][2] == REAL_INDEX + place


def test_a_record_type_has_the_bytes_that_the_format_says(tmp_path: Path) -> None:
    path = tmp_path / "a-r0001-s000-c000.xtc2"
    with Xtc2Writer(path, [CALIB]) as writer:
        writer.configure(0)
    block = path.read_bytes()[24 : 24 + 1572]
    assert struct.unpack_from("<IHHII", block) == (0x100, 0, 4, 1572, 1)
    texts = [block[at : at + 256].rstrip(b"\0") for at in (16, 272, 528, 784)]
    assert texts == [b"andor", b"andor", b"detnum1234", b"raw"]
    assert struct.unpack_from("<II", block, 1040) == (2, 1)
    assert block[1048 + 260 : 1048 + 265] == b"calib"
    assert struct.unpack_from("<II", block, 1048 + 516) == (8, 2)


def test_fields_are_packed_in_order_without_gaps(tmp_path: Path) -> None:
    names = Names(
        "d",
        "t",
        "raw",
        fields={
            "small": ("int8", 0),
            "text": ("str", 1),
            "cube": ("uint16", 3),
            "none": ("float64", 1),
            "big": ("uint64", 0),
            "mode:modes": ("enum", 0),
        },
    )
    cube = np.arange(24, dtype=np.uint16).reshape(2, 3, 4)[:, ::-1]  # not contiguous
    values = {
        "small": -5,
        "text": "gain",
        "cube": cube,
        "none": np.zeros(0),
        "big": 2**64 - 1,
        "mode:modes": -2,
    }
    event = write_one(tmp_path / "a.xtc2", names, values)
    assert np.frombuffer(event, "<u4", 15, 48).reshape(3, 5)[:, :3].tolist() == [
        [8, 0, 0],
        [2, 3, 4],
        [0, 0, 0],
    ]
    data = event[48 + 60 + 12 :]
    expected = struct.pack("<b", -5) + b"gain\0\0\0\0" + cube.tobytes()
    assert data == expected + struct.pack("<Qi", 2**64 - 1, -2)


def test_damage_marks_the_datagram_or_one_record(tmp_path: Path) -> None:
    path = tmp_path / "a.xtc2"
    value = {"f11": 1.0, "count": 1}
    with Xtc2Writer(path, [PLAIN, PLAIN]) as writer:
        writer.configure(1)
        writer.event(2, {0: value, 1: value}, damage=1 << 4)
        writer.event(3, {0: value, 1: value}, damage={1: 1 << 3 | 2 << 12})
    (_, whole, single) = [content for *_, content in datagrams(path.read_bytes())]
    size = 12 + 12 + 12 + 9
    marks = [
        [struct.unpack_from("<H", d, at)[0] for at in (16, 28, 28 + size)] for d in (whole, single)
    ]
    assert marks == [[16, 0, 0], [0, 0, 0x2008]]


def test_all_transitions_come_in_the_order_written_and_into_the_index(tmp_path: Path) -> None:
    path, index = tmp_path / "a.xtc2", tmp_path / "smalldata" / "a.smd.xtc2"
    value = {"f11": 1.5, "count": 7}
    with Xtc2Writer(path, [PLAIN], smd=index) as writer:
        writer.configure(1, {0: value})
        writer.begin_run(2, experiment="xppx12345", run=14)
        writer.begin_step(3, {0: value})
        writer.enable(3)
        writer.slow_update(4, {0: value})
        writer.event(5, {0: value})
        writer.disable(6)
        writer.end_step(7)
        writer.end_run(8)
    data, small = datagrams(path.read_bytes()), datagrams(index.read_bytes())
    assert [service for service, *_ in data] == [2, 4, 6, 8, 10, 12, 9, 7, 5]
    assert [service for service, *_ in small] == [2, 4, 6, 8, 10, 12, 9, 7, 5]
    assert [d for d in data if d[0] not in (2, 12)] == [d for d in small if d[0] not in (2, 12)]
    assert b"xppx12345\0\0\0" + struct.pack("<I", 14) == data[1][2][-16:]


def test_offsets_in_the_index_count_from_zero_in_the_next_chunk(tmp_path: Path) -> None:
    first, second = tmp_path / "a-r0001-s000-c000.xtc2", tmp_path / "a-r0001-s000-c001.xtc2"
    index = tmp_path / "smalldata" / "a-r0001-s000-c000.smd.xtc2"
    value = {"f11": 1.5, "count": 7}
    with Xtc2Writer(first, [PLAIN], smd=index) as writer:
        writer.configure(1)
        writer.enable(2)
        writer.event(3, {0: value})
        writer.enable(4, next_chunk=(second, 1))
        writer.event(5, {0: value})
    chunks = [first.read_bytes(), second.read_bytes()]
    places = [
        struct.unpack("<QQ", d[-16:])
        for service, _, d in datagrams(index.read_bytes())
        if service == 12
    ]
    events = [chunk[at : at + size] for chunk, (at, size) in zip(chunks, places, strict=True)]
    assert [struct.unpack_from("<Q", event)[0] for event in events] == [3, 5]
    assert b"a-r0001-s000-c001.xtc2\0" in datagrams(chunks[0])[-1][2]


def test_frames_are_written_without_a_copy_and_nothing_piles_up(tmp_path: Path) -> None:
    frame = np.ones((1024, 1024), np.uint16)  # 2 MiB
    names = Names("cam", "epix100", "raw", fields={"raw": ("uint16", 2)})
    with Xtc2Writer(tmp_path / "a.xtc2", [names]) as writer:
        writer.configure(0)
        tracemalloc.start()
        for time in range(1, 21):
            writer.event(time, {0: {"raw": frame}})
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < frame.nbytes / 8


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"f11": 1.0}, "lacks the field 'count'"),
        ({"f11": 1.0, "count": 1, "f12": 2.0}, "undeclared field 'f12'"),
        ({"f11": 1.0, "count": 256}, "'count'.*256"),
        ({"f11": 1.0, "count": 1.5}, "'count'.*1.5"),
        ({"f11": np.zeros(2), "count": 1}, "'f11'.*one float64"),
        ({"f11": "x", "count": 1}, "'f11'"),
    ],
)
def test_a_wrong_scalar_is_refused_by_field(tmp_path: Path, values: Any, said: str) -> None:
    with pytest.raises(InputError, match=said):
        write_one(tmp_path / "a.xtc2", PLAIN, values)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "value", [np.zeros((2, 2)), np.zeros(2, np.float32), np.zeros((2, 2), ">f4"), [[1, 2]]]
)
def test_an_array_of_another_type_or_rank_is_refused_by_field(tmp_path: Path, value: Any) -> None:
    with pytest.raises(InputError, match=r"'calib' of andor\.raw .segment 1.*float32 of rank 2"):
        write_one(tmp_path / "a.xtc2", CALIB, {"calib": value})


@pytest.mark.parametrize("value", [5, "a\0b", b"bytes"])
def test_a_wrong_text_is_refused_by_field(tmp_path: Path, value: Any) -> None:
    names = Names("d", "t", "raw", fields={"note": ("str", 1)})
    with pytest.raises(InputError, match="'note'"):
        write_one(tmp_path / "a.xtc2", names, {"note": value})


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"det": "my cam"}, "det of my cam"),
        ({"alg": "a" * 256}, "alg"),
        ({"version": (1, 2, 300)}, "version"),
        ({"segment": -1}, "segment"),
        ({"detid": "x" * 256}, "detid"),
        ({"fields": {"a b": ("uint8", 0)}}, "'a b'"),
        ({"fields": {"a": ("uint12", 0)}}, "'uint12'.*uint"),
        ({"fields": {"a": ("uint8", 5)}}, "rank 5"),
        ({"fields": {"a": ("enum", 0)}}, "value:list"),
    ],
)
def test_a_wrong_declaration_is_refused_by_name(given: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        Names(**{"det": "d", "dettype": "t", "alg": "raw", **given})


@pytest.mark.parametrize(
    ("write", "said"),
    [
        (lambda w: (w.configure(5), w.disable(4)), "before the last one"),
        (lambda w: w.disable(4), "configure"),
        (lambda w: (w.configure(5), w.event(6, {1: {}})), "record types 0 to 0"),
        (lambda w: (w.configure(5), w.event(6, {}, damage={0: 1})), "lacks"),
        (lambda w: (w.configure(5), w.event(6, {}, damage=1 << 16)), "16 bits"),
    ],
)
def test_a_datagram_that_cannot_be_is_refused(
    tmp_path: Path, write: Callable[[Xtc2Writer], Any], said: str
) -> None:
    with pytest.raises(InputError, match=said), Xtc2Writer(tmp_path / "a", [PLAIN]) as writer:
        write(writer)
    assert list(tmp_path.iterdir()) == []


def test_a_file_gets_its_name_when_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.xtc2"
    path.write_text("the file before")
    with Xtc2Writer(path, []) as writer:
        writer.configure(1)
        assert path.read_text() == "the file before"
        assert path.with_name("a.xtc2.inprogress").exists()
    assert datagrams(path.read_bytes())[0][0] == 2
    assert list(tmp_path.iterdir()) == [path]


@pytest.fixture
def small_files() -> Generator[None]:
    """No file may grow beyond 64 KiB, as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 16, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)
    signal.signal(signal.SIGXFSZ, handler)


def write_frames(path: Path, number: int) -> None:
    names = Names("cam", "epix100", "raw", fields={"raw": ("uint16", 2)})
    with Xtc2Writer(path, [names], smd=path.parent / "smalldata" / "a.smd.xtc2") as writer:
        writer.configure(0)
        for time in range(number):
            writer.event(time, {0: {"raw": np.ones((100, 100), np.uint16)}})


@pytest.mark.parametrize("number", [10, 100])
def test_a_full_disk_leaves_nothing_and_says_so(
    tmp_path: Path, small_files: None, number: int
) -> None:
    with pytest.raises(CannotWriteError, match=r"a\.xtc2: .*; nothing was left"):
        write_frames(tmp_path / "a.xtc2", number)
    assert [path.name for path in tmp_path.rglob("*")] == ["smalldata"]


def test_a_writer_outside_its_block_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="with block"):
        Xtc2Writer(tmp_path / "a.xtc2", []).configure(1)
