"""Calibration files of an experiment: ``calib/<group>/<source>/<type>/<first>-<last>.data``.

The tree and the rule which file serves which run are those of psana1 (``CalibFileFinder``): of the
files whose range holds the run, the one that starts last; of those, the one that ends first. The
files are text: comment lines that state the shape, then numbers.
"""

import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path

import numpy as np

from workbench.core.arrays import Array
from workbench.core.errors import NotThereError, UnknownNameError, WorkbenchError

TYPES = (
    "pedestals", "pixel_rms", "pixel_status", "pixel_gain", "pixel_offset", "pixel_mask",
    "geometry",
)  # fmt: skip
NAME = re.compile(r"(?P<first>\d{1,4})-(?P<last>\d{1,4}|end)\.data")
SHAPE = re.compile(r"^#\s*SHAPE\s+\((?P<shape>[\d,\s]+)\)", re.MULTILINE)
LENGTH = re.compile(r"^#\s*DIM:\d+\s+(?P<length>\d+)", re.MULTILINE)


class CalibFileError(WorkbenchError, ValueError):
    """A file of a calibration tree that does not hold what its name and header promise."""


@dataclass(frozen=True)
class CalibFile:
    """One file of the tree.

    Parameters
    ----------
    path
        The file.
    type
        One of `TYPES`.
    first, last
        Runs that it may serve, both included; `last` None = every later run.
    """

    path: Path
    type: str
    first: int
    last: int | None

    def covers(self, run: int) -> bool:
        """Tell whether the file may serve a run."""
        return self.first <= run and (self.last is None or run <= self.last)


def calib_sources(root: Path) -> dict[str, Path]:
    """Return the folder of each source, such as "XppEndstation.0:Jungfrau.0", in a tree."""
    root = Path(root)
    if not root.is_dir():
        raise NotThereError(f"no calibration folder {root}; give the experiment's `calib`")
    found = (folder for folder in sorted(root.glob("*/*")) if folder.is_dir())
    return {folder.name: folder for folder in found if any(_files(folder))}


def calib_files(root: Path, source: str) -> tuple[CalibFile, ...]:
    """Return all files of one source, by type and first run.

    Raises `NotThereError` without the folder or anything in it, `UnknownNameError` without the
    source.
    """
    known = calib_sources(root)
    if not known:
        raise NotThereError(f"{root} holds no calibration; give the experiment's `calib`")
    if source not in known:
        raise UnknownNameError("source", source, known, str(root))
    return tuple(_files(known[source]))


def serving(files: tuple[CalibFile, ...], type_: str, run: int) -> CalibFile | None:
    """Return the file of one type that serves a run; None where none does."""
    fitting = [file for file in files if file.type == type_ and file.covers(run)]
    return max(fitting, key=_precedence, default=None)


def boundaries(files: tuple[CalibFile, ...]) -> tuple[int, ...]:
    """Return the runs at which another set of files begins to serve, rising."""
    starts = {file.first for file in files}
    ends = {file.last + 1 for file in files if file.last is not None}
    return tuple(sorted(starts | ends))


def read_array(path: Path) -> Array:
    """Read the numbers of one file, in the shape that its header states, as float64.

    Raises `CalibFileError` naming the file where header and numbers disagree.
    """
    try:
        header = _header(path)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of no numbers: our own error follows
            values = np.loadtxt(path, comments="#", ndmin=2, encoding="utf-8")
    except (OSError, ValueError) as error:
        raise CalibFileError(f"{path}: not a table of numbers ({error}); get it again") from error
    if not values.size:
        raise CalibFileError(f"{path}: holds no numbers; get it again")
    shape = _shape(header) or values.shape
    if int(np.prod(shape)) != values.size:
        raise CalibFileError(
            f"{path}: its header states {shape}, that is {int(np.prod(shape))} numbers, but it "
            f"holds {values.size}; get it again"
        )
    return values.reshape(shape)


def _files(folder: Path) -> Iterator[CalibFile]:
    for type_ in TYPES:
        for path in sorted((folder / type_).glob("*.data")):
            match = NAME.fullmatch(path.name)
            if match:
                last = None if match["last"] == "end" else int(match["last"])
                yield CalibFile(path, type_, int(match["first"]), last)


def _precedence(file: CalibFile) -> tuple[int, float]:
    return file.first, -(np.inf if file.last is None else file.last)


def _header(path: Path) -> str:
    with path.open(encoding="utf-8", errors="replace") as file:
        return "".join(takewhile(lambda line: line.startswith("#") or line.isspace(), file))


def _shape(header: str) -> tuple[int, ...]:
    stated = SHAPE.search(header)
    if stated:
        return tuple(int(length) for length in stated["shape"].split(",") if length.strip())
    return tuple(int(match["length"]) for match in LENGTH.finditer(header))
