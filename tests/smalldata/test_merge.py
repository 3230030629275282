import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Generator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

import workbench
from workbench.core.atomic import CannotWriteError
from workbench.core.errors import InputError
from workbench.smalldata import (
    DamagedFileError,
    DatasetSpec,
    OnceValue,
    SomeRows,
    create_part,
    create_small_data,
    merge_parts,
    open_file,
)
from workbench.smalldata import merge as merging
from workbench.smalldata.catalogue import find_catalogue, read_catalogue
from workbench.smalldata.listing import list_file

Rows = Callable[[np.ndarray], dict[str, np.ndarray]]
Specs = tuple[DatasetSpec, ...]
AREA = (DatasetSpec("timestamp", "int64"), DatasetSpec("cam/area", "float32", (64, 64)))


def write_parts(
    folder: Path, specs: Specs, rows: Rows, split: list[np.ndarray], stack: int = 7
) -> list[Path]:
    paths = []
    for number, events in enumerate(split):
        paths.append(folder / f"part{number}.h5")
        with create_part(paths[-1], specs) as part:
            for start in range(0, len(events), stack):
                part.append(rows(events[start : start + stack]))
    return paths


@pytest.mark.parametrize("block_bytes", [1, 200, 64 << 20])
def test_rows_come_out_in_time_order_however_workers_shared_the_events(
    tmp_path: Path, specs: Specs, rows: Rows, block_bytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(merging, "BLOCK_BYTES", block_bytes)
    n = 120
    shuffled = np.random.default_rng(3).permutation(n)
    parts = write_parts(tmp_path, specs, rows, [shuffled[:50], shuffled[50:51], shuffled[51:]])
    assert merge_parts(parts, tmp_path / "a.h5", specs=specs) == n
    expected = rows(np.arange(n))
    with h5py.File(tmp_path / "a.h5") as h5:
        for spec in specs:
            if spec.ragged:
                flat = [row for row in expected[spec.name] if row is not None]
                np.testing.assert_array_equal(h5[spec.name][:], np.concatenate(flat))
            elif spec.is_text:
                assert h5[spec.name].asstr()[:].tolist() == expected[spec.name].tolist()
            else:
                np.testing.assert_array_equal(h5[spec.name][:], expected[spec.name])
        counted = [0 if event % 5 == 0 else event % 4 for event in range(n)]
        assert h5["epix_1/var_hits_len"][:].tolist() == counted


def test_compressed_rows_come_back_also_from_a_chunk_that_is_cut_off(tmp_path: Path) -> None:
    specs = (
        DatasetSpec("timestamp", "int64"),
        DatasetSpec("t/codes", "int64", (288,), compress=True),
    )
    codes = np.random.default_rng(4).integers(-2, 2, (1000, 288)) << 40
    rows = {"timestamp": np.arange(1000), "t/codes": codes}
    with create_part(tmp_path / "part", specs) as part:
        part.append(rows)
    merge_parts([tmp_path / "part"], tmp_path / "a.h5", specs=specs)
    with h5py.File(tmp_path / "a.h5") as h5:
        assert len(codes) % h5["t/codes"].chunks[0]
        np.testing.assert_array_equal(h5["t/codes"][:], codes)


def test_several_texts_per_event_come_back_in_time_order(tmp_path: Path) -> None:
    specs = (DatasetSpec("timestamp", "int64"), DatasetSpec("cam/words", "str", (2,)))

    def rows(events: np.ndarray) -> dict[str, np.ndarray]:
        words = [[f"left {event}", "é" * (event % 3)] for event in events.tolist()]
        return {"timestamp": events, "cam/words": np.array(words, object).reshape(-1, 2)}

    parts = write_parts(tmp_path, specs, rows, [np.array([5, 2, 4]), np.array([0, 3, 1])], stack=2)
    merge_parts(parts, tmp_path / "a.h5", specs=specs)
    with open_file(tmp_path / "a.h5") as file:
        np.testing.assert_array_equal(file.read("cam/words"), rows(np.arange(6))["cam/words"])


def test_events_with_equal_time_stamps_are_all_kept_and_counted(
    tmp_path: Path, specs: Specs, rows: Rows
) -> None:
    parts = write_parts(tmp_path, specs, rows, [np.array([1, 2]), np.array([2, 3, 3])])
    assert merge_parts(parts, tmp_path / "a.h5", specs=specs) == 5
    with h5py.File(tmp_path / "a.h5") as h5:
        assert h5.attrs["duplicate_events"] == 2
        assert h5["epix_1/roi_count"][:].tolist() == [1, 2, 2, 3, 3]


def test_every_dataset_says_its_unit_meaning_and_missing_value(
    make_file: Callable[..., Path], once: dict[str, OnceValue]
) -> None:
    with h5py.File(make_file(once=once)) as h5:
        named: dict[str, h5py.Dataset] = {}
        h5.visititems(
            lambda name, item: named.update({name: item}) if hasattr(item, "dtype") else None
        )
        for name, dataset in named.items():
            assert isinstance(dataset.attrs["units"], str), name
            assert isinstance(dataset.attrs["long_name"], str), name
        assert h5["epix_1/roi_area"].attrs["units"] == "keV"
        assert np.isnan(h5["epix_1/roi_area"].attrs["_FillValue"])
        assert h5["epix_1/roi_count"].attrs["_FillValue"] == -99999
        assert h5["epix_1/roi_count"].dtype == np.int32
        assert [axis.label for axis in h5["epix_1/roi_area"].dims] == ["event", "row", "col"]
        assert h5["timing/eventcodes"].compression == "gzip"
        assert h5["timing/eventcodes"].shuffle
        assert h5["XppSb2BmMon/totalIntensityJoules"].compression is None


def test_an_axis_named_after_a_once_value_gets_it_as_dimension_scale(tmp_path: Path) -> None:
    specs = (
        DatasetSpec("timestamp", "int64"),
        DatasetSpec("cam/azav", "float64", (3,), dims=("UserDataCfg/cam/azav__azav_q",)),
    )
    with create_part(tmp_path / "p.h5", specs) as part:
        part.append({"timestamp": np.arange(4), "cam/azav": np.ones((4, 3))})
    q = OnceValue(np.array([0.1, 0.2, 0.3]), "1/angstrom")
    merge_parts(
        [tmp_path / "p.h5"],
        tmp_path / "a.h5",
        specs=specs,
        once={"UserDataCfg/cam/azav__azav_q": q},
    )
    with h5py.File(tmp_path / "a.h5") as h5:
        axis = h5["cam/azav"].dims[1]
        assert axis.label == "azav__azav_q"
        np.testing.assert_array_equal(axis[0][:], [0.1, 0.2, 0.3])


def test_the_catalogue_says_what_a_listing_of_the_file_says(
    tmp_path: Path, make_file: Callable[..., Path], once: dict[str, OnceValue]
) -> None:
    more = {**once, "Sums/flags": OnceValue(np.ones(3, bool)), "UserDataCfg/n": OnceValue(["a"])}
    for path in (make_file(once=more), make_file(name="empty.h5", events=[])):
        stored = find_catalogue(path)
        assert stored is not None
        assert read_catalogue(stored) == list_file(path).facts
    q = OnceValue(np.arange(3.0), "1/angstrom")
    specs = (*AREA, DatasetSpec("cam/azav", "float64", (3,), dims=("UserDataCfg/q",)))
    with create_part(tmp_path / "p.h5", specs) as part:
        frames = SomeRows(np.array([2]), np.ones((1, 64, 64)))
        part.append({"timestamp": np.arange(40), "cam/area": frames, "cam/azav": np.ones((40, 3))})
    merge_parts([tmp_path / "p.h5"], tmp_path / "q.h5", specs=specs, once={"UserDataCfg/q": q})
    stored = find_catalogue(tmp_path / "q.h5")
    assert stored is not None
    assert read_catalogue(stored) == list_file(tmp_path / "q.h5").facts


def test_the_record_comes_back_as_it_was_given(make_file: Callable[..., Path]) -> None:
    record: dict[str, Any] = {
        "config": "# Å\n" + "x" * 200_000,  # more than an attribute could hold
        "versions": {"workbench": "0.1.0"},
        "inputs": [{"name": "a.xtc2", "size": 17}],
        "empty": "",
    }
    failures = {"epix_1": {"present": 240, "absent": 60, "error_roi": 2}}
    with open_file(make_file(provenance=record, failures=failures)) as file:
        assert file.provenance == record
        assert file.failures == failures


def test_the_writer_counts_the_events_that_lack_a_value(make_file: Callable[..., Path]) -> None:
    def lose(values: dict[str, np.ndarray]) -> None:
        values["enc/lasDelay"][:17] = np.nan

    with open_file(make_file(change=lose)) as file:
        assert file.info("enc/lasDelay").missing == 17
        assert file.info("epix_1/roi_area").missing == 0


def test_a_run_without_events_makes_a_readable_file(make_file: Callable[..., Path]) -> None:
    with open_file(make_file(events=[])) as file:
        assert file.n_events == 0
        assert file.read("epix_1/roi_area").shape == (0, 3, 4)
        assert file.read("epix_1/var_hits/adu").shape == (0,)


def test_equal_input_gives_equal_bytes(make_file: Callable[..., Path]) -> None:
    first, second = make_file(name="a.h5").read_bytes(), make_file(name="b.h5").read_bytes()
    assert first == second


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"timestamp": None}, "lacks"),
        ({"extra": np.zeros(3)}, "extra"),
        ({"enc/lasDelay": np.zeros(2)}, "2 rows"),
        ({"epix_1/roi_area": np.zeros((3, 4, 3))}, "declared"),
        ({"lightStatus/xray": np.array([0.5, 1.0, 0.0])}, "float64 values"),
        ({"epix_1/roi_count": np.full(3, 1 << 40)}, "does not fit"),
        ({"epix_1/var_hits/row": np.full(3, None)}, "neighbours"),
    ],
)
def test_rows_that_do_not_fit_the_specs_are_refused_by_name(
    tmp_path: Path, specs: Specs, rows: Rows, change: dict[str, Any], text: str
) -> None:
    values = {**rows(np.array([1, 2, 3])), **change}
    values = {name: value for name, value in values.items() if value is not None}
    with pytest.raises(InputError, match=text), create_part(tmp_path / "p.h5", specs) as part:
        part.append(values)
    assert not list(tmp_path.iterdir()), "a refused part leaves nothing behind"


