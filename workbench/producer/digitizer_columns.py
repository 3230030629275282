"""What the records of a digitizer hold, as columns: whole waveforms and windows of samples."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from workbench.core.arrays import Array, Ints
from workbench.core.findings import Finding, Severity
from workbench.core.stack import Stack
from workbench.smalldata import DatasetSpec
from workbench.sources import RawRun
from workbench.sources.digitizer_records import GROUP, PACKED, STATES, TOO_LONG, Unpacked
from workbench.sources.digitizers import SAMPLE_TIME, Digitizer

COUNTED = (*PACKED, TOO_LONG)
STATE = "record_"  # how their counts begin
SAMPLE_BYTES = 16  # as read, unpacked and stored, twice: a waveform and windows of all of it


@dataclass(frozen=True)
class DigitizerColumn:
    """Whole waveforms and windows of each segment, as many as came, and what became of records.

    Parameters
    ----------
    digitizer
        Of the run.
    group
        Folder of the datasets.
    """

    digitizer: Digitizer
    group: str

    @property
    def source(self) -> str:
        """The raw fields, under the name of their algorithm."""
        return self.digitizer.algorithm

    @property
    def event_bytes(self) -> int:
        """Most bytes of one event while it is unpacked and written: record, samples, windows."""
        return SAMPLE_BYTES * sum(self.digitizer.lengths)

    @cached_property
    def specs(self) -> tuple[DatasetSpec, ...]:
        """The datasets of all segments."""
        return tuple(
            spec for number in self.digitizer.segments for spec in self._of_segment(number)
        )

    def _of_segment(self, number: int) -> tuple[DatasetSpec, ...]:
        """Return the datasets of one segment; those of `_specs` are the first ones."""
        specs = _specs(self.group, number)
        if not self.digitizer.corrected:
            return specs
        text = "samples of the windows, end to end, in 1/16 ADU, their baseline taken off"
        made = [
            replace(spec, unit="1", long_name=text) if "var_samples" in spec.name else spec
            for spec in specs
        ]
        text = "four baselines that the digitizer took off, as it sends them"
        name = f"{self.group}/baselines_{number}"
        return (*made, DatasetSpec(name, "int32", (GROUP,), long_name=text))

    def values(self, stack: Stack, raw: RawRun) -> Mapping[str, Array]:  # noqa: ARG002 - as all columns
        """Return the rows of the events that have all segments, fill values elsewhere."""
        out = {spec.name: spec.blank(len(stack)) for spec in self.specs}
        events, unpacked = self.digitizer.unpack(stack)
        several = len(self.digitizer.segments) > 1
        for row, (number, one) in enumerate(zip(self.digitizer.segments, unpacked, strict=True)):
            rest = one
            if self.digitizer.corrected:
                rest, baselines = one.without_baselines()
                known = baselines[:, 0] >= 0
                out[f"{self.group}/baselines_{number}"][events[known]] = baselines[known]
            pieces = _pieces(rest)
            for spec, given in zip(_specs(self.group, number), pieces, strict=False):
                for event, piece in zip(events.tolist(), given, strict=True):
                    out[spec.name][event] = piece
            packed, state = (spec.name for spec in _specs(self.group, number)[len(pieces) :])
            out[state][events] = one.states
            for event, kept in zip(events.tolist(), np.isin(one.states, PACKED), strict=True):
                record = stack[self.digitizer.field][event]
                whole = record[row] if several else record
                out[packed][event] = whole if kept else whole[:0]
        return out

    def counts(self, values: Mapping[str, Array]) -> Counter[str]:
        """Return how many records are in each state that is worth saying, from what it gave."""
        states = [values[_specs(self.group, number)[-1].name] for number in self.digitizer.segments]
        return Counter(
            {
                f"{STATE}{STATES[state][0]}": int(np.count_nonzero(np.equal(states, state)))
                for state in COUNTED
            }
        )


def packed_findings(detector: str, counts: Mapping[str, int]) -> list[Finding]:
    """Return what should be known of records that could not be unpacked."""
    findings = []
    for state in COUNTED:
        name, reason = STATES[state]
        if count := counts.get(f"{STATE}{name}", 0):
            kept = "var_wave_<segment>" if state == TOO_LONG else "var_packed_<segment>, as bytes"
            text = f"{count} of its records are kept in {detector}/{kept}, nothing else is made of"
            text = f"{text} their samples: {reason}"
            findings.append(Finding("packed-waveforms", Severity.WARNING, text, detector, count))
    return findings


def _specs(group: str, number: int) -> tuple[DatasetSpec, ...]:
    """Return the datasets of one segment: ragged ones, the last of them bytes, then the state."""
    ragged = (
        (f"var_wave_{number}/data", "uint16", "ADU", "samples of the whole waveform"),
        (f"var_windows_{number}/first", "int64", "1", "sample at which each window begins"),
        (f"var_windows_{number}/length", "int64", "1", "samples of each window"),
        (f"var_windows_{number}/time", "float64", "s", "of the first sample of each window"),
        (f"var_samples_{number}/data", "uint16", "ADU", "samples of the windows, end to end"),
        (f"var_packed_{number}/data", "uint8", "1", "bytes of a record that is not unpacked"),
    )
    states = ", ".join(f"{state} = {text}" for state, (_, text) in STATES.items() if state)
    return (
        *(
            DatasetSpec(f"{group}/{name}", dtype, unit=unit, long_name=text, ragged=True)
            for name, dtype, unit, text in ragged
        ),
        DatasetSpec(f"{group}/unpacked_{number}", "int32", long_name=f"the record: {states}"),
    )


def _pieces(one: Unpacked) -> tuple[Sequence[Array], ...]:
    """Return waveform, windows' places, lengths and times, and windows' samples of each record."""
    firsts, lengths = _cut(one.starts, one.window_ends), _cut(one.widths, one.window_ends)
    times = [first * SAMPLE_TIME for first in firsts]
    return (
        _cut(one.waves, one.wave_ends), firsts, lengths, times, _cut(one.values, one.value_ends),
    )  # fmt: skip


def _cut(values: Array, ends: Ints) -> Sequence[Array]:
    return np.split(values, ends[:-1]) if len(ends) else []
