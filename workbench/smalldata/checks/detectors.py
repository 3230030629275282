"""Checks of detectors: those that should be there and are not, those that changed their name."""

from collections.abc import Iterator, Mapping, Sequence
from difflib import SequenceMatcher

import numpy as np

from workbench.core.errors import WorkbenchError
from workbench.core.findings import Finding, Severity
from workbench.facility import DetectorFact, hutch, roles
from workbench.smalldata.layout import ONCE_GROUPS
from workbench.smalldata.reader import SmallDataFile

MOSTLY = 0.5  # of the events with a detector, by its damage flag
ALIKE = 0.8  # of a group's fields must be those of the default detector that it may be
FEWEST = 2  # fields that make a group recognisable
DECISIVE = ("i0", "delay", "jitter", "xray", "laser")  # roles that change results
NOT_DETECTORS = ("scan", "damage", "timing", "lightStatus", "epics", "epicsUser", "evr", "intg")


def check_detectors(file: SmallDataFile) -> Iterator[Finding]:
    """Check that what was set up or read out has data, under the name that is expected."""
    groups = _groups(file)
    defaults = _defaults(file)
    renamed = dict(_renamed(groups, defaults))
    for group, candidates in renamed.items():
        yield Finding(
            "renamed-detector",
            Severity.WARNING if _leads(file, candidates) else Severity.INFO,
            f"holds the fields of {' or '.join(candidates)}, which the hutch always has and this "
            "file lacks: roles and units pass it over; name it in experiment.toml",
            field=group,
            count=len(groups[group]),
        )
    taken = {name for candidates in renamed.values() for name in candidates[:1]}
    lacking = {**_set_up(file, groups), **_read_out(file, groups, defaults)}
    for name, why in sorted(lacking.items()):
        if name in taken:
            continue
        yield Finding(
            "detector-missing",
            Severity.WARNING,
            f"{why}, but the file holds no data of it: nothing can be normalised or plotted with "
            "it; check the production's log and produce the run again",
            field=name,
            count=file.n_events,
        )
    never = sorted({d.group for d in defaults if d.group not in {*groups, *lacking, *taken}})
    if never:
        yield Finding(
            "detector-missing",
            Severity.INFO,
            f"default detectors of the hutch that are not in the file: {_list(never)}; "
            "usual when they were not in the run",
            count=len(never),
        )


def _groups(file: SmallDataFile) -> dict[str, set[str]]:
    """Return the fields of each group that holds data of events or of the run."""
    groups: dict[str, set[str]] = {}
    for name in file.names:
        group, _, leaf = name.partition("/")
        if group == "intg":
            group, _, leaf = leaf.partition("/")
        if group == "Sums":
            groups.setdefault(_summed(leaf, file), set())
        if leaf and group not in ONCE_GROUPS:
            groups.setdefault(group, set()).add(leaf)
    return groups


def _summed(leaf: str, file: SmallDataFile) -> str:
    """Return the detector of a run sum ``Sums/<detector>_calib...``."""
    configured = {n.split("/")[1] for n in file.names if n.startswith("UserDataCfg/")}
    fitting = [name for name in configured if leaf.startswith(f"{name}_")]
    return max(fitting, key=len, default=leaf)


def _defaults(file: SmallDataFile) -> tuple[DetectorFact, ...]:
    try:
        facts = hutch(file.experiment).defaults(file.generation)
    except WorkbenchError:  # a hutch or generation that we hold no facts of
        return ()
    return tuple(fact for fact in facts if fact.group not in NOT_DETECTORS)


def _set_up(file: SmallDataFile, groups: Mapping[str, set[str]]) -> dict[str, str]:
    """Return detectors with settings but without data."""
    configured = {n.split("/")[1] for n in file.names if n.startswith("UserDataCfg/")}
    return {
        name: "its settings are in UserDataCfg"
        for name in configured
        if name not in {*groups, *NOT_DETECTORS} and f"det_{name}" not in groups
    }


def _read_out(
    file: SmallDataFile, groups: Mapping[str, set[str]], defaults: Sequence[DetectorFact]
) -> dict[str, str]:
    """Return default detectors that the damage flags call present, but without data."""
    found = {}
    for fact in defaults:
        if fact.group in groups:
            continue
        for flag in (f"damage/{fact.group}", f"damage/{fact.source.replace('-', '_')}"):
            if flag not in file or file.info(flag).kind != "event":
                continue
            part = float(np.mean(file.read(flag) == 1))
            if part > MOSTLY:
                found[fact.group] = f"{flag} says that {100 * part:.0f} % of the events have it"
    return found


def _renamed(
    groups: Mapping[str, set[str]], defaults: Sequence[DetectorFact]
) -> Iterator[tuple[str, list[str]]]:
    """Yield groups of no known name with the fields of default detectors that are absent."""
    known = {fact.group for fact in defaults}
    absent = [fact for fact in defaults if fact.group not in groups and len(fact.fields) >= FEWEST]
    for group, leaves in groups.items():
        if group in known or group in NOT_DETECTORS or len(leaves) < FEWEST:
            continue
        fitting = [
            fact.group
            for fact in absent
            if len(leaves & {field.name for field in fact.fields})
            >= max(FEWEST, ALIKE * len(leaves))
        ]
        if fitting:
            yield group, sorted(fitting, key=lambda name: -_likeness(name, group))


def _leads(file: SmallDataFile, candidates: Sequence[str]) -> bool:
    """Tell whether a run would take one of them as I0 or delay, were it there under its name."""
    try:
        table = roles(file.experiment, file.generation)
    except WorkbenchError:
        return False
    for role in DECISIVE:
        fields = table.get(role, ())
        leader = next((field.name for field in fields if field.name in file), None)
        names = [field.name for field in fields]
        before = names[: names.index(leader)] if leader else names
        if any(name.split("/")[0] in candidates for name in before):
            return True
    return False


def _likeness(one: str, other: str) -> float:
    return SequenceMatcher(None, one.lower(), other.lower()).ratio()


def _list(names: Sequence[str]) -> str:
    few = ", ".join(names[:3])
    return f"{few} and {len(names) - 3} more" if len(names) > 3 else few
