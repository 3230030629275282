"""Opening a run by path, or by experiment and number; and several of them as one."""

from collections.abc import Collection, Iterable, Sequence
from pathlib import Path

from workbench.core.errors import InputError, NotThereError, UnknownNameError, WorkbenchError
from workbench.core.run_numbers import runs_text
from workbench.facility import (
    SmallDataCandidate,
    experiment_folders,
    runs_in,
    small_data_files,
    small_data_in,
)
from workbench.runs.experiment.finding import Choice
from workbench.runs.run import Run
from workbench.runs.several import Runs
from workbench.runs.variants import why_taken
from workbench.smalldata import live_name, whole_of


def open_run(
    path_or_experiment: str | Path,
    run: int | None = None,
    *,
    live: bool = False,
    experiment_file: Choice = True,
) -> Run:
    """Open the small data of one run, by its file, or by experiment or folder and run number.

    Of several files of a run (other sites, other productions) the newest is taken; `Run.why`
    says which, and names the others; `Run.variants` lists them with label, date and config hash.
    What the experiment's ``experiment.toml`` says of the run holds; `experiment_file` names
    another file, or is False for none.

    With `live` a run that is still being taken and produced (``workbench produce --live``) is
    opened too, with the events that there are by now; `Run.refresh` gives the longer run, and in
    the end that of the finished file.

    Raises
    ------
    InputError
        For anything but a path, or an experiment and a run number.
    """
    if not isinstance(path_or_experiment, str | Path):
        given = type(path_or_experiment).__name__
        raise InputError(f"open_run takes a path, or an experiment and a run number, not {given}")
    if run is None:
        path = Path(path_or_experiment)
        growing = live_name(path)
        return _open_path(
            growing if live and growing.exists() and not path.exists() else path, experiment_file
        )
    taken, *others = _found(path_or_experiment, _number(run), live=live)
    why = why_taken(taken, others)
    try:
        return Run(taken.path, why=why, experiment_file=experiment_file)
    except WorkbenchError as error:
        if others:
            error.add_note(f"other files of this run: {', '.join(str(one.path) for one in others)}")
        raise


def open_runs(
    experiment_or_paths: str | Path | Sequence[str | Path],
    runs: Iterable[int] | None = None,
    *,
    allow: Collection[str] = (),
    experiment_file: Choice = True,
) -> Runs:
    """Open several runs as one, by experiment (or folder) and run numbers, or by their files.

    Only what is known without reading values is looked at. Where the runs do not agree on a
    field, reading it is refused; `Runs.conflicts` lists all such fields.

    Parameters
    ----------
    experiment_or_paths
        Name of the experiment, a folder, or the files in the order wanted.
    runs
        Run numbers, in the order wanted.
    allow
        Read fields although the runs differ in this: "absent" (missing values instead), "unit",
        "axis", "mask", "centre", "geometry", "region", "energy", "threshold", "value".
    experiment_file
        As in `open_run`.

    Raises
    ------
    InputError
        For an experiment or folder without run numbers.
    NotThereError
        Where one of the runs has no small data.
    """
    if runs is None:
        if isinstance(experiment_or_paths, (str, Path)):
            given = str(experiment_or_paths)
            raise InputError(
                f"open_runs({given!r}): give the run numbers too, as in "
                f"open_runs({given!r}, range(14, 20)), or a list of files"
            )
        paths = experiment_or_paths
        opened = [open_run(path, experiment_file=experiment_file) for path in paths]
        return Runs(opened, allow=allow)
    place, numbers = str(experiment_or_paths), [_number(number) for number in runs]
    lacking = [number for number in numbers if not _candidates(place, number)]
    if lacking:
        there = [number for number in numbers if number not in lacking]
        others = f", or open the others: open_runs({place!r}, {there})" if there else ""
        raise NotThereError(
            f"no small data of {place} run {', '.join(map(str, lacking))} "
            f"({_known(place)}); produce them{others}"
        )
    opened = [open_run(place, one, experiment_file=experiment_file) for one in numbers]
    return Runs(opened, allow=allow)


def _open_path(path: Path, experiment_file: Choice) -> Run:
    if not path.exists() and not path.suffix:
        raise InputError(
            f"open_run({str(path)!r}): no such file; for an experiment give the run number too, "
            f"as in open_run({str(path)!r}, 14)"
        )
    if path.is_dir() and runs_in([path]):
        raise InputError(
            f"{path} is a folder ({_known(path)}): give the run number too, as in "
            f"open_run({str(path)!r}, {runs_in([path])[0]})"
        )
    whole = whole_of(path)
    part = f", one part of {whole.name} with only some of its events" if whole else ""
    return Run(path, why=f"{path}, as named{part}", experiment_file=experiment_file)


def _number(run: object) -> int:
    try:
        number = int(run)  # type: ignore[call-overload]  # whatever a user gives, told below
    except (TypeError, ValueError):
        number = -1
    if number < 0:
        raise InputError(f"run {run!r}: a run number is a whole number, as in open_run(..., 14)")
    return int(number)


def _found(place: str | Path, run: int, *, live: bool) -> list[SmallDataCandidate]:
    """Return the files of a run, at least one, newest first."""
    if Path(place).is_file():
        raise InputError(
            f"{place} is a file: name it alone, as in open_run({str(place)!r}), or give its "
            "folder with the run number"
        )
    found = _candidates(place, run, live=live)
    if not found:
        following = (
            "; a run of LCLS-II that is being taken is followed by workbench produce --live, one "
            "of LCLS-I can be opened when the facility's producer has finished"
        )
        raise NotThereError(
            f"no small data of {place} run {run} ({_known(place)}){following if live else ''}; "
            "produce the run, or set WORKBENCH_DATA_ROOT"
        )
    return found


def _candidates(place: str | Path, run: int, *, live: bool = False) -> list[SmallDataCandidate]:
    folder = Path(place)
    if folder.is_dir():
        return small_data_in(folder, run, live=live)
    try:
        return small_data_files(str(place), run, live=live)
    except UnknownNameError as error:
        raise InputError(
            f"{place} is neither a folder here nor an experiment of a hutch that the workbench "
            f"knows ({', '.join(error.known)}); check the name"
        ) from error


def _known(place: str | Path) -> str:
    """Say which runs there are; where none, in which folders they would be."""
    folder = Path(place)
    folders = [folder] if folder.is_dir() else [one for _, one in experiment_folders(str(place))]
    numbers = runs_in(folders)
    if not numbers:
        return f"looked in {', '.join(map(str, folders))}"
    return f"it has run{'s' if len(numbers) > 1 else ''} {runs_text(numbers)}"
