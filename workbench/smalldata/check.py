"""The checker: what is wrong with a small-data file, how much it matters and what to do."""

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from workbench.core.errors import InputError, NotThereError, WorkbenchError
from workbench.core.findings import Finding, Severity, worst_first
from workbench.smalldata.check_fields import check_fields
from workbench.smalldata.check_record import check_record
from workbench.smalldata.check_status import check_encoders, check_status
from workbench.smalldata.isolated import check_apart
from workbench.smalldata.layout import HDF5_ERRORS
from workbench.smalldata.opening import (
    MissingPartsError,
    NotHdf5Error,
    NotSmallDataError,
    StillWrittenError,
    TruncatedFileError,
    open_hdf5,
)
from workbench.smalldata.reader import SmallDataFile, open_file

_CODES = (  # what opening may raise -> code of the finding, most special first
    (NotThereError, "not-there"),
    (MissingPartsError, "parts-missing"),
    (TruncatedFileError, "truncated"),
    (StillWrittenError, "still-written"),
    (NotHdf5Error, "not-hdf5"),
    (NotSmallDataError, "not-small-data"),
    (InputError, "not-a-file"),
)


def check_file(path: str | Path) -> list[Finding]:
    """Return what the user should know about one file, worst first; empty when all is well.

    Whatever the path holds, the answer is a list of findings: this function raises nothing that
    the content of a file could cause. The content is read in a process of its own, because HDF5
    can crash or hang on a damaged file.
    """
    path = Path(path)
    try:
        with open_hdf5(path):
            pass
    except WorkbenchError as error:
        return [_refusal(error)]
    return check_apart(path)


def inspect_file(path: Path) -> list[Finding]:
    """Check a file in this process."""
    try:
        with open_file(path) as file:
            return worst_first(_inspect(file))
    except WorkbenchError as error:
        return [_refusal(error)]
    except HDF5_ERRORS as error:
        text = f"{path}: damaged, HDF5 gave up ({error}); copy it or produce the run again"
        return [Finding("damaged", Severity.ERROR, text)]


def answer(path: str) -> None:
    """Write the findings as JSON to the standard output, for the process that asked."""
    sys.stdout.write(json.dumps([finding.as_dict() for finding in inspect_file(Path(path))]))
    sys.stdout.flush()
    os._exit(0)  # HDF5 may hang when it closes a damaged file at exit


def _refusal(error: WorkbenchError) -> Finding:
    code = next((code for kind, code in _CODES if isinstance(error, kind)), "damaged")
    return Finding(code, Severity.ERROR, str(error))


def _inspect(file: SmallDataFile) -> Iterator[Finding]:
    if file.n_events == 0:
        yield Finding(
            "no-events",
            Severity.ERROR,
            "the file holds no events: nothing can be analysed; look for a run that was stopped "
            "at once, or for a production that found no raw data",
        )
        return
    yield from _check_order(file)
    yield from check_fields(file)
    yield from check_status(file)
    yield from check_encoders(file)
    yield from check_record(file)


def _check_order(file: SmallDataFile) -> Iterator[Finding]:
    stamps = file.timestamps
    backward = int(np.count_nonzero(stamps[1:] < stamps[:-1]))
    if backward:
        # The facility's LCLS-II files lie part after part: expected there, wrong in ours.
        usual = file.generation == "lcls2" and not file.ours
        severity = Severity.INFO if usual else Severity.ERROR if file.ours else Severity.WARNING
        yield Finding(
            "unsorted",
            severity,
            f"{backward} rows lie before their predecessor in time: neighbours in the file are not "
            "neighbours in time; sort by the time stamp before anything that uses the order",
            field="timestamp",
            count=backward,
        )
    repeated = _repeated(file)
    if repeated:
        yield Finding(
            "duplicate-events",
            Severity.WARNING,
            f"{repeated} events have the same identity as another: they count twice in every sum; "
            "drop one of each pair, and tell who produced the file",
            field="timestamp",
            count=repeated,
        )


def _repeated(file: SmallDataFile) -> int:
    if file.fiducials is None:
        return file.n_events - len(np.unique(file.timestamps))
    pairs = np.rec.fromarrays([file.timestamps, file.fiducials])
    return file.n_events - len(np.unique(pairs))
