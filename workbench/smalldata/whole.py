"""Whether a small-data file is whole: it opens, its parts open, nobody is writing."""

from collections.abc import Iterator
from pathlib import Path

from workbench.core.findings import Finding, Severity
from workbench.smalldata.check import check_apart, named
from workbench.smalldata.isolated import answer
from workbench.smalldata.listing import list_file
from workbench.smalldata.live import is_live
from workbench.smalldata.reader import open_file
from workbench.smalldata.virtual import Parts


def what_lacks(path: Path) -> list[Finding]:
    """Return why a file cannot be taken for the whole of its run; empty where it is whole.

    No value is read and no lock is taken; the file is opened in a process of its own, because HDF5
    can crash or hang on a damaged one. Codes: those of a file that cannot be opened,
    "still-written", "growing" where it changed meanwhile, "no-events". A live file may grow.
    """
    return check_apart(path, "workbench.smalldata.whole", "tell")


def inspect_whole(path: Path) -> list[Finding]:
    """Return what a file lacks, found out in this process."""
    return named(lambda file: list(_lacking(file)), path)


def tell(path: str) -> None:
    """Answer the process that asked with what one file lacks."""
    answer(inspect_whole(Path(path)))


def _lacking(path: Path) -> Iterator[Finding]:
    with open_file(path) as file:
        if file.growing and not is_live(path):
            yield Finding(
                "still-written",
                Severity.ERROR,
                f"{path}: still being written; if its writer was killed, produce the run again",
            )
        if not file.growing:
            with Parts(path) as parts:
                parts.open_all(list_file(path).parts)
        if not file.n_events:
            yield Finding(
                "no-events", Severity.ERROR, f"{path} holds no events: the run was ended at once"
            )
