"""Many changes of one function's entries in one block, checked together."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from workbench.producer.editor import blocks, effects
from workbench.producer.editor.changes import Change
from workbench.producer.editor.evaluator import Evaluator
from workbench.producer.editor.planning import Plan, function_name
from workbench.producer.editor.problems import EditRefusedError
from workbench.producer.editor.source import Source

Masked = tuple[Change, Any]  # a change and the value of its mask as the evaluator tells it


def plan_together(
    source: Source, changes: Sequence[Masked], path: Path, evaluator: Evaluator
) -> Plan:
    """Return a new version in which exactly the wanted entries differ; one check for all.

    Raises `EditRefusedError` where there is none. The detectors must be listed in the config.

    Parameters
    ----------
    source
        The config.
    changes
        In order; all of entries of the same function.
    path
        Where the config lies, for the files that it loads.
    evaluator
        Evaluates the versions.
    """
    functions = {function_name(source, change) for change, _ in changes}
    if len(functions) != 1:
        raise EditRefusedError(
            f"{source.name}: changes of {', '.join(sorted(functions)) or 'nothing'} cannot be "
            "made together; make them one after the other"
        )
    (function,) = functions
    runs = tuple(sorted({run for one, _ in changes for run in effects.runs_to_try(source, one)}))
    old = evaluator.values(source, path, runs)
    wanted = dict(old)
    for change, mask in changes:
        wanted = {
            run: effects.wanted(function, change, values, run, mask)
            for run, values in wanted.items()
        }
    if all(effects.same(function, old[run], wanted[run]) for run in runs):
        return Plan(source, "nothing to do: the config gives these values already", runs)
    bare, rows = blocks.without(source, function), _rows(source, function, changes)
    for version, how in (
        (blocks.inside(bare, function, rows), f"a block at the end of {function} overrides them"),
        (blocks.wrapped(bare, function, rows), f"a block at the end of the file wraps {function}"),
    ):
        if version is None:
            continue
        new = evaluator.values(version, path, runs)
        if all(effects.same(function, new[run], wanted[run]) for run in runs):
            return Plan(version, how, runs)
    raise EditRefusedError(
        f"{source.name}: no way was found to make these {len(changes)} changes without changing "
        "something else; make them one by one or edit it by hand, nothing was changed"
    )


def _rows(source: Source, function: str, changes: Sequence[Masked]) -> tuple[Change, ...]:
    present = {block.function: block.changes for block in blocks.blocks(source)}
    rows = list(present.get(function, ()))
    for change, _ in changes:
        rows = [one for one in rows if not change.hides(one)]
        rows.append(change)
    return tuple(rows)
