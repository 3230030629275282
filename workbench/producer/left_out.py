"""Detectors that a config leaves out: the run is taken as if it had none of them."""

import copy
from collections.abc import Iterable

from workbench.core.errors import near
from workbench.core.findings import Finding, Severity
from workbench.sources import RawRun

PLACE = "xdetectors"  # name in configs; the facility's producer hands the list to psana


def leave_out(raw: RawRun, names: Iterable[str]) -> tuple[RawRun, list[Finding]]:
    """Return the run without some detectors, its events all the same, and what to say of it."""
    names = tuple(names)
    gone = [name for name in names if name in raw.detectors]
    findings = [_not_there(raw, name) for name in names if name not in gone]
    if not gone:
        return raw, findings
    text = f"left out as asked: {', '.join(gone)}; other detectors of their streams are kept"
    findings.append(Finding("left-out", Severity.INFO, text, PLACE, len(gone)))
    view = copy.copy(raw)
    kept = {name: algs for name, algs in raw.detectors.items() if name not in gone}
    vars(view)["detectors"] = kept  # a cached property: what it finds is what it gives
    return view, findings


def _not_there(raw: RawRun, name: str) -> Finding:
    whole, _, segment = name.rpartition("_")
    if whole in raw.detectors and segment.isdecimal():
        text = f"segment {segment} of {whole} is kept: detectors are left out as a whole"
        return Finding("segment-kept", Severity.WARNING, f"{text}; write {whole!r}", PLACE)
    close = near(name, raw.detectors)
    hint = f"; did you mean {', '.join(close)}?" if close else ""
    text = f"no detector {name!r} to leave out in this run{hint}"
    severity = Severity.WARNING if close else Severity.INFO
    return Finding("detector-not-in-run", severity, text, PLACE)
