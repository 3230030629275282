"""Frames that a detector really took, read from a folder and written as raw runs."""

import csv
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from workbench.core import clock
from workbench.core.arrays import Array
from workbench.core.atomic import make_folder
from workbench.core.errors import InputError, NotThereError
from workbench.core.extras import load
from workbench.sources.xtc2_writer import Names, Xtc2Writer
from workbench.synthetic.pump_probe import FIRST_SECOND, RATE, SECONDS_PER_RUN

NUMBER, ARM = "#", "tth"  # columns of a scan's table
_FRAME = re.compile(r"_(\d{1,9})\.tif")


@dataclass(frozen=True, eq=False)
class ArmFrame:
    """One frame of a scan of the detector's arm.

    Parameters
    ----------
    number
        Of the frame in the scan.
    picture
        Counts, shape (row, col).
    arm
        Angle of the arm [deg].
    """

    number: int
    picture: Array
    arm: float


def read_arm_scan(folder: Path) -> list[ArmFrame]:
    """Read the frames ``*_<number>.tif`` of a folder, and their arm angles from its one table.

    The table is a ``.csv`` file with the columns ``#`` (number of the frame) and ``tth`` [deg].
    Raises `NotThereError` where there are no frames, `InputError` where a frame has no angle.
    """
    folder = Path(folder)
    paths = {int(found[1]): path for path in sorted(folder.glob("*.tif"))
             if (found := _FRAME.search(path.name))}  # fmt: skip
    tables = sorted(folder.glob("*.csv"))
    if not paths or len(tables) != 1:
        raise NotThereError(
            f"{folder} holds {len(paths)} frames *_<number>.tif and {len(tables)} tables *.csv; "
            "give a folder with frames and one table of their arm angles"
        )
    angles = _arm_angles(tables[0])
    if unknown := sorted(set(paths) - set(angles)):
        raise InputError(
            f"{tables[0]}: no {ARM} of frame {unknown[0]}; add its line, or take "
            f"{paths[unknown[0]]} out of the folder"
        )
    read = load("PIL.Image", "reading a TIFF frame").open
    return [ArmFrame(number, np.asarray(read(path)), angles[number])
            for number, path in sorted(paths.items())]  # fmt: skip


def write_frames(
    frames: Mapping[int, Array], folder: Path, *, experiment: str, detector: str
) -> Path:
    """Write frames of one detector as raw runs, and return their folder.

    Parameters
    ----------
    frames
        Run number -> its frames, shape (event, row, col).
    folder
        Is made where it does not exist.
    experiment, detector
        Names in the raw data.
    """
    folder = make_folder(Path(folder))
    for run, events in frames.items():
        names = Names(detector, detector, "raw", fields={"raw": (events.dtype.name, 2)})
        stem = f"{experiment}-r{run:04d}-s000-c000"
        with Xtc2Writer(folder / f"{stem}.xtc2", [names]) as stream:
            begin, *times, end = _times(run, len(events))
            stream.configure(begin)
            stream.begin_run(begin + 1, experiment=experiment, run=run)
            stream.begin_step(begin + 2)
            stream.enable(begin + 3)
            for time, frame in zip(times, events, strict=True):
                stream.event(time, {0: {"raw": frame}})
            stream.end_run(end)
    return folder


def _times(run: int, events: int) -> list[int]:
    """Return the time stamps of a run's begin, of its events and of its end."""
    begin = FIRST_SECOND + run * SECONDS_PER_RUN
    count = np.arange(events + 2)
    nanoseconds = count % RATE * 1_000_000_000 // RATE
    return [int(stamp) for stamp in clock.pack(begin + count // RATE, nanoseconds)]


def _arm_angles(table: Path) -> dict[int, float]:
    with table.open(newline="", encoding="utf-8") as lines:
        reader = csv.DictReader(lines, skipinitialspace=True)
        names = {name.strip(): name for name in reader.fieldnames or ()}
        if missing := {NUMBER, ARM} - names.keys():
            raise InputError(f"{table} has no column {sorted(missing)[0]!r}: name it in line 1")
        found = {}
        for row in reader:
            try:
                found[int(row[names[NUMBER]])] = float(row[names[ARM]])
            except (TypeError, ValueError):
                raise InputError(
                    f"{table}: line {reader.line_num}: {NUMBER} and {ARM} must be numbers"
                ) from None
    return found
