"""Small files that the tests of batches share."""

from collections.abc import Callable
from pathlib import Path

import nbformat
import numpy as np
import pytest

from workbench.smalldata import DatasetSpec, create_part, merge_parts

PARAMETERS = """run: int = 0  # [1] run number
small_data: str = ""  # file with small data
scale: float = 1.0  # [mm] size, range 0..10
limit: float | None = None  # [mm] largest size
fail: bool = False  # stop with an error
die: bool = False  # kill the kernel
crash: bool = False  # crash the interpreter
orphan: bool = False  # kill the process that started the kernel
"""
CELLS = (
    "import os\n\nimport workbench as wb",
    "wb.publish('scaled', scale * run, 'mm', 0.5)\nassert os.environ['WORKBENCH_BATCH'] == '1'",
    "if fail:\n    raise ValueError('no <beam> & no sample')",
    "if die:\n    os.kill(os.getpid(), 9)\nif crash:\n    import ctypes\n\n    ctypes.string_at(0)",
    "if orphan:\n    from multiprocessing import parent_process\n\n"
    "    os.kill(parent_process().pid, 9)",
    "run",
)


def write_template(path: Path, parameters: str, cells: tuple[str, ...], title: str) -> Path:
    make = nbformat.v4
    tagged = make.new_code_cell(parameters, metadata={"tags": ["parameters"]})
    notebook = make.new_notebook(
        cells=[
            make.new_markdown_cell(f"# {title}\n\nFor tests\nonly.\n\nMore."),
            tagged,
            *(make.new_code_cell(source) for source in cells),
        ],
        metadata={
            "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}
        },
    )
    nbformat.write(notebook, path)
    return path


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    return write_template(tmp_path / "tiny.ipynb", PARAMETERS, CELLS, "A tiny template")


@pytest.fixture
def small_data(tmp_path: Path) -> Callable[[int], Path]:
    def write(run: int) -> Path:
        specs = [
            DatasetSpec(name="timestamp", dtype="int64"),
            DatasetSpec(name="det/x", dtype="float64"),
        ]
        part = tmp_path / f"part{run}.h5"
        with create_part(part, specs) as rows:
            rows.append({"timestamp": np.arange(4) << 32, "det/x": np.arange(4.0)})
        target = tmp_path / f"xpplx1234_Run{run:04d}.h5"
        merge_parts(
            [part],
            target,
            specs=specs,
            once={},
            provenance={"config_hash": "abc123", "versions": {"numpy": "2"}},
            attributes={"experiment": "xpplx1234", "run": run, "generation": "lcls2"},
            failures={},
        )
        return target

    return write
