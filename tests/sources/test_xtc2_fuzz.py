"""Whatever a file holds, reading it ends soon, in values or a refusal, in little memory."""

import resource
import struct
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from xtc2_bytes import (
    ENUM,
    EVENT,
    F64,
    LABEL,
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
    text,
)
from xtc2_exercise import exercise

Files = dict[str, bytes]
SPARE_MEMORY = 192 << 20  # bytes of address space beyond what the process has before
PATIENCE = 20  # s, on a machine with other work


def handmade() -> bytes:
    """Every kind of field and detector in a few hundred bytes of events."""
    names = [
        described(1, "cam", "raw", [("raw", U16, 3), ("count", U8, 0)]),
        described(2, "cam", "raw", [("raw", U16, 3), ("count", U8, 0)], segment=1),
        described(3, "wave", "fex", [("v", F64, 1), ("note", TEXT, 1)]),
        described(4, "gain", "raw", [("g:Modes", ENUM, 0), ("High:Modes", LABEL, 0)]),
        described(5, "epics", "raw", [("p", F64, 0), ("image", U8, 2)]),
        described(6, "cam", "config", [("mode", U8, 0), ("wave", F64, 1)]),
        record(6, bytes(17), [(2,)]),
    ]
    content = begin(*names)
    for number in range(6):
        raw, shape = text("note" * number)
        blocks = [
            record(1, bytes(13), [(1, 2, 3)]),
            record(2, bytes(13), [(1, 2, 3)], data_first=True),
            record(3, bytes(8 * number) + raw, [(number,), shape]),
            record(4, struct.pack("<ii", number, -2)),
        ]
        content += dgram(EVENT, 10 + 2 * number, *blocks[number % 2 :])
        content += dgram(SLOW_UPDATE, 11 + 2 * number, record(5, bytes(12), [(2, 2)]))
    return content + end(50)


def sources() -> dict[str, Files]:
    found = {"handmade": {"xppx1-r0014-s000-c000.xtc2": handmade()}}
    for folder in sorted(path for path in SMALL.iterdir() if path.is_dir()):
        found[folder.name] = {
            str(file.relative_to(folder)): file.read_bytes()
            for file in sorted(folder.rglob("*.xtc2"))
        }
    return found


SOURCES = sources()
ODD = [0, 1, 2, 3, 4, 5, 6, 11, 12, 13, 24, 2**16, 2**31 - 1, 2**31, 2**32 - 12, 2**32 - 1]


def headers(content: bytes) -> Iterator[int]:
    """Bytes at which blocks begin, as far as they can be followed."""
    ends, at = [len(content)], 0
    while at + 12 <= len(content):
        yield at
        kind = struct.unpack_from("<H", content, at + 6)[0]
        extent = struct.unpack_from("<I", content, at + 8)[0]
        if at + 24 <= len(content) and len(ends) == 1:  # a datagram
            yield at + 12
            ends.append(at + 12 + struct.unpack_from("<I", content, at + 20)[0])
            at += 24
        else:
            at += 12 if kind in {0, 1} else max(extent, 12)
        while len(ends) > 1 and at >= ends[-1]:
            at = ends.pop()


HEADERS = {
    (source, name): sorted(set(headers(content)))
    for source, files in SOURCES.items()
    for name, content in files.items()
}


@st.composite
def broken_files(draw: Callable[..., object]) -> Files:
    """One of the sources with a few changes to one of its files."""
    source = draw(st.sampled_from(sorted(SOURCES)))
    name = draw(st.sampled_from(sorted(SOURCES[source])))
    content = bytearray(SOURCES[source][name])
    for _ in range(draw(st.integers(1, 4))):
        what = draw(
            st.sampled_from(
                ["flip", "cut", "remove", "insert", "repeat", "field", "field", "field"]
            )
        )
        at = draw(st.integers(0, max(len(content) - 1, 0)))
        length = draw(st.sampled_from([1, 4, 12, 20, 100, 1048]))
        if what == "flip" and content:
            content[at] ^= 1 << draw(st.integers(0, 7))
        elif what == "cut":
            del content[at:]
        elif what == "remove":
            del content[at : at + length]
        elif what == "insert":
            content[at:at] = draw(st.binary(min_size=1, max_size=24))
        elif what == "repeat":
            content[at:at] = content[at : at + length]
        else:
            # Extents, types, damage, names numbers; behind them shapes, ranks, element types.
            block = draw(st.sampled_from(HEADERS[source, name]))
            at = block + draw(
                st.sampled_from([0, 4, 6, 8, 12, 16, 20, 24, 28, 1040, 1044, 1564, 1568])
            )
            if at + 4 <= len(content):
                old = struct.unpack_from("<I", content, at)[0]
                near = st.integers(-13, 13).map(lambda change, old=old: (old + change) % 2**32)
                value = draw(st.one_of(st.sampled_from(ODD), near, st.integers(0, 2**32 - 1)))
                struct.pack_into("<I", content, at, value)
    return {**SOURCES[source], name: bytes(content)}


def read_whole(files: Files) -> None:
    with TemporaryDirectory() as name:
        folder = Path(name)
        for file, content in files.items():
            path = folder / file
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(content)
        began = time.monotonic()
        exercise(folder)
        assert time.monotonic() - began < PATIENCE


@pytest.fixture
def little_memory() -> Iterator[None]:
    """Let the process have little more memory than it has: a large allocation is an error."""
    for files in SOURCES.values():  # compile first: that takes memory and time of its own
        read_whole(files)
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limits = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(
        resource.RLIMIT_AS, (pages * resource.getpagesize() + SPARE_MEMORY, limits[1])
    )
    yield
    resource.setrlimit(resource.RLIMIT_AS, limits)


COMMON = settings(
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@given(broken_files())
@settings(COMMON, max_examples=300)
def test_300_broken_files_are_read_or_refused(little_memory: None, files: Files) -> None:
    read_whole(files)


@pytest.mark.long
@given(broken_files())
@settings(COMMON, max_examples=6000, derandomize=False)
def test_6000_broken_files_are_read_or_refused(little_memory: None, files: Files) -> None:
    read_whole(files)


def test_every_shortened_file_is_read_or_refused(little_memory: None) -> None:
    content = SOURCES["handmade"]["xppx1-r0014-s000-c000.xtc2"]
    start = content.rindex(b"image")  # cuts inside descriptions are all alike
    for length in [*range(0, start, 4999), *range(start, len(content), 31)]:
        read_whole({"xppx1-r0014-s000-c000.xtc2": content[:length]})


def test_the_limit_on_memory_is_felt(little_memory: None) -> None:
    with pytest.raises(MemoryError):
        bytearray(2 * SPARE_MEMORY)
