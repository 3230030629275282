"""Folders, chunks, index files, files that end early or hold several runs."""

import shutil
import struct
from pathlib import Path

import pytest
from xtc2_bytes import (
    BEGIN_RUN,
    CONFIGURE,
    ENABLE,
    END_RUN,
    EVENT,
    SMALL,
    TEXT,
    U8,
    U16,
    U32,
    U64,
    begin,
    described,
    dgram,
    record,
    run_info,
    text,
    write,
)

from workbench.core.errors import InputError, NotThereError
from workbench.core.findings import Severity
from workbench.sources import RawRun, Xtc2Error, open_raw, raw_runs

X = described(1, "a", "raw", [("x", U8, 0)])
CHUNK = described(9, "chunkinfo", "chunkinfo", [("chunkid", U32, 0), ("filename", TEXT, 1)])
SMD = described(0x20000, "smdinfo", "offsetAlg", [("intOffset", U64, 0), ("intDgramSize", U64, 0)])


def event(time: int) -> bytes:
    return dgram(EVENT, time, record(1, bytes([time])))


def next_chunk(time: int, number: int, name: str) -> bytes:
    raw, shape = text(name)
    return dgram(ENABLE, time, record(9, struct.pack("<I", number) + raw, [shape]))


def values(run: RawRun) -> list[int]:
    return run.read(["a"])["a.raw.x"].tolist()


def codes(run: RawRun) -> list[str]:
    return [finding.code for finding in run.findings if finding.severity is not Severity.INFO]


def write_smd(folder: Path, content: bytes, name: str = "xppx1-r0014-s000-c000") -> Path:
    (folder / "smalldata").mkdir(exist_ok=True)
    path = folder / "smalldata" / f"{name}.smd.xtc2"
    path.write_bytes(content)
    return path


def index_of(content: bytes) -> bytes:
    """What the DAQ writes beside one chunk: a Configure that also describes places, and places."""
    parts, offset = [], 0
    while offset < len(content):
        time, env = struct.unpack_from("<QI", content, offset)
        size = 12 + struct.unpack_from("<I", content, offset + 20)[0]
        whole = content[offset : offset + size]
        if env >> 24 == EVENT:
            whole = dgram(EVENT, time, record(0x20000, struct.pack("<QQ", offset, size)))
        elif env >> 24 == CONFIGURE:
            whole = dgram(CONFIGURE, time, whole[24:], SMD)
        parts.append(whole)
        offset += size
    return b"".join(parts)


def test_a_stream_goes_on_in_the_chunk_that_its_last_enable_names(tmp_path: Path) -> None:
    write(tmp_path, begin(X, CHUNK) + event(10) + next_chunk(11, 1, "other-name.xtc2"))
    (tmp_path / "other-name.xtc2").write_bytes(event(12) + next_chunk(13, 5, "third.xtc2"))
    (tmp_path / "third.xtc2").write_bytes(event(14) + dgram(END_RUN, 15))
    run = open_raw(tmp_path / "xppx1-r0014-s000-c000.xtc2")
    assert values(run) == [10, 12, 14]
    assert [file.name for file in run.files][1:] == ["other-name.xtc2", "third.xtc2"]
    assert run.findings == ()


def test_the_chunks_of_the_real_example_are_followed_with_and_without_index(
    tmp_path: Path,
) -> None:
    with_index = open_raw(SMALL / "chunking")
    for file in (SMALL / "chunking").glob("*.xtc2"):
        shutil.copy(file, tmp_path)
    without = open_raw(tmp_path)
    for run in (with_index, without):
        assert (run.n_events, run.number, run.experiment) == (15, 14, "xpptut15")
        assert run.present("xpphsd").all()
        assert run.findings == ()
    one, two = with_index.read(["xpphsd"]), without.read(["xpphsd"])
    for name in one.arrays:
        assert one[name].tolist() == two[name].tolist()


def test_a_missing_chunk_is_an_error_finding_and_the_rest_is_read(tmp_path: Path) -> None:
    write(tmp_path, begin(X, CHUNK) + event(10) + next_chunk(11, 1, "gone.xtc2"))
    run = open_raw(tmp_path)
    assert values(run) == [10]
    assert codes(run) == ["missing-chunk"]
    assert "gone.xtc2" in run.findings[0].message


@pytest.mark.parametrize("name", ["../secret.xtc2", "/etc/passwd", ""])
def test_a_chunk_outside_the_folder_is_refused(tmp_path: Path, name: str) -> None:
    path = write(tmp_path, begin(X, CHUNK) + event(10) + next_chunk(11, 1, name))
    with pytest.raises(Xtc2Error, match="no file name"):
        open_raw(path)


