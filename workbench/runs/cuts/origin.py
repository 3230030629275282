"""Where the numbers of a cut come from that was derived from data."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from workbench.runs.answers import CutError, Scope


@dataclass(frozen=True)
class Origin:
    """How, from which run and from how many events the numbers of a frozen cut were derived.

    Parameters
    ----------
    method
        In words, such as "percentiles 5 to 95".
    run
        Label of the run.
    of
        Base class of events.
    count
        Events of the base class that hold a value.
    """

    method: str
    run: str
    of: Scope
    count: int

    def __str__(self) -> str:
        of = "" if self.of == "all" else f" {self.of}"
        return f"{self.method} of {self.count}{of} events of {self.run}"

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> "Origin":  # Any: JSON
        """Rebuild from plain values; `CutError` names what is wrong."""
        try:
            return cls(**plain)
        except TypeError as error:
            raise CutError(f"cannot read the origin of a cut from {dict(plain)!r}") from error


def plain_fields(leaf: Any) -> dict[str, Any]:  # Any: a dataclass; JSON
    """Return the fields of a cut as plain values, without those that say nothing."""
    plain: dict[str, Any] = {}
    for field in fields(leaf):
        value = getattr(leaf, field.name)
        if value is None or (value == "" and field.name == "reduce"):
            continue
        if isinstance(value, Origin):
            value = dict(vars(value))
        plain[field.name] = list(value) if isinstance(value, tuple) else value
    return plain
