"""The data files of raw runs, put together by their names."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from workbench.core.errors import InputError, NotThereError

IN_PROGRESS = ".inprogress"  # at the end of the name of a file that is still being written
DATA_FILE = re.compile(
    r"(?P<experiment>.+)-r(?P<run>\d{1,9})-s(?P<stream>\d+)-c(?P<chunk>\d+)\.xtc2"
)
LCLS1_FILE = re.compile(r"e\d+-r\d+-s\d+-c\d+\.xtc")


class LclsOneRawError(InputError):
    """Raw data of LCLS-I, which another program reads."""


@dataclass(frozen=True)
class RunFiles:
    """The files of one run as their names tell.

    Parameters
    ----------
    experiment, number
        From the names; "" and None for a file with another kind of name.
    firsts
        The first chunk of each stream.
    later
        Files that are later chunks by their names.
    """

    experiment: str
    number: int | None
    firsts: tuple[Path, ...]
    later: tuple[Path, ...]


def find_files(path: Path) -> list[RunFiles]:
    """Group the data files at a path by run; raise `NotThereError` where there are none."""
    if path.is_dir():
        files = sorted(file for file in path.iterdir() if _is_data(file))
    elif path.exists():
        files = [path]
    else:
        raise NotThereError(f"{path} does not exist; give a folder of .xtc2 files, or one of them")
    if not files:
        _refuse_lcls1(path)
        raise NotThereError(
            f"no .xtc2 files in {path}; give the folder that holds <experiment>-rNNNN-sNNN-cNNN"
            ".xtc2 files"
        )
    if len(files) == 1 and ".smd.xtc2" in files[0].name:
        raise InputError(
            f"{files[0]} is the index of a data file; give the data file or its folder"
        )
    return _grouped(files)


def _refuse_lcls1(folder: Path) -> None:
    names = (file.name for file in folder.iterdir())
    old = next((name for name in names if LCLS1_FILE.match(name)), None)
    if old is not None:
        raise LclsOneRawError(
            f"{folder} holds raw data of LCLS-I ({old}), which only the facility's own producer "
            "reads: produce the run with it, and open its small data with open_run when that has "
            "finished; it cannot be followed live. Raw files of LCLS-II end in .xtc2"
        )


def _is_data(file: Path) -> bool:
    name = file.name.removesuffix(IN_PROGRESS)
    return name.endswith(".xtc2") and not name.endswith(".smd.xtc2") and file.is_file()


def _grouped(files: Iterable[Path]) -> list[RunFiles]:
    named: dict[tuple[str, int], list[tuple[int, int, Path]]] = {}
    groups = []
    for file in files:
        match = DATA_FILE.fullmatch(file.name.removesuffix(IN_PROGRESS))
        if match is None:
            groups.append(RunFiles("", None, (file,), ()))
            continue
        key = (match["experiment"], int(match["run"]))
        named.setdefault(key, []).append((int(match["stream"]), int(match["chunk"]), file))
    for (experiment, number), members in named.items():
        firsts = [file for _, chunk, file in members if chunk == 0]
        later = [file for _, chunk, file in members if chunk > 0]
        groups.append(RunFiles(experiment, number, tuple(firsts), tuple(later)))
    return groups
