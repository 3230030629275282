"""``workbench new``: folders, configs, notebooks and notes of an experiment."""

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from workbench.cli.made_up import made_up_run
from workbench.cli.places import SKIPPED, DryRun, Experiment, Json, Root, SiteKey

if TYPE_CHECKING:
    from workbench.batch.setup import Made, Plan
    from workbench.core.findings import Finding
    from workbench.facility import ExperimentPlaces


def new(
    experiment: Experiment,
    site: SiteKey = "",
    template: Annotated[
        list[str] | None,
        typer.Option(help="Template to copy; several times. Left out: all of the hutch."),
    ] = None,
    from_: Annotated[
        str, typer.Option("--from", help="Take over notebooks, regions, roles of this experiment.")
    ] = "",
    root: Root = None,
    made_up: Annotated[
        bool,
        typer.Option("--made-up", help="Add a made-up run with known physics; site local only."),
    ] = False,
    dry_run: DryRun = False,
    json_: Json = False,
) -> None:
    """Set an experiment up: configs, notebooks, notes. Called again, it changes nothing."""
    from workbench.batch.setup import choose_templates, make_plan, plan_experiment, plan_successor
    from workbench.facility import find_experiment

    if from_ and template:
        raise typer.BadParameter("--from takes all notebooks over: leave --template away")
    places = _places(experiment, site, root)
    before = find_experiment(from_, site, root) if from_ else None
    chosen = choose_templates(places.hutch, template or ())
    run = made_up_run(places) if made_up else None

    def planned() -> "tuple[Plan, tuple[Finding, ...]]":
        if before is None:
            return plan_experiment(places, chosen), ()
        taken = plan_successor(before, places)
        return taken.plan, taken.findings

    plan, taken_over = planned()
    if run and not dry_run:  # after all that may be refused; its generation goes into the plan
        run.write()
        plan, taken_over = planned()
    findings = (*plan.generation.findings, *taken_over)
    made = None if dry_run else make_plan(plan)
    if json_:
        outcome = {**plan.as_dict(), "findings": [finding.as_dict() for finding in findings]}
        outcome["refused"] = list(made.refused) if made else []
        typer.echo(json.dumps(outcome, indent=1))
    else:
        _show(plan, made, findings)
        if run:
            typer.echo(f"made-up run: {run.path}\nnext: {run.command}")
    if plan.blocked or (made and made.refused) or any(one.severity == "error" for one in findings):
        raise typer.Exit(SKIPPED)


def _places(experiment: str, site: str, root: Path | None) -> "ExperimentPlaces":
    from workbench.core.errors import near
    from workbench.facility import (
        LOCAL,
        check_experiment_name,
        find_experiment,
        known_experiments,
        sites_of_key,
    )

    sites = sites_of_key(site, root)
    if sites[0].key != LOCAL:
        return find_experiment(experiment, site, root)
    places = sites[0].at(experiment)
    if not places.folder.is_dir():
        check_experiment_name(experiment)
        alike = near(experiment, known_experiments(sites, places.hutch))
        if alike:
            typer.echo(f"new experiment {experiment}; there is also {', '.join(alike)}", err=True)
    return places


def _show(plan: "Plan", made: "Made | None", findings: "tuple[Finding, ...]") -> None:
    places = plan.places
    typer.echo(f"{places.experiment} at {places.site.name}: {places.folder}")
    typer.echo(f"generation {' and '.join(plan.generation.names)}: {plan.generation.why}")
    for file, state in plan.files:
        typer.echo(f"  {state:12} {_short(file.path, places.results)}")
    for folder in made.folders if made else plan.missing_folders:
        typer.echo(f"  {'new':12} {folder}/")
    for path in made.mended if made else plan.unshared:
        typer.echo(f"  {'for all':12} {_short(path, places.results)}")
    _show_sums(plan, made)
    for line in (*plan.notes, *(made.refused if made else ()), *findings):
        typer.echo(f"note: {line}")
    if made and not made.nothing:
        _show_next(plan)


def _show_sums(plan: "Plan", made: "Made | None") -> None:
    from workbench.facility import size_text

    if made and made.nothing:
        typer.echo("everything was there already; nothing was changed")
    else:
        would = "" if made else "would be "
        typer.echo(f"{len(plan.new)} files, {size_text(plan.size)} {would}made")
    typer.echo(f"results: {plan.forecast}")


def _show_next(plan: "Plan") -> None:
    from workbench.facility import LOCAL
    from workbench.facility.sites import DATA_ROOT

    places = plan.places
    if places.site.key == LOCAL and not os.environ.get(DATA_ROOT):
        typer.echo(f"next: export {DATA_ROOT}={places.site.name}")
    typer.echo(f"next: workbench link {places.experiment}")
    typer.echo(f"next: open the notebooks in {places.results / 'workbench' / 'notebooks'}")


def _short(path: Path, results: Path) -> str:
    return f"results/{path.relative_to(results)}" if path.is_relative_to(results) else str(path)
