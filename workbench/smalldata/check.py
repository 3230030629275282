"""The checker: what is wrong with a small-data file, how much it matters and what to do."""

from collections.abc import Callable, Iterator
from pathlib import Path

from workbench.core.errors import InputError, NotThereError, WorkbenchError
from workbench.core.findings import Finding, Severity, worst_first
from workbench.smalldata.checks.columns import check_fields
from workbench.smalldata.checks.detectors import check_detectors
from workbench.smalldata.checks.order import check_count, check_order, check_part
from workbench.smalldata.checks.record import check_record
from workbench.smalldata.checks.status import check_encoders, check_status
from workbench.smalldata.isolated import answer, ask_apart
from workbench.smalldata.layout import HDF5_ERRORS
from workbench.smalldata.opening import (
    MissingPartsError,
    NoPermissionError,
    NotHdf5Error,
    NotSmallDataError,
    StillWrittenError,
    TruncatedFileError,
    open_hdf5,
)
from workbench.smalldata.reader import SmallDataFile, open_file

CHECKS = (
    check_part,
    check_order,
    check_fields,
    check_detectors,
    check_status,
    check_encoders,
    check_record,
)
_CODES = (  # what opening may raise -> code of the finding, most special first
    (NotThereError, "not-there"),
    (MissingPartsError, "parts-missing"),
    (NoPermissionError, "no-permission"),
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
    return worst_first(check_apart(Path(path), "workbench.smalldata.check", "tell"))


def check_apart(path: Path, module: str, function: str) -> list[Finding]:
    """Check a file in a child process by a function (path) that calls `answer`.

    Parameters
    ----------
    path
        The file; one that cannot even be opened is not handed to a child.
    module, function
        Where the child finds the function.
    """
    try:
        with open_hdf5(path):
            pass
        before = path.stat()
        found = ask_apart(module, function, [path])
        after = path.stat()
    except WorkbenchError as error:
        return [refusal(error)]
    except OSError as error:  # gone, or no longer readable, while we looked at it
        return [
            Finding("damaged", Severity.ERROR, f"{path}: {error}; check the disk and try again")
        ]
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        found.append(_growing(path, after.st_size - before.st_size))
    return found


def inspect_file(path: Path) -> list[Finding]:
    """Check a file in this process."""
    return named(_inspect_open, path)


def named(inspect: Callable[[Path], list[Finding]], path: Path) -> list[Finding]:
    """Return what `inspect` finds in a file; what it stumbles over is a finding too."""
    try:
        return inspect(path)
    except WorkbenchError as error:
        return [refusal(error)]
    except HDF5_ERRORS as error:
        text = f"{path}: damaged, HDF5 gave up ({error}); copy it or produce the run again"
        return [Finding("damaged", Severity.ERROR, text)]


def _inspect_open(path: Path) -> list[Finding]:
    with open_file(path) as file:
        return worst_first(_inspect(file))


def tell(path: str) -> None:
    """Answer the process that asked with the findings of one file."""
    answer(inspect_file(Path(path)))


def refusal(error: WorkbenchError) -> Finding:
    """Turn the error of a file that cannot be opened into a finding."""
    code = next((code for kind, code in _CODES if isinstance(error, kind)), "damaged")
    return Finding(code, Severity.ERROR, str(error))


def opens(path: Path) -> bool:
    """Tell whether HDF5 can open a file."""
    try:
        with open_hdf5(path):
            return True
    except WorkbenchError:
        return False


def _inspect(file: SmallDataFile) -> Iterator[Finding]:
    yield from check_count(file)
    if file.n_events:
        for check in CHECKS:
            yield from check(file)


def _growing(path: Path, more: int) -> Finding:
    return Finding(
        "growing",
        Severity.WARNING,
        f"{path} changed while it was checked ({more:+d} bytes): its last events may be half "
        "written; check again when the production has finished",
    )
