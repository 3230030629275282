"""Checks of every column: readable, as long as the run, its variable parts as long as counted."""

from collections.abc import Iterator

import numpy as np

from workbench.core.errors import WorkbenchError
from workbench.core.findings import Finding, Severity
from workbench.facility import roles
from workbench.smalldata.checks.values import check_values
from workbench.smalldata.fields import FieldInfo
from workbench.smalldata.layout import HDF5_ERRORS, MISSING_INTEGER, length_name
from workbench.smalldata.opening import MissingPartsError
from workbench.smalldata.reader import SmallDataFile
from workbench.smalldata.survey import Survey, survey


def check_fields(file: SmallDataFile) -> Iterator[Finding]:
    """Check every dataset of a file."""
    surveys: dict[str, tuple[FieldInfo, Survey]] = {}
    absent: set[str] = set()  # part files named once, not once a field
    for name in file.names:
        try:
            info = file.info(name)
            yield from _check_rows(file, info)
            yield from _look(file, info, surveys)
        except MissingPartsError as error:
            if str(error) not in absent:
                yield Finding("parts-missing", Severity.ERROR, str(error), field=name)
            absent.add(str(error))
        except WorkbenchError as error:
            yield _unreadable(name, str(error))
        except HDF5_ERRORS as error:
            yield _unreadable(name, f"{error}; copy the file or produce the run again")
    yield from check_values(file, surveys, leading_fields(file))


def leading_fields(file: SmallDataFile) -> dict[str, str]:
    """Return for each role the dataset that a run would take: the first that the file has."""
    try:
        table = roles(file.experiment, file.generation)
    except WorkbenchError:  # a hutch or generation that we hold no facts of
        return {}
    first = {role: [field.name for field in fields] for role, fields in table.items()}
    return {
        role: next(name for name in names if name in file)
        for role, names in first.items()
        if any(name in file for name in names)
    }


def _look(
    file: SmallDataFile, info: FieldInfo, surveys: dict[str, tuple[FieldInfo, Survey]]
) -> Iterator[Finding]:
    if info.kind == "event":
        surveys[info.name] = info, survey(file, info)
    elif info.kind == "ragged":
        wrong = _ragged_lengths(file, info)
        if wrong is None:
            file.read(info.name, slice(0, 1))
        else:
            yield wrong
    elif info.kind in {"once", "archived"} or not info.shape:
        file.read(info.name)
    else:
        file.read(info.name, slice(0, 1))


def _ragged_lengths(file: SmallDataFile, info: FieldInfo) -> Finding | None:
    """Compare the entries of a flat ``var_*`` dataset with those counted event by event."""
    lengths = length_name(info.name)
    if info.dtype == "object" or "/var_" not in f"/{info.name}":
        return None
    if lengths not in file:
        text = f"there is no {lengths}: which event an entry belongs to is unknown; produce again"
        return Finding("ragged-lengths", Severity.ERROR, text, info.name, info.shape[0])
    counts = file.read(lengths).astype(np.int64)
    absent = counts == MISSING_INTEGER
    entries = int(np.where(absent, 0, counts).sum())
    # A part that never saw the detector pads a virtual dataset with one element per event.
    if info.shape[0] in {entries, entries + int(absent.sum())} and (counts[~absent] >= 0).all():
        return None
    return Finding(
        "ragged-lengths",
        Severity.ERROR,
        f"has {info.shape[0]} entries, {lengths} counts {entries}: from some event on they belong "
        "to the wrong events; produce the run again",
        info.name,
        max(1, abs(entries - info.shape[0])),
    )


def _unreadable(name: str, why: str) -> Finding:
    return Finding("unreadable", Severity.ERROR, f"cannot be read: {why}", field=name)


def _inner_lengths(file: SmallDataFile) -> set[int]:
    return {length for name in file.names for length in file.info(name).shape[1:]}


def _check_rows(file: SmallDataFile, info: FieldInfo) -> Iterator[Finding]:
    if info.kind != "other" or not info.shape or "unaligned" in info.name:
        return
    group = info.name.rpartition("/")[0]
    beside = (name for name in file.names if name != info.name and name.rpartition("/")[0] == group)
    if group and not any(file.info(name).kind == "event" for name in beside):
        return
    if not group and len(info.shape) == 1 and info.shape[0] in _inner_lengths(file):
        return  # a user's own axis beside the curves that it belongs to
    yield Finding(
        "rows-differ",
        Severity.ERROR,
        f"has {info.shape[0]} rows, the file {file.n_events} events: its values belong to unknown "
        "events; produce the run again",
        field=info.name,
        count=abs(info.shape[0] - file.n_events),
    )
