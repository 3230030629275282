"""Links in the home folder, by which JupyterHub reaches an experiment."""

from pathlib import Path

import pytest

from workbench.facility import all_sites, find_experiment, make_links, plan_links

S3DF, FFB, PSDM = (
    f"{tree}/xpp/xpplx1234"
    for tree in ("sdf/data/lcls/ds", "sdf/data/lcls/drpsrcf/ffb", "cds/data/psdm")
)


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("WORKBENCH_SITE_ROOT", str(tmp_path))
    monkeypatch.delenv("WORKBENCH_DATA_ROOT", raising=False)
    (tmp_path / S3DF / "scratch").mkdir(parents=True)
    (tmp_path / "home").mkdir()
    return tmp_path


def link(root: Path) -> dict[str, str]:
    """Plan and make; return the state of each link."""
    links = plan_links(find_experiment("xpplx1234", "s3df"), root / "home", all_sites())
    make_links(links)
    return {one.path.name: one.state for one in links}


def test_links_are_made_once_and_then_are_there(root: Path) -> None:
    (root / FFB / "scratch").mkdir(parents=True)
    assert link(root) == {"xpplx1234": "make", "xpplx1234_ffb": "make"}
    assert (root / "home" / "xpplx1234").readlink() == root / S3DF
    assert (root / "home" / "xpplx1234_ffb").readlink() == root / FFB / "scratch"
    assert link(root) == {"xpplx1234": "there", "xpplx1234_ffb": "there"}
    assert len(list((root / "home").iterdir())) == 2


def test_the_link_to_the_fast_feedback_goes_with_it(root: Path) -> None:
    (root / FFB / "scratch").mkdir(parents=True)
    link(root)
    (root / FFB / "scratch").rmdir()
    assert link(root)["xpplx1234_ffb"] == "remove"
    assert link(root) == {"xpplx1234": "there"}


def test_where_the_fast_feedback_was_moved_to_the_link_follows(root: Path) -> None:
    (root / FFB / "scratch").mkdir(parents=True)
    link(root)
    (root / FFB / "scratch").rmdir()
    (root / S3DF / "scratch" / "ffb" / "mine").mkdir(parents=True)
    own = root / "home" / "plots"
    own.symlink_to(root / FFB / "scratch" / "mine")
    assert link(root) == {"xpplx1234": "there", "xpplx1234_ffb": "repair", "plots": "repair"}
    assert (root / "home" / "xpplx1234_ffb").readlink() == root / S3DF / "scratch" / "ffb"
    assert own.readlink() == root / S3DF / "scratch" / "ffb" / "mine"


def test_a_dangling_link_to_the_old_site_is_repaired_and_others_are_left(root: Path) -> None:
    home = root / "home"
    (home / "xpplx1234").symlink_to(root / PSDM)
    (home / "lost").symlink_to(root / PSDM / "results" / "gone")
    (home / "foreign").symlink_to("/nowhere/at/all")
    assert link(root) == {"xpplx1234": "repair", "lost": "kept"}
    assert (home / "xpplx1234").readlink() == root / S3DF
    assert (home / "lost").is_symlink()
    assert (home / "foreign").is_symlink()


def test_what_is_not_ours_is_kept(root: Path) -> None:
    home = root / "home"
    (home / "xpplx1234").mkdir()
    assert link(root) == {"xpplx1234": "kept"}
    (home / "xpplx1234").rmdir()
    (root / PSDM).mkdir(parents=True)
    (home / "xpplx1234").symlink_to(root / PSDM)  # leads elsewhere, and that is there
    assert link(root) == {"xpplx1234": "kept"}
    assert (home / "xpplx1234").readlink() == root / PSDM