def test_chunks_that_name_each_other_in_a_circle_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path, begin(X, CHUNK) + next_chunk(10, 1, "xppx1-r0014-s000-c000.xtc2"))
    with pytest.raises(Xtc2Error, match="names chunk 1 as the next one after chunk 1"):
        open_raw(path)


def test_a_later_chunk_that_no_stream_names_is_told_and_alone_refused(tmp_path: Path) -> None:
    write(tmp_path, begin(X) + event(10))
    later = write(tmp_path, event(11), chunk=1)
    run = open_raw(tmp_path)
    assert values(run) == [10]
    assert codes(run) == ["chunk-not-named"]
    with pytest.raises(Xtc2Error, match="later chunk"):
        open_raw(later)


def test_the_index_file_is_used_and_gives_the_same_run(tmp_path: Path) -> None:
    content = begin(X) + event(10) + event(11) + dgram(END_RUN, 12)
    write(tmp_path, content)
    write_smd(tmp_path, index_of(content).replace(b"xppx1\0", b"index\0"))
    run = open_raw(tmp_path)
    assert values(run) == [10, 11]
    assert run.experiment == "index"  # transitions are read from the index file
    assert [file.suffixes for file in run.files] == [[".xtc2"]]


def test_events_after_the_end_of_the_index_are_found(tmp_path: Path) -> None:
    content = begin(X, CHUNK) + event(10) + event(11)
    path = write(tmp_path, content + event(12) + next_chunk(13, 1, "second.xtc2"))
    (tmp_path / "second.xtc2").write_bytes(event(14) + event(15)[:-1])
    write_smd(tmp_path, index_of(content)[:-5])
    run = open_raw(path)
    assert values(run) == [10, 11, 12, 14]
    assert codes(run) == ["cut-off-tail"]


@pytest.mark.parametrize("trouble", ["shifted", "beyond", "garbage", "no places", "other events"])
def test_an_index_that_does_not_fit_is_not_used_and_told(tmp_path: Path, trouble: str) -> None:
    content = begin(X) + event(10) + event(11)
    path = write(tmp_path, content)
    smd = {
        "shifted": index_of(content[:-88] + event(9) + content[-88:]),
        "beyond": index_of(content + event(12)),
        "garbage": b"\xff" * 500,
        "no places": content,
        "other events": index_of(begin(X) + event(20) + event(21)),
    }[trouble]
    write_smd(tmp_path, smd)
    run = open_raw(path)
    assert values(run) == [10, 11]
    assert "index-not-used" in [finding.code for finding in run.findings]


def test_an_index_wrong_in_the_middle_is_refused_with_its_remedy(tmp_path: Path) -> None:
    content = begin(X) + b"".join(event(time) for time in range(10, 20))
    path = write(tmp_path, content)
    other = begin(X) + b"".join(event(time) for time in (10, 11, 12, 33, 14, 15, 16, 17, 18, 19))
    write_smd(tmp_path, index_of(other))
    with pytest.raises(Xtc2Error, match="without that index"):
        open_raw(path)


def test_a_cut_off_tail_is_a_finding_with_its_bytes(tmp_path: Path) -> None:
    content = begin(X) + event(10)
    for cut in (1, 23, 24, 40):
        path = write(tmp_path, content + event(11)[:cut])
        run = open_raw(path)
        assert values(run) == [10]
        (finding,) = [found for found in run.findings if found.code == "cut-off-tail"]
        assert (finding.count, finding.file) == (cut, str(path))


def test_a_file_that_ends_inside_configure_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, begin(X)[:500])
    with pytest.raises(Xtc2Error, match="cut off after 500 bytes"):
        open_raw(path)
    path.write_bytes(b"")
    with pytest.raises(Xtc2Error, match="empty"):
        open_raw(path)


def test_a_file_still_being_written_is_read_and_told(tmp_path: Path) -> None:
    path = write(tmp_path, begin(X, CHUNK) + event(10) + next_chunk(11, 1, "c1.xtc2"))
    path.rename(path.with_name(path.name + ".inprogress"))
    (tmp_path / "c1.xtc2.inprogress").write_bytes(event(12) + event(13)[:-2])
    run = open_raw(tmp_path, run=14)
    assert values(run) == [10, 12]
    assert sorted(codes(run)) == ["cut-off-tail", "in-progress"]


