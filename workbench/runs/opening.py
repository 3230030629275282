"""Opening a run by path, or by experiment and number; and several of them as one."""

from collections.abc import Collection, Iterable, Sequence
from pathlib import Path

from workbench.core.errors import InputError, NotThereError, WorkbenchError
from workbench.facility import experiment_folders, small_data_files
from workbench.runs.experiment.finding import Choice
from workbench.runs.run import Run
from workbench.runs.several import Runs
from workbench.runs.variants import why_taken


def open_run(
    path_or_experiment: str | Path, run: int | None = None, *, experiment_file: Choice = True
) -> Run:
    """Open the small data of one run, by its file or by experiment and run number.

    Of several files of a run (other sites, other productions) the newest is taken; `Run.why`
    says which, and names the others; `Run.variants` lists them with label, date and config hash.
    What the experiment's ``experiment.toml`` says of the run holds; `experiment_file` names
    another file, or is False for none.
    """
    if run is None:
        return _open_path(Path(path_or_experiment), experiment_file)
    experiment = str(path_or_experiment)
    candidates = small_data_files(experiment, int(run))
    if not candidates:
        places = ", ".join(str(folder) for _, folder in experiment_folders(experiment))
        raise NotThereError(
            f"no small data of {experiment} run {run} (looked in {places}); produce the run, or "
            "set WORKBENCH_DATA_ROOT"
        )
    taken, *others = candidates
    why = why_taken(taken, others)
    try:
        return Run(taken.path, why=why, experiment_file=experiment_file)
    except WorkbenchError as error:
        if others:
            error.add_note(f"other files of this run: {', '.join(str(one.path) for one in others)}")
        raise


def open_runs(
    experiment_or_paths: str | Sequence[str | Path],
    runs: Iterable[int] | None = None,
    *,
    allow: Collection[str] = (),
    experiment_file: Choice = True,
) -> Runs:
    """Open several runs as one, by experiment and run numbers or by their files.

    Only what is known without reading values is looked at. Where the runs do not agree on a
    field, reading it is refused; `Runs.conflicts` lists all such fields.

    Parameters
    ----------
    experiment_or_paths
        Name of the experiment, or the files in the order wanted.
    runs
        Run numbers, in the order wanted.
    allow
        Read fields although the runs differ in this: "absent" (missing values instead), "unit",
        "axis", "mask", "centre", "geometry", "region", "energy", "threshold", "value".
    experiment_file
        As in `open_run`.
    """
    if runs is None:
        if isinstance(experiment_or_paths, str):
            raise InputError(
                f"open_runs({experiment_or_paths!r}): give the run numbers too, as in "
                f"open_runs({experiment_or_paths!r}, range(14, 20)), or a list of files"
            )
        paths = experiment_or_paths
        opened = [open_run(path, experiment_file=experiment_file) for path in paths]
        return Runs(opened, allow=allow)
    experiment, numbers = str(experiment_or_paths), [int(number) for number in runs]
    lacking = [number for number in numbers if not small_data_files(experiment, number)]
    if lacking:
        there = [number for number in numbers if number not in lacking]
        raise NotThereError(
            f"no small data of {experiment} run {', '.join(map(str, lacking))}; produce them, or "
            f"open the others: open_runs({experiment!r}, {there})"
        )
    opened = [open_run(experiment, one, experiment_file=experiment_file) for one in numbers]
    return Runs(opened, allow=allow)


def _open_path(path: Path, experiment_file: Choice) -> Run:
    if not path.exists() and not path.suffix:
        raise InputError(
            f"open_run({str(path)!r}): no such file; for an experiment give the run number too, "
            f"as in open_run({str(path)!r}, 14)"
        )
    return Run(path, experiment_file=experiment_file)
