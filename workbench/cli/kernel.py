"""``workbench kernel``: this environment as a kernel, with a card in JupyterLab's launcher."""

import json
from pathlib import Path
from typing import Annotated

import typer

from workbench.cli.places import Json


def kernel(
    prefix: Annotated[
        Path | None,
        typer.Option(
            help="Environment in which JupyterLab runs, to offer it to all its users; "
            "left out: to you."
        ),
    ] = None,
    name: Annotated[
        str, typer.Option(help="By which notebooks know the kernel; another for a second one.")
    ] = "workbench",
    json_: Json = False,
) -> None:
    """Give this environment a card in JupyterLab's launcher: notebooks that have the workbench.

    Writes two small files; the environment stays where it is, shared and read-only as it may be.
    One below a results folder is refused.
    """
    from workbench.boards.kernel import install_kernel

    made = install_kernel(prefix=prefix, name=name)
    if json_:
        plain = {"folder": str(made.folder), "python": str(made.python), "before": made.before}
        typer.echo(json.dumps(plain, indent=1))
        return
    typer.echo(f"{made.folder} starts {made.python}")
    if made.before not in {"", str(made.python)}:
        typer.echo(f"before, the kernel {name} was {made.before}")
