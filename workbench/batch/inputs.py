"""Which runs, and which small-data file for each of them."""

import re
from collections.abc import Sequence
from pathlib import Path

from workbench.core.errors import InputError, NotThereError
from workbench.facility import small_data_files

_NAME = re.compile(r"(?P<experiment>.+?)_Run(?P<run>\d+)\.h5")
_ONE = re.compile(r"(?:ldat_)?(?P<experiment>.+?)_Run(?P<run>\d+)(?:\.live)?\.h5")  # named itself


def input_file(run: int, *, folder: Path | None, experiment: str) -> Path:
    """Return the small-data file of a run.

    Parameters
    ----------
    run
        Run number, as in the file's name.
    folder
        Where to look, or one file; None: where the experiment keeps its small data.
    experiment
        Name or folder of the experiment; empty: any that has this run in `folder`.
    """
    if folder is None:
        return _of_experiment(run, experiment)
    if folder.is_file():
        match = _ONE.fullmatch(folder.name)
        if match and int(match["run"]) != run:
            raise NotThereError(f"{folder} holds run {int(match['run'])}, not {run}; name a folder")
        return folder
    if not folder.is_dir():
        raise NotThereError(f"no folder {folder} to look for small data in")
    return _choose(_named(folder, run, experiment), run, str(folder))


def experiment_of(path: Path) -> str:
    """Return the experiment that a small-data file's name carries, else its stem."""
    match = _ONE.fullmatch(path.name)
    return match["experiment"] if match else path.stem


def _of_experiment(run: int, experiment: str) -> Path:
    if not experiment:
        raise InputError(f"run {run}: say where its small data are: an experiment or a folder")
    folder = Path(experiment)
    if folder.is_dir():
        places = [folder / "hdf5" / "smalldata", folder / "smalldata", folder]
        found = {path: path.stat().st_mtime for place in places for path in _deep(place, run)}
    else:
        found = {file.path: file.modified for file in small_data_files(experiment, run)}
    newest = sorted(found, key=lambda path: -found[path])[:1]  # as `open_run` chooses
    return _choose(newest, run, f"experiment {experiment}")


def _deep(place: Path, run: int) -> list[Path]:
    if not place.is_dir():
        return []
    labels = sorted(path for path in place.iterdir() if path.is_dir())
    return [path for folder in (place, *labels) for path in _named(folder, run, "")]


def _named(folder: Path, run: int, experiment: str) -> list[Path]:
    matches = ((path, _NAME.fullmatch(path.name)) for path in sorted(folder.glob("*_Run*.h5")))
    return [
        path
        for path, match in matches
        if match
        and int(match["run"]) == run
        and (not experiment or match["experiment"] == Path(experiment).name)
    ]


def _choose(found: Sequence[Path], run: int, where: str) -> Path:
    if not found:
        raise NotThereError(
            f"no small-data file of run {run} in {where}; produce it first, or name another folder"
        )
    if len(found) > 1:
        names = ", ".join(str(path) for path in found[:4])
        raise InputError(f"run {run} has several small-data files: {names}; name one folder")
    return found[0]
