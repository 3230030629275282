"""Notebook files: read, written, and the one note that we add to them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from workbench.core.errors import InputError
from workbench.core.extras import load

RECORD = "workbench"  # in the metadata of notebooks that a batch wrote: what it ran
Notebook = Any  # nbformat's notebooks are untyped trees of JSON with attribute access


class NotANotebookError(InputError):
    """A file that is not a Jupyter notebook."""


def read_notebook(path: Path) -> Notebook:
    """Read a notebook of any version 4 dialect."""
    nbformat = _nbformat()
    try:
        return nbformat.read(path, as_version=4)
    except (nbformat.reader.NotJSONError, nbformat.ValidationError, UnicodeDecodeError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise NotANotebookError(f"{path} is no notebook: {reason}") from None


def write_notebook(notebook: Notebook, path: Path) -> None:
    """Write a notebook as version 4 JSON."""
    _nbformat().write(notebook, path)


def notebook_text(notebook: Notebook) -> str:
    """Return a notebook as the text of its file."""
    return f"{_nbformat().writes(notebook)}\n"


def new_cell(kind: str, source: str, name: str, metadata: Mapping[str, Any]) -> Any:
    """Return a new cell, "code", "markdown" or "raw", under an id."""
    make = getattr(_nbformat().v4, f"new_{kind}_cell")
    return make(source, id=name, metadata=dict(metadata))


def insert_note(notebook: Notebook, text: str, tag: str) -> None:
    """Put a tagged text cell at the top."""
    cell = _nbformat().v4.new_markdown_cell(text)
    cell.metadata["tags"] = [tag]
    notebook.cells.insert(0, cell)


def _nbformat() -> Any:  # Any: nbformat's functions carry no types
    load("nbformat.reader", "a notebook")
    return load("nbformat", "a notebook")
