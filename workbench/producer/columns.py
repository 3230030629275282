"""Fields of the raw run as columns of the small-data file, missing rows filled."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from workbench.core.arrays import Array, Ints
from workbench.core.stack import Stack
from workbench.smalldata import DatasetSpec
from workbench.sources import RawRun, ValueStore
from workbench.sources.timing import UNKNOWN, DestinationRule, EventCodeRule, event_codes

Specs = tuple[DatasetSpec, ...]


class Column(Protocol):
    """One or more datasets made from a block of events."""

    @property
    def specs(self) -> Specs:
        """The datasets, before any event is read."""
        ...

    @property
    def source(self) -> str:
        """The raw field that must be in the stack; empty for none."""
        ...

    def values(self, stack: Stack, raw: RawRun) -> Mapping[str, Array]:
        """Return a row per event for each dataset."""
        ...


@dataclass(frozen=True)
class FieldColumn:
    """A field as it is, or one channel or one segment of it.

    Parameters
    ----------
    spec
        The dataset.
    source
        ``detector.algorithm.field``.
    channel
        Element of the last axis; None: all.
    segment
        Which of the arrays per segment, where their lengths change from event to event.
    """

    spec: DatasetSpec
    source: str
    channel: int | None = None
    segment: int | None = None

    @property
    def specs(self) -> Specs:
        """The dataset."""
        return (self.spec,)

    def values(self, stack: Stack, raw: RawRun) -> Mapping[str, Array]:  # noqa: ARG002 - as all columns
        """Return the field where its algorithm is present, fill values elsewhere."""
        here = stack.present[self.source.rsplit(".", 1)[0]]
        given = stack[self.source]
        rows = self.spec.blank(len(stack))
        if self.spec.ragged:
            for event in np.flatnonzero(here):
                value = given[event]
                rows[event] = value if self.segment is None else value[self.segment]
            return {self.spec.name: rows}
        kept = given[here] if self.channel is None else given[here][..., self.channel]
        rows[here] = kept.astype(rows.dtype) if rows.dtype.kind != "O" else kept
        return {self.spec.name: rows}


@dataclass(frozen=True)
class EventCodeColumn:
    """Event codes, and the beam status that follows from them.

    Parameters
    ----------
    source
        Field with the timing system's words.
    group
        Folder of the codes.
    rule
        How the status follows; None where nobody has published one: -1, unknown.
    destination
        Field of the same record with the beam's destination, where the rule goes by that.
    """

    source: str
    group: str
    rule: EventCodeRule | DestinationRule | None
    destination: str = ""

    @property
    def tells_xrays(self) -> bool:
        """Whether it is known by what X-rays are told."""
        rule = self.rule
        return isinstance(rule, DestinationRule) or (rule is not None and bool(rule.xray))

    @property
    def specs(self) -> Specs:
        """The codes and both status flags."""
        codes = DatasetSpec(
            f"{self.group}/eventcodes",
            "int64",
            (288,),
            long_name="1 where the event code, the index, came with the pulse",
            compress=True,
        )
        flags = (
            DatasetSpec(
                f"lightStatus/{beam}", "int64", long_name=f"{text}: 1 on, 0 off, -1 unknown"
            )
            for beam, text in (("xray", "X-rays"), ("laser", "laser"))
        )
        return (codes, *flags)

    def values(self, stack: Stack, raw: RawRun) -> Mapping[str, Array]:  # noqa: ARG002 - as all columns
        """Return codes and status; an event without timing record has unknown status."""
        here = stack.present[self.source.rsplit(".", 1)[0]]
        codes = self.specs[0].blank(len(stack))
        codes[here] = event_codes(stack[self.source][here])
        unknown = np.full(len(stack), UNKNOWN, np.int64)
        xray, laser = unknown, unknown.copy()
        if self.rule is not None:
            if isinstance(self.rule, DestinationRule):
                sent = np.full(len(stack), -1)
                sent[here] = stack[self.destination][here]
                status = self.rule.status(codes, sent)
            else:
                status = self.rule.status(codes)
            xray, laser = status.xray.astype(np.int64), status.laser.astype(np.int64)
        names = [spec.name for spec in self.specs]
        return dict(zip(names, (codes, xray, laser), strict=True))


@dataclass(frozen=True)
class SlowColumn:
    """A control-system or scan value at or before each event.

    Parameters
    ----------
    spec
        The dataset.
    store
        "epics" or "scan".
    name
        Variable in that store.
    """

    spec: DatasetSpec
    store: str
    name: str
    source: str = ""

    @property
    def specs(self) -> Specs:
        """The dataset."""
        return (self.spec,)

    def values(self, stack: Stack, raw: RawRun) -> Mapping[str, Array]:
        """Return the value for each event, fill values before the first."""
        store: ValueStore = raw.epics if self.store == "epics" else raw.scan
        given, known = store.read(self.name, stack.timestamps)
        rows = self.spec.blank(len(stack))
        kept = given[known]
        rows[known] = kept.astype(rows.dtype) if rows.dtype.kind != "O" else kept
        return {self.spec.name: rows}


@dataclass(frozen=True)
class EventColumn:
    """What belongs to the event itself: time stamp and scan step."""

    source: str = ""

    @property
    def specs(self) -> Specs:
        """Time stamp and step."""
        return (
            DatasetSpec(
                "timestamp",
                "int64",
                long_name="time of the event: seconds since 1990-01-01 UTC << 32 | ns",
            ),
            DatasetSpec("scan/varStep", "int64", long_name="scan step, -1 outside any"),
        )

    def values(self, stack: Stack, raw: RawRun) -> Mapping[str, Array]:
        """Return both."""
        events: Ints = np.arange(stack.first, stack.first + len(stack), dtype=np.int64)
        return {
            "timestamp": stack.timestamps.view(np.int64),
            "scan/varStep": raw.steps.number_of(events),
        }


@dataclass(frozen=True)
class PresenceColumn:
    """Whether each detector is in the event whole and undamaged."""

    detectors: tuple[str, ...]
    source: str = ""

    @property
    def specs(self) -> Specs:
        """One flag per detector."""
        text = "1 where all segments are in the event and not marked damaged, else 0"
        return tuple(
            DatasetSpec(f"damage/{detector}", "int64", long_name=text)
            for detector in self.detectors
        )

    def values(self, stack: Stack, raw: RawRun) -> Mapping[str, Array]:
        """Return the flags."""
        rows = slice(stack.first, stack.first + len(stack))
        return {
            f"damage/{detector}": (
                raw.present(detector)[rows] & ~raw.damaged(detector)[rows]
            ).astype(np.int64)
            for detector in self.detectors
        }
