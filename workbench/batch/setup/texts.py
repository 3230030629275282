"""What is written into a new experiment besides configs and notebooks: its notes for the group."""

from collections.abc import Sequence

from workbench.batch.catalogue import Template
from workbench.facility import ExperimentPlaces, results_limits, roles

_README = """\
# {experiment}: workbench

Made by `workbench new {experiment}`; call it again whenever you like, it never overwrites a file.

- `config/`: producer config, which detectors become which numbers.
  `workbench config check {config} --run 1`
- `notebooks/`: copies of templates, yours to change: {notebooks}
- `../experiment.toml`: what channels mean in this experiment (which monitor is I0, usual cuts)

Small data of a run; one template over many runs, with its many files in
{scratch}/workbench/reports:

    workbench produce --experiment {experiment} --run 1 --config {config} \\
        --xtc {raw} --output {small_data}/workbench
    workbench batch {template} --experiment {experiment} --runs 1-3

A page for each run by itself, where the eLog shows it, as soon as its small data are finished:

    workbench watch {experiment}

Newer templates into your notebooks (no cell of yours is lost; `--diff` shows it first), links in
your home folder for JupyterHub, and how full this results folder is:

    workbench update .
    workbench link {experiment}
    workbench quota {experiment}
    workbench hub-check {experiment}       # in JupyterHub, where something does not work

Everyone of the group may change these files: keep `umask 002`. The results folder holds at most
{files:,} files: no Python environments, caches or reports in here.
"""

_EXPERIMENT = """\
# What everyone's analysis of {experiment} should know and no file says
# (docs/reference/experiment-toml.md). Lines that begin with # do nothing.
version = 1
experiment = "{experiment}"

[roles]                         # best first; they come before those of the hutch:
{roles}

[good]                          # usual cuts: [low, high) by role or field
# tt_amplitude = [0.02, 0.2]
"""

SHOWN = ("i0", "energy")  # roles that experiments change most


def readme_text(places: ExperimentPlaces, config: str, templates: Sequence[Template]) -> str:
    """Return the README for the group."""
    names = ", ".join(f"`{one.name}`" for one in templates)
    own = [one.name for one in templates if not one.name.startswith("common/")]
    return _README.format(
        experiment=places.experiment,
        config=config,
        notebooks=names or "none yet",
        template=next(iter(own), "common/run_summary"),
        raw=places.raw,
        small_data=places.small_data,
        scratch=places.scratch,
        files=results_limits()[0],
    )


def experiment_text(experiment: str, hutch: str, generation: str) -> str:
    """Return an ``experiment.toml`` that says nothing yet and shows what it could."""
    table = roles(hutch, generation)
    lines = [_role(role, [entry.name for entry in table[role]]) for role in SHOWN]
    return _EXPERIMENT.format(experiment=experiment, roles="\n".join(filter(None, lines)))


def _role(role: str, fields: list[str]) -> str:
    listed = ", ".join(f'"{name}"' for name in fields[:3])
    return f"# {role} = [{listed}]" if fields else ""
