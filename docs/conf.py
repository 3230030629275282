"""Sphinx builds the pages from here: ``make site``; every warning and broken link is an error."""

import sys
from pathlib import Path

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


def setup(app: Sphinx) -> None:
    """Write the pages that are made from the code before the pages are read."""
    for write in (write_commands, write_fields):
        app.connect("builder-inited", lambda app, write=write: write(Path(app.srcdir, "reference")))
