"""An environment as a kernel; tests/browser clicks on its card in the launcher of a real hub."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from workbench.boards.kernel import install_kernel
from workbench.core.atomic import CannotWriteError
from workbench.core.errors import InputError


def test_a_kernel_names_the_environment_and_puts_no_more_than_two_files_where_jupyter_looks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path / "jupyter"))
    mine = install_kernel()
    everyones = install_kernel(prefix=tmp_path / "hub", name="workbench-2")
    assert mine.folder == tmp_path / "jupyter" / "kernels" / "workbench"
    assert everyones.folder == tmp_path / "hub/share/jupyter/kernels/workbench-2"
    for made, shown in ((mine, "Workbench"), (everyones, "Workbench (workbench-2)")):
        assert {one.name for one in made.folder.iterdir()} == {"kernel.json", "logo-svg.svg"}
        spec = json.loads((made.folder / "kernel.json").read_text())
        assert (spec["argv"][0], spec["display_name"]) == (sys.executable, shown)
        assert made.before == ""


def test_what_the_kernel_was_before_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path))
    assert install_kernel(python=Path("/old/bin/python")).before == ""
    assert install_kernel().before == "/old/bin/python"
    assert install_kernel().before == sys.executable
    (tmp_path / "kernels/workbench/kernel.json").write_text("{")
    assert install_kernel().before == "a file that is none of a kernel"


def test_an_environment_below_a_results_folder_is_refused_and_nothing_written(
    tmp_path: Path,
) -> None:
    there = Path("/sdf/data/lcls/ds/xpp/xpplx1234/results/env/bin/python")
    with pytest.raises(InputError, match=r"results folder may hold 10,000: make it in a scratch"):
        install_kernel(prefix=tmp_path, python=there)
    with pytest.raises(InputError, match="is no name of a kernel"):
        install_kernel(prefix=tmp_path, name="work bench")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_refuses_is_named(tmp_path: Path) -> None:
    (tmp_path / "share").write_text("a file where a folder should be")
    with pytest.raises(CannotWriteError, match="share/jupyter/kernels/workbench"):
        install_kernel(prefix=tmp_path)


def test_the_command_says_what_it_made(tmp_path: Path) -> None:
    words = [sys.executable, "-m", "workbench", "kernel", "--prefix", str(tmp_path), "--json"]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    made = json.loads(done.stdout)
    assert (made["python"], made["before"]) == (sys.executable, "")
    assert Path(made["folder"], "kernel.json").is_file()
