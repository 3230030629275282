"""Which DAQ generation an experiment is of: from its raw files, its small data, else its hutch."""

from dataclasses import dataclass
from pathlib import Path

from workbench.core.errors import WorkbenchError
from workbench.facility import ExperimentPlaces, hutch
from workbench.facility.hutches import GENERATIONS
from workbench.smalldata import open_file

SUFFIXES = {".xtc": "lcls1", ".xtc2": "lcls2"}


@dataclass(frozen=True)
class FoundGeneration:
    """Generations to prepare for, and why.

    Parameters
    ----------
    names
        "lcls1", "lcls2", or both where nothing decides.
    why
        What decided, in one phrase.
    """

    names: tuple[str, ...]
    why: str


def find_generation(places: ExperimentPlaces) -> FoundGeneration:
    """Return the generations of an experiment: by raw files, else small data, else the hutch."""
    raw = _raw(places.raw)
    if raw is not None:
        return FoundGeneration((SUFFIXES[raw.suffix],), f"raw files such as {raw.name}")
    skipped = 0
    for path in _newest(places.small_data):
        try:
            with open_file(path) as file:
                return FoundGeneration((file.generation,), f"small data such as {path.name}")
        except WorkbenchError:  # another file may say; if none does, this is told
            skipped += 1
    hint = f" ({skipped} small-data files could not be read)" if skipped else ""
    place = hutch(places.experiment)
    names = tuple(
        name
        for name in GENERATIONS
        if place.defaults(name) and not all(det.assumed for det in place.defaults(name))
    )
    if len(names) == 1:
        return FoundGeneration(names, f"no data yet; {place.title} takes data so{hint}")
    return FoundGeneration(names, f"no data yet, and {place.title} has taken data with both{hint}")


def _raw(folder: Path) -> Path | None:
    if not folder.is_dir():
        return None
    return next((path for path in sorted(folder.iterdir()) if path.suffix in SUFFIXES), None)


def _newest(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(folder.glob("*_Run*.h5"), reverse=True)[:3]
