"""What is wrong with the regions of a config in one run, seen together with the detectors."""

from collections import Counter
from collections.abc import Collection, Mapping
from typing import Any

from workbench.core.findings import Finding, Severity, worst_first
from workbench.producer.editor.evaluator import Outcome, Values
from workbench.producer.entries import EntryError
from workbench.producer.regions import cut_off, fits, read_roi

Shapes = Mapping[str, tuple[int, ...]]
MASK = "userMask"


def present(values: Values, function: str) -> Mapping[str, Any]:
    """Return what a function gives in one run; empty where it fails or gives no dict."""
    found = values.get(function, Outcome({})).value
    return found if isinstance(found, Mapping) else {}


def review(
    regions: Mapping[str, Any], shapes: Shapes, file: str, changed: Collection[str] = ()
) -> list[Finding]:
    """Check the regions of every detector, worst first.

    Parameters
    ----------
    regions
        Result of ``getROIs``.
    shapes
        Shape of the frames of each detector.
    file
        The config, for messages.
    changed
        Detectors whose regions were set: without their shape these are `not-checked`.
    """
    findings: list[Finding] = []
    for detector, found in regions.items():
        listed = [found] if isinstance(found, Mapping) else found
        names: Counter[str] = Counter()
        for entry in listed if isinstance(listed, list) else [listed]:
            shown = dict(entry) if isinstance(entry, Mapping) else entry
            if isinstance(shown, dict):
                shown.pop(MASK, None)  # its values stayed with the evaluator
            try:
                name, roi = read_roi(shown)
                names[name] += 1
                if detector in shapes:
                    fits(roi, shapes[detector])
                    findings += _cut_off(detector, name, cut_off(roi, shapes[detector]), file)
            except EntryError as error:
                findings.append(
                    Finding(error.code, Severity.ERROR, str(error), detector, file=file)
                )
        findings += [
            _clash(detector, name, count, file) for name, count in names.items() if count > 1
        ]
        if detector in changed and detector not in shapes:
            text = "its regions were not compared with the detector: give its shape or a raw run"
            findings.append(Finding("not-checked", Severity.INFO, text, detector, file=file))
    return worst_first(findings)


def _cut_off(detector: str, name: str, text: str, file: str) -> list[Finding]:
    told = f"{name}: {text}"
    return [Finding("roi-cut-off", Severity.WARNING, told, detector, file=file)] if text else []


def _clash(detector: str, name: str, count: int, file: str) -> Finding:
    text = f"{count} regions are named {name!r}: only one can be kept; rename the others"
    return Finding("duplicate-name", Severity.ERROR, text, detector, count, file)
