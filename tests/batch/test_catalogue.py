import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

import workbench
from workbench.batch import TemplateError, find_template, templates
from workbench.batch.catalogue import template_root
from workbench.batch.notebooks import NotANotebookError
from workbench.core.errors import NotThereError, UnknownNameError

REPOSITORY = Path(workbench.__file__).parent.parent


def test_the_catalogue_lists_the_templates_of_every_group() -> None:
    names = [template.name for template in templates()]
    assert {"common/run_summary", "xpp/delay_scan"} <= set(names)
    assert all(template.title and template.purpose for template in templates())


@pytest.mark.parametrize("name", ["delay_scan", "xpp/delay_scan"])
def test_a_template_is_found_by_its_name_with_or_without_group(name: str) -> None:
    assert find_template(name).name == "xpp/delay_scan"


def test_a_template_of_ones_own_is_found_by_its_path(tiny: Path) -> None:
    template = find_template(tiny)
    assert (template.name, template.title, template.purpose) == (
        "tiny",
        "A tiny template",
        "For tests only.",
    )


def test_a_misspelt_name_gets_a_suggestion() -> None:
    with pytest.raises(UnknownNameError, match=r"did you mean .*delay_scan"):
        find_template("delay_scam")


def test_files_that_are_no_templates_are_refused(tmp_path: Path) -> None:
    with pytest.raises(NotThereError, match="no notebook"):
        find_template(tmp_path / "absent.ipynb")
    (tmp_path / "text.ipynb").write_text("hello")
    with pytest.raises(NotANotebookError, match="is no notebook"):
        find_template(tmp_path / "text.ipynb")
    nbformat.write(nbformat.v4.new_notebook(), tmp_path / "empty.ipynb")
    with pytest.raises(TemplateError, match="0 cells tagged"):
        find_template(tmp_path / "empty.ipynb")


def test_an_installed_package_carries_its_templates_inside(tmp_path: Path) -> None:
    # What a wheel unpacks to: the package with `_shipped` in it and no checkout around.
    package = tmp_path / "site-packages" / "workbench"
    shutil.copytree(REPOSITORY / "workbench", package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(REPOSITORY / "templates", package / "_shipped" / "templates")
    code = "from workbench.batch import find_template; print(find_template('delay_scan').path)"
    printed = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": str(package.parent)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert printed.stdout.strip() == str(
        package / "_shipped" / "templates" / "xpp" / "delay_scan.ipynb"
    )


def test_the_wheel_takes_the_templates_to_where_they_are_looked_for() -> None:
    text = (REPOSITORY / "pyproject.toml").read_text()
    assert 'templates = "workbench/_shipped/templates"' in text
    assert template_root(REPOSITORY / "workbench") == REPOSITORY / "templates"


def test_a_package_without_templates_says_so(tmp_path: Path) -> None:
    with pytest.raises(NotThereError, match="install the package again"):
        template_root(tmp_path / "workbench")


@pytest.mark.parametrize("path", sorted((REPOSITORY / "templates").glob("*/*.ipynb")))
def test_templates_are_stored_clean_short_and_with_stable_ids(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert notebook.metadata.kernelspec.name == "python3"
    assert len(code) <= 12
    assert all(len(cell.source.splitlines()) <= 12 for cell in code[1:])
    assert all(not cell.outputs and cell.execution_count is None for cell in code)
    assert all(not cell.id.isdigit() and len(cell.id) > 2 for cell in notebook.cells)
    assert notebook.cells[0].source.startswith("# ")
    for parameter in find_template(path).parameters:
        assert parameter.meaning, f"{path.name}: {parameter.name} has no meaning"
        assert parameter.unit or parameter.kind in {"str", "bool", "list"}, parameter.name
