"""The command that produces again the runs which an edit of a config concerns."""

import re
import shlex
from pathlib import Path

_RUN = re.compile(r"(?P<experiment>[a-z]{3}\w+)-r(?P<run>\d{4,})-.*\.xtc2")


def reproduce_command(
    config: str | Path, from_run: int, to_run: int | None = None, *, xtc: str | Path | None = None
) -> str:
    """Return a line for the shell that produces the runs of a range again, with the new config.

    Parameters
    ----------
    config
        The config.
    from_run, to_run
        First and last run, both included; None: all later ones.
    xtc
        Folder of the raw runs, whose file names tell experiment and runs. Without it, or where it
        holds none of them, words in capitals stand for what has to be filled in.
    """
    folder = Path(xtc) if xtc is not None else None
    names = folder.iterdir() if folder is not None and folder.is_dir() else ()
    found = sorted(
        (int(match["run"]), match["experiment"])
        for path in names
        if (match := _RUN.fullmatch(path.name))
        and from_run <= int(match["run"])
        and (to_run is None or int(match["run"]) <= to_run)
    )
    runs = sorted({run for run, _ in found})
    where = shlex.quote(str(xtc)) if xtc is not None else "XTC"
    experiment = found[0][1] if found else "EXPERIMENT"
    one = str(runs[0]) if len(runs) == 1 else "$run" if runs else "RUN"
    command = (
        f"workbench produce --experiment {experiment} --run {one} --xtc {where} "
        f"--config {shlex.quote(str(config))} --replace"
    )
    return (
        f"for run in {' '.join(map(str, runs))}; do {command}; done" if len(runs) > 1 else command
    )
