"""Text tables beside pictures: the numbers of each shot, and control-system values."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from pathlib import Path

import numpy as np

from workbench.core import clock
from workbench.core.arrays import Array, Times
from workbench.core.atomic import appearing, make_folder
from workbench.smalldata.fields import FieldInfo
from workbench.smalldata.identity import EPOCHS
from workbench.smalldata.missing import missing_elements
from workbench.smalldata.reader import SmallDataFile, open_file

EPICS = ("epics", "epicsUser", "epicsAll")  # folders of control-system values
ONCE = "epicsOnce/"
CHANNELS = 16  # elements of a field that get a column each; fields with more have none
ROWS = 4096  # events read at a time


@dataclass(frozen=True)
class _Column:
    """One column: an element of a field."""

    info: FieldInfo
    element: int | None

    @property
    def name(self) -> str:
        return self.info.name if self.element is None else f"{self.info.name}[{self.element}]"


def event_name(stamp: int) -> str:
    """Return the name of an event by its time stamp: seconds and ns, as in names of TIFF files."""
    return f"{stamp >> 32}-{stamp & 0xFFFFFFFF:09d}"


def write_tables(source: Path, folder: Path) -> tuple[Path, ...]:
    """Write the numbers of a small-data file as text, each table in a file of its own.

    Beam-line data, and all else that is a number or at most 16 of them per event, go to
    ``Run_0014_shots.txt``, control-system values to ``Run_0014_epics.txt``, which is left out where
    there are none. A row per event begins with the event's name in TIFF files and its UTC; columns
    are separated by tabs, missing values are ``nan``. Lines with ``#`` say where it comes from, the
    unit of each column, and values kept once a run. Each file appears whole; an older one is
    replaced.
    """
    make_folder(folder)
    written = []
    with open_file(source) as file:
        every = list(_columns(file))
        for what, slow in (("shots", False), ("epics", True)):
            columns = [one for one in every if (_group(one.info) in EPICS) == slow]
            if columns or not slow:
                path = folder / f"Run_{file.run or 0:04d}_{what}.txt"
                with appearing(path) as place, place.open("w", encoding="utf-8") as text:
                    text.writelines(_head(file, columns, once=slow))
                    text.writelines(_rows(file, columns))
                written.append(path)
    return tuple(written)


def _group(info: FieldInfo) -> str:
    return info.name.partition("/")[0]


def _columns(file: SmallDataFile) -> Iterator[_Column]:
    for name in file.names:
        info = file.info(name)
        size = prod(info.shape[1:])
        if info.kind != "event" or "/" not in name or info.dtype == "str" or size > CHANNELS:
            continue
        if len(info.shape) == 1:
            yield _Column(info, None)
        else:
            yield from (_Column(info, element) for element in range(size))


def _head(file: SmallDataFile, columns: list[_Column], *, once: bool) -> Iterator[str]:
    yield f"# {file.experiment} run {file.run}, {file.n_events} events, from {file.path}\n"
    for name in file.names if once else ():
        if name.startswith(ONCE):
            value = np.ravel(file.read(name))
            unit = file.info(name).unit
            yield f"# {name} = {' '.join(map(str, value.tolist()))} {unit}\n".replace(" \n", "\n")
    units = (one.info.unit or "unit not known" for one in columns)
    yield "\t".join(("# units", "UTC", *units)) + "\n"
    yield "\t".join(("event", "utc", *(one.name for one in columns))) + "\n"


def _rows(file: SmallDataFile, columns: list[_Column]) -> Iterator[str]:
    for first in range(0, file.n_events, ROWS):
        rows = slice(first, min(first + ROWS, file.n_events))
        values = {one.info.name: _texts(file, one.info, rows) for one in columns}
        texts = [
            values[one.info.name][:, one.element or 0] if columns else np.empty(0)
            for one in columns
        ]
        for number, (event, utc) in enumerate(_events(file, file.timestamps[rows])):
            yield "\t".join((event, utc, *(str(column[number]) for column in texts))) + "\n"


def _events(file: SmallDataFile, stamps: Times) -> Iterator[tuple[str, str]]:
    times = clock.datetimes(stamps, epoch=EPOCHS[file.generation])
    for stamp, time in zip(stamps.tolist(), times, strict=True):
        yield event_name(stamp), str(time)


def _texts(file: SmallDataFile, info: FieldInfo, rows: slice) -> Array:
    """Return values as text, shape (event, element)."""
    values = file.read(info.name, rows)
    digits = 9 if values.dtype == np.float32 else 17
    texts = np.array(
        [f"{value:.{digits}g}" if values.dtype.kind == "f" else str(value)
         for value in values.ravel().tolist()], dtype=object,
    )  # fmt: skip
    texts[np.asarray(missing_elements(values)).ravel()] = "nan"
    return texts.reshape(len(values), -1)
