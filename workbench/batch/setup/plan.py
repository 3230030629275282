"""What setting up an experiment would make: files, folders and their room in the quota."""

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from workbench.batch.catalogue import Template
from workbench.batch.copies import copied_notebook
from workbench.batch.notebooks import notebook_text
from workbench.batch.setup.generation import FoundGeneration, find_generation
from workbench.batch.setup.texts import experiment_text, readme_text
from workbench.core.shared import sharing_problem
from workbench.facility import ExperimentPlaces, Quota, QuotaState, results_quota, size_text
from workbench.producer.starter import config_name, starter_config

OURS = "workbench"  # folder in the results folder that holds what we make
NOTES = "experiment.toml"


class State(StrEnum):
    """What is to be done about a file."""

    NEW = "new"
    THERE = "there"
    YOURS = "yours, kept"
    BLOCKED = "blocked"


@dataclass(frozen=True)
class PlannedFile:
    """One file of a set-up.

    Parameters
    ----------
    path, content
        Where, and what.
    """

    path: Path
    content: bytes

    @property
    def state(self) -> State:
        """What is at its place now."""
        if not os.path.lexists(self.path):
            return State.NEW
        if not self.path.is_file():
            return State.BLOCKED  # a folder, or a link that leads nowhere
        if not os.access(self.path, os.R_OK, effective_ids=True):
            return State.YOURS
        same = self.path.stat().st_size == len(self.content)
        return State.THERE if same and self.path.read_bytes() == self.content else State.YOURS


@dataclass(frozen=True)
class Plan:
    """A set-up that was planned and not yet made.

    Parameters
    ----------
    places
        Whose experiment, on which site.
    generation
        DAQ generations prepared for, and why.
    files
        Files to make, with what is at their places.
    folders
        Working folders outside the results folder.
    quota
        Use of the results folder before.
    notes
        What the user should know.
    """

    places: ExperimentPlaces
    generation: FoundGeneration
    files: tuple[tuple[PlannedFile, State], ...]
    folders: tuple[Path, ...]
    quota: Quota
    notes: tuple[str, ...] = ()

    @property
    def new(self) -> tuple[PlannedFile, ...]:
        """Return the files that are not there yet."""
        return tuple(file for file, state in self.files if state is State.NEW)

    @property
    def blocked(self) -> tuple[PlannedFile, ...]:
        """Return the files whose places are taken by something that is no file."""
        return tuple(file for file, state in self.files if state is State.BLOCKED)

    @property
    def size(self) -> int:
        """Return the bytes of the new files."""
        return sum(len(file.content) for file in self.new)

    @property
    def forecast(self) -> Quota:
        """Return the use of the results folder after."""
        return self.quota.after(len(self.new), self.size)

    @property
    def missing_folders(self) -> tuple[Path, ...]:
        """Return the working folders that are not there yet."""
        return tuple(folder for folder in self.folders if not folder.is_dir())

    @property
    def unshared(self) -> tuple[Path, ...]:
        """Return what is there and its group cannot work on."""
        there = [file.path for file, state in self.files if state in {State.THERE, State.YOURS}]
        inside = {parent for path in there for parent in path.parents
                  if parent.is_relative_to(self.places.results / OURS)}  # fmt: skip
        return tuple(path for path in (*sorted(inside), *there) if sharing_problem(path))

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        after = self.forecast
        return {
            "experiment": self.places.experiment,
            "site": self.places.site.name,
            "folder": str(self.places.folder),
            "results": str(self.places.results),
            "generation": list(self.generation.names),
            "files": {str(file.path): str(state) for file, state in self.files},
            "folders": [str(folder) for folder in self.missing_folders],
            "new_files": len(self.new),
            "new_bytes": self.size,
            "quota": {"files": after.usage.files, "of_files": after.files,
                      "bytes": after.usage.bytes, "of_bytes": after.bytes,
                      "state": str(after.state)},
            "notes": list(self.notes),
        }  # fmt: skip


def plan_experiment(places: ExperimentPlaces, templates: Sequence[Template]) -> Plan:
    """Return what setting up an experiment would make; nothing is written."""
    generation = find_generation(places)
    files = [*configs(places, generation.names), *notebooks(places, templates)]
    files += notes_for_all(places, generation.names[-1], templates)
    return planned(places, generation, files)


def planned(
    places: ExperimentPlaces,
    generation: FoundGeneration,
    files: Iterable[PlannedFile],
    notes: Iterable[str] = (),
) -> Plan:
    """Return a plan of these files, with quota and remarks."""
    stated = tuple((file, file.state) for file in files)
    folders = (places.small_data / OURS, places.scratch / OURS / "reports")
    quota = results_quota(places.results)
    plan = Plan(places, generation, stated, folders, quota)
    remarks = (*notes, *_remarks(plan))
    return Plan(places, generation, stated, folders, quota, remarks)


def configs(places: ExperimentPlaces, generations: Iterable[str]) -> list[PlannedFile]:
    """Return the configs to start with, one for each generation."""
    return [
        PlannedFile(
            config_path(places, generation), starter_config(places.experiment, generation).encode()
        )
        for generation in generations
    ]


def config_path(places: ExperimentPlaces, generation: str) -> Path:
    """Return where the producer config of a generation belongs."""
    return places.results / OURS / "config" / generation / config_name(places.experiment)


def notebooks(places: ExperimentPlaces, templates: Iterable[Template]) -> list[PlannedFile]:
    """Return copies of templates, with the experiment's name filled in."""
    folder = places.results / OURS / "notebooks"
    values = {"experiment": places.experiment}
    return [
        PlannedFile(folder / one.path.name, notebook_text(copied_notebook(one, values)).encode())
        for one in templates
    ]


def notes_for_all(
    places: ExperimentPlaces, generation: str, templates: Sequence[Template]
) -> list[PlannedFile]:
    """Return the README for the group and the notes on what channels mean."""
    config = config_path(places, generation).relative_to(places.results / OURS)
    readme = readme_text(places, str(config), templates)
    notes = experiment_text(places.experiment, places.hutch, generation)
    return [
        PlannedFile(places.results / OURS / "README.md", readme.encode()),
        PlannedFile(places.results / NOTES, notes.encode()),
    ]


def _remarks(plan: Plan) -> Iterable[str]:
    tools = plan.places.results / "smalldata_tools"
    for generation in plan.generation.names:
        config = tools / f"{generation}_producers" / config_name(plan.places.experiment)
        if config.is_file():
            yield f"the group has a producer config already, which can be used as it is: {config}"
    for file, state in plan.files:
        if state is State.BLOCKED:
            yield f"{file.path} is a folder or a dangling link: move it away and call again"
    for folder in plan.quota.usage.unread:
        yield f"{folder} could not be counted: the quota may be nearer than said"
    if plan.forecast.state is QuotaState.WARNING:
        yield (f"the results folder is {plan.forecast.fraction:.0%} full: {many_files(plan.quota)}")


def many_files(quota: Quota) -> str:
    """Return where most files are, and what to do with them."""
    parts = [
        f"{name} has {files:,} files, {size_text(size)}"
        for name, files, size in quota.usage.parts[:3]
    ]
    return f"{'; '.join(parts)}. Move what can be made again to scratch, pack the rest with tar"
