import json
import subprocess
import sys
from pathlib import Path

import nbformat

SAY = 'import sys; from workbench.cli import main; sys.argv[0] = "workbench"; main()'


def workbench(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", SAY, "batch", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
    )


def write_template(path: Path) -> Path:
    make = nbformat.v4
    parameters = "run: int = 0  # [1] run number\nwidth: float = 1.0  # [ps] of a bin, range 0..5\n"
    notebook = make.new_notebook(
        cells=[
            make.new_markdown_cell("# Tiny\n\nFor tests."),
            make.new_code_cell(parameters, metadata={"tags": ["parameters"]}),
            make.new_code_cell("import workbench as wb\n\nwb.publish('width', width, 'ps')"),
        ]
    )
    nbformat.write(notebook, path)
    return path


def test_refusals_name_the_parameter_and_run_nothing(tmp_path: Path) -> None:
    template = write_template(tmp_path / "tiny.ipynb")
    for wrong, words in (
        ("widht=2", "did you mean width?"),
        ("width=wide", "it must be a number in ps"),
        ("width=9", "range 0..5"),
    ):
        output = tmp_path / "out"
        done = workbench(template, "--runs", "1", "-p", wrong, "--output", output, "--json")
        assert done.returncode == 1
        assert words in done.stderr
        assert done.stdout == ""
        assert not output.exists()


def test_a_failed_item_gives_exit_1_and_json_alone_on_stdout(tmp_path: Path) -> None:
    template = write_template(tmp_path / "tiny.ipynb")
    done = workbench(
        template, "--runs", "5", "--output", tmp_path / "out", "--input", tmp_path, "--json"
    )
    assert done.returncode == 1
    (item,) = json.loads(done.stdout)["items"]
    assert set(item) == {"run", "runs", "state", "notebook", "report", "error", "results"}
    assert (item["run"], item["state"]) == (5, "failed")
    assert "no small-data file of run 5" in item["error"]
    assert "run 5: failed" in done.stderr
