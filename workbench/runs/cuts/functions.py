"""Cuts by a user's function on channels, kept as ``module:function`` to be found again."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np

from workbench.core.arrays import Array, Bools
from workbench.runs.answers import Answer, CutError, Events, Scope, check_scope, judge
from workbench.runs.cuts.algebra import Leaf
from workbench.runs.cuts.origin import plain_fields
from workbench.smalldata import missing_rows


@dataclass(frozen=True)
class Passes(Leaf):
    """A function says of each event whether it passes.

    Parameters
    ----------
    function
        ``module:function``. It is imported when the cut is used, not when it is read.
    takes
        Channels or roles that the function is called with, in this order.
    scope
        Class of events that the cut judges.

    Raises
    ------
    CutError
        For a function that is not written "module:function", or takes no channel.
    """

    function: str
    takes: tuple[str, ...]
    scope: Scope = "all"

    def __post_init__(self) -> None:
        check_scope(self.scope)
        if isinstance(self.takes, str):
            object.__setattr__(self, "takes", (self.takes,))
        object.__setattr__(self, "takes", tuple(self.takes))
        module, colon, name = self.function.partition(":")
        if not (colon and module and name):
            raise CutError(f"cut by function {self.function!r}: write it as 'module:function'")
        if not self.takes:
            raise CutError(f"cut by function {self.function}: name the channels that it takes")

    def __str__(self) -> str:
        return f"{self.function}({', '.join(self.takes)})"

    @property
    def fields(self) -> frozenset[str]:
        """Channels and roles that the function is called with."""
        return frozenset(self.takes)

    def answer(self, events: Events) -> Answer:
        """Judge every event; one in which any of the channels was not measured is missing."""
        function = _imported(self.function)
        passed, missing = [np.zeros(0, np.bool_)], [np.zeros(0, np.bool_)]
        for stack in events.cut_stacks(self.takes):
            gone = np.any([missing_rows(values) for values in stack], axis=0)
            passed.append(self._judged(function, stack, len(gone)))
            missing.append(gone)
        good, gone = np.concatenate(passed), np.concatenate(missing)
        return judge(good, gone, events.in_scope(self.scope))

    def to_dict(self) -> dict[str, Any]:  # Any: JSON
        """Return plain values for JSON."""
        return {"cut": "passes", **plain_fields(self)}

    def _judged(self, function: Callable[..., Any], stack: tuple[Array, ...], length: int) -> Bools:
        for values in stack:
            values.flags.writeable = False  # a cut has no side effects
        judged = np.asarray(function(*stack))
        if judged.shape != (length,) or judged.dtype != np.bool_:
            raise CutError(
                f"cut by function {self.function}: it must return {length} booleans for "
                f"{length} events, not {judged.dtype} of shape {judged.shape}"
            )
        return judged


def function_name(function: Callable[..., Any] | str) -> str:
    """Return ``module:function``; `CutError` for what cannot be imported by such a name."""
    if isinstance(function, str):
        return function
    name = getattr(function, "__qualname__", "")
    module = getattr(function, "__module__", "")
    if not name or not callable(function):
        raise CutError(f"cut by function: {function!r} is no function")
    if "<lambda>" in name:
        raise CutError(_refused("a lambda has no name", module))
    if "<locals>" in name:
        raise CutError(_refused(f"{name} is made inside another function", module))
    if module == "__main__":
        raise CutError(_refused(f"{name} exists only in this session", module))
    text = f"{module}:{name}"
    if _imported(text) != function or getattr(function, "__self__", None) is not None:
        raise CutError(_refused(f"{text} names something else", module))
    return text


def _refused(why: str, module: str) -> str:
    where = "a file of its own, my_cuts.py" if module == "__main__" else f"{module} or a file"
    return (
        f"cut by function: {why}, so a stored selection could not be used again. Write it as a "
        f"plain function into {where}, and import it from there"
    )


def _imported(text: str) -> Callable[..., Any]:
    module, _, name = text.partition(":")
    try:
        found: Any = import_module(module)
        for step in name.split("."):
            found = getattr(found, step)
    except (ImportError, AttributeError) as error:
        raise CutError(
            f"cut by function {text}: {error}; the file that holds it must lie beside the notebook "
            "or be installed"
        ) from error
    if not callable(found):
        raise CutError(f"cut by function {text}: it is no function")
    function: Callable[..., Any] = found
    return function
