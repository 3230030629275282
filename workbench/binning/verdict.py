"""The verdict: fitted numbers against the truth of a made-up run."""

from collections.abc import Mapping
from typing import Protocol

from workbench.binning.parameter import Parameter
from workbench.core.table import Cell, Table
from workbench.runs import Truth

ALLOWED = 3.0  # stated errors


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


def verdict(fit: Fitted, truth: Truth) -> Table:
    """Compare each fitted number that the truth knows: value, error, truth, pull, within 3 errors.

    The pull is (value - truth) / error.
    """
    rows: list[tuple[Cell, ...]] = []
    for name, entry in fit.parameters.items():
        if name not in truth:
            continue
        planted = truth[name].value
        if isinstance(planted, tuple):
            continue
        pull = (entry.value - planted) / entry.error
        rows.append(
            (name, entry.value, entry.error, planted, entry.unit, pull, abs(pull) <= ALLOWED)
        )
    columns = ("quantity", "value", "error", "truth", "unit", "pull", "within 3 errors")
    return Table(columns, tuple(rows), caption=f"fit {fit.state}", notes=(fit.message,))
