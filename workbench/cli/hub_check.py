"""``workbench hub-check``: whether a Jupyter session can do what the workbench needs."""

import json
from pathlib import Path
from typing import Annotated

import typer

from workbench.cli.places import Json, Root, SiteKey

FAILED = 1  # exit code: something does not work


def hub_check(
    experiment: Annotated[
        str, typer.Argument(help="Experiment whose links and quota are looked at, too.")
    ] = "",
    site: SiteKey = "",
    root: Root = None,
    json_: Json = False,
) -> None:
    """Say what works in this Jupyter session and what does not, with the way out.

    Links into the home folder, kernels, widgets, boards behind the proxy, room and quota; nothing
    is changed. Call it in a terminal of the session.
    """
    from workbench.boards.session import Health, diagnose
    from workbench.facility import find_experiment

    places = find_experiment(experiment, site, root) if experiment else None
    found = []
    for one in diagnose(places, Path.home()):
        found.append(one)
        if not json_:
            typer.echo(f"{one.health:11} {one.what}: {one.text}")
    if json_:
        rows = [{"what": one.what, "health": one.health, "text": one.text} for one in found]
        typer.echo(json.dumps(rows, indent=1))
    if any(one.health is Health.ERROR for one in found):
        raise typer.Exit(FAILED)
