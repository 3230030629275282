"""The files of one run: every site and production, with label, date and config hash."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from workbench.core.errors import WorkbenchError
from workbench.core.table import Cell, Table
from workbench.facility import SmallDataCandidate, small_data_files
from workbench.smalldata import open_file

HASH_DIGITS = 12  # of the config's SHA-256; enough to tell productions apart


def variants(experiment: str, run: int | None, taken: Path) -> Table:
    """Return a table of all small-data files of a run, newest first.

    Parameters
    ----------
    taken
        The file in use; listed too where it lies in no folder of the experiment.
    """
    found = _candidates(experiment, run)
    if not any(_same(one.path, taken) for one in found):
        found = [SmallDataCandidate(taken, "as named", "", taken.stat().st_mtime), *found]
    rows = tuple(_row(one, taken) for one in found)
    return Table(("taken", "site", "label", "written (UTC)", "config", "file"), rows)


def why_taken(taken: SmallDataCandidate, others: Sequence[SmallDataCandidate]) -> str:
    """Say in one sentence which file was taken, and which were not."""
    why = f"{taken.path} ({_place(taken)})"
    if others:
        named = ", ".join(f"{other.path} ({_place(other)})" for other in others)
        why += f", the newest of {len(others) + 1}; not taken: {named}"
    return why


def _candidates(experiment: str, run: int | None) -> list[SmallDataCandidate]:
    if not experiment or run is None:
        return []
    try:
        return small_data_files(experiment, run)
    except WorkbenchError:  # an experiment of a hutch that we hold no facts of
        return []


def _row(one: SmallDataCandidate, taken: Path) -> tuple[Cell, ...]:
    chosen = "yes" if _same(one.path, taken) else ""
    return chosen, one.site, one.label, _date(one), _config(one.path), str(one.path)


def _place(one: SmallDataCandidate) -> str:
    label = f", label {one.label}" if one.label else ""
    return f"site {one.site}{label}, written {_date(one)}"


def _date(one: SmallDataCandidate) -> str:
    return f"{datetime.fromtimestamp(one.modified, UTC):%Y-%m-%d %H:%M}"


def _config(path: Path) -> str:
    """Return the start of the config's hash; what stands in the way where it cannot be read."""
    try:
        with open_file(path) as file:
            stored = file.provenance.get("config_sha256", "")
    except WorkbenchError as error:
        return f"not readable ({type(error).__name__})"
    return str(stored)[:HASH_DIGITS] or "not recorded"


def _same(one: Path, other: Path) -> bool:
    return one.exists() and other.exists() and one.samefile(other)
