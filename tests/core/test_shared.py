"""Files that a whole group changes, written by users of other umasks."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from workbench.core.atomic import CannotWriteError
from workbench.core.shared import make_shared_folder, mend_sharing, sharing_problem, write_shared


@pytest.fixture
def strict_umask() -> Iterator[None]:
    before = os.umask(0o077)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_restrictive_umask_does_not_keep_the_group_out(
    tmp_path: Path, strict_umask: None
) -> None:
    folder = make_shared_folder(tmp_path / "results" / "notebooks")
    write_shared(folder / "a.txt", "one")
    assert mode(folder) == mode(folder.parent) == 0o2775
    assert mode(folder / "a.txt") == 0o664
    assert os.umask(0o077) == 0o077  # the user's own umask stays


def test_the_umask_of_other_threads_is_never_changed(
    tmp_path: Path, strict_umask: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    changed: list[int] = []
    monkeypatch.setattr(os, "umask", changed.append)
    make_shared_folder(tmp_path / "a" / "b")
    write_shared(tmp_path / "a" / "b" / "c.txt", "one")
    monkeypatch.undo()
    assert (changed, mode(tmp_path / "a")) == ([], 0o2775)


def test_a_replaced_file_stays_executable_and_a_made_folder_stays_as_it_is(
    tmp_path: Path, strict_umask: None
) -> None:
    path = tmp_path / "job.sh"
    path.write_text("old")
    path.chmod(0o750)
    write_shared(path, b"new")
    assert (path.read_text(), mode(path)) == ("new", 0o774)
    (tmp_path / "own").mkdir(mode=0o700)
    make_shared_folder(tmp_path / "own")
    assert mode(tmp_path / "own") == 0o700


def test_what_keeps_a_group_out_is_said_and_mended(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("one")
    path.chmod(0o600)
    assert sharing_problem(path) == "the group may not change it and automatic jobs may not read it"
    assert mend_sharing(path)
    assert (sharing_problem(path), mode(path)) == ("", 0o664)


def test_a_folder_below_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(CannotWriteError, match="cannot create the folder"):
        make_shared_folder(tmp_path / "file" / "inner")
