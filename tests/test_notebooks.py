"""Shipped notebooks are stored clean, keep to the size that a reader can take in, and run."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import workbench as wb
from workbench.synthetic import read_arm_scan

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted([*ROOT.glob("templates/**/*.ipynb"), *ROOT.glob("notebooks/**/*.ipynb")])
MOST_CODE_CELLS = 12
MOST_LINES = 12
# The command `papermill`, without the grammars that it has compiled where JupyterLab is installed.
PAPERMILL = "import workbench.batch; from papermill.cli import papermill; papermill()"


def code_cells(path: Path) -> list[dict[str, Any]]:
    cells: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return [cell for cell in cells if cell["cell_type"] == "code"]


def outputs(path: Path) -> str:
    """Return all that the cells of an executed notebook print and show as text."""
    shown = [one for cell in code_cells(path) for one in cell["outputs"]]
    texts = [one.get("text") or one.get("data", {}).get("text/plain", "") for one in shown]
    return "\n".join("".join(text) for text in texts)


def run_headless(notebook: Path, folder: Path, **parameters: object) -> Path:
    """Run a notebook by papermill; a cell that fails fails the test."""
    done = folder / "done.ipynb"
    given = [word for name, value in parameters.items() for word in ("-p", name, str(value))]
    command = [sys.executable, "-c", PAPERMILL, notebook, done, *given, "--cwd", folder]
    finished = subprocess.run(
        [*map(str, command), "--no-progress-bar"],
        env={**os.environ, "PYTHONWARNINGS": "default"},
        capture_output=True,
        text=True,
    )
    assert finished.returncode == 0, finished.stderr[-4000:]
    return done


def test_the_templates_of_the_demo_are_here() -> None:
    shipped = {"run_summary.ipynb", "delay_scan.ipynb", "regions.ipynb"}
    assert shipped <= {path.name for path in NOTEBOOKS}


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_is_stored_without_outputs(path: Path) -> None:
    for cell in code_cells(path):
        assert cell["outputs"] == []
        assert cell["execution_count"] is None
        assert set(cell["metadata"]) <= {"tags"}


@pytest.mark.parametrize(
    "path", sorted(ROOT.glob("templates/**/*.ipynb")), ids=lambda path: path.stem
)
def test_template_has_one_parameters_cell_and_stays_small(path: Path) -> None:
    cells = code_cells(path)
    tagged = [cell for cell in cells if "parameters" in cell["metadata"].get("tags", [])]
    assert len(tagged) == 1
    assert len(cells) <= MOST_CODE_CELLS
    for cell in cells:
        lines = "".join(cell["source"]).splitlines()
        assert cell in tagged or len(lines) <= MOST_LINES, lines[0]


@pytest.mark.notebook
def test_regions_are_drawn_written_produced_and_compared(tmp_path: Path, data_folder: Path) -> None:
    frames = data_folder / "diffraction_LaB6_ssrl"
    given = {"work": "work", "frames": frames, "n_events": 8, "view": "static"}
    done = run_headless(ROOT / "notebooks" / "regions.ipynb", tmp_path, **given)
    assert done.stat().st_size < 1.5e6  # still pictures: none of the toolkit's code
    text = outputs(done)
    assert "5 real frames" in text
    assert text.count("bit for bit") == 2  # the verdicts, which fail where a bit differs
    assert re.search(r"azav +azav +\d+", text)  # what is compared in them
    assert re.search(r"pyfai +azav +1", text)
    # Plain NumPy on the frames as they were taken.
    ring = read_arm_scan(frames)[0].picture[30:90, 430:560].astype(np.float64)
    ring[:, 485 - 430 : 497 - 430] = 0  # between two modules
    run = wb.open_run(tmp_path / "work" / "hdf5" / "xpplab600_Run0008.h5")
    assert run["pilatus/ring_sum"].read().tolist() == [ring.sum()]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["done.ipynb", "work"]