def test_several_runs_in_one_file_are_told_apart_by_their_numbers(tmp_path: Path) -> None:
    content = begin(X, number=1) + event(10) + dgram(END_RUN, 11)
    content += dgram(BEGIN_RUN, 12, run_info("xppx1", 2)) + event(13) + dgram(END_RUN, 14)
    path = write(tmp_path, content, run=7)
    assert [(run.number, values(run)) for run in raw_runs(path)] == [(1, [10]), (2, [13])]
    with pytest.raises(InputError, match=r"holds 2 runs: run 1 \(file name: 7\).*run 2.*run="):
        open_raw(path)
    assert values(open_raw(path, run=2)) == [13]
    with pytest.raises(NotThereError, match=r"no run 3 in .*run 1"):
        open_raw(path, run=3)


def test_a_second_configure_replaces_all_descriptions(tmp_path: Path) -> None:
    content = begin(X, number=1) + event(10) + dgram(END_RUN, 11)
    other = described(1, "b", "fex", [("y", U16, 0)])
    content += begin(other, time=12, number=2) + dgram(EVENT, 20, record(1, b"\1\1"))
    one, two = raw_runs(write(tmp_path, content))
    assert (list(one.detectors), list(two.detectors)) == (["a"], ["b"])
    assert two.event(0)["b.fex.y"] == 257
    assert two.begin_time == 13


def test_slow_values_of_an_earlier_run_do_not_leak_into_the_next(tmp_path: Path) -> None:
    epics = described(2, "epics", "raw", [("p", U8, 0)])
    content = begin(X, epics, number=1) + dgram(10, 9, record(2, b"\5")) + event(10)
    content += dgram(END_RUN, 11) + dgram(BEGIN_RUN, 12, run_info("xppx1", 2)) + event(13)
    one, two = raw_runs(write(tmp_path, content))
    assert one.epics.read("p", one.timestamps)[1].tolist() == [True]
    assert two.epics.read("p", two.timestamps)[1].tolist() == [False]


def test_events_without_begin_run_open_with_a_warning(tmp_path: Path) -> None:
    run = open_raw(write(tmp_path, dgram(CONFIGURE, 1, X) + event(10)))
    assert values(run) == [10]
    assert (run.number, run.experiment, run.begin_time) == (14, "xppx1", 1)
    assert codes(run) == ["no-begin-run", "no-run-information"]


def test_the_number_in_the_file_name_chooses_before_the_one_in_the_data(tmp_path: Path) -> None:
    write(tmp_path, begin(X, number=2) + event(10), run=1)
    write(tmp_path, begin(X, number=1) + event(20), run=2)
    assert values(open_raw(tmp_path, run=1)) == [10]
    assert values(open_raw(tmp_path, run=2)) == [20]
    with pytest.raises(InputError, match="holds 2 runs"):
        open_raw(tmp_path)
    assert len(raw_runs(tmp_path)) == 2


def test_one_file_of_several_is_read_alone_and_told(tmp_path: Path) -> None:
    path = write(tmp_path, begin(X) + event(10), 0)
    write(tmp_path, begin(X) + event(10), 1)
    assert "one-stream-only" in [finding.code for finding in open_raw(path).findings]


def test_a_stream_without_part_in_the_run_is_told(tmp_path: Path) -> None:
    write(tmp_path, begin(X) + event(10), 0)
    write(tmp_path, dgram(CONFIGURE, 1), 1)
    assert codes(open_raw(tmp_path)) == ["stream-without-run"]


def test_places_without_runs_are_named_with_what_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(NotThereError, match=r"no .xtc2 files in .*give the folder"):
        open_raw(tmp_path)
    with pytest.raises(NotThereError, match="does not exist"):
        open_raw(tmp_path / "nowhere")
    write(tmp_path, begin(X) + event(10))
    with pytest.raises(NotThereError, match=r"no run 99 in .*; it holds run 14 of xppx1"):
        open_raw(tmp_path, run=99)


def test_index_files_are_no_data(tmp_path: Path) -> None:
    content = begin(X) + event(10)
    write(tmp_path, content)
    smd = write_smd(tmp_path, index_of(content))
    with pytest.raises(InputError, match="index of a data file"):
        open_raw(smd)
    assert len(raw_runs(tmp_path)) == 1


def test_the_layout_of_2018_is_refused_politely() -> None:
    with pytest.raises(Xtc2Error, match=r"hsd_061918_n3.xtc, byte 0: .*earlier layouts"):
        open_raw(SMALL / "hsd_061918_n3.xtc")


def test_a_folder_with_the_name_of_a_data_file_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "xppx1-r0001-s000-c000.xtc2").mkdir()
    write(tmp_path, begin(X) + event(10))
    assert values(open_raw(tmp_path)) == [10]


def test_a_file_that_may_not_be_read_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path, begin(X) + event(10))

    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(Xtc2Error, match="cannot be read: Permission denied; check its owner"):
        open_raw(path)
