"""What could mislead in a run: the file's own findings and those of the physics."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from workbench.core.errors import WorkbenchError
from workbench.core.findings import Finding, Severity, worst_first
from workbench.runs.alignment import align
from workbench.runs.delay_findings import delay_findings
from workbench.runs.experiment.finding import find_setup
from workbench.runs.experiment.reading import ExperimentFileError
from workbench.runs.lookup import COMPUTED
from workbench.runs.roles import candidates, overruled
from workbench.runs.storage import opened_once
from workbench.smalldata import check_file, open_file
from workbench.smalldata.check import check_apart, inspect_file, opens
from workbench.smalldata.checks.between import compare, gather
from workbench.smalldata.isolated import answer, ask_apart
from workbench.smalldata.layout import HDF5_ERRORS

if TYPE_CHECKING:
    from workbench.runs.run import Run

UNUSABLE = ("damaged", "no-events", "not-small-data", "parts-missing", "truncated")


@opened_once()
def check_run(run: "Run") -> list[Finding]:
    """Return what could mislead in a run, worst first.

    What the experiment acknowledges in its ``experiment.toml`` comes as an info with its reason.
    """
    found = [*check_file(run.path), *check_physics(run)]
    return worst_first(run.setup.acknowledge(found))


def check_path(path: str | Path) -> list[Finding]:
    """Return what could mislead in a file, worst first: whatever it holds, nothing is raised.

    File and physics are looked at in a process of its own, with a limit of time. Where that
    crashes on the physics, the findings of the file are kept.
    """
    return worst_first(check_apart(Path(path), "workbench.runs.checks", "tell"))


def check_between(paths: Sequence[str | Path]) -> list[Finding]:
    """Return how files of one experiment differ in what must not change, worst first.

    Files that cannot be opened are left out: `check_path` says why.
    """
    usable = [path for path in map(Path, paths) if opens(path)]
    if len(usable) < 2:
        return []
    return worst_first(ask_apart("workbench.runs.checks", "tell_between", usable))


def tell(path: str) -> None:
    """Answer the process that asked with the findings of one file and of its physics."""
    from workbench.runs.run import Run

    found = inspect_file(Path(path))
    answer(found, last=False)
    if any(finding.code in UNUSABLE for finding in found):
        answer(found)
    try:
        run = Run(Path(path))
    except ExperimentFileError as error:
        found.append(Finding("experiment-file", Severity.ERROR, str(error), error.field))
        run = Run(Path(path), experiment_file=False)
    answer(run.setup.acknowledge([*found, *check_physics(run)]))


def tell_between(*paths: str) -> None:
    """Answer the process that asked with what differs between files."""
    facts = []
    for path in paths:
        try:
            with open_file(path) as file:
                facts.append(gather(file))
        except WorkbenchError:  # check_path says why
            continue
    found = list(compare(facts)) if len(facts) > 1 else []
    try:
        setup = find_setup(Path(paths[0]), facts[0].experiment, facts[0].run) if found else None
    except ExperimentFileError:  # check_path says why
        setup = None
    answer(setup.acknowledge(found) if setup else found)


def check_physics(run: "Run") -> list[Finding]:
    """Return what could mislead in the values of a run; a part that fails is a finding too."""
    found: list[Finding] = []
    for part in (_classes, delay_findings, _i0, _overruled, _alignment):
        try:
            found += part(run)
        except (WorkbenchError, *HDF5_ERRORS) as error:
            text = f"{part.__name__.strip('_').split('_')[0]} could not be checked: {error}"
            found.append(Finding("unverified", Severity.INFO, text))
    return _by_cause(found)


def _by_cause(found: list[Finding]) -> list[Finding]:
    """Leave out what another finding explains: a time tool that jumps in a scan has a slope."""
    jumped = {finding.field for finding in found if finding.code == "time-tool-jump"}
    return [each for each in found if each.code != "time-tool-slope" or each.field not in jumped]


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


def _overruled(run: "Run") -> Iterator[Finding]:
    """Tell of roles for which another field serves than ``experiment.toml`` says."""
    for role, own in run.setup.roles.items():
        if role in COMPUTED:
            chosen = next((name for name in own if name in run), f"a computed {role}")
        else:
            chosen = next((one.field.name for one in candidates(run, role) if not one.trouble), "")
        text = overruled(run, role, chosen) if chosen else ""
        if text:
            yield Finding("role-overruled", Severity.WARNING, text, role)


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