def test_a_part_keeps_a_copy_of_what_it_was_given(tmp_path: Path) -> None:
    specs = (DatasetSpec("timestamp", "int64"),)
    stamps = np.array([5, 6])
    with create_part(tmp_path / "p.h5", specs) as part:
        part.append({"timestamp": stamps})
        stamps[:] = 0  # workers reuse their buffers
    merge_parts([tmp_path / "p.h5"], tmp_path / "a.h5", specs=specs)
    with h5py.File(tmp_path / "a.h5") as h5:
        assert h5["timestamp"][:].tolist() == [5, 6]


@pytest.mark.parametrize("shuffled", [False, True])
def test_rows_given_for_some_events_only_stand_among_missing_ones(
    tmp_path: Path, shuffled: bool
) -> None:
    stamps = np.random.default_rng(5).permutation(200) if shuffled else np.arange(200)
    there = stamps % 17 == 3
    with create_part(tmp_path / "p.h5", AREA) as part:
        for start in range(0, 200, 40):
            some = np.flatnonzero(there[start : start + 40])
            frames = np.ones((len(some), 64, 64), "f4") * stamps[start + some, None, None]
            part.append({
                "timestamp": stamps[start : start + 40], "cam/area": SomeRows(some, frames)
            })  # fmt: skip
    merge_parts([tmp_path / "p.h5"], tmp_path / "a.h5", specs=AREA)
    expected = np.full((200, 64, 64), np.nan, "f4")
    expected[3::17] = np.arange(3, 200, 17)[:, None, None]
    with h5py.File(tmp_path / "a.h5") as h5:
        area = h5["cam/area"]
        np.testing.assert_array_equal(area[:], expected)
        assert area.attrs["missing_events"] == 188
        assert area.id.get_storage_size() < expected.nbytes / 3, "missing rows take no room"
    with open_file(tmp_path / "a.h5") as file:
        np.testing.assert_array_equal(file.read("cam/area"), expected)


