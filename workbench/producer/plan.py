"""All that one production will write, decided before the first event is read."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from math import prod
from pathlib import Path

from workbench.core.constants import Constants
from workbench.core.errors import UnknownNameError, near
from workbench.core.findings import Finding, Severity
from workbench.facility import Hutch
from workbench.producer.area_detector import AreaDetector, Task
from workbench.producer.channel_entries import with_whole_frames
from workbench.producer.columns import Column, EventCodeColumn
from workbench.producer.config import ProducerConfig
from workbench.producer.digitizer_columns import DigitizerColumn
from workbench.producer.doubts import masked_out, uncalibrated
from workbench.producer.entries import (
    DetectorFacts,
    EntryError,
    ReductionEntry,
    Skipped,
    SumEntry,
)
from workbench.producer.fields import known_hutch, scalar_columns
from workbench.producer.frames import FrameField, calibration_of, frame_fields, stored_constants
from workbench.producer.integrating import Integration, doubts_of_frames, frame_ends, leaves_of
from workbench.producer.left_out import leave_out
from workbench.producer.naming import LCLS1, LCLS2, as_lcls1
from workbench.producer.pictures import layout_of
from workbench.producer.ranges import unit_ranges
from workbench.producer.trace_edges import TraceEdgeColumn
from workbench.producer.variables import asked_variables
from workbench.reductions.calibrate import ConstantsShapeError
from workbench.smalldata import DatasetSpec, OwnRows
from workbench.smalldata.layout import TIME_NAMES
from workbench.sources import RawRun
from workbench.sources.epix10ka import Epix10kaConfigError

BLOCK_EVENTS = (16, 1024)  # fewest and most whose results are held in memory
BLOCK_BYTES = 64 << 20  # of results held in memory
LISTED = 16  # pixels for which a list of droplets, photons or pixels is taken to have an entry


@dataclass(frozen=True, eq=False)
class Job:
    """What a plan is made from.

    Parameters
    ----------
    run, experiment
        The raw run.
    config
        Evaluated once, in the parent.
    constants
        File of calibration constants.
    detectors
        Whose whole frames are stored.
    naming
        Of the datasets: "lcls1" or "lcls2".
    archiver
        Address of the archiver that is asked for slow variables; empty for none.
    """

    run: int
    experiment: str
    config: ProducerConfig
    constants: Path | None
    detectors: tuple[str, ...]
    naming: str = LCLS2
    archiver: str = ""


@dataclass(frozen=True, eq=False)
class Plan:
    """Columns, detectors and what was found while deciding on them.

    `constants`: by which frames are calibrated, as on file; they stay in this process.
    """

    raw: RawRun
    columns: tuple[Column, ...]
    areas: tuple[AreaDetector, ...]
    findings: tuple[Finding, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    integrating: tuple[str, ...] = ()
    constants: Mapping[str, Constants] = field(default_factory=dict)

    @cached_property
    def specs(self) -> tuple[DatasetSpec, ...]:
        """Every dataset with a row per event."""
        scalars = (spec for column in self.columns for spec in column.specs)
        fast = (area for area in self.areas if not area.integrating)
        return (*scalars, *(spec for area in fast for spec in area.specs))

    @property
    def times(self) -> DatasetSpec:
        """The dataset of the events' time stamps."""
        return next(spec for spec in self.specs if spec.name in TIME_NAMES)

    @property
    def _fast(self) -> list[DatasetSpec]:
        """Return those of them that are not of an integrating detector."""
        slow = {
            spec.name
            for column in self.columns
            if column.source.partition(".")[0] in self.integrating
            for spec in column.specs
        }
        return [spec for spec in self.specs if spec.name not in slow]

    @cached_property
    def frames(self) -> OwnRows | None:
        """Every dataset with a row per frame of the integrating detectors; None without them."""
        if self.integration is None:
            return None
        slow = (area for area in self.areas if area.integrating)
        return OwnRows(tuple(spec for area in slow for spec in area.specs), self.integration.ends)

    @cached_property
    def integration(self) -> Integration | None:
        """What is added up for the frames of the integrating detectors; None without them."""
        if not self.integrating:
            return None
        taken = {spec.name for area in self.areas if area.integrating for spec in area.specs}
        leaves = (
            leaf
            for leaf in leaves_of(self._fast, self.integrating)
            if not taken & {leaf.sums(name).name for name in self.integrating}
        )
        return Integration(
            self.integrating, frame_ends(self.raw, self.integrating[0]), tuple(leaves)
        )

    @cached_property
    def part_specs(self) -> tuple[DatasetSpec, ...]:
        """Every dataset of part files."""
        return (*self.specs, *(self.frames.specs if self.frames else ()))

    @property
    def sources(self) -> list[str]:
        """Raw fields that the columns need."""
        sources = [column.source for column in self.columns if column.source]
        return list(dict.fromkeys([*sources, *(column.reference for column in self.traces)]))

    @property
    def traces(self) -> list[TraceEdgeColumn]:
        """The columns that find edges in traces."""
        return [column for column in self.columns if isinstance(column, TraceEdgeColumn)]

    @property
    def block_events(self) -> int:
        """How many events' results are held in memory at a time."""
        low, high = BLOCK_EVENTS
        written = sum(prod(spec.shape) * spec.stored.itemsize for spec in self.part_specs)
        for column in self.columns:
            if isinstance(column, DigitizerColumn):
                written += column.event_bytes
        for area in self.areas:  # how long lists will be is not known: a share of the pixels
            entry = sum(spec.stored.itemsize for spec in area.specs if spec.ragged)
            written += entry * prod(area.spec.shape) // LISTED
        return max(low, min(high, BLOCK_BYTES // max(written, 1)))

    def units(self) -> Iterator[tuple[int, int]]:
        """Yield ranges of events; they depend on the run alone, not on the number of workers."""
        for start, stop in unit_ranges():
            if start >= self.raw.n_events:
                return
            yield start, min(stop, self.raw.n_events)


def make_plan(job: Job, raw: RawRun) -> Plan:
    """Decide what is written."""
    raw, left_out = leave_out(raw, job.config.left_out)
    place = known_hutch(job.experiment)
    columns, findings = scalar_columns(raw, place, job.experiment, job.run)
    skipped: list[Skipped] = []
    findings += left_out
    columns += asked_variables(raw, job.config, findings, skipped, archiver=job.archiver)
    columns += _time_tool(raw, columns, place, job.config, findings, skipped)
    has_status = any(
        isinstance(column, EventCodeColumn) and column.tells_xrays for column in columns
    )
    if job.naming == LCLS1:
        columns, told = as_lcls1(columns, place, raw)
        findings += told
    taken = {spec.name for column in columns for spec in column.specs}
    slow = _integrating(raw, job.config, findings, skipped)
    wanted = list(_wanted(raw, job))
    constants = stored_constants(job.constants, job.run, (frames.detector for frames, *_ in wanted))
    areas = [
        _without_clashes(
            replace(area, integrating=area.name in slow), taken, has_status, skipped, findings
        )
        for frames, entries, sums in wanted
        for area in _area(raw, job, constants, frames, entries, sums, findings, skipped)
    ]
    found = tuple(findings), tuple(skipped)
    return Plan(raw, tuple(columns), tuple(areas), *found, slow, constants)


def shapes_of(raw: RawRun) -> dict[str, tuple[int, ...]]:
    """Return the shape of the frames of every detector that has any."""
    return {name: field.shape for name, field in frame_fields(raw).items()}


def _wanted(
    raw: RawRun, job: Job
) -> Iterator[tuple[FrameField, tuple[ReductionEntry, ...], tuple[SumEntry, ...]]]:
    fields = frame_fields(raw)
    for name in job.detectors:
        if name not in fields:
            raise UnknownNameError("detector with frames", name, fields, f"run {job.run}")
    for name, frames in fields.items():
        entries = tuple(entry for entry in job.config.reductions if entry.detector == name)
        sums = tuple(entry for entry in job.config.sums if entry.detector == name)
        if name in job.detectors:
            entries = with_whole_frames(frames, entries)
        if entries or sums:
            yield frames, entries, sums


def _area(
    raw: RawRun,
    job: Job,
    stored: Mapping[str, Constants],
    frames: FrameField,
    entries: tuple[ReductionEntry, ...],
    sums: tuple[SumEntry, ...],
    findings: list[Finding],
    skipped: list[Skipped],
) -> Iterator[AreaDetector]:
    constants = stored.get(frames.detector)
    try:
        calibration = calibration_of(raw, frames, constants)
    except (ConstantsShapeError, Epix10kaConfigError) as error:
        findings.append(
            Finding("constants-shape", Severity.ERROR, f"{error}; skipped", frames.detector)
        )
        skipped.append(Skipped(f"frames of {frames.detector}", str(error), str(job.constants)))
        return
    if not calibration.calibrated:
        findings.append(uncalibrated(job.constants, job.run, frames.detector))
    for mode in job.config.common_modes:
        try:
            calibration = mode.applied(calibration, frames)
        except EntryError as error:
            file, line = str(job.config.path or ""), mode.line
            _skip(error.code, str(mode), str(error), findings, skipped, file=file, line=line)
    origin = constants.origin if constants else ""
    folder = None if job.config.path is None else job.config.path.parent
    facts = DetectorFacts(
        frames.detector,
        job.run,
        calibration.spec,
        job.constants,
        folder,
        digitizer=frames.digitizer,
    )
    tasks: list[Task] = []
    file = str(job.config.path or "")
    for entry in entries:
        line = entry.line
        try:
            made = entry.build(facts)
            tasks.append(Task(entry.name, made))
            findings.extend(
                Finding(code, Severity.WARNING, text, str(entry), 1, file, line)
                for code, text in (*entry.doubts(facts), *masked_out(made, facts.spec))
            )
        except EntryError as error:
            _skip(error.code, str(entry), str(error), findings, skipped, file=file, line=line)
    area = AreaDetector(frames, calibration, tuple(tasks), sums, origin)
    yield _with_layout(area, facts, job.config, findings, skipped)


def _with_layout(
    area: AreaDetector,
    facts: DetectorFacts,
    config: ProducerConfig,
    findings: list[Finding],
    skipped: list[Skipped],
) -> AreaDetector:
    """Return the detector with what sums of pictures need; without them where it is not known."""
    pictured = [entry for entry in area.sums if entry.sum.image]
    if not pictured:
        return area
    try:
        return replace(area, layout=layout_of(facts))
    except EntryError as error:
        for entry in pictured:
            file, line = str(config.path or ""), entry.line
            _skip(error.code, str(entry), str(error), findings, skipped, file=file, line=line)
        return replace(area, sums=tuple(entry for entry in area.sums if not entry.sum.image))


def _integrating(
    raw: RawRun, config: ProducerConfig, findings: list[Finding], skipped: list[Skipped]
) -> tuple[str, ...]:
    """Return the integrating detectors that the run has; () where the main one is not in it."""
    file = str(config.path or "")
    for name in config.integrating:
        if name not in raw.detectors:
            hint = near(name, raw.detectors)
            text = f"no integrating detector {name!r} in this run"
            text += f"; did you mean {', '.join(hint)}?" if hint else ""
            _skip("detector-not-in-run", f"get_intg[{name!r}]", text, findings, skipped, file=file)
    found = tuple(name for name in config.integrating if name in raw.detectors)
    if not found or found[0] != config.integrating[0]:
        return ()
    findings.extend(doubts_of_frames(raw, found))
    return found


def _time_tool(
    raw: RawRun,
    columns: list[Column],
    place: Hutch | None,
    config: ProducerConfig,
    findings: list[Finding],
    skipped: list[Skipped],
) -> list[Column]:
    made: list[Column] = []
    for entry in (config.time_tool, *config.traces):
        try:
            made += [entry.column(columns, place, raw)] if entry else []
        except EntryError as error:
            file, line = str(config.path or ""), entry.line if entry else 0
            _skip(error.code, str(entry), str(error), findings, skipped, file=file, line=line)
    return made


def _without_clashes(
    area: AreaDetector,
    taken: set[str],
    has_status: bool,
    skipped: list[Skipped],
    findings: list[Finding],
) -> AreaDetector:
    kept: list[Task] = []
    for task in area.tasks:
        names = {area.dataset(task, output) for output in task.reduction.outputs(area.spec)}
        if names & taken:
            text = f"{task.name} would be stored as {min(names & taken)}, which is taken"
            text += "; give it another 'name'"
            _skip("name-clash", f"{area.name}/{task.name}", text, findings, skipped)
        else:
            taken |= names
            kept.append(task)
    sums = area.sums
    for summed in sums:
        if summed.sum.dropped and not has_status:
            text = "it is not known which events have X-rays, so dropped shots cannot be summed"
            _skip("no-status", str(summed), text, findings, skipped)
    if not has_status:
        sums = tuple(summed for summed in sums if not summed.sum.dropped)
    return replace(area, tasks=tuple(kept), sums=sums)


def _skip(
    code: str,
    place: str,
    text: str,
    findings: list[Finding],
    skipped: list[Skipped],
    *,
    file: str = "",
    line: int = 0,
) -> None:
    findings.append(Finding(code, Severity.ERROR, f"{text}; skipped", place, 1, file, line))
    skipped.append(Skipped(place, text, file, line))
