"""Sphinx builds the pages from here: ``make site``; every warning and broken link is an error."""

import re
import sys
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

from make_commands import write_commands  # noqa: E402  it lies beside this file
from make_fields import write_fields  # noqa: E402  likewise

project = "workbench"
copyright = "the authors of workbench"  # noqa: A001  Sphinx wants this name
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = "workbench"
myst_heading_anchors = 3
default_role = "code"  # docstrings put names between single back-quotes
smartquotes = False  # they would turn the dashes of options into others
autodoc_default_options = {"members": True, "show-inheritance": True}
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_class_signature = "separated"
autodoc_inherit_docstrings = False
napoleon_numpy_docstring = True
napoleon_google_docstring = False


# What autodoc makes of the types in workbench.core.arrays, and what the code calls them.
ARRAY = re.compile(
    r"~?numpy\.ndarray\[tuple\[(?:~?typing\.)?Any, \.\.\.\], "
    r"~?numpy\.dtype\[([^\[\]]+(?:\[[^\]]+\])?)\]\]"
)
SORTS = {"bool": "Bools", "float64": "Floats", "int64": "Ints", "uint64": "Times", "Any": "Array"}


def short_types(text: str) -> str:
    """Return a text with types of arrays as the code calls them."""
    return ARRAY.sub(lambda found: SORTS.get(found[1].rpartition(".")[2], "Frames"), text)


def plain_properties(*event: Any) -> None:  # Any: autodoc's arguments are of many types
    """Keep napoleon from taking what a property says before a colon for its type."""
    _, what, *_, lines = event
    if what in {"property", "attribute"}:
        lines.insert(0, "\\")  # an escaped line end: nothing on the page


def short_docstrings(*event: Any) -> None:
    """Shorten types of arrays in what napoleon wrote."""
    *_, lines = event
    lines[:] = map(short_types, lines)


def short_signatures(*event: Any) -> tuple[str | None, str | None]:
    """Shorten types of arrays in a signature."""
    *_, given, back = event
    return given and short_types(given), back and short_types(back)


def setup(app: Sphinx) -> None:
    """Write the pages that are made from the code before the pages are read."""
    for write in (write_commands, write_fields):
        app.connect("builder-inited", lambda app, write=write: write(Path(app.srcdir, "reference")))
    app.connect("autodoc-process-docstring", plain_properties, priority=400)
    app.connect("autodoc-process-docstring", short_docstrings, priority=900)
    app.connect("autodoc-process-signature", short_signatures)
