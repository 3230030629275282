import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from workbench.core.errors import InputError, NotThereError, UnknownNameError
from workbench.runs import open_run
from workbench.smalldata import (
    DamagedFileError,
    MissingPartsError,
    NotSmallDataError,
    OnceValue,
    StillWrittenError,
    TruncatedFileError,
    filled_fraction,
    missing_rows,
    open_file,
)

Write = Callable[..., Path]


def test_a_file_says_what_it_is(make_file: Write, once: dict[str, OnceValue]) -> None:
    with open_file(make_file(once=once)) as file:
        assert (file.experiment, file.run, file.generation) == ("xpplx1234", 14, "lcls2")
        assert file.n_events == 300
        assert "epix_1/roi_area" in file
        assert not [name for name in file.names if name.startswith(("provenance", "presence"))]
        info = file.info("epix_1/roi_area")
        assert (info.shape, info.dtype, info.unit) == ((300, 3, 4), "float32", "keV")
        kinds = {name: file.info(name).kind for name in file.names}
    assert kinds["Sums/epix_1_calib"] == "once"
    assert kinds["epix_1/var_hits/adu"] == "ragged"
    assert kinds["epix_1/var_hits_len"] == "event"
    assert kinds["timestamp"] == "event"


@pytest.mark.parametrize(
    "rows", [None, slice(0, 0), slice(3, 40), slice(10, 60, 7), slice(290, 999)]
)
def test_rows_read_are_the_rows_written(make_file: Write, rows: slice | None) -> None:
    chosen = range(300)[rows or slice(None)]
    with open_file(make_file()) as file:
        assert file.read("epix_1/roi_area", rows)[:, 1, 1].tolist() == list(chosen)
        hits = file.read("epix_1/var_hits/adu", rows)
        texts = file.read("scan/step_docstring", rows)
    assert texts.tolist() == [f"Schritt {event // 100} Åm" for event in chosen]
    assert len(hits) == len(chosen)
    for event, hit in zip(chosen, hits, strict=True):
        wanted = np.arange(event % 4) + 10.0 * event if event % 5 else []
        np.testing.assert_array_equal(hit, wanted)


def test_a_value_kept_once_has_no_rows(make_file: Write, once: dict[str, OnceValue]) -> None:
    with open_file(make_file(once=once)) as file:
        assert file.read("Sums/epix_1_calib").shape == (5, 6)
        assert file.read("UserDataCfg/epix_1/name").item() == "epix_1"
        with pytest.raises(InputError, match="once a file"):
            file.read("Sums/epix_1_calib", slice(0, 3))
        with pytest.raises(InputError, match="forward"):
            file.read("timestamp", slice(None, None, -1))


def test_a_misspelt_name_gets_a_suggestion(make_file: Write) -> None:
    wanted = pytest.raises(UnknownNameError, match="did you mean enc/lasDelay")
    with open_file(make_file()) as file, wanted:
        file.read("enc/lasdelay")


def test_an_lcls1_file_is_recognised_and_takes_units_from_the_hutch(write_foreign: Write) -> None:
    path = write_foreign(
        "xppl1001021_Run0070.h5",
        {
            "event_time": np.arange(5) + (1 << 60),
            "fiducials": np.arange(5),
            "ebeam/photon_energy": np.full(5, 9500.0),
            "ipm2/peaks": np.zeros((5, 16)),
            "enc/lasDelay": np.zeros(5),
            "some_user_thing/x": np.zeros(5),
        },
    )
    with open_file(path) as file:
        assert (file.experiment, file.run, file.generation) == ("xppl1001021", 70, "lcls1")
        assert not file.ours
        assert file.info("ebeam/photon_energy").unit == "eV"
        assert file.info("enc/lasDelay").unit == "ps"
        assert file.info("some_user_thing/x").unit == ""
        assert not file.info("some_user_thing/x").stored_unit
        assert file.timestamps.dtype == np.uint64
        assert file.fiducials is not None
        assert file.provenance == {}
        assert file.failures == {}


def test_the_oldest_files_count_seconds_and_nanoseconds_apart(write_foreign: Write) -> None:
    times = np.array([[1_300_000_000, 5], [1_300_000_000, 9]])
    path = write_foreign("old.h5", {"EvtID/time": times, "EvtID/fid": np.array([3, 6])})
    with open_file(path) as file:
        assert file.generation == "lcls1"
        assert file.timestamps.tolist() == [1_300_000_000 << 32 | 5, 1_300_000_000 << 32 | 9]
        assert (file.experiment, file.run) == ("", None)


