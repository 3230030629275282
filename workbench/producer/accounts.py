"""What was missing, per detector and state, as counts, findings and skipped entries."""

from collections.abc import Mapping

import numpy as np

from workbench.core.findings import Finding, Severity
from workbench.producer.digitizer_columns import packed_findings
from workbench.producer.entries import Skipped
from workbench.producer.loop import Collected
from workbench.producer.plan import Plan
from workbench.producer.request import ProduceRequest

HIDDEN = "summed_"  # counts that are no failures


def count_failures(plan: Plan, collected: Collected) -> dict[str, dict[str, int]]:
    """Return events per detector and state; zero counts other than "present" are left out."""
    failures: dict[str, dict[str, int]] = {}
    for detector in plan.raw.detectors:
        present, partial = plan.raw.present(detector), plan.raw.partial(detector)
        counts = {
            "absent": int(np.count_nonzero(~present & ~partial)),
            "partial": int(np.count_nonzero(partial)),
            "damaged": int(np.count_nonzero(plan.raw.damaged(detector))),
        }
        failures[detector] = {"present": int(np.count_nonzero(present))}
        failures[detector] |= {state: count for state, count in counts.items() if count}
    for area in plan.areas:
        if not area.calibration.calibrated:
            failures[area.name]["uncalibrated"] = failures[area.name]["present"]
    for detector, counted in collected.counts.items():
        for state, count in sorted(counted.items()):
            if not state.startswith(HIDDEN) and count:
                failures[detector][state] = count
    return failures


def findings_of(failures: Mapping[str, Mapping[str, int]], collected: Collected) -> list[Finding]:
    """Return findings on damaged, partial and failed events."""
    findings: list[Finding] = []
    texts = {
        "partial": "only some of its segments are in {} events: its values are missing there",
        "damaged": "the DAQ marked {} of its records as damaged: their values are kept, "
        "damage/{} is 0 there",
        "other_gain": "in {} events pixels used an amplifier without constants: they are NaN",
        "nan_pixels": "in {} events pixels in use are NaN or infinite as the detector stored them, "
        "or samples of a digitizer were not sent: values made of them are missing, run sums and "
        "photon counts leave them out, and are missing where no pixel is left",
    }
    for detector, counts in failures.items():
        for state, text in texts.items():
            if count := counts.get(state, 0):
                message = text.format(count, detector)
                findings.append(Finding(state, Severity.WARNING, message, detector, count))
        findings += packed_findings(detector, counts)
        for state, count in counts.items():
            if state.startswith("error_"):
                reason = collected.messages[detector].get(state.removeprefix("error_"), "")
                text = f"failed in {count} events, whose values are missing: {reason}"
                place = f"{detector}/{state.removeprefix('error_')}"
                findings.append(Finding("reduction-failed", Severity.ERROR, text, place, count))
    return findings


def skipped_of(findings: list[Finding]) -> list[Skipped]:
    """Return what failed in the loop as skipped entries."""
    return [
        Skipped(finding.field, finding.message)
        for finding in findings
        if finding.code == "reduction-failed"
    ]


def mismatches(request: ProduceRequest, plan: Plan) -> list[Finding]:
    """Return a finding where the files name another experiment than was asked for."""
    inside = plan.raw.experiment
    if inside in {"", request.experiment}:
        return []
    text = (
        f"asked for experiment {request.experiment}, the files say {inside}; the output carries "
        "the name that was asked for"
    )
    return [Finding("other-experiment", Severity.WARNING, text, "experiment")]
