"""Which DAQ generation an experiment is of: from its raw files, its small data, else its hutch."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from workbench.core.errors import WorkbenchError
from workbench.core.findings import Finding, Severity
from workbench.facility import ExperimentPlaces, hutch, runs_in, small_data_in
from workbench.facility.hutches import GENERATIONS
from workbench.smalldata import SmallDataFile, open_file

SUFFIXES = {".xtc": "lcls1", ".xtc2": "lcls2"}
NEWEST = 3  # runs whose small data are looked at, besides the first one


@dataclass(frozen=True)
class FoundGeneration:
    """Generations to prepare for, and why.

    Parameters
    ----------
    names
        "lcls1", "lcls2", or both where nothing decides or the files contradict each other; the
        last one is that of the raw files, or of the newest small data.
    why
        What decided, in one phrase.
    findings
        Small-data files that say nothing, and files that contradict each other.
    """

    names: tuple[str, ...]
    why: str
    findings: tuple[Finding, ...] = ()


def find_generation(places: ExperimentPlaces) -> FoundGeneration:
    """Return the generations of an experiment: by raw files, small data, else the hutch."""
    findings: list[Finding] = []
    raw = _raw(places.raw)
    small = _small_data(places, findings)
    found = {**small, **raw}  # the strongest evidence of each generation
    if not found:
        return _by_hutch(places, findings)
    names = sorted(found, key=lambda name: (name in raw, name == next(iter(small), "")))
    if len(names) > 1:
        findings.append(_contradiction(raw, small))
    why = " and ".join(found[name] for name in reversed(names))
    return FoundGeneration(tuple(names), why, tuple(findings))


def _by_hutch(places: ExperimentPlaces, findings: list[Finding]) -> FoundGeneration:
    place = hutch(places.experiment)
    names = tuple(
        name
        for name in GENERATIONS
        if place.defaults(name) and not all(det.assumed for det in place.defaults(name))
    )
    data = "no data that can be used" if findings else "no data yet"
    if len(names) == 1:
        why = f"{data}; {place.title} takes data so"
    else:
        why = f"{data}, and {place.title} has taken data with both"
    return FoundGeneration(names, why, tuple(findings))


def _contradiction(raw: Mapping[str, str], small: Mapping[str, str]) -> Finding:
    told = [f"{text} of {name}" for evidence in (raw, small) for name, text in evidence.items()]
    message = (
        f"the files are of both generations: {', '.join(told)}; both get a producer config. Remove "
        "the one that is not of this experiment, or move files of another one away and call again"
    )
    return Finding("generations-differ", Severity.WARNING, message, count=len(told))


def _raw(folder: Path) -> dict[str, str]:
    """Return generation and an example of raw files of each."""
    names = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
    found: dict[str, str] = {}
    for name in names:
        generation = SUFFIXES.get(Path(name).suffix)
        if generation:
            found.setdefault(generation, f"raw files such as {name}")
    return found


def _small_data(places: ExperimentPlaces, findings: list[Finding]) -> dict[str, str]:
    """Return generation and an example of small data of each, the newest run's first."""
    found: dict[str, str] = {}
    for path in _files(places.folder):
        try:
            with open_file(path) as file:
                owner, generation = file.experiment, generation_of(file)
        except WorkbenchError as error:
            text = f"says nothing about the generation: {error}"
            findings.append(Finding("not-small-data", Severity.WARNING, text, file=str(path)))
            continue
        if owner in {"", places.experiment}:
            found.setdefault(generation, f"small data such as {path.name}")
        else:
            text = f"is of {owner}, not of {places.experiment}: move it to that experiment's folder"
            findings.append(Finding("other-experiment", Severity.WARNING, text, file=str(path)))
    return found


def generation_of(file: SmallDataFile) -> str:
    """Return the DAQ generation of a run, which its names need not follow (``--naming``)."""
    inputs = file.provenance.get("inputs")
    named = [Path(str(one["path"])) for one in inputs] if isinstance(inputs, list) else []
    made_of = {SUFFIXES[path.suffix] for path in named if path.suffix in SUFFIXES}
    return made_of.pop() if len(made_of) == 1 else file.generation


def _files(folder: Path) -> Iterator[Path]:
    """Yield the newest small-data file of the last runs and of the first one."""
    runs = runs_in([folder])
    for run in dict.fromkeys([*reversed(runs[-NEWEST:]), *runs[:1]]):
        yield from (found.path for found in small_data_in(folder, run)[:1])
