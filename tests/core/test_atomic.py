import os
import tempfile
from pathlib import Path

import pytest

from workbench.core.atomic import CannotWriteError, make_folder, replacing, write_text


def test_file_appears_whole_under_its_name(tmp_path: Path) -> None:
    write_text(tmp_path / "a.txt", "λ")
    assert (tmp_path / "a.txt").read_text(encoding="utf-8") == "λ"
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]


def test_failure_leaves_the_old_file_and_no_rest(tmp_path: Path) -> None:
    target = tmp_path / "a.txt"
    target.write_text("old")

    def fail() -> None:
        with replacing(target) as part:
            part.write_text("new")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert target.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]


def test_missing_folder_is_an_error_that_names_the_target(tmp_path: Path) -> None:
    with pytest.raises(CannotWriteError, match=r"cannot write .*gone/a.txt"):
        write_text(tmp_path / "gone" / "a.txt", "text")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_other_users_folder_is_refused_with_the_way_out() -> None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        os.seteuid(65534)
        try:
            with pytest.raises(CannotWriteError, match="no permission to write in"):
                make_folder(Path(folder))
            with pytest.raises(CannotWriteError, match=r"cannot write .*a\.txt: Permission denied"):
                write_text(Path(folder) / "a.txt", "text")
        finally:
            os.seteuid(0)


def test_folder_below_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(CannotWriteError, match="cannot create the folder"):
        make_folder(tmp_path / "file" / "inner")
