"""Names of the other DAQ generation: columns of an LCLS-II run under the names of LCLS-I."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from workbench.core.arrays import Array, Ints
from workbench.core.clock import EPICS_EPOCH
from workbench.core.findings import Finding, Severity
from workbench.core.stack import Stack
from workbench.facility import DetectorFact, Hutch
from workbench.producer.columns import (
    Column,
    EventCodeColumn,
    EventColumn,
    FieldColumn,
    PresenceColumn,
    Specs,
)
from workbench.smalldata import DatasetSpec
from workbench.sources import RawRun
from workbench.sources.timing import event_codes

LCLS1, LCLS2 = NAMINGS = ("lcls1", "lcls2")
ALWAYS = (40, 137, 162)  # event codes that have a dataset even where they never come
READ_AT_ONCE = 4096  # events whose event codes are looked through


@dataclass(frozen=True)
class Renamed:
    """A column under other names."""

    column: Column
    names: Mapping[str, str]

    @cached_property
    def specs(self) -> Specs:
        """The datasets."""
        specs = self.column.specs
        return tuple(replace(spec, name=self.names.get(spec.name, spec.name)) for spec in specs)

    @property
    def source(self) -> str:
        """The raw field."""
        return self.column.source

    def values(self, stack: Stack, raw: RawRun) -> Mapping[str, Array]:
        """Return the values of the column."""
        given = self.column.values(stack, raw)
        return {self.names.get(name, name): values for name, values in given.items()}


@dataclass(frozen=True)
class UnixTimes:
    """Time stamps that count from 1970, as LCLS-I has them; and the scan step."""

    column: EventColumn
    source: str = ""

    @cached_property
    def specs(self) -> Specs:
        """Time stamp and step."""
        text = "time of the event: seconds since 1970-01-01 UTC << 32 | ns"
        stamp, *others = self.column.specs
        return replace(stamp, name="event_time", long_name=text), *others

    def values(self, stack: Stack, raw: RawRun) -> Mapping[str, Array]:
        """Return both."""
        given = dict(self.column.values(stack, raw))
        return {"event_time": given.pop("timestamp") + (EPICS_EPOCH << 32), **given}


@dataclass(frozen=True)
class CodeFlags:
    """Event codes as a dataset each, ``evr/code_<N>``, and the beam status.

    Parameters
    ----------
    column
        The codes and the rule for the status.
    codes
        Those that get a dataset.
    """

    column: EventCodeColumn
    codes: tuple[int, ...]

    @cached_property
    def specs(self) -> Specs:
        """A flag for each code, and for each beam."""
        flags = (
            DatasetSpec(
                _of_code(code),
                "int64",
                long_name=f"1 where event code {code} came with the pulse",
                compress=True,
            )
            for code in self.codes
        )
        return (*flags, *self.column.specs[1:])

    @property
    def source(self) -> str:
        """The raw field."""
        return self.column.source

    def values(self, stack: Stack, raw: RawRun) -> Mapping[str, Array]:
        """Return the flags."""
        given = dict(self.column.values(stack, raw))
        table = given.pop(self.column.specs[0].name)
        return {**{_of_code(code): table[:, code] for code in self.codes}, **given}


def as_lcls1(
    columns: Iterable[Column], place: Hutch | None, raw: RawRun
) -> tuple[list[Column], list[Finding]]:
    """Return columns under the names that LCLS-I has for them, and what should be known of that.

    What LCLS-I has no name for keeps its own. Values are as they were, in their units.
    """
    folders, findings = _folders(place, raw)
    renamed = [made for column in columns for made in _one(column, folders, raw)]
    scaled = [spec.name for column in renamed for spec in column.specs if _in_joules(spec)]
    if scaled:
        text = "under the names of LCLS-I, but as this DAQ gives them in J, where LCLS-I has counts"
        place_ = ", ".join(scaled)
        findings.append(Finding("other-scale", Severity.INFO, text, place_, len(scaled)))
    return renamed, findings


def codes_of_run(raw: RawRun, source: str) -> Ints:
    """Return the event codes that come in a run, rising."""
    algorithm = source.rsplit(".", 1)[0]
    seen = np.zeros(288, np.bool_)
    for stack in raw.stacks([source], size=READ_AT_ONCE):
        words = stack[source][stack.present[algorithm]]
        seen |= event_codes(words).any(axis=0)
    return np.flatnonzero(seen)


def _folders(place: Hutch | None, raw: RawRun) -> tuple[dict[str, DetectorFact], list[Finding]]:
    """Return the detectors whose folder has another name, by the folder that they have."""
    claims: dict[str, DetectorFact] = {}
    findings = []
    facts = place.defaults(LCLS2) if place else ()
    for fact in reversed([fact for fact in facts if fact.source in raw.detectors]):
        name = fact.lcls1 or fact.group
        if name not in claims:
            claims[name] = fact
            continue
        text = (
            f"{claims[name].source} and {fact.source} both are {name} under the names of LCLS-I: "
            f"the first is, {fact.source} keeps the names of its fields"
        )
        findings.append(Finding("two-sources", Severity.INFO, text, fact.group))
    return {fact.group: fact for fact in claims.values()}, findings


def _one(column: Column, folders: Mapping[str, DetectorFact], raw: RawRun) -> Iterator[Column]:
    if isinstance(column, EventColumn):
        yield UnixTimes(column)
    elif isinstance(column, EventCodeColumn):
        ruled = () if column.rule is None else column.rule.codes
        yield CodeFlags(
            column,
            tuple(sorted({*ALWAYS, *ruled, *codes_of_run(raw, column.source).tolist()})),
        )
    elif isinstance(column, PresenceColumn):
        yield column  # by the name in the DAQ, and by that of the folder
        names = {fact.source: fact.lcls1 or fact.group for fact in folders.values()}
        others = tuple(name for name in column.detectors if names.get(name, name) != name)
        if others:
            made = PresenceColumn(others)
            yield Renamed(made, {f"damage/{name}": f"damage/{names[name]}" for name in others})
    elif isinstance(column, FieldColumn):
        yield from _field(column, folders)
    else:
        yield column


def _field(column: FieldColumn, folders: Mapping[str, DetectorFact]) -> Iterator[Column]:
    folder, _, leaf = column.spec.name.partition("/")
    fact = folders.get(folder)
    if fact is None:
        yield column
        return
    shape = column.spec.shape
    if fact.kind == "encoder" and len(shape) == 1 and column.channel is None:
        yield from _channels(column, fact, shape[0])
        return
    name = f"{fact.lcls1 or folder}/{fact.field(leaf).lcls1 or leaf}"
    yield column if name == column.spec.name else Renamed(column, {column.spec.name: name})


def _channels(column: FieldColumn, fact: DetectorFact, channels: int) -> Iterator[Column]:
    """Yield a column for each channel of an encoder that has no name of its own."""
    leaf = column.spec.name.partition("/")[2]
    named = {known.channel for known in fact.fields if known.source == leaf}
    for channel in range(channels):
        if channel not in named:
            spec = replace(
                column.spec, name=f"{fact.lcls1 or fact.group}/ch{channel}", shape=(), dims=()
            )
            yield FieldColumn(spec, column.source, channel=channel)


def _in_joules(spec: DatasetSpec) -> bool:
    return spec.unit == "J" and spec.name.endswith("/sum")


def _of_code(code: int) -> str:
    return f"evr/code_{code}"
