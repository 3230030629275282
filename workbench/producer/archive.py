"""Slow variables that a config wants of the control system's archiver, and what it did not know."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np

from workbench.core import clock
from workbench.core.arrays import Times
from workbench.core.findings import Finding, Severity
from workbench.producer.entries import PvEntry, Skipped
from workbench.producer.plan import Job, Plan
from workbench.producer.variables import in_stream
from workbench.smalldata import Archived, OnceValue
from workbench.smalldata.layout import ARCHIVER
from workbench.sources.archiver import Kept, ask_archiver

AT_ONCE = 8  # questions under way
NAMED = 5  # variables in one message
ONCE = "epicsOnce"

Answers = Mapping[str, Kept]


@dataclass(frozen=True)
class FromArchiver:
    """What is kept of it in the file, what to say of it, and what is missing."""

    values: Mapping[str, OnceValue] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    skipped: tuple[Skipped, ...] = ()


@dataclass(frozen=True)
class _Wanted:
    """One variable of one list of the config, and the dataset that it becomes."""

    kind: str
    entry: PvEntry
    dataset: str

    def __str__(self) -> str:
        return f"{self.kind}[{self.entry.pv!r}]"


def ask_for_variables(plan: Plan, job: Job) -> FromArchiver:
    """Ask the archiver for those of `epicsPV` and `epicsOncePV` that the run's files lack.

    Kept are times and values as the archiver has them, not one per event, from the last value
    before the first event on; NaN from where it is not known.
    """
    wanted = list(_wanted(plan, job)) if job.archiver else []
    if not wanted:
        return FromArchiver()
    stamps = plan.raw.timestamps
    if not len(stamps):
        stamps = np.array([plan.raw.begin_time], np.uint64)
    answers = _answers(job.archiver, [one.entry.pv for one in wanted], stamps)
    findings, skipped = _missing(wanted, answers, job, len(stamps))
    findings += [told for one in wanted for told in _gaps(one, answers[one.entry.pv], stamps, job)]
    values = {one.dataset: _value(one, answers[one.entry.pv]) for one in wanted}
    return FromArchiver(values, tuple(findings), tuple(skipped))


def _wanted(plan: Plan, job: Job) -> Iterator[_Wanted]:
    kinds = (
        ("epicsPV", ARCHIVER, job.config.epics_archiver),
        ("epicsOncePV", ONCE, job.config.epics_once),
    )
    for kind, group, entries in kinds:
        for entry in entries:
            if not in_stream(plan.raw, entry):
                yield _Wanted(kind, entry, _dataset(group, entry))


def _dataset(group: str, entry: PvEntry) -> str:
    name = entry.alias.replace("/", "_")
    return f"{group}/{name.replace(':', '_') if group == ARCHIVER else name}"


def _answers(address: str, names: list[str], stamps: Times) -> Answers:
    moments = clock.nanoseconds(stamps[[0, -1]]) / 1e9 + clock.EPICS_EPOCH
    start, stop = float(moments[0]), float(moments[1])
    first, *others = dict.fromkeys(names)
    answers = {first: ask_archiver(address, first, start, stop)}
    if answers[first].state == "unreachable":  # nobody waits for each of the others as well
        return dict.fromkeys([first, *others], answers[first])
    with ThreadPoolExecutor(AT_ONCE) as pool:
        found = pool.map(lambda name: ask_archiver(address, name, start, stop), others)
        return answers | dict(zip(others, found, strict=True))


def _value(one: _Wanted, kept: Kept) -> OnceValue:
    told = "" if kept.state == "kept" else f": {kept.state}, {kept.reason}"
    if one.kind == "epicsOncePV":
        text = f"{one.entry.pv}, last value before the run's first event, of the archiver{told}"
        return OnceValue(kept.pairs[0, 1], kept.unit, text)
    text = f"{one.entry.pv}: Unix time [s] and value, of the archiver{told}"
    return OnceValue(kept.pairs, kept.unit, text)


def _missing(
    wanted: list[_Wanted], answers: Answers, job: Job, n_events: int
) -> tuple[list[Finding], list[Skipped]]:
    """Return one finding for each state and reason, and each variable that it is about."""
    file = str(job.config.path or "")
    groups: dict[tuple[str, str], list[_Wanted]] = defaultdict(list)
    for one in wanted:
        kept = answers[one.entry.pv]
        if kept.state != "kept":
            groups[kept.state, kept.reason].append(one)
    findings: list[Finding] = []
    skipped: list[Skipped] = []
    for (state, reason), lacking in groups.items():
        names = [one.entry.pv for one in lacking]
        more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
        text = (
            f"archiver {job.archiver}: {reason}; NaN for all {n_events} events: "
            f"{', '.join(names[:NAMED])}{more}"
        )
        place, line = str(lacking[0]), lacking[0].entry.line
        code = f"archiver-{state}"
        findings.append(Finding(code, Severity.WARNING, text, place, len(names), file, line))
        skipped += [
            Skipped(str(one), f"archiver {job.archiver}: {reason}", file, one.entry.line)
            for one in lacking
        ]
    return findings, skipped


def _gaps(one: _Wanted, kept: Kept, stamps: Times, job: Job) -> Iterator[Finding]:
    """Yield a finding where a variable is known, but not at every event."""
    if kept.state != "kept":
        return
    if one.kind == "epicsOncePV":
        unknown = int(np.isnan(kept.pairs[0, 1]))
    else:
        times, values = kept.pairs.T
        slow = Archived(one.dataset, times, values, kept.unit, clock.EPICS_EPOCH)
        unknown = int(np.count_nonzero(np.isnan(slow.at(stamps))))
    if unknown:
        text = f"the archiver has no value of {one.entry.pv} for {unknown} of {len(stamps)} events"
        if one.kind == "epicsOncePV":
            text = f"the archiver has no value of {one.entry.pv} from before the run"
        file, line = str(job.config.path or ""), one.entry.line
        yield Finding("archiver-gaps", Severity.WARNING, text, str(one), unknown, file, line)
