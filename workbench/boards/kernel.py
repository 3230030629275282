"""An environment as a kernel of Jupyter: a small file, and a card in JupyterLab's launcher."""

import json
import re
import sys
from dataclasses import dataclass
from pathlib import Path

from workbench import __version__
from workbench.core.atomic import make_folder, write_text
from workbench.core.errors import InputError
from workbench.core.extras import load

NAME = "workbench"
KERNELS = Path("share", "jupyter", "kernels")  # below the prefix of an environment
LOGO = "logo-svg.svg"  # so Jupyter calls the picture of a kernel's card
RESULTS = "results"


@dataclass(frozen=True)
class Installed:
    """A kernel that Jupyter now offers.

    Parameters
    ----------
    folder
        Where its file is.
    python
        What it starts.
    before
        What a kernel of this name started before; empty: there was none.
    """

    folder: Path
    python: Path
    before: str = ""


def install_kernel(
    *, prefix: Path | None = None, name: str = NAME, python: Path | None = None
) -> Installed:
    """Let Jupyter offer an environment as a kernel; the environment stays where it is.

    Raises `InputError` for an environment below a results folder, or a name that Jupyter refuses,
    `CannotWriteError` where the folder refuses.

    Parameters
    ----------
    prefix
        Of the environment in which JupyterLab runs, to offer it to all its users; None: to the
        own user only.
    name
        By which notebooks know the kernel.
    python
        Interpreter of the environment; None: the one that runs.
    """
    load("ipykernel", "a kernel")
    program = Path(sys.executable) if python is None else python
    reason = misplaced(program)
    if reason:
        raise InputError(f"{program}: {reason}")
    if not re.fullmatch(r"[A-Za-z0-9._-]+", name):
        raise InputError(f"{name!r} is no name of a kernel: letters, digits and - . _ only")
    data = load("jupyter_core.paths", "Jupyter").jupyter_data_dir()
    kernels = Path(data) / KERNELS.name if prefix is None else prefix / KERNELS
    folder = make_folder(kernels / name)
    before = _started_by(folder)
    write_text(folder / LOGO, Path(__file__).with_name("workbench.svg").read_text())
    spec = {
        "argv": [str(program), "-m", "ipykernel_launcher", "-f", "{connection_file}"],
        "display_name": "Workbench" if name == NAME else f"Workbench ({name})",
        "language": "python",
        "metadata": {"debugger": True, "workbench": __version__},
    }
    write_text(folder / "kernel.json", json.dumps(spec, indent=1) + "\n")
    return Installed(folder, program, before)


def misplaced(python: Path) -> str:
    """Say why an environment must not lie where it does; empty where it may."""
    if RESULTS not in python.absolute().parts:
        return ""
    return (
        "an environment is some 30,000 files, and a results folder may hold 10,000: make it in a "
        "scratch folder or a shared installation, and call `workbench kernel` there"
    )


def _started_by(folder: Path) -> str:
    file = folder / "kernel.json"
    if not file.is_file():
        return ""
    try:
        argv = json.loads(file.read_text())["argv"]
    except (ValueError, KeyError, TypeError):
        return "a file that is none of a kernel"
    return str(argv[0])
