"""The tally of a selection: what each cut keeps and loses, alone and in sequence."""

import numpy as np

from workbench.core.table import Table
from workbench.runs.answers import Events, Scope
from workbench.runs.classes import Classes
from workbench.runs.cuts import Cut
from workbench.runs.storage import opened_once

COLUMNS = (
    "cut",
    "scope",
    "kept alone",
    "lost alone",
    "missing",
    "kept in sequence",
    "on",
    "off",
    "dark",
)


@opened_once()
def tally(events: Events, selection: Cut, classes: Classes, *, of: str = "all") -> Table:
    """Count what each cut of a selection keeps among the events of one class.

    "missing" counts events that a cut rejects because its value was not measured; they are not in
    "lost alone". Kept, lost and missing add up to the events of the class. The last three columns
    split "kept in sequence" by class. Cuts derived from data are shown with the numbers that this
    run gives.
    """
    selection = selection.freeze(events)
    base = classes.of(of)
    left = base.copy()
    rows = [
        ("all events" if of == "all" else f"{of} events", "", _n(base), 0, 0, *_kept(left, classes))
    ]
    for part in selection.parts:
        answer = part.answer(events)
        left &= answer.selected
        alone = _n(answer.selected & base), _n(answer.fails & base), _n(answer.missing & base)
        rows.append((str(part), ", ".join(_scopes(part)), *alone, *_kept(left, classes)))
    return Table(COLUMNS, tuple(rows), caption=classes.why)


def _kept(left: np.ndarray, classes: Classes) -> tuple[int, int, int, int]:
    on, off, dark = (_n(left & classes.of(name)) for name in ("on", "off", "dark"))
    return _n(left), on, off, dark


def _n(mask: np.ndarray) -> int:
    return int(np.count_nonzero(mask))


def _scopes(part: Cut) -> list[Scope]:
    return sorted(part.scopes)
