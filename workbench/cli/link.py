"""``workbench link`` and ``workbench quota``: an experiment from the home folder; its room left."""

import json
from pathlib import Path
from typing import Annotated

import typer

from workbench.cli.places import SKIPPED, DryRun, Experiment, Json, Root, SiteKey

OVER = 1  # exit code: the quota is exceeded


def link(
    experiment: Experiment,
    site: SiteKey = "",
    root: Root = None,
    home: Annotated[
        Path | None, typer.Option(help="Folder for the links; left out: your home folder.")
    ] = None,
    dry_run: DryRun = False,
    json_: Json = False,
) -> None:
    """Make, check and repair the links in the home folder by which JupyterHub finds it."""
    from workbench.facility import (
        LinkState,
        find_experiment,
        looked_at,
        make_links,
        plan_links,
        sites_of_key,
    )

    places = find_experiment(experiment, site, root)
    sites = tuple(dict.fromkeys((*sites_of_key(site, root), *looked_at(root))))
    links = plan_links(places, home or Path.home(), sites)
    if not dry_run:
        make_links(links)
    if json_:
        rows = [
            {"path": str(one.path), "state": one.state, "target": str(one.target or ""),
             "why": one.why}
            for one in links
        ]  # fmt: skip
        typer.echo(json.dumps(rows, indent=1))
    else:
        for one in links:
            where = f" -> {one.target}" if one.target else ""
            typer.echo(f"{one.state:7} {one.path}{where}{f'  ({one.why})' if one.why else ''}")
    if any(one.state == LinkState.KEPT for one in links):
        raise typer.Exit(SKIPPED)


def quota(
    experiment: Experiment, site: SiteKey = "", root: Root = None, json_: Json = False
) -> None:
    """Count the results folder against its limits; say where most files are."""
    from workbench.facility import QuotaState, find_experiment, results_quota, size_text

    places = find_experiment(experiment, site, root)
    found = results_quota(places.results)
    usage = found.usage
    if json_:
        plain = {
            "folder": str(found.folder),
            "state": found.state,
            "files": usage.files,
            "of_files": found.files,
            "bytes": usage.bytes,
            "of_bytes": found.bytes,
            "unread": list(usage.unread),
            "parts": [{"name": name, "files": n, "bytes": size} for name, n, size in usage.parts],
        }
        typer.echo(json.dumps(plain, indent=1))
    else:
        typer.echo(f"{found.folder}: {found}: {found.state}")
        for name, files, size in usage.parts[:10]:
            typer.echo(f"  {files:>7,} files  {size_text(size):>8}  {name}")
        for folder in usage.unread:
            typer.echo(f"not counted (no permission): {folder}")
        if found.state is not QuotaState.FINE:
            typer.echo(
                f"move what can be made again to {places.scratch} (no quota, no backup); pack "
                "the rest: tar czf NAME.tar.gz NAME"
            )
    if found.state is QuotaState.OVER:
        raise typer.Exit(OVER)
