"""Experiment folders of every site, and the small-data files of a run in them."""

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from workbench.core.errors import InputError
from workbench.facility.facts import read_facts
from workbench.facility.sites import DATA_ROOT, looked_at

_RUN = re.compile(r".+_Run0*(\d+)\.h5")


@dataclass(frozen=True)
class SmallDataCandidate:
    """One small-data file found for a run.

    Parameters
    ----------
    path
        The file.
    site
        Which tree it lies in: "S3DF", "FFB", ..., or the data root that was given.
    label
        Sub-folder of the production; empty for the facility's own.
    modified
        When it was last written [s since 1970].
    """

    path: Path
    site: str
    label: str
    modified: float

    def __fspath__(self) -> str:
        return str(self.path)


def experiment_folders(experiment: str, root: Path | None = None) -> list[tuple[str, Path]]:
    """Return (site, folder) of an experiment on every site, whether or not it exists.

    With `root`, or the environment variable WORKBENCH_DATA_ROOT, only
    ``root/<hutch>/<experiment>``; with WORKBENCH_SITE_ROOT the sites' trees below that folder.
    """
    return [(site.name, site.at(experiment).folder) for site in looked_at(root)]


def small_data_folder(experiment: str, label: str = "workbench", root: Path | None = None) -> Path:
    """Return where this experiment's small data of one label belong, on the first site there is.

    Raises `InputError` where the experiment has no folder on this machine.
    """
    places = experiment_folders(experiment, root)
    for _, folder in places:
        if folder.is_dir():
            return folder / "hdf5" / "smalldata" / label
    looked = ", ".join(str(folder) for _, folder in places)
    raise InputError(
        f"no folder of experiment {experiment} here (looked for {looked}); name an output folder, "
        f"or set {DATA_ROOT}"
    )


def small_data_files(
    experiment: str, run: int, root: Path | None = None, *, live: bool = False
) -> list[SmallDataCandidate]:
    """Return every small-data file of a run, newest first; empty where there is none.

    Of files written at the same time the one of the earlier site, then the one without a label,
    comes first. With `live` also files of a run that is still being taken.
    """
    names = _file_names(experiment, run, live=live)
    found = [
        candidate
        for site, folder in experiment_folders(experiment, root)
        for candidate in _in_experiment(site, folder, names)
    ]
    return sorted(found, key=lambda candidate: -candidate.modified)


def small_data_in(folder: Path, run: int, *, live: bool = False) -> list[SmallDataCandidate]:
    """Return every small-data file of a run in a folder, newest first, of any experiment.

    The folder may be an experiment's, the one that holds its small data, or any other; its
    sub-folders count as labels. With `live` also files of a run that is still being taken.
    """
    names = _file_names("*", run, live=live)
    found = {
        path: SmallDataCandidate(path, str(folder), label, path.stat().st_mtime)
        for label, where in _places(folder)
        for name in names
        for path in where.glob(name)
    }
    return sorted(found.values(), key=lambda candidate: -candidate.modified)


def small_data_places(experiment: str, root: Path | None = None) -> list[tuple[str, str, Path]]:
    """Return (site, label, folder) of every folder there is in which its small data may lie."""
    return [
        (site, label, where)
        for site, folder in experiment_folders(experiment, root)
        for part in read_facts("", "sites")["small_data"]["folders"]
        for label, where in _labels(folder / part)
    ]


def run_of_name(experiment: str, name: str) -> int | None:
    """Return the run whose small data a file of this name holds; None for any other name."""
    matches = (pattern.fullmatch(name) for pattern in _patterns(experiment))
    return next((int(match[1]) for match in matches if match), None)


def runs_in(folders: Iterable[Path]) -> list[int]:
    """Return the numbers of the runs that have a small-data file in these folders, rising."""
    places = {where for folder in folders for _, where in _places(folder)}
    names = (entry.name for where in places for entry in where.iterdir())
    return sorted({int(match[1]) for match in map(_RUN.fullmatch, names) if match})


@cache
def _patterns(experiment: str) -> tuple[re.Pattern[str], ...]:
    kinds = read_facts("", "sites")["small_data"]["names"]
    escaped = (re.escape(kind).replace(r"\{experiment\}", re.escape(experiment)) for kind in kinds)
    texts = (re.sub(r"\\{run.*?\\}", r"0*(\\d+)", kind) for kind in escaped)
    return tuple(re.compile(text) for text in dict.fromkeys(texts))


def _places(folder: Path) -> Iterator[tuple[str, Path]]:
    """Yield (label, folder) of a folder itself and of where an experiment keeps small data."""
    for part in ("", *read_facts("", "sites")["small_data"]["folders"]):
        yield from _labels(folder / part)


def _file_names(experiment: str, run: int, *, live: bool) -> list[str]:
    kinds = read_facts("", "sites")["small_data"]["names"]
    names = [name.format(experiment=experiment, run=run) for name in kinds]
    if live:
        names += [f"{name.removesuffix('.h5')}.live.h5" for name in names]
    return list(dict.fromkeys(names))


def _in_experiment(site: str, folder: Path, names: Sequence[str]) -> Iterator[SmallDataCandidate]:
    folders = read_facts("", "sites")["small_data"]["folders"]
    for place in (folder / part for part in folders):
        for label, where in _labels(place):
            for name in names:
                path = where / name
                if path.is_file():
                    yield SmallDataCandidate(path, site, label, path.stat().st_mtime)


def _labels(place: Path) -> Iterator[tuple[str, Path]]:
    if not place.is_dir():
        return
    yield "", place
    for entry in sorted(place.iterdir()):
        if entry.name.startswith(".") or not entry.is_dir():  # parts of a production are hidden
            continue
        if os.access(entry, os.R_OK | os.X_OK, effective_ids=True):  # not a colleague's own
            yield entry.name, entry
