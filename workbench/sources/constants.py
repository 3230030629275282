"""Constants files: pedestal, gain, usable pixels and positions per detector and run range.

One HDF5 file holds ``<detector>/runs_<first>_<last>/{pedestal, gain, noise, good, x, y, z}``; of
detectors with gain ranges the first three are (range, *frame), and the attribute `ranges` names
them. Where runs overlap, the entry that starts last wins, as in the facility's calibration store.
"""

import shutil
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

from workbench.core.arrays import Array
from workbench.core.atomic import replacing
from workbench.core.constants import RANGED, Constants
from workbench.core.errors import InputError, NotThereError, WorkbenchError

LIBRARY_BOUNDS = ("v110", "v110")  # checksums of the metadata; read by stock HDF5 1.10
HDF5_ERRORS = (OSError, RuntimeError, KeyError, ValueError, TypeError, AttributeError)
# What h5py raises on damaged files: each of its layers has its own.
OPEN_END = -1  # stored for "to the last run that there will be"
FIELDS = {
    "pedestal": ("ADU", "mean dark value"),
    "gain": ("ADU/keV", "signal of one keV"),
    "noise": ("ADU", "standard deviation of dark frames"),
    "good": ("1", "1 = use this pixel"),
    "x": ("um", "pixel centre, laboratory frame"),
    "y": ("um", "pixel centre, laboratory frame"),
    "z": ("um", "pixel centre, laboratory frame"),
}


class ConstantsFileError(WorkbenchError, ValueError):
    """A constants file that is not one, or whose arrays do not belong together."""


def read_constants(
    path: Path,
    detector: str,
    run: int,
    *,
    fields: Sequence[str] = tuple(FIELDS),
    dtype: str | None = "float64",
) -> Constants | None:
    """Return the constants of one detector for one run; None where the file covers neither.

    Arrays that are not among `fields` are not read, and None in the result; `dtype` is the type of
    the others, but of flags; None leaves them as they are on file. Raises `NotThereError` where
    there is no such file, `ConstantsFileError` where it is damaged.
    """
    path = Path(path)
    with _opened(path) as file:
        if detector not in file:
            return None
        group = _covering(file[detector], run, path)
        return None if group is None else _read(group, detector, path, fields, dtype)


def detectors_in(path: Path) -> tuple[str, ...]:
    """Return the names of the detectors that a constants file covers, sorted."""
    with _opened(Path(path)) as file:
        return tuple(sorted(file))


@dataclass(frozen=True, eq=False)
class Validity:
    """Constants and the runs that they hold for.

    Parameters
    ----------
    constants
        Of one detector.
    first_run, last_run
        Both included; `last_run` None = every later run.
    """

    constants: Constants
    first_run: int = 0
    last_run: int | None = None

    @property
    def runs(self) -> str:
        """The runs as text, "12-end"."""
        return f"{self.first_run}-{'end' if self.last_run is None else self.last_run}"


def all_constants(path: Path, *, fields: Sequence[str] = tuple(FIELDS)) -> list[Validity]:
    """Return everything that a constants file holds, by detector and first run."""
    found: list[tuple[str, int, int]] = []
    with _opened(Path(path)) as file:
        for detector in sorted(file):
            ranges = (_runs_of(group, Path(path)) for group in file[detector].values())
            found += [(detector, first, last) for first, last in sorted(ranges)]
    listed = []
    for detector, first, last in found:
        with _opened(Path(path)) as file:
            group = file[f"{detector}/{_name(first, last)}"]
            constants = _read(group, detector, Path(path), fields, "float64")
        listed.append(Validity(constants, first, None if last == OPEN_END else last))
    return listed


def write_constants(
    path: Path, constants: Iterable[Constants], *, first_run: int = 0, last_run: int | None = None
) -> None:
    """Add constants of one run range to a file, replacing the same detector's same range.

    Parameters
    ----------
    path
        A new file or one written before; it is replaced as a whole, or not at all.
    constants
        One for each detector.
    first_run, last_run
        The runs covered, both included; `last_run` None = every later run.
    """
    write_validities(path, [Validity(one, first_run, last_run) for one in constants])


def write_validities(path: Path, entries: Sequence[Validity]) -> None:
    """Add constants of any runs to a file, all or none; see `write_constants`."""
    path = Path(path)
    for entry in entries:
        first, last = entry.first_run, entry.last_run
        if first < 0 or (last is not None and last < first):
            raise InputError(f"{path}: no run lies in {first} to {last}; give first <= last")
        _check(entry.constants, f"constants of {entry.constants.detector}")
    with replacing(path) as part:
        if path.exists():
            with _opened(path):  # refuse to extend a file that is damaged
                shutil.copyfile(path, part)
        with h5py.File(part, "a", libver=LIBRARY_BOUNDS) as file:
            file.attrs["format"] = "workbench constants"
            for entry in entries:
                last = OPEN_END if entry.last_run is None else entry.last_run
                _write(file, entry.constants, entry.first_run, last)


