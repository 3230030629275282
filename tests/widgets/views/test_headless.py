"""The editor in notebooks that nobody looks at while they run."""

from pathlib import Path

import nbformat
import papermill
import pytest

CODE = """\
from workbench.regions import Rectangle
import numpy as np
import workbench as wb
editor = wb.region_editor(np.arange(6000.0).reshape(60, 100), detector="epix", state=None)
editor.model.put("spot", Rectangle(10, 20, 30, 50))
editor
"""


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of papermill and zmq themselves
def test_papermill_gets_a_still_picture_with_the_regions(tmp_path: Path) -> None:
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(CODE)])
    nbformat.write(notebook, tmp_path / "in.ipynb")
    papermill.execute_notebook(
        str(tmp_path / "in.ipynb"), str(tmp_path / "out.ipynb"), kernel_name="python3",
        progress_bar=False, log_output=False,
    )  # fmt: skip
    done = nbformat.read(tmp_path / "out.ipynb", as_version=4)
    shown = next(one for one in done.cells[-1].outputs if one.output_type == "execute_result")
    assert len(shown.data["image/png"]) > 10_000
    assert "regions: spot" in shown.data["text/plain"]