def test_ragged_leaves_of_pytables_come_one_array_per_event(tmp_path: Path) -> None:
    path = tmp_path / "xppl1001021_Run0070.h5"
    with h5py.File(path, "w") as h5:
        h5["event_time"] = np.arange(3)
        rows = h5.create_dataset("epix/ragged_photon_i", (3,), h5py.vlen_dtype(np.float32))
        rows[0], rows[2] = [1, 2], [3]
    with open_file(path) as file:
        assert file.info("epix/ragged_photon_i").kind == "ragged"
        lengths = [len(row) for row in file.read("epix/ragged_photon_i")]
    assert lengths == [2, 0, 1]


def virtual_file(folder: Path) -> Path:
    """Write two parts and a top file over them, as the facility's LCLS-II writer does."""
    folder.mkdir()
    lengths = (4, 3)
    for part, n in enumerate(lengths):
        with h5py.File(folder / f"xppx1_Run0003_part{part}.h5", "w") as h5:
            h5["timestamp"] = np.arange(n) * 2 + part
            h5["gasdet/f11ENRC"] = np.arange(n) + 10.0 * part
            if part == 1:  # the detector appears in the second part only
                h5["cam/var_hits/adu"] = np.array([1.0, 2.0, 3.0])
                h5["cam/var_hits_len"] = np.array([2, 0, 1])
    top = folder / "xppx1_Run0003.h5"
    with h5py.File(top, "w") as h5:
        for name, fill in (
            ("timestamp", 0),
            ("gasdet/f11ENRC", np.nan),
            ("cam/var_hits/adu", np.nan),
            ("cam/var_hits_len", -99999),
        ):
            dtype = np.float64 if fill != fill or "adu" in name else np.int64
            layout = h5py.VirtualLayout((7,), dtype)
            start = 0
            for part, n in enumerate(lengths):
                source = h5py.VirtualSource(
                    str(folder / f"xppx1_Run0003_part{part}.h5"), name, (n,)
                )
                layout[start : start + n] = source
                start += n
            h5.create_virtual_dataset(name, layout, fillvalue=fill)
    return top


def test_parts_of_a_virtual_file_are_read_in_file_order(tmp_path: Path) -> None:
    with open_file(virtual_file(tmp_path / "a")) as file:
        assert file.timestamps.tolist() == [0, 2, 4, 6, 1, 3, 5]
        assert file.read("gasdet/f11ENRC").tolist() == [0, 1, 2, 3, 10, 11, 12]


def test_filler_of_a_part_without_the_detector_is_skipped(tmp_path: Path) -> None:
    with open_file(virtual_file(tmp_path / "a")) as file:
        hits = [hit.tolist() for hit in file.read("cam/var_hits/adu")]
    assert hits == [[], [], [], [], [1.0, 2.0], [], [3.0]]


@pytest.mark.parametrize("kind", ["int8", "uint8", "int16", "uint16"])
def test_events_of_a_part_that_never_had_a_narrow_integer_are_missing(
    tmp_path: Path, kind: str
) -> None:
    lengths, top = (4, 3), tmp_path / "xppx1_Run0003.h5"
    parts = [tmp_path / f"xppx1_Run0003_part{part}.h5" for part in (0, 1)]
    values = np.array([3, 0, 97, 5]).astype(kind)
    for part, path in enumerate(parts):
        with h5py.File(path, "w") as h5:
            h5["timestamp"] = np.arange(lengths[part]) * 2 + part
            h5["cam/always"] = np.arange(lengths[part]).astype(kind)
            if part == 0:
                h5["cam/gain"] = values
    with h5py.File(top, "w") as h5:
        for name, stored in (("timestamp", "int64"), ("cam/always", kind), ("cam/gain", kind)):
            layout = h5py.VirtualLayout((7,), stored)
            for path, rows in zip(parts, (slice(0, 4), slice(4, 7)), strict=True):
                layout[rows] = h5py.VirtualSource(path, name, (rows.stop - rows.start,))
            h5.create_virtual_dataset(name, layout, fillvalue=-99999)  # as the facility's writer
    with open_file(top) as file:
        read, info = file.read("cam/gain"), file.info("cam/gain")
        assert (str(read.dtype), read.shape) == (info.dtype, info.shape)
        assert read[:4].tolist() == values.tolist()
        assert missing_rows(read).tolist() == 4 * [False] + 3 * [True]
        assert file.read("cam/gain", slice(3, 5)).dtype == read.dtype
        assert (file.fields["cam/gain"].dtype, file.info("cam/always").dtype) == (info.dtype, kind)
        assert file.read("cam/always").tolist() == [0, 1, 2, 3, 0, 1, 2]
    run = open_run(top)
    gain = run["cam/gain"].read()
    np.testing.assert_array_equal(gain, [*values, np.nan, np.nan, np.nan])


