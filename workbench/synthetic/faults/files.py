"""Faults of whole files: cut off, without a part, held by a writer, empty, out of order."""

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np

from workbench.smalldata.editing import edit_file, has_events
from workbench.synthetic.faults.base import Fault, Injected, station_of
from workbench.synthetic.station import Station

KEPT = 0.6  # of the bytes of a file that was cut off
DUPLICATES = 7  # events
_HOLD = """
import os, sys, threading, time, h5py
file = h5py.File(sys.argv[1], "r+", libver="latest")
if sys.argv[2] == "swmr":
    rows = file.create_dataset("live/count", (0,), "i8", maxshape=(None,), chunks=(4096,))
    file.swmr_mode = True
print("open", flush=True)
threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
while sys.argv[2] == "swmr":
    rows.resize(len(rows) + 4096, axis=0)
    rows[-4096:] = len(rows)
    file.flush()
    time.sleep(0.02)
threading.Event().wait()
"""


def cut_off(path: Path, rng: np.random.Generator) -> Injected:
    """Cut the file off after a part of its bytes, as a copy that was interrupted."""
    del rng
    with path.open("r+b") as file:
        file.truncate(int(path.stat().st_size * KEPT))
    return Injected("", 1, (path,))


def part_gone(path: Path, rng: np.random.Generator) -> Injected:
    """Remove one of the files that a virtual file takes events from."""
    parts = [part for part in sorted(path.parent.glob(f"{path.stem}_part*.h5")) if has_events(part)]
    parts[int(rng.integers(len(parts)))].unlink()
    return Injected("", 1, (path,))


def held(path: Path, rng: np.random.Generator) -> Injected:
    """Hold the file open for writing in another process."""
    del rng
    return Injected("", 1, (path,), _Holder(path, "plain"))


def growing(path: Path, rng: np.random.Generator) -> Injected:
    """Let another process add to the file while others read along (SWMR)."""
    del rng
    return Injected("", None, (path,), _Holder(path, "swmr"))


def no_events(path: Path, rng: np.random.Generator) -> Injected:
    """Keep no event."""
    del rng
    return _keep(path, 0)


def one_event(path: Path, rng: np.random.Generator) -> Injected:
    """Keep the first event."""
    del rng
    return _keep(path, 1)


def out_of_order(path: Path, rng: np.random.Generator) -> Injected:
    """Put the second half of the rows before the first."""
    del rng
    with edit_file(path) as file:
        half = file.n_events // 2
        rows = np.arange(file.n_events)
        file.keep_rows(np.concatenate([rows[half:], rows[:half]]))
        stamps = file.read(file.time_name)
    return Injected("timestamp", int((np.diff(stamps) < 0).sum()), (path,))


def twice(path: Path, rng: np.random.Generator) -> Injected:
    """Replace some events by a second copy of the one before."""
    with edit_file(path) as file:
        order = file.time_order
        rows = np.arange(file.n_events)
        copied = 2 * rng.choice(file.n_events // 2 - 1, DUPLICATES, replace=False) + 1
        rows[order[copied]] = order[copied - 1]
        file.keep_rows(rows)
    return Injected("timestamp", DUPLICATES, (path,))


def region_changed(path: Path, rng: np.random.Generator) -> Injected:
    """Make the next run's file, in which the region of the signal is another one."""
    del rng
    spot = station_of(path).spot
    number = int(path.stem[-4:])
    second = path.with_name(f"{path.stem[:-4]}{number + 1:04d}.h5")
    shutil.copy(path, second)
    with edit_file(second) as file:
        if "experiment" in file.attributes:
            file.attributes["run"] = number + 1
        for leaf in ("ROI", "bound"):
            name = f"UserDataCfg/{spot}/signal__signal_{leaf}"
            file.write(name, file.read(name) + 4)
    return Injected(spot, 1, (path, second))


def _keep(path: Path, events: int) -> Injected:
    with edit_file(path) as file:
        file.keep_rows(np.arange(events))
    return Injected("", 1, (path,))


class _Holder:
    """A process that holds a file open until it is called."""

    def __init__(self, path: Path, mode: str) -> None:
        command = [sys.executable, "-c", _HOLD, str(path), mode]
        self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and program
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert self._process.stdout is not None
        self._process.stdout.readline()

    def __call__(self) -> None:
        self._process.communicate()


def _virtual(place: Station, style: str) -> bool:
    return place.generation == "lcls2" and style == "facility"


def _one_file(place: Station, style: str) -> bool:
    return not _virtual(place, style)


def _swmr(place: Station, style: str) -> bool:
    del place
    return style == "ours"  # PyTables' files are of a version that cannot be read along


FILE_FAULTS = (
    Fault("truncated", "truncated", cut_off, _one_file),
    Fault("missing-part", "parts-missing", part_gone, _virtual),
    Fault("locked", "still-written", held),
    Fault("growing", "growing", growing, _swmr),
    Fault("zero-events", "no-events", no_events, _one_file),
    Fault("one-event", "one-event", one_event, _one_file),
    Fault("unsorted", "unsorted", out_of_order, _one_file),
    Fault("duplicate-events", "duplicate-events", twice),
    Fault("changed-region", "settings-differ", region_changed),
)
