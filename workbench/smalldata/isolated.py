"""Checks in a process of their own: a damaged file can crash or hang HDF5, not the caller."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryFile

from workbench.core.findings import Finding, Severity

TIME_LIMIT = 120  # s, plus what reading the files takes at SLOW_READ
SLOW_READ = 20e6  # bytes/s of a slow network file system
_CHILD = (  # the child finds the package where this process found it
    "import json, sys; from importlib import import_module; sys.path[:] = json.loads(sys.argv[1]); "
    "getattr(import_module(sys.argv[2]), sys.argv[3])(*sys.argv[4:])"
)


def ask_apart(module: str, function: str, paths: Sequence[Path]) -> list[Finding]:
    """Call a function with the paths, as texts, in a child process; return what it answered.

    A crash or a hang of HDF5 is a finding too; what was answered before it is kept.

    Parameters
    ----------
    module, function
        A function that calls `answer`, once or several times.
    paths
        The files to look at.
    """
    limit = TIME_LIMIT + sum(path.stat().st_size for path in paths) / SLOW_READ
    names = [str(path) for path in paths]
    command = [sys.executable, "-c", _CHILD, json.dumps(sys.path), module, function, *names]
    trouble = ""
    with TemporaryFile() as told:
        try:
            child = subprocess.run(  # noqa: S603  our own interpreter, no shell
                command, stdout=told, stderr=subprocess.DEVNULL, timeout=limit, check=False
            )
            trouble = f"HDF5 {_how(child.returncode)} while reading it" if child.returncode else ""
        except subprocess.TimeoutExpired:
            trouble = f"HDF5 did not finish within {limit:.0f} s"
        told.seek(0)
        found = _findings(told.read().decode("utf-8", "replace"))
    return [_broken(names, trouble), *found] if trouble else found


def answer(findings: Sequence[Finding], *, last: bool = True) -> None:
    """Write findings to the standard output, one line of JSON, for the process that asked.

    Each answer holds all that is known and replaces the one before. The last ends the process at
    once: HDF5 may hang when it closes a damaged file.
    """
    sys.stdout.write(json.dumps([finding.as_dict() for finding in findings]) + "\n")
    sys.stdout.flush()
    if last:
        os._exit(0)


def _findings(text: str) -> list[Finding]:
    answers = text[: text.rfind("\n") + 1].splitlines()  # a crash may cut the last line
    entries = json.loads(answers[-1]) if answers else []
    return [Finding(**{**entry, "severity": Severity(entry["severity"])}) for entry in entries]


def _broken(paths: Sequence[str], what: str) -> Finding:
    return Finding(
        "damaged",
        Severity.ERROR,
        f"{', '.join(paths)}: damaged, {what}; copy the file or produce the run again",
    )


def _how(code: int) -> str:
    return f"crashed ({signal.Signals(-code).name})" if code < 0 else f"failed (exit code {code})"
