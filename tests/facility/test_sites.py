"""Experiments on the facility's sites, below a made-up root."""

import os
from pathlib import Path

import pytest

from workbench.core.errors import InputError, UnknownNameError
from workbench.facility import find_experiment, small_data_files

TREES = {
    "s3df": "sdf/data/lcls/ds",
    "ffb at s3df": "sdf/data/lcls/drpsrcf/ffb",
    "ffb": "cds/data/drpsrcf",
    "psdm": "cds/data/psdm",
}


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("WORKBENCH_SITE_ROOT", str(tmp_path))
    monkeypatch.delenv("WORKBENCH_DATA_ROOT", raising=False)
    return tmp_path


def folder(root: Path, tree: str, experiment: str = "xpplx1234") -> Path:
    path = root / TREES[tree] / experiment[:3] / experiment
    path.mkdir(parents=True, exist_ok=True)
    return path


def test_the_first_site_that_has_the_experiment_is_taken(root: Path) -> None:
    psdm = folder(root, "psdm")
    assert find_experiment("xpplx1234").folder == psdm
    s3df = folder(root, "s3df")
    assert find_experiment("xpplx1234").folder == s3df
    assert find_experiment("xpplx1234", "psdm").folder == psdm


@pytest.mark.parametrize(("fast", "results"), [("ffb at s3df", "s3df"), ("ffb", "psdm")])
def test_the_fast_feedback_shares_the_results_folder_of_its_site(
    root: Path, fast: str, results: str
) -> None:
    places = folder(root, fast)
    found = find_experiment("xpplx1234", "ffb")
    assert found.results == root / TREES[results] / "xpp" / "xpplx1234" / "results"
    assert found.small_data == places / "scratch" / "hdf5" / "smalldata"
    assert found.raw == places / "xtc"


def test_of_one_run_on_two_sites_the_newer_file_is_taken(root: Path) -> None:
    for age, tree, part in ((50, "s3df", ""), (10, "ffb at s3df", "scratch"), (90, "psdm", "")):
        path = folder(root, tree) / part / "hdf5" / "smalldata" / "xpplx1234_Run0014.h5"
        path.parent.mkdir(parents=True)
        path.touch()
        os.utime(path, (1e9 - age, 1e9 - age))
    found = small_data_files("xpplx1234", 14)
    assert [each.site for each in found] == ["FFB at S3DF", "S3DF", "psdm"]


@pytest.mark.parametrize("slip", ["xpplx1243", "xplx1234", "XPPLX1234", "xcslx1234"])
def test_a_slip_in_the_name_gets_a_suggestion(root: Path, slip: str) -> None:
    folder(root, "s3df")
    folder(root, "s3df", "xcslx1235")
    with pytest.raises(UnknownNameError, match=r"no experiment .* did you mean .*x123"):
        find_experiment(slip)


def test_where_no_experiment_has_a_folder_the_way_to_a_tree_of_ones_own_is_told(root: Path) -> None:
    with pytest.raises(UnknownNameError, match=r"'xpplx1234'.*set WORKBENCH_DATA_ROOT"):
        find_experiment("xpplx1234")


def test_sites_of_no_such_name_and_roots_of_the_facility_are_refused(root: Path) -> None:
    with pytest.raises(UnknownNameError, match="did you mean s3df"):
        find_experiment("xpplx1234", "s3dg")
    with pytest.raises(InputError, match="for the site local"):
        find_experiment("xpplx1234", "psdm", root)
