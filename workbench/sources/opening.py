"""Raw runs of a folder or file, read by the native reader or by psana."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from workbench.core.errors import InputError, NotThereError, UnknownNameError
from workbench.sources.base import RawRun
from workbench.sources.psana import opening as psana
from workbench.sources.run_files import RunFiles, find_files
from workbench.sources.xtc2 import folder as xtc2

NATIVE = "xtc2"
OpenGroups = Callable[[Path, Sequence[RunFiles]], Sequence[RawRun]]
SOURCES: Mapping[str, OpenGroups] = {NATIVE: xtc2.open_groups, "psana": psana.open_groups}


def open_raw(path: Path | str, run: int | None = None, *, source: str = NATIVE) -> RawRun:
    """Open one raw run from a folder of streams, or from one file.

    Parameters
    ----------
    path
        The folder or file.
    run
        Chooses by the number in the file names, or, where no name has it, by the number in the
        data. Without it the path must hold one run only.
    source
        Who reads: "xtc2", our own reader, or "psana" (``pip install lcls-workbench[psana]``).

    Raises
    ------
    NotThereError
        Where the path holds no such run.
    InputError
        Where it holds several of them, and `run` does not choose one.
    """
    path = Path(path)
    groups = find_files(path)
    named = [group for group in groups if run is not None and group.number == run]
    chosen = named if any(group.firsts for group in named) else groups
    runs = _open(source, path, chosen)
    wanted = runs
    if run is not None and not (named and len(runs) == 1):
        wanted = [candidate for candidate in runs if candidate.number == run]
    if not wanted:
        raise NotThereError(f"no run {run} in {path}; it holds {_list(runs)}")
    if len(wanted) > 1:
        raise InputError(
            f"{path} holds {len(wanted)} runs: {_list(wanted)}; choose one by its number with "
            "run=, or give the folder or file that holds it alone"
        )
    return wanted[0]


def raw_runs(path: Path | str, *, source: str = NATIVE) -> list[RawRun]:
    """Return all raw runs in a folder or file, in the order of their file names."""
    path = Path(path)
    return _open(source, path, find_files(path))


def _open(source: str, path: Path, groups: Sequence[RunFiles]) -> list[RawRun]:
    if source not in SOURCES:
        raise UnknownNameError("source of raw runs", source, SOURCES, "this version")
    return [*SOURCES[source](path, groups)]


def _list(runs: Sequence[RawRun]) -> str:
    lines = [
        f"run {run.number}"
        + (f" (file name: {run.file_number})" if run.file_number not in {None, run.number} else "")
        + f" of {run.experiment or 'unknown experiment'} ({run.files[0].name})"
        for run in runs
    ]
    return ", ".join(lines[:8]) + (f" and {len(lines) - 8} more" if len(lines) > 8 else "")