@pytest.mark.parametrize("kind", ["int8", "uint8", "int16"])
def test_frames_of_a_part_that_never_had_a_narrow_integer_are_missing(
    tmp_path: Path, kind: str
) -> None:
    events, frames, top = (4, 3, 2), (3, 2, 0), tmp_path / "xppx1_Run0003.h5"
    parts = [tmp_path / f"xppx1_Run0003_part{part}.h5" for part in range(3)]
    values = np.array([[3, 0], [97, 5], [1, 2]]).astype(kind)
    for part, path in enumerate(parts):
        with h5py.File(path, "w") as h5:
            h5["timestamp"] = np.arange(events[part]) * 3 + part
            if frames[part]:  # the third part saw no integrating detector at all
                h5["intg/timestamp"] = np.arange(frames[part]) * 3 + part
                h5["intg/andor/always"] = np.arange(frames[part]).astype(kind)
            if part == 0:
                h5["intg/andor/gain"] = values
    with h5py.File(top, "w") as h5:
        for name, lengths, shape, stored in (
            ("timestamp", events, (), "int64"),
            ("intg/timestamp", (3, 2, 2), (), "int64"),
            ("intg/andor/always", (3, 2, 2), (), kind),
            ("intg/andor/gain", (3, 3, 2), (2,), kind),  # as long as its events where a part lacks
        ):
            layout = h5py.VirtualLayout((sum(lengths), *shape), stored)
            start = 0
            for path, length in zip(parts, lengths, strict=True):
                source = h5py.VirtualSource(path, name, (length, *shape))
                layout[start : start + length] = source
                start += length
            h5.create_virtual_dataset(name, layout, fillvalue=-99999)  # as the facility's writer
    with open_file(top) as file:
        read, info = file.read("intg/andor/gain"), file.info("intg/andor/gain")
        assert (str(read.dtype), read.shape) == (info.dtype, info.shape)
        assert read.shape == (5, 2)
        assert read[:3].tolist() == values.tolist()
        assert missing_rows(read).tolist() == 3 * [False] + 2 * [True]
        assert file.read("intg/andor/gain", slice(2, 4)).dtype == read.dtype
        assert file.fields["intg/andor/gain"].dtype == info.dtype
        assert file.info("intg/andor/always").dtype == kind
        assert file.read("intg/andor/always").tolist() == [0, 1, 2, 0, 1]


def test_a_virtual_file_moved_with_its_parts_still_reads(tmp_path: Path) -> None:
    top = virtual_file(tmp_path / "a")
    shutil.move(tmp_path / "a", tmp_path / "b")
    with open_file(tmp_path / "b" / top.name) as file:
        assert file.read("gasdet/f11ENRC").tolist() == [0, 1, 2, 3, 10, 11, 12]


def test_missing_parts_are_named_instead_of_read_as_filler(tmp_path: Path) -> None:
    top = virtual_file(tmp_path / "a")
    (top.parent / "xppx1_Run0003_part1.h5").unlink()
    with pytest.raises(MissingPartsError, match=r"part1\.h5"), open_file(top):
        pass


@pytest.mark.parametrize(
    ("make", "error", "text"),
    [
        (lambda path: None, NotThereError, "no file"),
        (lambda path: path.mkdir(), InputError, "folder"),
        (os.mkfifo, InputError, "regular file"),
        (lambda path: path.touch(), NotSmallDataError, "empty"),
        (lambda path: path.write_text("hello"), NotSmallDataError, "not an HDF5"),
        (lambda path: h5py.File(path, "w").close(), NotSmallDataError, "timestamp"),
        (lambda path: float_times(path), NotSmallDataError, "float64, not whole seconds"),
    ],
)
def test_what_is_no_small_data_is_refused_by_name(
    tmp_path: Path, make: Callable[[Path], object], error: type[Exception], text: str
) -> None:
    path = tmp_path / "x.h5"
    make(path)
    with pytest.raises(error, match=rf"x\.h5.*{text}|{text}.*x\.h5"), open_file(path):
        pass


