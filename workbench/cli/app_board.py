"""``workbench app``: serve a board, a page in the browser, until it is interrupted."""

from pathlib import Path
from typing import Annotated

import typer

boards = typer.Typer(no_args_is_help=True, help="Serve a board: a page in the browser.")


@boards.callback()
def _boards() -> None:
    """Keep the name of the board in the command although there is only one."""


@boards.command("regions")
def regions(
    source: Annotated[
        str, typer.Argument(help="Small-data file, or folder of raw data; or typed on the page.")
    ] = "",
    config: Annotated[str, typer.Option(help="Producer config that regions go to.")] = "",
    run: Annotated[int | None, typer.Option(help="Run; left out: that of the source.")] = None,
    detector: Annotated[str, typer.Option(help="Left out: all that have a picture.")] = "",
    constants: Annotated[str, typer.Option(help="Calibration constants of a raw run.")] = "",
    state: Annotated[str, typer.Option(help="File that keeps what was drawn.")] = "",
    port: Annotated[int, typer.Option(min=0, help="0: a free one.")] = 0,
    address: Annotated[str, typer.Option(help="Address to listen at.")] = "127.0.0.1",
    prefix: Annotated[str, typer.Option(help="First part of the path, behind a proxy.")] = "",
    origin: Annotated[
        list[str] | None, typer.Option(help="host:port that pages come from; * for any.")
    ] = None,
    unix_socket: Annotated[
        Path | None, typer.Option(help="Listen at this socket file instead of a port.")
    ] = None,
    show: Annotated[bool, typer.Option(help="Open a browser.")] = False,
) -> None:
    """Draw regions on a detector picture and write them into the producer config.

    Whoever reaches the port works as you; on a shared machine use --unix-socket, or the card in
    JupyterLab's launcher, which does.
    """
    from workbench.core.errors import NotThereError

    if source and not Path(source).exists():
        raise NotThereError(f"there is no {source}; name a small-data file or a folder of raw data")
    from workbench.boards.regions import Wanted, serve

    serve(
        Wanted(source, config, run, detector, constants, state),
        port=port,
        address=address,
        prefix=prefix,
        origins=origin or [],
        unix_socket=unix_socket,
        show=show,
    )
