"""A template copied into an experiment: its name filled in, its origin noted."""

import ast
from collections.abc import Mapping
from pathlib import Path

from workbench.batch.catalogue import TAG, Template, template_root
from workbench.batch.copies.cells import plain_cells
from workbench.batch.copies.origin import KEY, Origin
from workbench.batch.notebooks import Notebook, notebook_text, read_notebook
from workbench.core.errors import InputError
from workbench.core.shared import make_shared_folder, write_shared


def copied_notebook(template: Template, values: Mapping[str, object] | None = None) -> Notebook:
    """Return the template as a notebook of the user's.

    Parameters
    ----------
    template
        From `find_template`.
    values
        Defaults to write into its parameters cell; those that it does not declare are left away.
    """
    notebook = read_notebook(template.path)
    notebook.metadata[KEY] = Origin(_source(template), plain_cells(notebook)).as_metadata()
    for cell in notebook.cells:
        if TAG in cell.metadata.get("tags", ()):
            cell.source = with_defaults(cell.source, values or {})
    return notebook


def copy_template(
    template: Template, target: Path, values: Mapping[str, object] | None = None
) -> Path:
    """Copy a template to a path, or into a folder; return the copy.

    Raises `InputError` where a file of that name is there already.
    """
    path = target if target.suffix == ".ipynb" else target / template.path.name
    if path.exists():
        raise InputError(
            f"{path} is there already and may hold your changes: `workbench update` brings it up "
            "to date, or name another file"
        )
    make_shared_folder(path.parent)
    write_shared(path, notebook_text(copied_notebook(template, values)))
    return path


def with_defaults(source: str, values: Mapping[str, object]) -> str:
    """Return a parameters cell with other defaults; comments and all else stay as they are."""
    lines = source.split("\n")
    for statement in reversed(ast.parse(source).body):
        target = statement.target if isinstance(statement, ast.AnnAssign) else None
        value = statement.value if isinstance(statement, ast.AnnAssign) else None
        if not isinstance(target, ast.Name) or value is None or target.id not in values:
            continue
        if value.lineno != value.end_lineno or value.end_col_offset is None:
            continue
        line = lines[value.lineno - 1].encode()
        text = _literal(values[target.id]).encode()
        line = line[: value.col_offset] + text + line[value.end_col_offset :]
        lines[value.lineno - 1] = line.decode()
    return "\n".join(lines)


def _source(template: Template) -> str:
    """Return the name of a template that ships, the path of another one."""
    inside = template.path.is_relative_to(template_root())
    return template.name if inside else str(template.path)


def _literal(value: object) -> str:
    return f'"{value}"' if isinstance(value, str) and '"' not in value else repr(value)
