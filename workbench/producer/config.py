"""The user's producer config: read in a separate process, checked, typed."""

import ast
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

from workbench.core.errors import NotThereError, near
from workbench.core.findings import Finding, Severity
from workbench.producer.common_mode import CommonModeEntry, read_common_modes
from workbench.producer.entries import EntryError, PvEntry, ReductionEntry, Skipped, SumEntry
from workbench.producer.evaluation import TIME_LIMIT, Evaluated, evaluating
from workbench.producer.functions import FUNCTIONS, read_functions
from workbench.producer.integrating_entries import read_integrating
from workbench.producer.own_entries import read_own
from workbench.producer.places import Places
from workbench.producer.regions import Shapes, read_rois
from workbench.producer.report import Report, kind, suggestion
from workbench.producer.spellings import as_today, check_names, is_empty, is_lcls1, names_of
from workbench.producer.time_tool import NAME as TIME_TOOL
from workbench.producer.time_tool import TimeToolCalibration, read_calibration
from workbench.producer.trace_edges import FUNCTION as TRACES
from workbench.producer.trace_edges import TraceEdge, read_traces
from workbench.reductions import PixelSum
from workbench.reductions.sums import UnknownSumError

LISTS = (
    "detectors", "detnames", "epicsPV", "epicsArchFilePV", "epicsOncePV", "xdetectors", "ttCalib",
)  # fmt: skip
SUMS = ("get_sum_algos", "getDetSums")  # the second one in older configs
PRODUCED = ("getROIs", *SUMS, "get_common_mode", "get_reductions", "get_intg", TRACES, *FUNCTIONS)
NOT_PRODUCED = {
    "get_pressio_compression": "frames are reduced as they are: the facility's producer throws the "
    "compressed frames away, so they change no value there either; remove the function",
}
NO_OUTPUT = ("get_psplot_configs", "getDetImages")  # live displays: nothing for the file
DEFAULT_SUM = PixelSum("calib")


@dataclass(frozen=True)
class ProducerConfig:
    """What one config file asks for in one run.

    Parameters
    ----------
    path
        The file; None for the empty config.
    text
        Its text.
    run
        The run for which it was evaluated.
    detectors
        Detectors with frames to reduce that the config lists (and the run has, where known).
    reductions, sums
        Valid entries.
    common_modes
        Whose common mode is taken off, before anything else is made of their frames.
    time_tool
        Calibration of the time tool; None where the config gives none.
    traces
        Edges in the traces of LCLS-II's time tools.
    epics, epics_once, epics_archiver
        Control-system variables from the run's files, once a run, and from the archiver.
    left_out
        Detectors that nothing is made of, as if the run had none of them.
    integrating
        Detectors slower than the beam: the one that sets the pace, then those read out with it.
    empty
        Functions that give nothing in this run.
    findings
        Everything wrong, each with line.
    skipped
        What will not be in the file.
    """

    path: Path | None = None
    text: str = ""
    run: int = 0
    detectors: tuple[str, ...] = ()
    reductions: tuple[ReductionEntry, ...] = ()
    sums: tuple[SumEntry, ...] = ()
    common_modes: tuple[CommonModeEntry, ...] = ()
    time_tool: TimeToolCalibration | None = None
    traces: tuple[TraceEdge, ...] = ()
    epics: tuple[PvEntry, ...] = ()
    epics_once: tuple[PvEntry, ...] = ()
    epics_archiver: tuple[PvEntry, ...] = ()
    left_out: tuple[str, ...] = ()
    integrating: tuple[str, ...] = ()
    empty: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    skipped: tuple[Skipped, ...] = ()

    @classmethod
    def load(
        cls,
        path: Path | str,
        run: int,
        *,
        shapes: Shapes | Callable[[], Shapes] | None = None,
        time_limit: float = TIME_LIMIT,
    ) -> "ProducerConfig":
        """Evaluate a config file for one run and check every entry.

        Parameters
        ----------
        shapes
            Shape of the frames of each detector in the run, or what gives them, called while the
            file is evaluated; without it regions are not compared with detectors.
        time_limit
            How long the file may run [s].
        """
        path = Path(path)
        text = _text_of(path)
        try:
            places = Places(ast.parse(text, str(path)))
        except (SyntaxError, ValueError) as error:  # ValueError: null bytes
            return _unreadable(path, text, run, error)
        names = (*LISTS, *PRODUCED, *NOT_PRODUCED, *names_of(places))
        handed = str(run) if is_lcls1(places) else run
        with evaluating(path, text, names, run=handed, time_limit=time_limit) as values:
            known = shapes() if callable(shapes) else shapes
            evaluated = values()
        return _checked(cls(path, text, run), evaluated, places, known)

    @property
    def hash(self) -> str:
        """Return the SHA-256 of the text, which names this version of the config."""
        return sha256(self.text.encode()).hexdigest()


