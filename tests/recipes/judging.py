"""How an analysis of a spoilt file ended, against how it is said to end (`outcomes.toml`)."""

import re
import tomllib
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import workbench as wb
from workbench.binning.verdict import Fitted
from workbench.core.errors import WorkbenchError
from workbench.core.findings import Severity
from workbench.runs import Run, check_path, read_truth
from workbench.synthetic import PumpProbe, write_small_data
from workbench.synthetic.faults import FAULTS
from workbench.synthetic.scenes import Scene

Analyse = Callable[[Run], Fitted]
WITHIN = 5.0  # stated errors from the truth, beyond which a number is wrong
WELL = {"", "calibrated", "converged", "fitted", "linear", "measured", "compared"}  # say nothing
NEXT_STEP = re.compile(
    r"[;.,:(] ?(or )?(ask|check|choose|copy|did you mean|free|give|have|loosen|look|lower|name|pack"
    r"|produce|remove|say|scan|take|try|use|write)\b",
    re.IGNORECASE,
)
ELSEWHERE = "elsewhere"
CAUSES = {  # which refusals of files with a fault must name
    "no-events": r"\bno events\b",
    "one-event": r"\b1 event\b|no event is left",
    "channels-swapped": r"\bexchanged\b",
}
OF_PARTS = ("missing-part", "late-detector")  # happen to files that come in parts
Made = tuple[PumpProbe, Scene | None]  # what a made-up file is made of
OUTCOMES: dict[str, dict[str, Any]] = tomllib.loads(
    Path(__file__).with_name("outcomes.toml").read_text(encoding="utf-8")
)


def write_in_parts(made: Made, folder: Path) -> Path:
    """Write the made-up run as the facility's writer of LCLS-II does; return the file."""
    spec, scene = made
    return write_small_data(spec, folder, generation="lcls2", style="facility", scene=scene)


def met(recipe: str) -> list[str]:
    """Return the faults that can happen to the files of a recipe."""
    return [name for name in FAULTS if name not in OUTCOMES[recipe].get(ELSEWHERE, [])]


def outcome(recipe: str, fault: str) -> str:
    """Return how a recipe is said to end on a fault."""
    lists = {how: names for how, names in OUTCOMES[recipe].items() if how != ELSEWHERE}
    return next((how for how, names in lists.items() if fault in names), "true")


def as_said(recipe: str, fault: str, ended: str) -> bool:
    """Tell whether a recipe ended on a fault as it is said to."""
    return ended in outcome(recipe, fault).split(" or ")


def judge(
    file: Path,
    code: str,
    analyse: Analyse,
    planted: Mapping[str, float] | None = None,
    within: float = WITHIN,
) -> str:
    """Analyse a file with a fault; how that ended.

    "true": there are numbers, and all are within some errors of the truth. "told": one is wrong,
    and a loud finding of this code says so. "told STATE": one is wrong, or there is none, and the
    result's own state and message say so. "refused ERROR": by an error of ours that names the file
    and the next step; for faults of `CAUSES` also the true cause. Anything else fails the test.

    Parameters
    ----------
    file, code
        The file, and the code of the finding that tells of its fault.
    analyse
        What to do with the run.
    planted
        True numbers by name, all of which must be found; None: those of the numbers found that the
        made-up file was made with.
    within
        Errors that a number may be off.
    """
    try:
        found = analyse(wb.open_run(file))
    except WorkbenchError as error:
        assert_helps(str(error), file, CAUSES.get(code, ""))
        return f"refused {type(error).__name__}"
    truth = planted_in(file) if planted is None else planted
    asked = truth.keys() if planted is not None else truth.keys() & found.parameters.keys()
    wrong = {name: (found.parameters.get(name), truth[name]) for name in asked}
    for name in found.parameters.keys() & asked:
        one = found.parameters[name]
        if abs(one.value - truth[name]) <= within * one.error:
            del wrong[name]
    if asked and not wrong:
        return "true"
    if code in loud(file):
        return "told"
    assert found.state not in WELL, f"wrong without a word: {wrong or 'no number at all'}"
    assert len(found.message.split()) >= 5, f"{found.state}: {found.message}"
    return f"told {found.state}"


def assert_helps(text: str, file: Path, cause: str = "") -> None:
    """Assert that a refusal names the file or its run, a known cause, and what to do next."""
    numbers = re.fullmatch(r"(\w+)_Run(\d+)", file.stem)
    assert numbers is not None
    assert file.name in text or f"{numbers[1]} run {int(numbers[2])}" in text, text
    assert re.search(cause, text), text
    assert NEXT_STEP.search(text), text


def planted_in(file: Path) -> dict[str, float]:
    """Return the single numbers that a made-up file was made with."""
    truth = read_truth(file)
    assert truth is not None
    every = {name: one.value for name, one in truth.quantities.items()}
    return {name: value for name, value in every.items() if not isinstance(value, tuple)}


@cache
def loud(file: Path) -> frozenset[str]:
    """Return the codes of warnings and errors that the check of a file gives."""
    found = check_path(file)
    return frozenset(one.code for one in found if one.severity is not Severity.INFO)
