"""``workbench notebooks``: the notebooks that ship to be read and tried; a copy of one."""

import json
from pathlib import Path
from typing import Annotated

import typer

from workbench.core.shipped import copy_notebook, shipped_notebooks

notebooks = typer.Typer(no_args_is_help=True, help="Notebooks that show how: list them, copy one.")


@notebooks.command("list")
def show(
    json_: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List the notebooks by name and title."""
    known = shipped_notebooks().values()
    if json_:
        plain = [{"name": one.name, "title": one.title, "path": str(one.path)} for one in known]
        typer.echo(json.dumps(plain, indent=1))
        return
    for one in known:
        typer.echo(f"{one.name:22} {one.title}")


@notebooks.command("copy")
def copy(
    name: Annotated[str, typer.Argument(help="As the list calls it, such as regions.")],
    output: Annotated[Path, typer.Option(help="Folder for the copy.")] = Path(),
) -> None:
    """Copy a notebook into a folder, to be run and changed there."""
    typer.echo(str(copy_notebook(name, output)))
