"""What could mislead in a run: the file's own findings and those of the physics."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from workbench.core.errors import WorkbenchError
from workbench.core.findings import Finding, Severity, worst_first
from workbench.runs.alignment import align
from workbench.smalldata import check_file
from workbench.smalldata.check import check_apart, inspect_file
from workbench.smalldata.isolated import answer
from workbench.smalldata.layout import HDF5_ERRORS

if TYPE_CHECKING:
    from workbench.runs.run import Run

FEWEST = 50  # events for a slope that means something
COMPENSATED_SLOPE = 0.1  # of the time tool against a delay that its stage follows
UNCOMPENSATED_SLOPE = 0.05  # deviation from 1 where it does not
SURE = 5.0  # errors by which a slope must leave its band
UNUSABLE = ("damaged", "no-events", "not-small-data", "parts-missing", "truncated")


def check_run(run: "Run") -> list[Finding]:
    """Return what could mislead in a run, worst first."""
    return worst_first([*check_file(run.path), *check_physics(run)])


def check_path(path: str | Path) -> list[Finding]:
    """Return what could mislead in a file, worst first: whatever it holds, nothing is raised.

    File and physics are looked at in a process of its own, with a limit of time. Where that
    crashes on the physics, the findings of the file are kept.
    """
    return worst_first(check_apart(Path(path), "workbench.runs.checks", "tell"))


def tell(path: str) -> None:
    """Answer the process that asked with the findings of one file and of its physics."""
    from workbench.runs.run import Run

    found = inspect_file(Path(path))
    answer(found, last=False)
    if not any(finding.code in UNUSABLE for finding in found):
        try:
            run = Run(Path(path))
        except WorkbenchError as error:
            found.append(Finding("cannot-open", Severity.ERROR, str(error)))
        else:
            found += check_physics(run)
    answer(found)


def check_physics(run: "Run") -> list[Finding]:
    """Return what could mislead in the values of a run; a part that fails is a finding too."""
    found: list[Finding] = []
    for part in (_classes, _delay, _i0, _alignment):
        try:
            found += part(run)
        except (WorkbenchError, *HDF5_ERRORS) as error:
            text = f"{part.__name__.strip('_')} could not be checked: {error}"
            found.append(Finding("unverified", Severity.INFO, text))
    return found


def _alignment(run: "Run") -> list[Finding]:
    return list(align(run).findings)


def _classes(run: "Run") -> list[Finding]:
    unknown = int(run.classes.unknown.sum())
    if not unknown or "lightStatus/xray" in run:  # stored flags are checked in the file
        return []
    severity = Severity.WARNING if unknown == run.n_events else Severity.INFO
    message = (
        f"X-ray or laser state not known ({run.classes.why}): these events are in no class; cut on "
        "a field that tells, or give the hutch's rule"
    )
    return [Finding("beam-state-unknown", severity, message, "lightStatus", unknown)]


def _i0(run: "Run") -> list[Finding]:
    if not any(field.name in run for field in run.role_fields("i0")):
        return []
    try:
        i0 = run.role("i0")
    except WorkbenchError as error:
        return [Finding("no-i0", Severity.WARNING, str(error), "i0")]
    values = i0.read().astype(np.float64)
    low = int(np.count_nonzero((values <= 0) & ~run.classes.dark))
    if not low:
        return []
    message = "intensity zero or negative with X-rays: left out of ratios of sums"
    return [Finding("i0-not-positive", Severity.INFO, message, i0.name, low)]


def _delay(run: "Run") -> list[Finding]:
    if not any(field.name in run for field in run.role_fields("delay")):
        return []
    try:
        delay = run.delay(time_tool=False)
    except WorkbenchError as error:
        return [Finding("delay-refused", Severity.WARNING, str(error), "delay")]
    try:
        jitter = run.role("jitter")
    except WorkbenchError as error:
        return [Finding("no-time-tool", Severity.INFO, str(error), "jitter")]
    return _slope(run, delay.read(), jitter.read(), delay.why)


def _slope(run: "Run", nominal: np.ndarray, jitter: np.ndarray, why: str) -> list[Finding]:
    good = np.isfinite(nominal) & np.isfinite(jitter) & ~run.classes.dark
    if run.classes.on.any():
        good &= run.classes.on
    if good.sum() < FEWEST or np.ptp(nominal[good]) == 0:
        return []
    x, y = nominal[good] - nominal[good].mean(), jitter[good] - jitter[good].mean()
    slope = float((x * y).sum() / (x * x).sum())
    error = float(np.sqrt(((y - slope * x) ** 2 * x**2).sum()) / (x * x).sum())
    name = why.split(" = ")[1].split(" [")[0].split(" x ")[-1]
    fact = next((f for f in run.role_fields("delay") if f.name == name), None)
    moves = fact is not None and fact.time_tool == "uncompensated"
    off = abs(abs(slope) - 1) - UNCOMPENSATED_SLOPE if moves else abs(slope) - COMPENSATED_SLOPE
    if off <= SURE * error:
        return []
    expected = "1 or -1: it should see this delay move" if moves else "0: its stage should follow"
    message = (
        f"the time tool moves by {slope:.2f} ± {error:.2f} of the nominal delay, expected "
        f"{expected}; the sign, the calibration or the choice of {name} is wrong"
    )
    return [Finding("time-tool-slope", Severity.WARNING, message, name, int(good.sum()))]
