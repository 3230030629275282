"""XTC2 bytes put together by hand, straight from the description of the format."""

import struct
from pathlib import Path

CONFIGURE, BEGIN_RUN, END_RUN, BEGIN_STEP, END_STEP = 2, 4, 5, 6, 7
ENABLE, DISABLE, SLOW_UPDATE, EVENT = 8, 9, 10, 12
PARENT, SHAPES_DATA, SHAPES, DATA, NAMES = range(5)
U8, U16, U32, U64, I8, I16, I32, I64, F32, F64, TEXT, ENUM, LABEL = range(13)
CORRUPTED = 8

SMALL = Path(__file__).parents[1] / "data" / "xtc2"


def xtc(kind: int, payload: bytes = b"", *, src: int = 0, damage: int = 0) -> bytes:
    return struct.pack("<IHHI", src, damage, kind, 12 + len(payload)) + payload


def dgram(service: int, time: int, *blocks: bytes, damage: int = 0) -> bytes:
    return struct.pack("<QI", time, service << 24) + xtc(PARENT, b"".join(blocks), damage=damage)


def described(
    number: int,
    det: str,
    alg: str,
    fields: list[tuple[str, int, int]],
    *,
    segment: int = 0,
    dettype: str = "",
    detid: str = "",
    junk: bytes = b"",
) -> bytes:
    """A Names block; `junk` fills what lies behind the NUL of each text."""
    head = struct.pack(
        "<I256s256s256s256sII",
        sum(rank > 0 for *_, rank in fields),
        *(padded(text, junk) for text in (dettype or det, det, detid, alg)),
        0,
        segment,
    )
    body = b"".join(
        struct.pack("<256sI256sII", padded(alg, junk), 0, padded(name, junk), kind, rank)
        for name, kind, rank in fields
    )
    return xtc(NAMES, head + body, src=number)


def padded(text: str, junk: bytes) -> bytes:
    return (text.encode() + b"\0" + junk * 256)[:256]


def record(
    number: int,
    data: bytes = b"",
    shapes: list[tuple[int, ...]] | None = None,
    *,
    data_first: bool = False,
    damage: int = 0,
) -> bytes:
    """A record; without `shapes` it has no Shapes block at all."""
    blocks = [xtc(DATA, data)]
    if shapes is not None:
        entries = [struct.pack("<5I", *shape, *[7] * (5 - len(shape))) for shape in shapes]
        blocks.insert(len(blocks) if data_first else 0, xtc(SHAPES, b"".join(entries)))
    return xtc(SHAPES_DATA, b"".join(blocks), src=number, damage=damage)


def text(value: str) -> tuple[bytes, tuple[int]]:
    """A CHARSTR: bytes up to a multiple of four, and their number as its shape."""
    raw = value.encode() + b"\0"
    raw += b"\0" * (-len(raw) % 4)
    return raw, (len(raw),)


RUN_INFO = described(255, "runinfo", "runinfo", [("expt", TEXT, 1), ("runnum", U32, 0)])


def run_info(experiment: str, number: int) -> bytes:
    raw, shape = text(experiment)
    return record(255, raw + struct.pack("<I", number), [shape])


def begin(*names: bytes, time: int = 1, experiment: str = "xppx1", number: int = 14) -> bytes:
    """Configure, BeginRun with run information, BeginStep, Enable, at `time` to `time` + 3."""
    return (
        dgram(CONFIGURE, time, RUN_INFO, *names)
        + dgram(BEGIN_RUN, time + 1, run_info(experiment, number))
        + dgram(BEGIN_STEP, time + 2)
        + dgram(ENABLE, time + 3)
    )


def end(time: int) -> bytes:
    """Disable, EndStep, EndRun, at `time` to `time` + 2."""
    services = enumerate([DISABLE, END_STEP, END_RUN])
    return b"".join(dgram(service, time + later) for later, service in services)


def write(folder: Path, content: bytes, stream: int = 0, *, run: int = 14, chunk: int = 0) -> Path:
    path = folder / f"xppx1-r{run:04d}-s{stream:03d}-c{chunk:03d}.xtc2"
    path.write_bytes(content)
    return path
