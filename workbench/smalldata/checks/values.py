"""Checks of the values of every column: present, whole, changing, with a unit."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from workbench.core.findings import Finding, Severity
from workbench.smalldata.backfill import doubtful_zeros, zero_filled
from workbench.smalldata.fields import FieldInfo
from workbench.smalldata.reader import SmallDataFile
from workbench.smalldata.survey import Survey

FEW_EVENTS = 100  # below this a column may well be constant by chance
MOSTLY = 0.5
MANY_ZEROS = 10
SHOT_ROLES = ("i0", "jitter", "tt_amplitude", "tt_width", "tt_position")
SLOW_GROUPS = ("epics", "epicsUser", "epicsAll")
QUIET_GROUPS = (*SLOW_GROUPS, "scan", "damage", "evr", "timing", "lightStatus", "EvtID")
# Columns of these groups are constant, or empty, in many good runs.

Surveys = Mapping[str, tuple[FieldInfo, Survey]]


def check_values(
    file: SmallDataFile, surveys: Surveys, leading: Mapping[str, str]
) -> Iterator[Finding]:
    """Judge what the survey of each per-event column found.

    Parameters
    ----------
    file
        The file.
    surveys
        For each column what it is and what was seen.
    leading
        For each role the column that a run would take.
    """
    yield from _check_missing(file, surveys, leading)
    yield from _check_gaps(file, surveys)
    yield from _check_wrapped(surveys)
    yield from _check_undecidable(surveys)
    yield from _check_constant(file, surveys, leading)
    yield from _check_leading_zeros(file, surveys)
    yield from _check_units([info for info, _ in surveys.values()])


def _check_missing(
    file: SmallDataFile, surveys: Surveys, leading: Mapping[str, str]
) -> Iterator[Finding]:
    empty: dict[str, list[str]] = defaultdict(list)
    sparse: dict[str, list[str]] = defaultdict(list)
    for name, (_, seen) in surveys.items():
        if seen.missing == file.n_events:
            empty[_group(name)].append(name)
        elif seen.missing is not None and seen.missing > MOSTLY * file.n_events:
            if name in leading.values():
                yield _mostly_missing(file, name, seen.missing)
            else:
                sparse[_group(name)].append(name)
    for group, names in empty.items():
        severity = Severity.INFO if group in SLOW_GROUPS else Severity.WARNING
        yield Finding(
            "all-missing",
            severity,
            f"no event has a value ({_list(names)}): nothing can be plotted or cut on; check that "
            "the detector was in the run",
            field=names[0] if len(names) == 1 else group,
            count=file.n_events,
        )
    for group, names in sparse.items():
        yield Finding(
            "mostly-missing",
            Severity.INFO,
            f"more than half of the events lack a value ({_list(names)}), as with a detector read "
            "at a lower rate",
            field=names[0] if len(names) == 1 else group,
            count=max(surveys[name][1].missing or 0 for name in names),
        )


def _mostly_missing(file: SmallDataFile, name: str, count: int) -> Finding:
    return Finding(
        "mostly-missing",
        Severity.WARNING,
        f"{count} of {file.n_events} events lack a value: they drop out of everything that uses "
        "it; choose another field for this role or check the detector",
        field=name,
        count=count,
    )


def _check_gaps(file: SmallDataFile, surveys: Surveys) -> Iterator[Finding]:
    """Count missing values: one finding for the fields of a detector that lack equally many."""
    alike: dict[tuple[str, int], list[str]] = defaultdict(list)
    for name, (_, seen) in surveys.items():
        if seen.missing and seen.missing <= MOSTLY * file.n_events:
            alike[_group(name), seen.missing].append(name)
    for (group, count), names in alike.items():
        yield Finding(
            "missing-values",
            Severity.INFO,
            f"{count} of {file.n_events} events lack a value ({_list(names)}): NaN when read, in "
            "no sum and no cut; nothing to do unless they should be there",
            field=names[0] if len(names) == 1 else group,
            count=count,
        )


def _check_wrapped(surveys: Surveys) -> Iterator[Finding]:
    for name, (info, seen) in surveys.items():
        if seen.wrapped:
            yield Finding(
                "wrapped-sentinel",
                Severity.WARNING,
                f"-99999 for missing does not fit into {info.dtype} and was stored as another "
                f"number in {seen.wrapped} events: the workbench reads them as missing, other "
                "programs as values; leave them out there",
                field=name,
                count=seen.wrapped,
            )


def _check_undecidable(surveys: Surveys) -> Iterator[Finding]:
    for name, (info, seen) in surveys.items():
        if seen.undecidable:
            yield Finding(
                "unverified",
                Severity.INFO,
                f"{seen.undecidable} events hold 97 in {info.dtype}: a value, or -99999 cut to 8 "
                "bits for a missing one; read as values, for nothing in the file tells which; "
                "compare with the detector's other fields",
                field=name,
                count=seen.undecidable,
            )


def _check_constant(
    file: SmallDataFile, surveys: Surveys, leading: Mapping[str, str]
) -> Iterator[Finding]:
    if file.n_events < FEW_EVENTS:
        return
    shot = {leading[role] for role in SHOT_ROLES if role in leading}
    still = []
    for name, (_, seen) in surveys.items():
        if not seen.constant or _group(name) in QUIET_GROUPS or name.endswith("_len"):
            continue
        if name not in shot:
            still.append(name)
            continue
        yield Finding(
            "constant",
            Severity.WARNING,
            "has the same value in every event: normalising or cutting on it means nothing; check "
            "the detector or choose another field",
            field=name,
            count=file.n_events,
        )
    if still:
        text = f"the same value in every event of {len(still)} field(s): {_list(still)}"
        yield Finding("constant", Severity.INFO, text, count=len(still))


def _check_leading_zeros(file: SmallDataFile, surveys: Surveys) -> Iterator[Finding]:
    if file.ours or file.generation != "lcls2":
        return
    groups: dict[tuple[str, int, bool], list[str]] = defaultdict(list)
    events = {name: info for name, (info, _) in surveys.items()}
    frames = {name: one for name, one in file.fields.items() if one.kind == "intg" and one.shape}
    for name, info in {**events, **frames}.items():
        count = int(zero_filled(file, name).sum())
        doubtful = 0
        if info.dtype.startswith("float") and _group(name) not in QUIET_GROUPS:
            doubtful = doubtful_zeros(file, name)
        if count or doubtful >= MANY_ZEROS:
            groups[_group(name), count + doubtful, not doubtful].append(name)
    for (group, count, proven), names in groups.items():
        read = (
            "as missing"
            if proven
            else "in part as values, for want of proof (damage calls the detector present, or no "
            "other field tells)"
        )
        yield Finding(
            "leading-zeros",
            Severity.INFO if proven else Severity.WARNING,
            f"0 in {count} {'frames' if '/' in group else 'events'} at the start and never again "
            f"({_list(names)}): the facility's writer fills the time before a detector appeared "
            f"with 0; the workbench reads them {read}; cut these events away",
            field=names[0] if len(names) == 1 else group,
            count=count,
        )


def _check_units(infos: Sequence[FieldInfo]) -> Iterator[Finding]:
    lacking = [info.name for info in infos if not info.stored_unit]
    if lacking:
        yield Finding(
            "units-missing",
            Severity.INFO,
            f"{len(lacking)} fields carry no unit in the file; those that the hutch's dictionary "
            "knows are shown with it, check the others before you convert",
            count=len(lacking),
        )


def _group(name: str) -> str:
    """Return the detector of a field; those that integrate lie one folder deeper."""
    first, _, rest = name.partition("/")
    return f"{first}/{rest.split('/')[0]}" if first == "intg" and "/" in rest else first


def _list(names: Sequence[str]) -> str:
    few = ", ".join(names[:3])
    return f"{few} and {len(names) - 3} more" if len(names) > 3 else few
