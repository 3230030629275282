import subprocess
import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

import workbench

HEAVY = ("numpy", "h5py", "matplotlib", "panel", "ipywidgets", "papermill", "xarray", "numba")


def test_importing_workbench_loads_no_heavy_package() -> None:
    code = f"import sys, workbench; print([n for n in {HEAVY} if n in sys.modules])"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"


def test_help_of_the_command_loads_no_heavy_package() -> None:
    code = (
        "import sys\nfrom workbench.cli import main\nsys.argv = ['workbench', '--help']\n"
        "try: main()\nexcept SystemExit: pass\n"
        f"print([n for n in {HEAVY} if n in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.strip().splitlines()[-1] == "[]"


def test_opening_and_checking_a_run_load_no_compiler_and_no_fitting() -> None:
    heavy = ("numba", "scipy.optimize", "scipy.ndimage", "matplotlib", "xarray")
    code = f"import sys, workbench.runs.checks; print([n for n in {heavy} if n in sys.modules])"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"


def test_every_public_name_opens_and_there_are_at_most_twenty() -> None:
    assert len(workbench.__all__) <= 20
    for name in workbench.__all__:
        assert getattr(workbench, name) is not None
    assert set(workbench.__all__) <= set(dir(workbench))


@pytest.mark.parametrize("path", sorted(Path(workbench.__file__).parent.glob("*/__init__.py")))
def test_no_module_hides_a_function_of_the_same_name(path: Path) -> None:
    room = import_module(f"workbench.{path.parent.name}")
    names = getattr(room, "__all__", ())
    assert [name for name in names if isinstance(getattr(room, name), ModuleType)] == []


def test_unknown_public_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'open_rum'"):
        _ = workbench.open_rum
