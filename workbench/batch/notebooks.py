"""Notebook files: read, written, and the one note that we add to them."""

from pathlib import Path
from typing import Any

import nbformat
from nbformat.reader import NotJSONError

from workbench.core.errors import InputError

Notebook = Any  # nbformat's notebooks are untyped trees of JSON with attribute access


class NotANotebookError(InputError):
    """A file that is not a Jupyter notebook."""


def read_notebook(path: Path) -> Notebook:
    """Read a notebook of any version 4 dialect."""
    try:
        return nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
    except (NotJSONError, nbformat.ValidationError, UnicodeDecodeError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise NotANotebookError(f"{path} is no notebook: {reason}") from None


def write_notebook(notebook: Notebook, path: Path) -> None:
    """Write a notebook as version 4 JSON."""
    nbformat.write(notebook, path)  # type: ignore[no-untyped-call]


def insert_note(notebook: Notebook, text: str, tag: str) -> None:
    """Put a tagged text cell at the top."""
    cell = nbformat.v4.new_markdown_cell(text)  # type: ignore[no-untyped-call]
    cell.metadata["tags"] = [tag]
    notebook.cells.insert(0, cell)
