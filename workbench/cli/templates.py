"""``workbench templates`` and ``workbench update``: copies of templates, kept up to date."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from workbench.cli.places import SKIPPED, Json

if TYPE_CHECKING:
    from workbench.batch import Template
    from workbench.batch.copies import Update

templates = typer.Typer(
    no_args_is_help=True, help="Template notebooks: list them, show one, copy one."
)
Name = Annotated[str, typer.Argument(help="Name of a template, such as delay_scan.")]


@templates.command("list")
def show_all(json_: Json = False) -> None:
    """List the templates by name, title and purpose."""
    from workbench.batch import templates as known

    if json_:
        typer.echo(json.dumps([_plain(one) for one in known()], indent=1))
        return
    every = known()
    width = max(len(one.name) for one in every)
    for one in every:
        typer.echo(f"{one.name:{width}}  {one.title}: {one.purpose}")


@templates.command("show")
def show(name: Name, json_: Json = False) -> None:
    """Show what a template is for and what its parameters are."""
    from workbench.batch import find_template

    found = find_template(name)
    if json_:
        typer.echo(json.dumps(_plain(found), indent=1))
        return
    typer.echo(f"{found.name}: {found.title}\n{found.purpose}\n{found.path}\n")
    for one in found.parameters:
        unit = f" [{one.unit}]" if one.unit not in {"", "1"} else ""
        typer.echo(f"  {one.name}: {one.type} = {one.default!r}{unit}  {one.meaning}")


@templates.command("copy")
def copy(
    name: Name,
    destination: Annotated[Path, typer.Argument(help="Folder, or a name.ipynb.")] = Path(),
    experiment: Annotated[str, typer.Option(help="To fill in as its experiment.")] = "",
) -> None:
    """Copy a template, to be run and changed; `workbench update` keeps it up to date."""
    from workbench.batch import find_template
    from workbench.batch.copies import copy_template
    from workbench.facility import hutch_name

    if experiment:
        hutch_name(experiment)  # refuses what is no experiment's name
    values = {"experiment": experiment} if experiment else {}
    typer.echo(str(copy_template(find_template(name), destination, values)))


def update(
    where: Annotated[
        list[str] | None,
        typer.Argument(help="Notebooks, folders or experiments; left out: the current folder."),
    ] = None,
    show_diff: Annotated[
        bool, typer.Option("--diff", help="Show what would change, and write nothing.")
    ] = False,
    json_: Json = False,
) -> None:
    """Merge newer templates into their copies; no cell of yours is lost, clashes are marked."""
    from workbench.batch.copies import UpdateState, diff, plan_update, write_update

    updates = [plan_update(path) for path in _notebooks(where or ["."])]
    for one in updates:
        if not show_diff:
            write_update(one)
        if not json_ and one.state is not UpdateState.FOREIGN:
            typer.echo(_line(one))
        if show_diff and not json_:
            typer.echo(diff(one), nl=False)
    if json_:
        typer.echo(json.dumps([_summary(one) for one in updates], indent=1))
    else:
        foreign = sum(one.state is UpdateState.FOREIGN for one in updates)
        typer.echo(f"{len(updates)} notebooks, {foreign} of them no copies of a template")
    if any(one.skipped for one in updates):
        raise typer.Exit(SKIPPED)


def _notebooks(where: list[str]) -> list[Path]:
    from workbench.batch.copies import find_copies
    from workbench.facility import find_experiment

    found: list[Path] = []
    for text in where:
        path = Path(text)
        if path.is_file():
            found.append(path)
        elif path.is_dir() or "/" in text or path.suffix == ".ipynb":
            found += find_copies(path)
        else:
            found += find_copies(find_experiment(text).results / "workbench")
    return list(dict.fromkeys(found))


def _line(one: "Update") -> str:
    text = f"{one.path}: {one.state}"
    counts = [f"{len(ids)} {word}" for word, ids in _changes(one).items() if ids]
    text += f" ({', '.join(counts)})" if counts else ""
    return text + (f": {one.why}" if one.why else "")


def _changes(one: "Update") -> dict[str, tuple[str, ...]]:
    merged = one.merged
    if merged is None:
        return {}
    return {
        "cells changed": merged.changed,
        "new": merged.added,
        "removed": merged.removed,
        "clash, the template's version stands below yours": merged.conflicts,
        "of yours that the template gave up, kept": merged.outlived,
        "changed there that you had deleted": merged.declined,
    }


def _summary(one: "Update") -> dict[str, object]:
    cells = {word: list(ids) for word, ids in _changes(one).items() if ids}
    return {
        "path": str(one.path),
        "state": one.state,
        "template": one.template,
        "why": one.why,
        "cells": cells,
    }


def _plain(template: "Template") -> dict[str, object]:
    return {
        "name": template.name,
        "title": template.title,
        "purpose": template.purpose,
        "path": str(template.path),
        "parameters": [vars(one) for one in template.parameters],
    }