def _text_of(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise NotThereError(
            f"cannot read the config {path}: {error.strerror}; give the path of a producer config"
        ) from error


def _unreadable(path: Path, text: str, run: int, error: SyntaxError | ValueError) -> ProducerConfig:
    what = error.msg if isinstance(error, SyntaxError) else str(error)
    line = (error.lineno or 0) if isinstance(error, SyntaxError) else 0
    hint = " (written for Python 2?)" if "print" in what else ""
    message = f"the config is not valid Python: {what}{hint}; none of it is used"
    finding = Finding("config-syntax", Severity.ERROR, message, file=str(path), line=line)
    skipped = (Skipped("the whole config", message, str(path), line),)
    return ProducerConfig(path, text, run, findings=(finding,), skipped=skipped)


def _checked(
    empty: ProducerConfig, evaluated: Evaluated, places: Places, shapes: Shapes | None
) -> ProducerConfig:
    report = Report(str(empty.path), places)
    for finding in evaluated.findings:
        report.findings.append(finding)
        entry = finding.field or "the rest of the config"
        report.skipped.append(Skipped(entry, finding.message, finding.file, finding.line))
    _remarks(evaluated, report)
    _unknown_names(places, report)
    check_names(places, evaluated.values, report)
    name = "detectors" if "detectors" in evaluated.values else "detnames"  # as LCLS-I calls it
    listed = _detectors(name, evaluated.values.get(name), report)
    left_out = _detectors("xdetectors", evaluated.values.get("xdetectors"), report)
    listed = _without(left_out, name, listed, report)
    integrating = read_integrating(evaluated.values.get("get_intg"), report)
    integrating = _without(left_out, "get_intg", integrating, report)
    known = _in_run(name, listed, shapes, report)
    listed = tuple(dict.fromkeys([*listed, *integrating]))
    known = tuple(
        one for one in listed if one in known or one in (integrating if shapes is None else shapes)
    )
    values = as_today(evaluated.values, listed, report)
    reductions = read_rois(values.get("getROIs", {}), listed, shapes, report)
    reductions += read_functions(values, listed, shapes, report)
    own = {"get_reductions": partial(read_own, path=empty.path or Path(), text=empty.text)}
    reductions += read_functions(values, listed, shapes, report, own)
    asked = [name for name in SUMS if name in places.functions]
    if asked:
        sums = _sums(asked[0], values.get(asked[0], {}), listed, known, report)
    else:
        sums = [SumEntry(detector, DEFAULT_SUM) for detector in known]
    for name, text in NOT_PRODUCED.items():
        if values.get(name):
            report.skip("not-produced", text, name, severity=Severity.WARNING)
    return ProducerConfig(
        empty.path,
        empty.text,
        empty.run,
        detectors=known,
        reductions=tuple(reductions),
        sums=tuple(sums),
        common_modes=tuple(read_common_modes(values.get("get_common_mode") or {}, listed, report)),
        time_tool=_time_tool(values.get(TIME_TOOL), report),
        traces=tuple(read_traces(values.get(TRACES), report)),
        epics=_variables("epicsArchFilePV", values, report),
        epics_once=_variables("epicsOncePV", values, report),
        epics_archiver=_variables("epicsPV", values, report),
        left_out=left_out,
        integrating=integrating,
        empty=tuple(
            name
            for name in places.functions
            if name in evaluated.values and is_empty(evaluated.values[name])
        ),
        findings=tuple(report.findings),
        skipped=tuple(report.skipped),
    )


def _remarks(evaluated: Evaluated, report: Report) -> None:
    for name, places in evaluated.shared.items():
        text = (
            f"{' and '.join(places[:2])} are one and the same dict, which LCLS's own producers "
            "empty when they first use it; here each counts. Give each a dict of its own"
        )
        report.note("shared-dict", text, name, severity=Severity.INFO)
    for name, other in evaluated.text_matters.items():
        text = (
            f"LCLS-I producers hand over the run as a text, like '14'; for the number 14 {name} "
            if other.startswith("gives")
            else f"LCLS-I producers hand over the run as a text, like '14', for which {name} "
        )
        report.note("run-is-text", f"{text}{other}. Begin it with run = int(run)", name)


def _unknown_names(places: Places, report: Report) -> None:
    known = (*LISTS, *PRODUCED, *NOT_PRODUCED, *NO_OUTPUT, *names_of(places))
    for name in places.functions | places.variables:
        if name in known:
            continue
        if name in places.functions and name.startswith("get") and near(name, known):
            report.skip("unknown-function", f"{name} is not read{suggestion(name, known)}", name)


def _detectors(name: str, value: object, report: Report) -> tuple[str, ...]:
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        text = f"`{name}` must be a list of names, not {kind(value)}"
        report.skip("wrong-type", text, name)
        return ()
    return tuple(dict.fromkeys(value))


def _without(
    left_out: tuple[str, ...], where: str, listed: tuple[str, ...], report: Report
) -> tuple[str, ...]:
    for name in listed:
        if name in left_out:
            text = f"{name!r} is left out by `xdetectors`; take it out of one of the two lists"
            report.skip("left-out", text, where, name, severity=Severity.WARNING)
    return tuple(name for name in listed if name not in left_out)


def _in_run(
    where: str, listed: tuple[str, ...], shapes: Shapes | None, report: Report
) -> tuple[str, ...]:
    if shapes is None:
        return listed
    for name in listed:
        if name not in shapes:
            hint = suggestion(name, tuple(shapes)) if shapes else ": it has no frames at all"
            text = f"no detector {name!r} with frames in this run{hint}"
            report.skip("detector-not-in-run", text, where, name, severity=Severity.WARNING)
    return tuple(name for name in listed if name in shapes)


def _sums(
    function: str, value: object, listed: tuple[str, ...], known: tuple[str, ...], report: Report
) -> list[SumEntry]:
    if not isinstance(value, dict):
        report.skip("wrong-type", f"{function} must return a dict, not {kind(value)}", function)
        return []
    entries: list[SumEntry] = []
    for detector, algorithms in value.items():
        if detector != "all" and detector not in listed:
            hint = suggestion(str(detector), (*listed, "all"))
            text = f"detector {detector!r} is not in the list `detectors`{hint}"
            report.skip("detector-not-listed", text, function, detector)
            continue
        if not isinstance(algorithms, list):
            text = f"sums are a list of texts like 'calib', not {kind(algorithms)}"
            report.skip("wrong-type", text, function, detector)
            continue
        wanted = known if detector == "all" else tuple(name for name in known if name == detector)
        read = _algorithms(function, detector, algorithms, report)
        entries += [SumEntry(name, made, line, function) for name in wanted for made, line in read]
    return list({(entry.detector, entry.sum.name): entry for entry in entries}.values())


def _algorithms(
    function: str, detector: str, texts: list[object], report: Report
) -> list[tuple[PixelSum, int]]:
    read: list[tuple[PixelSum, int]] = []
    for text in texts:
        if not isinstance(text, str):
            report.skip("wrong-type", f"a sum is a text, not {kind(text)}", function, detector)
            continue
        try:
            read.append((PixelSum.parse(text), report.line(function, detector, text)))
        except UnknownSumError as error:
            report.skip("unknown-sum", str(error), function, detector, text)
    return read


def _time_tool(value: object, report: Report) -> TimeToolCalibration | None:
    try:
        return read_calibration(value, report.line(TIME_TOOL))
    except EntryError as error:
        report.skip(error.code, str(error), TIME_TOOL)
        return None


def _variables(name: str, values: dict[str, Any], report: Report) -> tuple[PvEntry, ...]:
    value = values.get(name) or []
    if not isinstance(value, list):
        report.skip("wrong-type", f"{name} must be a list, not {kind(value)}", name)
        return ()
    entries: dict[str, PvEntry] = {}
    for position, item in enumerate(value):
        pair = [item, item] if isinstance(item, str) else item
        if not isinstance(pair, list) or [type(part) for part in pair] != [str, str]:
            text = f"a variable is a name or (name, alias), not {kind(item)}"
            report.skip("wrong-type", text, name, position)
            continue
        stored = pair[1].replace(":", "_").replace("/", "_")
        if stored in entries:
            other = entries[stored].pv
            text = f"{other} is stored as {pair[1]!r} already; give it an alias of its own"
            report.skip("duplicate-name", text, name, pair[0])
            continue
        entries[stored] = PvEntry(pair[0], pair[1], report.line(name, pair[0]))
    return tuple(entries.values())