@contextmanager
def _opened(path: Path) -> Generator[h5py.File]:
    """Open a file for reading; what HDF5 raises on damaged ones becomes `ConstantsFileError`."""
    if not path.exists():
        raise NotThereError(f"no constants file {path}; name another one or leave it out")
    try:
        with h5py.File(path, "r") as file:
            yield file
    except HDF5_ERRORS as error:
        if isinstance(error, WorkbenchError):
            raise
        raise ConstantsFileError(
            f"{path} is not a readable HDF5 file ({error}); make the constants file again"
        ) from error


def _typed(dataset: h5py.Dataset, dtype: str | None) -> Array:
    """Return numbers in the type wanted, flags as they are."""
    values: Array = np.empty(dataset.shape, dataset.dtype)
    if values.size:
        dataset.read_direct(values)  # half the time of ``dataset[()]``, which clears it before
    return values.astype(dtype, copy=False) if dtype and values.dtype.kind == "f" else values


def _read(
    group: h5py.Group, detector: str, path: Path, fields: Sequence[str], dtype: str | None
) -> Constants:
    arrays = {name: _typed(group[name], dtype) for name in fields if name in group}
    ranges = tuple(str(name) for name in group.attrs.get("ranges", ()))
    origin = f"{path.name}{group.name}"
    if note := group.attrs.get("origin", ""):
        origin = f"{origin} ({note})"
    good = arrays.pop("good", None)
    mask = None if good is None else good.astype(bool)
    constants = Constants(detector, good=mask, origin=origin, ranges=ranges, **arrays)
    _check(constants, f"{path}: {group.name}")
    return constants


def _covering(ranges: h5py.Group, run: int, path: Path) -> h5py.Group | None:
    best, start = None, -1
    for group in ranges.values():
        first, last = _runs_of(group, path)
        if first <= run and (last == OPEN_END or run <= last) and first > start:
            best, start = group, first
    return best


def _runs_of(group: h5py.Group, path: Path) -> tuple[int, int]:
    if not {"first_run", "last_run"} <= set(group.attrs):
        raise ConstantsFileError(
            f"{path}: {group.name} lacks the attribute first_run or last_run; "
            "make the constants file again"
        )
    return int(group.attrs["first_run"]), int(group.attrs["last_run"])


def _name(first: int, last: int) -> str:
    return f"runs_{first}_{'end' if last == OPEN_END else last}"


def _write(file: h5py.File, constants: Constants, first: int, last: int) -> None:
    name = f"{constants.detector}/{_name(first, last)}"
    if name in file:
        del file[name]
    group = file.create_group(name)
    group.attrs.update({"first_run": first, "last_run": last, "origin": constants.origin})
    if constants.ranges:
        group.attrs["ranges"] = list(constants.ranges)
    for field, (unit, meaning) in FIELDS.items():
        values = getattr(constants, field)
        if values is None:
            continue
        kept = values.astype(np.uint8) if field == "good" else _narrowed(values)
        # Not compressed: they are read at the start of every production, and noise packs badly.
        dataset = group.create_dataset(field, data=kept, chunks=_chunks(kept), fletcher32=True)
        dataset.attrs.update({"units": unit, "long_name": meaning})


def _chunks(values: Array) -> tuple[int, ...]:
    """Return chunks of one panel each."""
    return (*(1,) * (values.ndim - 2), *values.shape[-2:])


def _narrowed(values: Array) -> Array:
    """Return numbers in single precision where that changes none of them: half as much to read."""
    wide = np.asarray(values, np.float64)
    with np.errstate(over="ignore"):
        narrow = wide.astype(np.float32)
    return narrow if np.array_equal(narrow, wide, equal_nan=True) else wide


def _check(constants: Constants, place: str) -> None:
    shapes = constants.frame_shapes
    if len(set(shapes.values())) > 1:
        raise ConstantsFileError(
            f"{place}: arrays of different shapes {shapes}; all must have the shape of a frame"
        )
    for name in RANGED:
        values = getattr(constants, name)
        if constants.ranges and values is not None and len(values) != len(constants.ranges):
            raise ConstantsFileError(
                f"{place}: {name} has {len(values)} gain ranges, {constants.ranges} are named"
            )
    good = True if constants.good is None else constants.good
    for name in RANGED:
        values = getattr(constants, name)
        if values is None:
            continue
        usable = np.isfinite(values)
        if name == "gain":  # Jungfrau's lower gain ranges count downwards
            usable &= (values != 0) if constants.ranges else (values > 0)
        if constants.ranges:  # not every range need be known of every pixel
            usable = usable.any(axis=0)
        if wrong := int(np.count_nonzero(good & ~usable)):
            raise ConstantsFileError(
                f"{place}: {name} is not a usable number in {wrong} pixels marked good; "
                "mark them bad or correct them"
            )
