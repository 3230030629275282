"""The verdict: found numbers against the truth of a made-up run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Protocol

from workbench.binning.parameter import Parameter
from workbench.core.declared import RESULT_MIME
from workbench.core.errors import InputError
from workbench.core.table import Cell, Table
from workbench.runs import Truth

ALLOWED = 3.0  # stated errors
RESULT = "as_planted"  # name of the result that a verdict declares


class Fitted(Protocol):
    """What a verdict is given on: named numbers with errors, and how the fit went."""

    @property
    def parameters(self) -> Mapping[str, Parameter]:
        """Fitted numbers by the names that the truth has for them."""

    @property
    def state(self) -> str:
        """How the fit went, in a word."""

    @property
    def message(self) -> str:
        """The same in words; empty where there is nothing to say."""


@dataclass(frozen=True)
class Measured:
    """Numbers that no fit gave, in the form that a verdict takes.

    Parameters
    ----------
    parameters
        By name; one without a positive error is refused with `InputError`.
    state, message
        As of a fit.
    label
        Of the run, for the text of that error.
    """

    parameters: Mapping[str, Parameter]
    state: str = "measured"
    message: str = ""
    label: str = ""

    def __post_init__(self) -> None:
        wrong = [name for name, one in self.parameters.items() if not one.error > 0]
        if wrong:
            raise InputError(
                f"{self.label and f'{self.label}: '}{', '.join(wrong)} has no positive error: too "
                "few values were measured, or all are the same; look at the cuts and at run.check()"
            )

    def __repr__(self) -> str:
        return "\n".join(f"{name} = {one}" for name, one in self.parameters.items())


@dataclass(frozen=True, repr=False)
class Verdict(Table):
    """A table whose last column says whether each number was found as planted.

    Shown as the value of a cell it also declares the result `as_planted` of the notebook.
    """

    @property
    def as_planted(self) -> bool | None:
        """Tell whether every number was; None where the truth knows none of them."""
        return all(row[-1] for row in self.rows) if self.rows else None

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:
        del include, exclude  # the other forms of a table are added by IPython
        result = {"name": RESULT, "value": self.as_planted, "unit": "1", "error": None}
        return {RESULT_MIME: result}


def verdict(fit: Fitted, truth: Truth, exact: Mapping[str, int] = MappingProxyType({})) -> Verdict:
    """Compare each fitted number that the truth knows: value, error, truth, pull, within 3 errors.

    The pull is (value - truth) / error. Counts in `exact` have no error and must be the same.
    """
    rows: list[tuple[Cell, ...]] = []
    for name, entry in fit.parameters.items():
        planted = _planted(truth, name)
        if planted is None:
            continue
        pull = (entry.value - planted) / entry.error
        rows.append(
            (name, entry.value, entry.error, planted, entry.unit, pull, abs(pull) <= ALLOWED)
        )
    for name, count in exact.items():
        planted = _planted(truth, name)
        if planted is not None:
            rows.append((name, count, "exact", int(planted), "1", "", count == planted))
    columns = ("quantity", "value", "error", "truth", "unit", "pull", "within 3 errors")
    return _judged(columns, rows, f"fit {fit.state}", fit.message)


def _planted(truth: Truth, name: str) -> float | None:
    """Return the planted number of a name; None where there is none, or a list."""
    value = truth[name].value if name in truth else None
    return None if isinstance(value, tuple) else value


def verdict_on(found: Mapping[str, Cell], planted: Mapping[str, Cell]) -> Verdict:
    """Compare counts, names and other exact values with those that were planted."""
    rows = [(name, found[name], value, found[name] == value) for name, value in planted.items()]
    return _judged(("quantity", "found", "planted", "the same"), rows, "found exactly")


def _judged(
    columns: tuple[str, ...], rows: Sequence[tuple[Cell, ...]], caption: str, message: str = ""
) -> Verdict:
    bare = Verdict(columns, tuple(rows), caption)
    answer = {True: "yes", False: "no", None: "not known, the truth has none of these numbers"}
    notes = (message, f"as planted: {answer[bare.as_planted]}")
    return Verdict(columns, tuple(rows), caption, tuple(note for note in notes if note))
