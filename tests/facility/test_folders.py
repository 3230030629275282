import os
from pathlib import Path

import pytest

from workbench.core.errors import InputError, UnknownNameError
from workbench.facility import (
    experiment_folders,
    run_of_name,
    runs_in,
    small_data_files,
    small_data_folder,
    small_data_in,
)


def make(path: Path, age: float) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    os.utime(path, (1e9 - age, 1e9 - age))
    return path


@pytest.fixture
def experiment(tmp_path: Path) -> Path:
    return tmp_path / "xpp" / "xpplx1234"


def test_files_of_all_labels_are_found_newest_first(tmp_path: Path, experiment: Path) -> None:
    folder = experiment / "hdf5" / "smalldata"
    plain = make(folder / "xpplx1234_Run0014.h5", 50)
    label = make(folder / "workbench" / "xpplx1234_Run0014.h5", 10)
    scratch = make(experiment / "scratch" / "hdf5" / "smalldata" / "xpplx1234_Run0014.h5", 90)
    make(folder / "xpplx1234_Run0015.h5", 0)
    make(folder / ".xpplx1234_Run0014.parts" / "xpplx1234_Run0014.h5", 0)
    found = small_data_files("xpplx1234", 14, root=tmp_path)
    assert [each.path for each in found] == [label, plain, scratch]
    assert [each.label for each in found] == ["workbench", "", ""]
    assert Path(found[0]) == label


@pytest.mark.parametrize(
    "name",
    ["xpplx1234_Run014.h5", "ldat_xpplx1234_Run014.h5", "xpplx1234_Run14.h5"],
)
def test_names_of_older_files_are_found_too(tmp_path: Path, experiment: Path, name: str) -> None:
    path = make(experiment / "ftc" / name, 0)
    assert [each.path for each in small_data_files("xpplx1234", 14, root=tmp_path)] == [path]


def test_the_environment_names_the_data_root(
    tmp_path: Path, experiment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make(experiment / "hdf5" / "smalldata" / "xpplx1234_Run0014.h5", 0)
    monkeypatch.setenv("WORKBENCH_DATA_ROOT", str(tmp_path))
    assert [each.path for each in small_data_files("xpplx1234", 14)] == [path]
    assert small_data_files("xpplx1234", 15) == []


def test_without_a_root_every_site_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WORKBENCH_DATA_ROOT", raising=False)
    places = dict(experiment_folders("xpplx1234"))
    assert places["S3DF"] == Path("/sdf/data/lcls/ds/xpp/xpplx1234")
    assert places["psdm"] == Path("/cds/data/psdm/xpp/xpplx1234")
    assert places["FFB"] == Path("/cds/data/drpsrcf/xpp/xpplx1234")


def test_an_experiment_of_an_unknown_hutch_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="rix, tmo, xcs, xpp"):
        small_data_files("abcx1234", 1, root=tmp_path)


def test_the_output_folder_carries_the_label(tmp_path: Path, experiment: Path) -> None:
    with pytest.raises(InputError, match="WORKBENCH_DATA_ROOT"):
        small_data_folder("xpplx1234", root=tmp_path)
    experiment.mkdir(parents=True)
    folder = small_data_folder("xpplx1234", root=tmp_path)
    assert folder == experiment / "hdf5" / "smalldata" / "workbench"


def test_a_run_is_found_in_any_folder_and_its_sub_folders(tmp_path: Path, experiment: Path) -> None:
    plain = make(tmp_path / "copies" / "xpplx1234_Run0014.h5", 50)
    label = make(tmp_path / "copies" / "mine" / "ldat_xpplx1234_Run014.h5", 10)
    make(tmp_path / "copies" / "xpplx1234_Run0014_part0.h5", 0)
    make(tmp_path / "copies" / "xpplx1234_Run15.h5", 0)
    found = small_data_in(tmp_path / "copies", 14)
    assert [(each.path, each.label) for each in found] == [(label, "mine"), (plain, "")]
    assert runs_in([tmp_path / "copies"]) == [14, 15]
    inside = make(experiment / "hdf5" / "smalldata" / "xpplx1234_Run0003.h5", 0)
    assert [each.path for each in small_data_in(experiment, 3)] == [inside]
    assert runs_in([experiment, tmp_path / "nowhere"]) == [3]


@pytest.mark.parametrize(
    ("name", "run"),
    [("xpplx1234_Run0014.h5", 14), ("xpplx1234_Run014.h5", 14), ("xpplx1234_Run14.h5", 14),
     ("ldat_xpplx1234_Run014.h5", 14), ("xpplx1234_Run10000.h5", 10_000),
     ("xpplx1234_Run0014_part0.h5", None), ("Cube_xpplx1234_Run0014.h5", None),
     ("xpplx12345_Run0014.h5", None), ("xpplx1234_Run0014.live.h5", None)],
)  # fmt: skip
def test_the_run_of_a_file_is_told_by_its_name(name: str, run: int | None) -> None:
    assert run_of_name("xpplx1234", name) == run
