"""One run, several files: which is taken, and what else there is."""

import os
from pathlib import Path

import h5py
import numpy as np
import pytest

from workbench.runs import open_run
from workbench.smalldata import DatasetSpec, TruncatedFileError, create_part, merge_parts


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("WORKBENCH_DATA_ROOT", str(tmp_path))
    return tmp_path / "xpp" / "xpplx1234" / "hdf5" / "smalldata"


def facility_file(path: Path, *, age: float) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w") as h5:
        h5["event_time"] = np.arange(3) << 32
        h5["fiducials"] = np.arange(3)
    os.utime(path, (1.7e9 - age, 1.7e9 - age))
    return path


def our_file(path: Path, *, age: float) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    specs = [DatasetSpec("timestamp", "int64")]
    with create_part(path.with_name("part.h5"), specs) as part:
        part.append({"timestamp": np.arange(4)})
    merge_parts(
        [path.with_name("part.h5")],
        path,
        specs=specs,
        attributes={"experiment": "xpplx1234", "run": 14, "generation": "lcls2"},
        provenance={"config_sha256": "0123456789abcdef" * 4},
    )
    os.utime(path, (1.7e9 - age, 1.7e9 - age))
    return path


def test_all_files_of_a_run_are_listed_with_site_label_date_and_config(folder: Path) -> None:
    ours = our_file(folder / "workbench" / "xpplx1234_Run0014.h5", age=0)
    plain = facility_file(folder / "xpplx1234_Run0014.h5", age=3600)
    second = facility_file(folder / "jungfrau" / "xpplx1234_Run0014.h5", age=7200)
    old = facility_file(folder / "ldat_xpplx1234_Run014.h5", age=9000)
    unpadded = facility_file(folder / "xpplx1234_Run14.h5", age=10800)
    run = open_run("xpplx1234", 14)
    assert run.path == ours
    assert "the newest of 5" in run.why
    assert (
        f"{second} (site {folder.parents[3]}, label jungfrau, written 2023-11-14 20:13)" in run.why
    )
    table = run.variants
    columns = ("taken", "site", "label", "written (UTC)", "config", "file")
    assert table.columns == columns
    rows = [dict(zip(columns, row, strict=True)) for row in table.rows]
    assert [row["file"] for row in rows] == [str(p) for p in (ours, plain, second, old, unpadded)]
    assert [row["taken"] for row in rows] == ["yes", "", "", "", ""]
    assert [row["label"] for row in rows] == ["workbench", "", "jungfrau", "", ""]
    assert [row["config"] for row in rows] == ["0123456789ab", *["not recorded"] * 4]
    assert rows[0]["written (UTC)"] == "2023-11-14 22:13"


def test_a_run_opened_by_its_path_lists_what_the_experiment_has_too(folder: Path) -> None:
    plain = facility_file(folder / "xpplx1234_Run0014.h5", age=0)
    copy = facility_file(folder.parents[3] / "xpplx1234_Run0014.h5", age=50)
    rows = open_run(copy).variants.rows
    assert [(row[0], row[1], row[5]) for row in rows] == [
        ("yes", "as named", str(copy)),
        ("", str(folder.parents[3]), str(plain)),
    ]


@pytest.mark.parametrize(
    ("name", "run"),
    [
        ("cxilr6716_Run139.h5", 139),
        ("ldat_xpplx1234_Run014.h5", 14),
        ("xpplx1234_Run0014.h5", 14),
        ("xpplx1234_Run0014_filtered.h5", 14),
    ],
)
def test_experiment_and_run_are_read_from_names_old_and_new(
    tmp_path: Path, name: str, run: int
) -> None:
    opened = open_run(facility_file(tmp_path / name, age=0))
    assert opened.run == run
    assert opened.experiment == name.removeprefix("ldat_").partition("_")[0]


def test_a_broken_newest_file_is_refused_with_the_others_named(folder: Path) -> None:
    good = facility_file(folder / "xpplx1234_Run0014.h5", age=50)
    broken = our_file(folder / "workbench" / "xpplx1234_Run0014.h5", age=0)
    os.truncate(broken, broken.stat().st_size - 3000)
    with pytest.raises(TruncatedFileError, match="cut off") as caught:
        open_run("xpplx1234", 14)
    assert str(good) in caught.value.__notes__[0]
    assert "not readable (TruncatedFileError)" in str(open_run(good).variants)
