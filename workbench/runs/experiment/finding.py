"""Which ``experiment.toml`` holds for a run, and what it says of that run."""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from workbench.core.errors import UnknownNameError
from workbench.facility import experiment_folders
from workbench.facility.sites import ARCHIVER, NoAccessError
from workbench.runs.experiment.lines import line_of
from workbench.runs.experiment.reading import (
    FILE_NAME,
    NO_ADDRESS,
    ExperimentFileError,
    is_address,
    read_experiment_file,
    text_and_content,
)
from workbench.runs.experiment.setup import RunSetup

# A file, or what was read from one; True: the one that belongs to the experiment; False: none.
Choice = Path | str | bool | RunSetup


def find_setup(path: Path, experiment: str, run: int | None, choice: Choice = True) -> RunSetup:
    """Return what ``experiment.toml`` says of a run; an empty setup where there is none.

    Looked for in ``<experiment>/results``, in ``<experiment>``, and beside the small-data file.
    Raises `ExperimentFileError` where the file cannot be used, or belongs to another experiment,
    and `NoAccessError` where it may not be looked for.
    """
    if isinstance(choice, RunSetup):
        return choice
    if choice is False:
        return RunSetup(why="no experiment.toml, as asked")
    found = next(_candidates(path, experiment), None) if isinstance(choice, bool) else Path(choice)
    if found is None:
        return RunSetup()
    file = read_experiment_file(found)
    own = file.table.experiment
    if own and experiment and own != experiment:
        raise file.fail(("experiment",), f"is {own!r}, but the run is of {experiment}")
    return file.setup(run)


def find_archiver(path: Path, experiment: str) -> str | None:
    """Return the archiver to ask for an experiment; None leaves it to where the raw data are.

    That in the environment variable WORKBENCH_ARCHIVER, else that of ``experiment.toml``, as for
    the command without ``--archiver``: `producer.ProduceRequest` does not look for that file.

    Parameters
    ----------
    path
        A small-data file, which may not be there yet: the notes are looked for as by `find_setup`.
        Of them only this key is checked: a mistake elsewhere stops no production.

    Raises
    ------
    ExperimentFileError
        Where the key, or the file as TOML, cannot be used.
    NoAccessError
        Where it may not be looked for or read.
    """
    if (given := os.environ.get(ARCHIVER)) is not None:
        return given
    found = next(_candidates(path, experiment), None)
    if found is None:
        return None
    if not os.access(found, os.R_OK, effective_ids=True):
        raise NoAccessError(f"you may not read {found}: ask its owner to call chmod g+r,o+r")
    text, content = text_and_content(found)
    if "archiver" not in content:
        return None
    if not is_address(content["archiver"]):
        raise ExperimentFileError(found, "archiver", line_of(text, ("archiver",)), NO_ADDRESS)
    return str(content["archiver"])


def _candidates(path: Path, experiment: str) -> Iterator[Path]:
    for place in dict.fromkeys(_folders(path, experiment)):
        file = place / FILE_NAME
        try:
            there = file.is_file()
        except PermissionError as error:
            raise NoAccessError(
                f"you may not look into {place} for {FILE_NAME}: ask its owner, or open the run "
                "without it: open_run(..., experiment_file=False)"
            ) from error
        if there:
            yield file


def _folders(path: Path, experiment: str) -> Iterator[Path]:
    homes = [each for each in path.absolute().parents if experiment and each.name == experiment]
    with suppress(UnknownNameError):  # an experiment of no hutch that we know has no folders
        homes += [folder for _, folder in experiment_folders(experiment)]
    for each in homes:
        yield each / "results"
        yield each
    yield path.absolute().parent
