"""Which datasets the scalars and small arrays of a run become, with names, units and shapes."""

from collections import Counter
from collections.abc import Iterator

from workbench.core.errors import UnknownNameError
from workbench.core.findings import Finding, Severity
from workbench.facility import DetectorFact, FieldFact, Hutch, epics_fact, hutch
from workbench.producer.columns import (
    Column,
    EventCodeColumn,
    EventColumn,
    FieldColumn,
    PresenceColumn,
    SlowColumn,
)
from workbench.producer.digitizer_columns import DigitizerColumn
from workbench.producer.frames import diode_fields, frame_fields, is_large
from workbench.smalldata import DatasetSpec
from workbench.sources import RawField, RawRun, ValueStore
from workbench.sources.digitizers import digitizer_of, packed_fields
from workbench.sources.timing import DestinationRule, EventCodeRule

GENERATION = "lcls2"
DESTINATION = "ebeamDestn"  # field of the same record: where the superconducting linac sent it
CODE_WORDS = ("sequenceValues", (18,), "uint16")  # field of the timing detector with event codes


def known_hutch(experiment: str) -> Hutch | None:
    """Return the facts of the hutch; None for one that is not described."""
    try:
        return hutch(experiment)
    except UnknownNameError:
        return None


def scalar_columns(
    raw: RawRun, place: Hutch | None, experiment: str, run: int
) -> tuple[list[Column], list[Finding]]:
    """Return every column that does not need frames, and what cannot be stored."""
    facts = {fact.source: fact for fact in place.defaults(GENERATION)} if place else {}
    findings: list[Finding] = []
    columns: list[Column] = [EventColumn(), PresenceColumn(tuple(raw.detectors))]
    for detector in raw.detectors:
        fact = facts.get(detector, DetectorFact(detector, detector))
        words = _code_words(raw, detector)
        if words:
            columns.append(_status(raw, words, fact.group, _rule(place, experiment, run), findings))
            if columns[-1].rule is None:  # type: ignore[attr-defined]
                findings.append(_no_rule(experiment))
        columns += _of_detector(raw, fact, findings, leave_out=(words,))
    columns += slow_columns(raw)
    return _without_clashes(columns, findings), findings


def slow_columns(raw: RawRun) -> Iterator[SlowColumn]:
    """Return a column for each control-system variable and scan value of the run."""
    for name in raw.epics.names:
        yield slow_column(raw.epics, "epics", name, f"epics/{name}")
    for name in raw.scan.names:
        if name != "varStep":
            yield slow_column(raw.scan, "scan", name, f"scan/{name}")


def slow_column(store: ValueStore, kind: str, name: str, dataset: str) -> SlowColumn:
    """Return the column of one slow variable under a dataset name."""
    field = store.field(name)
    fact = epics_fact(name)
    text = fact.long_name or f"{name}, value at or before the event"
    group, _, leaf = dataset.partition("/")
    spec = _spec(f"{group}/{leaf.replace('/', '_')}", field, FieldFact(name, fact.unit, text))
    return SlowColumn(spec, kind, name)


def _of_detector(
    raw: RawRun, fact: DetectorFact, findings: list[Finding], *, leave_out: tuple[str, ...]
) -> Iterator[Column]:
    algorithms = raw.detectors[fact.source]
    shared = Counter(name for fields in algorithms.values() for name in fields)
    digitizer = digitizer_of(raw, fact.source)
    if digitizer is not None:
        yield DigitizerColumn(digitizer, fact.group)
        leave_out = (*leave_out, digitizer.field)
    elif packed := packed_fields(raw, fact.source):
        findings.append(_packed(fact.source, packed))
    elif diode_fields(raw, fact.source) and fact.source not in frame_fields(raw):
        findings.append(_uneven(fact.source))
    for algorithm, fields in algorithms.items():
        for field in fields.values():
            source = f"{fact.source}.{algorithm}.{field.name}"
            if source in leave_out:
                continue
            if is_large(field):
                if field.variable:
                    findings.append(_not_stored(source))
                continue
            leaf = f"{algorithm}_{field.name}" if shared[field.name] > 1 else field.name
            yield from _columns_of(raw, fact, field, source, leaf)