def float_times(path: Path) -> None:
    with h5py.File(path, "w") as h5:
        h5["timestamp"] = [1.0, float("nan")]


def test_a_cut_off_file_is_refused(make_file: Write) -> None:
    path = make_file()
    os.truncate(path, path.stat().st_size - 1)
    with pytest.raises(TruncatedFileError, match="cut off"), open_file(path):
        pass


def test_a_file_locked_by_its_writer_is_still_being_written(make_file: Write) -> None:
    path = make_file()
    with path.open("r+b") as held:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        with pytest.raises(StillWrittenError, match="still being written"), open_file(path):
            pass
    with open_file(path) as file:
        assert file.n_events == 300


def write_and_die(path: Path, *, live: bool) -> None:
    code = (
        "import h5py, os, sys, numpy as np\n"
        "h5 = h5py.File(sys.argv[1], 'w', libver='latest')\n"
        "h5['timestamp'] = np.arange(3)\n"
        f"if {live}: h5.swmr_mode = True\n"
        "h5.flush()\n"
        "os._exit(0)\n"
    )
    subprocess.run([sys.executable, "-c", code, str(path)], check=True)


def test_a_file_whose_writer_was_killed_says_so(tmp_path: Path) -> None:
    write_and_die(tmp_path / "x.h5", live=False)
    with pytest.raises(StillWrittenError, match="killed"), open_file(tmp_path / "x.h5"):
        pass


def test_a_file_whose_live_writer_was_killed_reads_as_far_as_it_came(tmp_path: Path) -> None:
    write_and_die(tmp_path / "x.h5", live=True)
    with open_file(tmp_path / "x.h5") as file:
        assert file.growing
        assert file.timestamps.tolist() == [0, 1, 2]


def test_lengths_that_do_not_add_up_are_damage(write_foreign: Write) -> None:
    path = write_foreign(
        "xppx1_Run0001.h5",
        {
            "timestamp": np.arange(3),
            "cam/var_a/x": np.arange(5.0),
            "cam/var_a_len": np.array([2, 2, 2]),
        },
    )
    with open_file(path) as file, pytest.raises(DamagedFileError, match="cam/var_a"):
        file.read("cam/var_a/x")


def test_frames_of_which_few_were_written_are_read_and_impossible_ones_refused(
    tmp_path: Path,
) -> None:
    path, events = tmp_path / "xppx1_Run0001.h5", 20_000
    with h5py.File(path, "w") as h5:
        h5["timestamp"] = np.arange(events)
        rows = {"dtype": "f4", "chunks": (1, 200, 200), "fillvalue": np.nan}
        h5.create_dataset("cam/area", (events, 200, 200), **rows)[7] = 3
        h5.create_dataset("cam/huge", (events, 1 << 20, 1 << 20), dtype="f4", chunks=(1, 64, 64))
    channel = open_run(path)["cam/area"]
    read = channel.read(rows=slice(6, 9))
    assert np.isnan(read[[0, 2]]).all()
    assert (read[1] == 3).all()
    assert channel.read(where=np.arange(events) % 7000 == 7)[:, 0, 0].tolist()[0] == 3
    with pytest.raises(DamagedFileError, match=r"cam/area claims shape .* read part of its rows"):
        channel.read()
    with pytest.raises(DamagedFileError, match="cam/huge claims shape"):
        open_run(path)["cam/huge"].read(rows=slice(0, 1))


def test_filled_is_counted_or_taken_from_the_detector_flag(
    make_file: Write, write_foreign: Write
) -> None:
    def lose(values: dict[str, np.ndarray]) -> None:
        values["enc/lasDelay"][:30] = np.nan

    with open_file(make_file(change=lose)) as file:
        assert filled_fraction(file, file.info("enc/lasDelay")) == pytest.approx(0.9)
        assert filled_fraction(file, file.info("epix_1/var_hits/adu")) is None
    path = write_foreign(
        "xppx1_Run0001.h5",
        {
            "timestamp": np.arange(4),
            "cam/full_area": np.zeros((4, 50, 50)),
            "ipm/sum": np.array([1, np.nan, 1, 1]),
            "damage/cam": np.array([1, 1, 0, 0]),
        },
    )
    with open_file(path) as file:
        assert filled_fraction(file, file.info("cam/full_area"), largest=1000) == 0.5
        assert filled_fraction(file, file.info("ipm/sum")) == 0.75
