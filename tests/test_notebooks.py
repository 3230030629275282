"""Shipped notebooks are stored clean and keep to the size that a reader can take in."""

import json
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted([*ROOT.glob("templates/**/*.ipynb"), *ROOT.glob("notebooks/**/*.ipynb")])
MOST_CODE_CELLS = 12
MOST_LINES = 12


def code_cells(path: Path) -> list[dict[str, object]]:
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return [cell for cell in cells if cell["cell_type"] == "code"]


def test_the_templates_of_the_demo_are_here() -> None:
    assert {"run_summary.ipynb", "delay_scan.ipynb"} <= {path.name for path in NOTEBOOKS}


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
