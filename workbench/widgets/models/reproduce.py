"""Which runs a change of the config affects, and the commands that produce them again."""

import re
import shlex
from collections.abc import Iterable
from pathlib import Path

from workbench.core.errors import InputError

_RUN = re.compile(r"-r(\d{1,9})-s\d+")  # in the names of raw files
_RANGE = re.compile(r"(\d{1,6})(?:-(\d{1,6}))?")


def runs_in(folder: Path) -> tuple[int, ...]:
    """Return the numbers of the runs whose raw files lie in a folder, sorted."""
    found = {int(match[1]) for path in Path(folder).iterdir() if (match := _RUN.search(path.name))}
    return tuple(sorted(found))


def run_numbers(text: str) -> tuple[int, ...]:
    """Return the runs of a text such as ``14-20, 23``, each once; `InputError` for another."""
    found: list[int] = []
    for part in text.replace(" ", "").split(","):
        match = _RANGE.fullmatch(part)
        if match is None or (match[2] and int(match[2]) < int(match[1])):
            raise InputError(f"runs {text!r}: type numbers and ranges, as 14-20, 23")
        found += range(int(match[1]), int(match[2] or match[1]) + 1)
    return tuple(dict.fromkeys(found))


def affected(runs: Iterable[int], *, from_run: int, to_run: int | None = None) -> tuple[int, ...]:
    """Return which of the runs a change from one run to another (None: all later) affects."""
    return tuple(
        sorted({run for run in runs if from_run <= run <= (run if to_run is None else to_run)})
    )


def produce_commands(
    experiment: str,
    runs: Iterable[int],
    *,
    xtc: Path,
    config: Path,
    constants: Path | None = None,
    output: Path | None = None,
) -> tuple[str, ...]:
    """Return one shell command a run that produces it with the config as it is now.

    Parameters
    ----------
    experiment
        For example "xpplx1234".
    runs
        Which; see `affected`.
    xtc, config, constants, output
        As of ``workbench produce``.

    Raises
    ------
    InputError
        For an experiment without a name.
    """
    if not experiment:
        raise InputError("the experiment has no name: without it there is no command to produce")
    given = (("--xtc", xtc), ("--config", config), ("--constants", constants), ("--output", output))
    options = [text for option, path in given if path is not None for text in (option, str(path))]
    command = ("workbench", "produce", "--experiment", experiment)
    return tuple(shlex.join([*command, "--run", str(run), *options, "--replace"]) for run in runs)
