"""How one record becomes values, from bytes put together by hand."""

import struct
from pathlib import Path

import numpy as np
import pytest
from xtc2_bytes import (
    ENUM,
    EVENT,
    F32,
    F64,
    I8,
    I16,
    I32,
    I64,
    LABEL,
    PARENT,
    SMALL,
    TEXT,
    U8,
    U16,
    U32,
    U64,
    begin,
    described,
    dgram,
    end,
    record,
    text,
    write,
    xtc,
)

from workbench.sources import RawRun, open_raw


def run_of(folder: Path, names: bytes, *records: bytes) -> RawRun:
    """A run with one event for each record."""
    events = b"".join(dgram(EVENT, 10 + number, one) for number, one in enumerate(records))
    return open_raw(write(folder, begin(names) + events + end(1000)))


def test_the_worked_example_of_the_format_reads_as_four_times_three() -> None:
    run = open_raw(SMALL / "intg_det" / "xpptut15-r0014-s001-c000.xtc2")
    assert run.timestamps[0] == 7
    value = run.event(0)["andor.raw.calib"]
    assert value.dtype == np.float32
    assert value.tolist() == [[3.0, 3.0], [3.0, 3.0]]


@pytest.mark.parametrize(
    ("kind", "code", "value"),
    [
        (U8, "B", 200),
        (U16, "H", 60_000),
        (U32, "I", 4_000_000_000),
        (U64, "Q", 2**63 + 5),
        (I8, "b", -100),
        (I16, "h", -30_000),
        (I32, "i", -2_000_000_000),
        (I64, "q", -(2**62)),
        (F32, "f", 0.5),
        (F64, "d", -1e300),
    ],
)
def test_every_number_type_keeps_its_value_and_type(
    tmp_path: Path, kind: int, code: str, value: float
) -> None:
    names = described(1, "det", "raw", [("scalar", kind, 0), ("array", kind, 1)])
    run = run_of(
        tmp_path, names, record(1, struct.pack(f"<{code}2{code}", value, value, 0), [(2,)])
    )
    scalar, array = (run.event(0)[f"det.raw.{name}"] for name in ("scalar", "array"))
    assert (scalar, array.tolist()) == (value, [value, 0])
    assert array.dtype == scalar.dtype == run.detectors["det"]["raw"]["scalar"].dtype
    assert scalar.dtype.str in {f"<{scalar.dtype.str[1:]}", f"|{scalar.dtype.str[1:]}"}


def test_data_may_come_before_shapes_and_shapes_may_be_absent(tmp_path: Path) -> None:
    names = described(1, "det", "raw", [("a", U16, 2)]) + described(2, "b", "raw", [("x", U8, 0)])
    data = np.arange(6, dtype=np.uint16).tobytes()
    event = dgram(EVENT, 10, record(1, data, [(2, 3)], data_first=True), record(2, b"\5"))
    run = open_raw(write(tmp_path, begin(names) + event + end(20)))
    assert run.event(0)["det.raw.a"].tolist() == [[0, 1, 2], [3, 4, 5]]
    assert run.event(0)["b.raw.x"] == 5


def test_fields_behind_an_array_of_changing_length_are_found_in_every_event(
    tmp_path: Path,
) -> None:
    fields = [("before", U8, 0), ("wave", U16, 1), ("after", F64, 0)]
    lengths = [3, 0, 5]
    records = [
        record(
            1,
            bytes([length])
            + np.arange(length, dtype=np.uint16).tobytes()
            + struct.pack("<d", length / 2),
            [(length,)],
        )
        for length in lengths
    ]
    run = run_of(tmp_path, described(1, "det", "raw", fields), *records)
    stack = run.read(["det"])
    assert stack["det.raw.before"].tolist() == lengths
    assert stack["det.raw.after"].tolist() == [1.5, 0.0, 2.5]
    wave = stack["det.raw.wave"]
    assert wave.dtype == object
    assert [values.tolist() for values in wave] == [[0, 1, 2], [], [0, 1, 2, 3, 4]]
    field = run.detectors["det"]["raw"]["wave"]
    assert (field.variable, field.shape, field.rank) == (True, (-1,), 1)


def test_a_text_ends_at_its_first_nul_and_has_no_axis(tmp_path: Path) -> None:
    names = described(1, "det", "raw", [("note", TEXT, 1), ("x", U8, 0)])
    raw, shape = text("Grüße")
    run = run_of(
        tmp_path, names, record(1, raw + b"\1", [shape]), record(1, b"ab\0garbage\2", [(10,)])
    )
    assert run.read(["det"])["det.raw.note"].tolist() == ["Grüße", "ab"]
    assert run.read(["det"])["det.raw.x"].tolist() == [1, 2]
    field = run.detectors["det"]["raw"]["note"]
    assert (field.dtype, field.shape, field.variable) == ("str", (), False)


