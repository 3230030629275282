"""X-ray and laser state of a run: as stored, else recomputed from the event codes."""

from typing import TYPE_CHECKING

import numpy as np

from workbench.core.arrays import Array
from workbench.core.errors import UnknownNameError
from workbench.facility import StatusRule, hutch
from workbench.runs.classes import Classes

if TYPE_CHECKING:
    from workbench.runs.run import Run

XRAY, LASER = "lightStatus/xray", "lightStatus/laser"
UNKNOWN = -1


def find_classes(run: "Run") -> Classes:
    """Return the class of every event; all unknown where the run does not tell."""
    if XRAY in run and LASER in run:
        return Classes(_state(run, XRAY), _state(run, LASER), f"{XRAY} and {LASER}")
    rule = _rule(run)
    codes = "timing/eventcodes" in run or any(name.startswith("evr/code_") for name in run)
    if rule is None or not codes:
        nothing = np.full(run.n_events, UNKNOWN)
        lacking = "no event codes" if rule else "no rule for its event codes"
        return Classes(nothing, nothing, f"not known: no lightStatus in the file and {lacking}")
    why = f"event codes by the rule X-rays {list(rule.xray)}, laser {list(rule.laser)}"
    return Classes(_by_codes(run, rule.xray), _by_codes(run, rule.laser), why)


def _state(run: "Run", name: str) -> Array:
    values = np.nan_to_num(run[name].read().astype(np.float64), nan=UNKNOWN)
    return np.where(np.isin(values, (0, 1)), values, UNKNOWN).astype(np.int64)


def _by_codes(run: "Run", codes: tuple[int, ...]) -> Array:
    lit = np.ones(run.n_events, dtype=np.bool_)
    for code in codes:
        present = run.code_present(abs(code))
        lit &= ~present if code > 0 else present
    return lit.astype(np.int64)


def _rule(run: "Run") -> StatusRule | None:
    try:
        return hutch(run.experiment).status_rule(run.generation, run.run, run.experiment)
    except UnknownNameError:
        return None
