"""From the files of runs to what psana reads in them."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from workbench.core.errors import NotThereError
from workbench.sources.psana.library import PsanaError, PsanaFiles
from workbench.sources.psana.run import PsanaRun
from workbench.sources.psana.survey import survey
from workbench.sources.run_files import RunFiles


def open_groups(path: Path, groups: Sequence[RunFiles]) -> list[PsanaRun]:
    """Read through the runs of some files with psana; see `run_files.find_files`."""
    found = [run for group in groups if group.firsts for run in _runs(path, group)]
    if not found:
        raise PsanaError(
            f"psana finds no run in {path}: it needs a first chunk with a BeginRun; the native "
            "reader (source xtc2) says what there is"
        )
    return found


def _runs(path: Path, group: RunFiles) -> list[PsanaRun]:
    if path.is_dir() and group.number is not None:
        opened = [(_folder(path, group), group.firsts)]
    else:
        opened = [(PsanaFiles(file), (file,)) for file in group.firsts]
    named = group.experiment, group.number
    found = []
    for files, paths in opened:
        for place, run in enumerate(files.runs()):
            seen = survey(run)
            if np.any(np.diff(seen.timestamps.astype(np.int64)) < 0):
                raise PsanaError(
                    f"psana gives the events of {path} out of order: read them with the native "
                    "reader (source xtc2), which sorts them"
                )
            later = (paths[0].parent / name for name in seen.chunks)
            read = tuple(dict.fromkeys([*paths, *later]))
            found.append(PsanaRun(files, place, seen, read, named))
    return found


def _folder(path: Path, group: RunFiles) -> PsanaFiles:
    if not any((path / "smalldata").glob(f"*-r{group.number:04d}-s*.smd.xtc2*")):
        raise NotThereError(
            f"no index files of run {group.number} in {path / 'smalldata'}, without which psana "
            "reads no folder: give one file, or use the native reader (source xtc2)"
        )
    return PsanaFiles(path, group.experiment, group.number or 0)
