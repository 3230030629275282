"""The compiled loops work where nothing can be written, and memory stays flat over long runs."""

import os
import shutil
import subprocess
import sys
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from xtc2_bytes import EVENT, SMALL, U16, begin, described, dgram, record, write

import workbench
from workbench.sources import open_raw

PACKAGE = Path(workbench.__file__).parent
NOBODY = 65534
ADD = """
from compiled import compiled

@compiled
def add(one: int, two: int) -> int:
    return one + two

print(add(1, 2), type(add._cache).__name__)
"""
READ = """
import sys, workbench
from workbench.sources import open_raw

assert workbench.__file__.startswith(sys.argv[1])
print(open_raw(sys.argv[2]).n_events)
"""


@pytest.fixture
def sealed() -> Iterator[Path]:
    """A folder that everybody may read; call `as_nobody` when it is filled."""
    with TemporaryDirectory() as name:  # not tmp_path: a second pytest locks its parents
        yield Path(name)


def as_nobody(folder: Path, *command: str) -> str:
    """Output of a command in a folder that its user cannot write; nor has the user a home."""
    for path in [folder, *folder.rglob("*")]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    user = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
    done = subprocess.run(
        [*(user if os.getuid() == 0 else []), sys.executable, *command],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(folder), "HOME": "/nonexistent"},
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    for path in [folder, *folder.rglob("*")]:
        path.chmod(0o755)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_loops_compile_without_a_place_for_their_cache(sealed: Path) -> None:
    shutil.copy(PACKAGE / "sources" / "xtc2" / "compiled.py", sealed)
    (sealed / "script.py").write_text(ADD)
    assert as_nobody(sealed, str(sealed / "script.py")) == "3 NullCache"


@pytest.mark.long
def test_a_package_that_cannot_be_written_still_reads_runs(sealed: Path) -> None:
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(PACKAGE, sealed / "workbench", ignore=ignored)
    shutil.copytree(SMALL / "intg_det", sealed / "data")
    assert as_nobody(sealed, "-c", READ, str(sealed), str(sealed / "data")) == "17"


def test_memory_does_not_grow_with_the_length_of_the_run(tmp_path: Path) -> None:
    names = described(1, "cam", "raw", [("raw", U16, 2)])
    frame = record(1, np.ones((40, 50), np.uint16).tobytes(), [(40, 50)])
    peaks = []
    for length in (200, 2000):
        events = b"".join(dgram(EVENT, 10 + number, frame) for number in range(length))
        path = write(tmp_path, begin(names) + events, run=length)
        del events
        sum(float(stack["cam.raw.raw"].sum()) for stack in open_raw(path).stacks(["cam"]))
        tracemalloc.start()
        run = open_raw(path)
        opened = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        total = sum(float(stack["cam.raw.raw"].sum()) for stack in run.stacks(["cam"]))
        peaks.append(tracemalloc.get_traced_memory()[1] - opened)
        tracemalloc.stop()
        assert total == length * 2000
        assert opened < 200_000 + 100 * length  # the index: some tens of bytes for an event
    assert peaks[1] < 2 * peaks[0] + 100_000
