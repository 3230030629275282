"""Opening a run by path, or by experiment and number."""

from pathlib import Path

from workbench.core.errors import InputError, NotThereError
from workbench.facility import experiment_folders, small_data_files
from workbench.runs.experiment.finding import Choice
from workbench.runs.run import Run


def open_run(
    path_or_experiment: str | Path, run: int | None = None, *, experiment_file: Choice = True
) -> Run:
    """Open the small data of one run, by its file or by experiment and run number.

    Of several files of a run (other sites, other productions) the newest is taken; `Run.why`
    says which, and names the others. What the experiment's ``experiment.toml`` says of the run
    holds; `experiment_file` names another file, or is False for none.
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
    why = f"{taken.path} (site {taken.site}{f', label {taken.label}' if taken.label else ''})"
    if others:
        named = ", ".join(str(other.path) for other in others)
        why += f", the newest of {len(candidates)}; not taken: {named}"
    return Run(taken.path, why=why, experiment_file=experiment_file)


def _open_path(path: Path, experiment_file: Choice) -> Run:
    if not path.exists() and not path.suffix:
        raise InputError(
            f"open_run({str(path)!r}): no such file; for an experiment give the run number too, "
            f"as in open_run({str(path)!r}, 14)"
        )
    return Run(path, experiment_file=experiment_file)