def test_bytes_behind_the_nul_of_a_name_are_ignored(tmp_path: Path) -> None:
    names = described(1, "det", "raw", [("x", U8, 0)], detid="no7", junk=b"\xff")
    run = run_of(tmp_path, names, record(1, b"\1"))
    assert run.event(0)["det.raw.x"] == 1
    assert run.serials == {"det": "det_no7"}


def test_an_enumeration_gives_signed_numbers_and_its_labels(tmp_path: Path) -> None:
    fields = [
        ("gain:Modes", ENUM, 0),
        ("High:Modes", LABEL, 0),
        ("Low:Modes", LABEL, 0),
        ("Other:Else", LABEL, 0),
    ]
    values = [struct.pack("<4i", mode, -2, 5, 9) for mode in (5, -2)]
    run = run_of(tmp_path, described(1, "det", "raw", fields), *(record(1, one) for one in values))
    assert list(run.detectors["det"]["raw"]) == ["gain"]
    field = run.detectors["det"]["raw"]["gain"]
    assert (field.dtype, field.labels) == ("enum", {-2: "High", 5: "Low"})
    gain = run.read(["det.raw.gain"])["det.raw.gain"]
    assert (gain.dtype, gain.tolist()) == (np.int32, [5, -2])


def test_arrays_at_odd_bytes_come_aligned_and_right(tmp_path: Path) -> None:
    fields = [("byte", U8, 0), ("frame", F64, 2)]
    frame = np.random.default_rng(1).normal(size=(40, 30))
    records = [record(1, b"\1" + (frame * number).tobytes(), [(40, 30)]) for number in range(3)]
    run = run_of(tmp_path, described(1, "det", "raw", fields), *records)
    frames = run.read(["det.raw.frame"])["det.raw.frame"]
    assert frames.flags.aligned
    for number in range(3):
        np.testing.assert_array_equal(frames[number], frame * number)


def test_frames_at_even_distances_are_views_on_the_file(tmp_path: Path) -> None:
    frames = np.arange(4 * 50 * 60, dtype=np.uint16).reshape(4, 50, 60)
    records = [record(1, frame.tobytes(), [(50, 60)]) for frame in frames]
    run = run_of(tmp_path, described(1, "cam", "raw", [("raw", U16, 2)]), *records)
    stack = run.read(["cam"])
    view = stack["cam.raw.raw"]
    assert not view.flags.owndata
    assert not view.flags.writeable
    del run, stack
    np.testing.assert_array_equal(view, frames)  # the map lives as long as the view


def test_frames_at_uneven_distances_are_copied_and_absent_rows_hold_zeros(tmp_path: Path) -> None:
    names = described(1, "cam", "raw", [("raw", U16, 2)]) + described(2, "b", "raw", [("x", U8, 1)])
    rng = np.random.default_rng(2)
    frames = rng.integers(1, 60_000, (5, 50, 60), dtype=np.uint16)
    content = begin(names)
    for number, frame in enumerate(frames):
        filler = record(2, bytes(number), [(number,)])
        blocks = [filler] if number == 3 else [filler, record(1, frame.tobytes(), [(50, 60)])]
        content += dgram(EVENT, 10 + number, *blocks)
    stack = open_raw(write(tmp_path, content)).read(["cam"])
    expected = frames.copy()
    expected[3] = 0
    np.testing.assert_array_equal(stack["cam.raw.raw"], expected)
    assert stack.present["cam"].tolist() == [True, True, True, False, True]


def test_records_deep_in_containers_are_found(tmp_path: Path) -> None:
    inside = record(1, b"\7")
    for _ in range(5):
        inside = xtc(PARENT, xtc(PARENT) + inside)
    run = run_of(tmp_path, described(1, "det", "raw", [("x", U8, 0)]), inside)
    assert run.event(0)["det.raw.x"] == 7


def test_bytes_behind_the_last_field_are_counted_as_a_finding(tmp_path: Path) -> None:
    names = described(1, "det", "raw", [("x", U8, 0)])
    run = run_of(tmp_path, names, record(1, b"\1"), record(1, b"\2\0\0\0"))
    (finding,) = [found for found in run.findings if found.code == "leftover-bytes"]
    assert finding.count == 1
    assert run.read(["det.raw.x"])["det.raw.x"].tolist() == [1, 2]


def test_names_with_dots_and_colons_are_kept_unless_they_are_enumerations(tmp_path: Path) -> None:
    fields = [("user.gain", U8, 0), ("HX2:DVD:PMON", F32, 0)]
    run = run_of(
        tmp_path, described(1, "det", "raw", fields), record(1, struct.pack("<Bf", 3, 1.5))
    )
    assert dict(run.event(0)) == {"det.raw.user.gain": 3, "det.raw.HX2:DVD:PMON": 1.5}
