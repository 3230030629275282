"""Finding the smallest edit that does exactly what a change asks for."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.producer.editor import blocks, effects, literals
from workbench.producer.editor.changes import AZAV, PYFAI, ROIS, Change
from workbench.producer.editor.evaluator import Evaluator, Outcome, Values, generation, list_name
from workbench.producer.editor.problems import EditRefusedError, UnknownDetectorError
from workbench.producer.editor.source import Source

MOST_TRIES = 60  # literals of the same value that are tried one by one


@dataclass(frozen=True)
class Plan:
    """A new version of a config that was checked run by run.

    Parameters
    ----------
    source
        The new version.
    how
        One line: what was done.
    runs
        The runs in which old and new version were compared.
    """

    source: Source
    how: str
    runs: tuple[int, ...]


def plan(
    source: Source,
    change: Change,
    path: Path,
    evaluator: Evaluator,
    mask: Any = None,
    new_detectors: Collection[str] = (),
) -> Plan:
    """Return a new version in which exactly the wanted entry differs, in exactly the wanted runs.

    Raises `EditRefusedError` where there is none, `CannotEditError` where the file cannot be
    changed by program at all, `UnknownDetectorError` for a detector that it does not have.

    Parameters
    ----------
    source, change
        What is to be changed.
    path
        Where the config lies, for the files that it loads.
    evaluator
        Evaluates the versions.
    mask
        The mask's value as the evaluator tells it.
    new_detectors
        Those that may be added to the config.
    """
    function = function_name(source, change)
    runs = effects.runs_to_try(source, change)
    old = evaluator.values(source, path, runs)
    if "" in old[change.from_run]:
        raise EditRefusedError(
            f"{source.name} fails with {old[change.from_run][''].error}: correct that first, "
            "nothing was changed"
        )
    known = _detectors(source, old)
    if not change.remove and change.detector not in {*known, *new_detectors}:
        raise UnknownDetectorError("detector", change.detector, known, source.name)
    target = {run: effects.wanted(function, change, old[run], run, mask) for run in runs}
    listed = _listed(source, change, old)
    wanted = {run: _with_list(values, source, listed, change) for run, values in target.items()}
    if all(effects.same(function, old[run], wanted[run]) for run in runs):
        return Plan(source, f"nothing to do: {_as_wished(change)}", runs)
    for candidate, how in _candidates(source, function, change, old):
        for version, also in _with_detector(candidate, source, listed, change):
            new = evaluator.values(version, path, runs)
            if all(effects.same(function, new[run], wanted[run]) for run in runs):
                return Plan(version, how + also, runs)
    raise EditRefusedError(
        f"{source.name}: no way was found to change {change.detector} {change.name} without "
        "changing something else; edit it by hand, nothing was changed"
    )


def _as_wished(change: Change) -> str:
    if not change.remove:
        return "the config gives these values already"
    last = "" if change.to_run is None else f" to {change.to_run}"
    runs = (
        f"run {change.from_run}"
        if change.to_run == change.from_run
        else (f"runs {change.from_run}{last or ' on'}")
    )
    return f"the config has no {change.name!r} of {change.detector} in {runs}"


def function_name(source: Source, change: Change) -> str:
    """Return the function of this config's generation that holds the entry."""
    names = {"azav": AZAV, "pyfai": PYFAI}.get(change.function)
    return ROIS if names is None else names[generation(source)]


def _candidates(
    source: Source, function: str, change: Change, old: Mapping[int, Values]
) -> Iterator[tuple[Source, str]]:
    present = {block.function: block.changes for block in blocks.blocks(source)}
    earlier = present.get(function, ())
    managed = any((one.detector, one.name) == (change.detector, change.name) for one in earlier)
    if not managed and not change.remove and not change.mask:
        for version in _in_place(source, function, change, old):
            yield version, "the literal was changed in place"
    bare = blocks.without(source, function)
    changes = (*(one for one in earlier if not change.hides(one)), change)
    within = blocks.inside(bare, function, changes)
    if within is not None:
        yield within, f"a block at the end of {function} overrides it"
    yield (
        blocks.wrapped(bare, function, changes),
        f"a block at the end of the file wraps {function}",
    )


def _in_place(
    source: Source, function: str, change: Change, old: Mapping[int, Values]
) -> Iterator[Source]:
    entry = effects.key_values(function, change, old[change.from_run])
    if entry is None or any(key not in entry for key in change.values):
        return
    versions = [source]
    for key, value in change.values.items():
        if entry[key] == value and isinstance(entry[key], bool) == isinstance(value, bool):
            continue
        versions = [
            version.replaced(edits)
            for version in versions
            for edits in literals.changes_of(version, key, entry[key], value)
        ][:MOST_TRIES]
    yield from versions


def _listed(source: Source, change: Change, old: Mapping[int, Values]) -> list[str] | None:
    """Return the list of detectors to extend; None where nothing is to be added."""
    found = old[change.from_run].get(list_name(source), Outcome([])).value
    if change.remove or not isinstance(found, list) or change.detector in found:
        return None
    return found


def _detectors(source: Source, old: Mapping[int, Values]) -> set[str]:
    """Return the detectors that the config lists or gives entries of, in any of the runs."""
    found: list[Any] = []
    for values in old.values():
        listed = values.get(list_name(source), Outcome([])).value
        found += listed if isinstance(listed, list | tuple) else ()
        for name, outcome in values.items():
            if name.startswith("get") and isinstance(outcome.value, Mapping):
                found += outcome.value
    return {name for name in found if isinstance(name, str)}


def _with_list(
    values: Values, source: Source, listed: Sequence[str] | None, change: Change
) -> Values:
    if listed is None:
        return values
    return {**values, list_name(source): Outcome([*listed, change.detector])}


def _with_detector(
    candidate: Source, source: Source, listed: list[str] | None, change: Change
) -> Iterator[tuple[Source, str]]:
    if listed is None:
        yield candidate, ""
        return
    name = list_name(source)
    told = f"; {change.detector} was added to {name}"
    for edits in literals.added_item(candidate, listed, change.detector):
        yield candidate.replaced(edits), told
    added = [
        one for block in blocks.blocks(source) if block.function == name for one in block.added
    ]
    bare = blocks.without(candidate, name)
    yield blocks.listed(bare, name, [*added, change.detector]), told
