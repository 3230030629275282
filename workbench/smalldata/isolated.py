"""The checker in a process of its own: a damaged file can crash or hang HDF5, not the caller."""

import json
import signal
import subprocess
import sys
from pathlib import Path

from workbench.core.findings import Finding, Severity

TIME_LIMIT = 120  # s, plus what reading the file takes at SLOW_READ
SLOW_READ = 20e6  # bytes/s of a slow network file system
_CHILD = (  # the child finds the package where this process found it
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "from workbench.smalldata.check import answer; answer(sys.argv[2])"
)


def check_apart(path: Path) -> list[Finding]:
    """Check a file in a child process; a crash or a hang of HDF5 is a finding too."""
    limit = TIME_LIMIT + path.stat().st_size / SLOW_READ
    command = [sys.executable, "-c", _CHILD, json.dumps(sys.path), str(path)]
    try:
        child = subprocess.run(  # noqa: S603  our own interpreter, no shell
            command, capture_output=True, timeout=limit, check=False
        )
    except subprocess.TimeoutExpired:
        return [_broken(path, f"HDF5 did not finish within {limit:.0f} s")]
    if child.returncode:
        return [_broken(path, f"HDF5 {_how(child.returncode)} while reading it")]
    return [
        Finding(**{**entry, "severity": Severity(entry["severity"])})
        for entry in json.loads(child.stdout)
    ]


def _broken(path: Path, what: str) -> Finding:
    return Finding(
        "damaged",
        Severity.ERROR,
        f"{path}: damaged, {what}; copy the file or produce the run again",
    )


def _how(code: int) -> str:
    return f"crashed ({signal.Signals(-code).name})" if code < 0 else f"failed (exit code {code})"
