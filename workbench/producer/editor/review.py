"""What is wrong with the regions of a config in one run, seen together with the detectors."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from workbench.core.findings import Finding, Severity, worst_first
from workbench.producer.editor.evaluator import Outcome, Values
from workbench.producer.entries import EntryError
from workbench.producer.regions import fits, read_roi

Shapes = Mapping[str, tuple[int, ...]]
MASK = "userMask"


def present(values: Values, function: str) -> Mapping[str, Any]:
    """Return what a function gives in one run; empty where it fails or gives no dict."""
    found = values.get(function, Outcome({})).value
    return found if isinstance(found, Mapping) else {}


def review(regions: Mapping[str, Any], shapes: Shapes, file: str) -> list[Finding]:
    """Check the regions of every detector, worst first.

    Parameters
    ----------
    regions
        Result of ``getROIs``.
    shapes
        Shape of the frames of each detector; regions of the others are `not-checked`.
    file
        The config, for messages.
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
            except EntryError as error:
                findings.append(
                    Finding(error.code, Severity.ERROR, str(error), detector, file=file)
                )
        findings += [
            _clash(detector, name, count, file) for name, count in names.items() if count > 1
        ]
        if detector not in shapes:
            text = "its regions were not compared with the detector: give its shape or a run"
            findings.append(Finding("not-checked", Severity.INFO, text, detector, file=file))
    return worst_first(findings)


def _clash(detector: str, name: str, count: int, file: str) -> Finding:
    text = f"{count} regions are named {name!r}: only one can be kept; rename the others"
    return Finding("duplicate-name", Severity.ERROR, text, detector, count, file)