@pytest.mark.parametrize(("rows", "problem"), [(40, None), (41, "declared for 41 events, not 40")])
def test_datasets_may_be_declared_before_the_parts_are_there(
    tmp_path: Path, rows: int, problem: str | None
) -> None:
    with create_part(tmp_path / "p.h5", AREA) as part:
        some = SomeRows(np.array([7]), np.ones((1, 64, 64), "f4"))
        part.append({"timestamp": np.arange(40), "cam/area": some})
    refused = nullcontext() if problem is None else pytest.raises(InputError, match=problem)
    with refused, create_small_data(tmp_path / "a.h5", {}, place=tmp_path) as file:
        file.declare(AREA, rows, {"cam/area": 1})
        file.merge([tmp_path / "p.h5"], AREA)
    if problem is None:
        merge_parts([tmp_path / "p.h5"], tmp_path / "b.h5", specs=AREA)
        with h5py.File(tmp_path / "a.h5") as one, h5py.File(tmp_path / "b.h5") as two:
            np.testing.assert_array_equal(one["cam/area"][:], two["cam/area"][:])
            assert one["cam/area"].attrs["missing_events"] == 39


@pytest.mark.parametrize("where", [[3, 2], [-1, 2], [2, 5], [2, 2]])
def test_rows_for_some_events_must_lie_in_the_stack_in_rising_order(
    tmp_path: Path, where: list[int]
) -> None:
    some = SomeRows(np.array(where), np.zeros((2, 64, 64), "f4"))
    with (
        pytest.raises(InputError, match="rising row numbers below 5"),
        create_part(tmp_path / "p.h5", AREA) as part,
    ):
        part.append({"timestamp": np.arange(5), "cam/area": some})