def _columns_of(
    raw: RawRun, fact: DetectorFact, field: RawField, source: str, leaf: str
) -> Iterator[FieldColumn]:
    named = [known for known in fact.fields if known.source == field.name]
    whole = next((known for known in named if known.channel is None), None)
    if field.variable and field.rank:
        segments = raw.segments.get(fact.source, ())
        several = len(segments) > 1
        for position, segment in enumerate(segments or (0,)):
            group = f"var_{leaf}_{segment}" if several else f"var_{leaf}"
            name = f"{fact.group}/{group}/data"
            spec = DatasetSpec(name, field.dtype, unit=whole.unit if whole else "", ragged=True)
            yield FieldColumn(spec, source, segment=position if several else None)
        return
    name = whole.name if whole and whole.name != field.name else leaf
    yield FieldColumn(_spec(f"{fact.group}/{name}", field, whole or FieldFact(leaf)), source)
    for known in named:
        if known.channel is not None and field.shape and known.channel < field.shape[-1]:
            one = RawField(field.name, field.dtype, field.shape[:-1], 0)
            spec = _spec(f"{fact.group}/{known.name}", one, known)
            yield FieldColumn(spec, source, channel=known.channel)


def _spec(name: str, field: RawField, fact: FieldFact) -> DatasetSpec:
    text = fact.long_name
    if field.labels:
        labels = ", ".join(f"{number} = {label}" for number, label in sorted(field.labels.items()))
        text = f"{text}: {labels}" if text else labels
    dtype = "int32" if field.dtype == "enum" else field.dtype
    return DatasetSpec(name, dtype, field.shape, unit=fact.unit, long_name=text)


def _code_words(raw: RawRun, detector: str) -> str:
    name, shape, dtype = CODE_WORDS
    for algorithm, fields in raw.detectors[detector].items():
        field = fields.get(name)
        if field is not None and (field.shape, field.dtype) == (shape, dtype):
            return f"{detector}.{algorithm}.{name}"
    return ""


def _rule(place: Hutch | None, experiment: str, run: int) -> EventCodeRule | DestinationRule | None:
    found = place.status_rule(GENERATION, run, experiment) if place else None
    if found is not None and found.destination is not None:
        return DestinationRule(found.destination, found.laser)
    return EventCodeRule(found.xray, found.laser) if found else None


def _status(
    raw: RawRun,
    words: str,
    group: str,
    rule: EventCodeRule | DestinationRule | None,
    findings: list[Finding],
) -> EventCodeColumn:
    """Return codes and status; X-rays are unknown where their destination is not recorded."""
    if not isinstance(rule, DestinationRule):
        return EventCodeColumn(words, group, rule)
    detector, algorithm, _ = words.split(".")
    if DESTINATION in raw.detectors[detector][algorithm]:
        return EventCodeColumn(words, group, rule, f"{detector}.{algorithm}.{DESTINATION}")
    text = (
        f"{detector} does not record where the linac sent the pulses ({DESTINATION}), by which "
        "this hutch tells X-rays: lightStatus/xray is -1 (unknown) in every event"
    )
    findings.append(Finding("no-destination", Severity.WARNING, text, "lightStatus/xray"))
    return EventCodeColumn(words, group, EventCodeRule((), rule.laser))


def _without_clashes(columns: list[Column], findings: list[Finding]) -> list[Column]:
    taken: set[str] = set()
    kept: list[Column] = []
    for column in columns:
        names = {spec.name for spec in column.specs}
        if names & taken:
            findings.append(_clash(sorted(names & taken)[0], column.source))
            continue
        taken |= names
        kept.append(column)
    return kept


def _clash(name: str, source: str) -> Finding:
    text = f"{source or 'a slow value'} would be stored as {name}, which is taken; not stored"
    return Finding("name-clash", Severity.WARNING, text, name)


def _not_stored(source: str) -> Finding:
    text = "arrays of several axes whose shape changes from event to event are not stored"
    return Finding("not-stored", Severity.INFO, text, source)


def _packed(detector: str, fields: tuple[str, ...]) -> Finding:
    text = (
        f"{detector} is a digitizer whose samples are packed in a way that is not read here: "
        f"{', '.join(fields)} are stored as the bytes of the DAQ, not as waveforms, and nothing is "
        "made of them; psana may unpack them (det.raw.waveforms)"
    )
    return Finding("packed-waveforms", Severity.WARNING, text, detector, len(fields))


def _uneven(detector: str) -> Finding:
    text = (
        f"the waveforms of {detector} differ in length from diode to diode or event to event: each "
        "diode's are stored as they are, but they are no frames, and no function is made of them"
    )
    return Finding("uneven-waveforms", Severity.WARNING, text, detector)


def _no_rule(experiment: str) -> Finding:
    text = (
        f"no rule is known by which {experiment} marks X-rays and laser: lightStatus is -1 "
        "(unknown) in every event; use timing/eventcodes"
    )
    return Finding("no-status-rule", Severity.WARNING, text, "lightStatus")
