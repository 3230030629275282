"""What a change must do to the values of a config, and whether a new version does just that."""

import ast
from collections.abc import Mapping
from typing import Any

from workbench.producer.editor.changes import (
    DEFAULT_NAMES,
    FIRST_RUN,
    LAST_RUN,
    ROIS,
    SINGLE,
    Change,
)
from workbench.producer.editor.evaluator import Outcome, Values
from workbench.producer.editor.problems import EditRefusedError
from workbench.producer.editor.source import Source

MASK = "userMask"
NOTHING = Outcome({})


def runs_to_try(source: Source, change: Change) -> tuple[int, ...]:
    """Return every run around a number of the file or an end of the change, sorted.

    A guard such as ``run > 12`` changes its answer only at a number that is written in the file.
    """
    numbers = {change.from_run, LAST_RUN if change.to_run is None else change.to_run}
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, int | float | str):
            numbers |= _whole(node.value)
    near = {number + step for number in numbers for step in (-1, 0, 1)}
    return tuple(sorted(run for run in near if FIRST_RUN <= run <= LAST_RUN))


def wanted(function: str, change: Change, old: Values, run: int, mask: Any) -> Values:
    """Return the values that a run must have after the change; those before are not altered.

    Raises `EditRefusedError` where the function fails in a run that is concerned, or gives what no
    producer reads.
    """
    if not change.covers(run):
        return old
    before = old.get(function, NOTHING)
    if before.error or "" in old:
        text = before.error or old[""].error
        raise EditRefusedError(
            f"in run {run} {function} fails with {text}: correct that first, nothing was changed"
        )
    if not isinstance(before.value, Mapping):
        raise EditRefusedError(
            f"in run {run} {function} gives {before.value!r:.60}, not a dict of detectors: correct "
            "that first, nothing was changed"
        )
    after = dict(before.value)
    made = _entries(function, change, after.get(change.detector), run, mask)
    if made is None:
        after.pop(change.detector, None)
    else:
        after[change.detector] = made
    return {**old, function: Outcome(after)}


def same(function: str, one: Values, other: Values) -> bool:
    """Compare the values of one run; a function without entries is like one that is not there."""
    return _plain(function, one) == _plain(function, other)


def key_values(function: str, change: Change, old: Values) -> Mapping[str, Any] | None:
    """Return the entry as it was in one run; None where there was none."""
    before = old.get(function, NOTHING).value
    if not isinstance(before, Mapping):
        return None
    found = before.get(change.detector)
    if function in SINGLE:
        return found if isinstance(found, Mapping) else None
    listed = [found] if isinstance(found, Mapping) else found if isinstance(found, list) else []
    return next((entry for entry in listed if _named(function, entry, change)), None)


def _entries(function: str, change: Change, found: Any, run: int, mask: Any) -> Any:
    values = dict(change.values) | ({MASK: mask} if change.mask else {})
    if function in SINGLE:
        if found is not None and not isinstance(found, Mapping):
            raise _unreadable(function, change, found, run)
        return None if change.remove else {**(found or {}), **values}
    listed = [] if found is None else [found] if isinstance(found, Mapping) else found
    if not isinstance(listed, list) or not all(isinstance(entry, Mapping) for entry in listed):
        raise _unreadable(function, change, found, run)
    if function == ROIS and isinstance(found, Mapping) and found and "ROI" not in found:
        raise _unreadable(function, change, found, run)  # a digitizer's: channel -> range
    if change.remove:
        return [entry for entry in listed if not _named(function, entry, change)]
    made = [{**entry, **values} if _named(function, entry, change) else entry for entry in listed]
    if not any(_named(function, entry, change) for entry in listed):
        made.append({"name": change.name, **values})
    return made


def _named(function: str, entry: Mapping[str, Any], change: Change) -> bool:
    return bool(entry.get("name", DEFAULT_NAMES[function]) == change.name)


def _unreadable(function: str, change: Change, found: Any, run: int) -> EditRefusedError:
    return EditRefusedError(
        f"in run {run} {function} gives {found!r:.60} for {change.detector}, an older spelling; "
        "write a list of dicts with 'name' and 'ROI' first, nothing was changed"
    )


def _plain(function: str, values: Values) -> str:
    told: dict[str, Any] = {}
    for name, outcome in values.items():
        if name == function and not outcome.error and isinstance(outcome.value, Mapping):
            listed = {key: _listed(name, entry) for key, entry in outcome.value.items()}
            kept = {key: entry for key, entry in listed.items() if entry != []}
            if kept:
                told[name] = kept
        else:
            told[name] = outcome
    return repr(sorted(told.items()))


def _listed(function: str, entry: Any) -> Any:
    return [entry] if isinstance(entry, Mapping) and function not in SINGLE else entry


def _whole(value: float | str) -> set[int]:
    text = str(value).strip()
    return {int(float(text))} if text.replace(".", "", 1).isdecimal() and len(text) < 9 else set()