@pytest.mark.parametrize(
    ("once", "text"),
    [
        ({"enc/lasDelay": OnceValue(1.0)}, "declared twice"),
        ({"enc": OnceValue(1.0)}, "folder of datasets"),
    ],
)
def test_names_that_clash_are_refused_before_anything_is_written(
    tmp_path: Path, specs: Specs, once: dict[str, OnceValue], text: str
) -> None:
    with pytest.raises(InputError, match=text):
        merge_parts([], tmp_path / "a.h5", specs=specs, once=once)
    assert not list(tmp_path.iterdir())


def test_a_part_of_other_specs_is_named(tmp_path: Path, specs: Specs) -> None:
    other = (DatasetSpec("timestamp", "int64"),)
    with create_part(tmp_path / "p.h5", other) as part:
        part.append({"timestamp": np.arange(2)})
    with pytest.raises(InputError, match=r"p\.h5: lacks"):
        merge_parts([tmp_path / "p.h5"], tmp_path / "a.h5", specs=specs)


def test_a_cut_off_part_is_named_and_the_old_file_stays(
    tmp_path: Path, specs: Specs, rows: Rows
) -> None:
    (part,) = write_parts(tmp_path, specs, rows, [np.arange(50)])
    os.truncate(part, part.stat().st_size // 2)
    target = tmp_path / "a.h5"
    target.write_text("old")
    with pytest.raises(DamagedFileError, match=r"part0\.h5"):
        merge_parts([part], target, specs=specs)
    assert target.read_text() == "old"


def test_a_missing_folder_is_refused_with_its_name(tmp_path: Path, specs: Specs) -> None:
    with pytest.raises(CannotWriteError, match="nowhere"):
        merge_parts([], tmp_path / "nowhere" / "a.h5", specs=specs)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to act as another user")
def test_a_folder_of_another_user_is_refused_and_stays_empty() -> None:
    code = (
        "import sys; from pathlib import Path;"
        "from workbench.smalldata import DatasetSpec, merge_parts;"
        "merge_parts([], Path(sys.argv[1]) / 'a.h5', specs=[DatasetSpec('timestamp', 'int64')])"
    )
    with tempfile.TemporaryDirectory() as folder:  # a tmp_path lies in a folder closed to others
        Path(folder).chmod(0o755)
        done = subprocess.run(
            ["setpriv", "--reuid=65534", "--clear-groups", sys.executable, "-c", code, folder],
            env={**os.environ, "PYTHONPATH": str(Path(workbench.__file__).parents[1])},
            capture_output=True,
            text=True,
            check=False,
        )
        assert "CannotWriteError" in done.stderr
        assert "another folder" in done.stderr
        assert not list(Path(folder).iterdir())


@pytest.fixture
def small_disk(tmp_path: Path) -> Generator[Path]:
    if os.geteuid() != 0:
        pytest.skip("needs root to mount a small file system")
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("this system does not let us mount a small file system")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_full_disk_leaves_nothing_under_the_final_name(
    tmp_path: Path, small_disk: Path, specs: Specs, rows: Rows
) -> None:
    (part,) = write_parts(tmp_path, specs, rows, [np.arange(20_000)], stack=500)
    with pytest.raises(CannotWriteError, match=r"a\.h5.*[Ff]ree space"):
        merge_parts([part], small_disk / "a.h5", specs=specs)
    assert not list(small_disk.iterdir())
    with pytest.raises(CannotWriteError, match=r"p\.h5"):
        write_until_full(small_disk / "p.h5", specs, rows)
    assert not list(small_disk.iterdir())


def write_until_full(path: Path, specs: Specs, rows: Rows) -> None:
    with create_part(path, specs) as part:
        for start in range(0, 20_000, 500):
            part.append(rows(np.arange(start, start + 500)))


def test_the_file_needs_no_plugin_and_no_hdf5_above_1_10(make_file: Callable[..., Path]) -> None:
    path = make_file()
    assert path.read_bytes()[8] in {0, 2, 3}, "superblock of HDF5 1.10 or older"
    with h5py.File(path) as h5:
        assert h5.libver[1] != "latest"
        filters: set[int] = set()

        def note(name: str, item: h5py.HLObject) -> None:
            if isinstance(item, h5py.Dataset):
                made = item.id.get_create_plist()
                filters.update(made.get_filter(k)[0] for k in range(made.get_nfilters()))

        h5.visititems(note)
    assert filters <= {h5py.h5z.FILTER_DEFLATE, h5py.h5z.FILTER_SHUFFLE}


def test_entries_of_some_events_are_kept_and_the_others_have_none(tmp_path: Path) -> None:
    specs = (
        DatasetSpec("timestamp", "int64"),
        DatasetSpec("cam/var_droplet_sparse/row", "float64", ragged=True),
    )
    entries = np.empty(2, object)
    entries[:] = [np.array([1.5, 2.5]), np.array([7.0])]
    with create_part(tmp_path / "p.h5", specs) as part:
        part.append({"timestamp": np.arange(4), specs[1].name: SomeRows(np.array([1, 3]), entries)})
    merge_parts([tmp_path / "p.h5"], tmp_path / "a.h5", specs=specs)
    with h5py.File(tmp_path / "a.h5") as h5:
        np.testing.assert_array_equal(h5["cam/var_droplet_sparse_len"][:], [0, 2, 0, 1])
        np.testing.assert_array_equal(h5[specs[1].name][:], [1.5, 2.5, 7.0])
