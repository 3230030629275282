"""What a cut says of each event: pass, fail, missing, or not concerned; and how answers combine."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, Protocol, get_args

from workbench.core.arrays import Array, Bools, Times
from workbench.core.errors import InputError

Scope = Literal["all", "on", "off", "dark"]
Beam = Literal["xray", "laser"]
Reduce = Literal["", "sum", "mean", "max"] | int
REDUCTIONS = ("sum", "mean", "max")


class CutError(InputError):
    """A cut that no event could be judged by; the text names the field and what would do."""


@dataclass(frozen=True)
class Answer:
    """What a cut says of each event, shape (event,); neither pass nor fail: missing.

    Parameters
    ----------
    passes, fails
        Never both true.
    concerned
        False where the event is outside the scope; `passes` and `fails` are false there.
    """

    passes: Bools
    fails: Bools
    concerned: Bools

    @property
    def selected(self) -> Bools:
        """Tell which events survive: those that pass and those not concerned."""
        return self.passes | ~self.concerned

    @property
    def missing(self) -> Bools:
        """Tell which events could not be judged."""
        return self.concerned & ~self.passes & ~self.fails

    def __invert__(self) -> "Answer":
        return Answer(self.fails, self.passes, self.concerned)

    def __and__(self, other: "Answer") -> "Answer":
        concerned = self.concerned | other.concerned
        return Answer(
            self.selected & other.selected & concerned, self.fails | other.fails, concerned
        )

    def __or__(self, other: "Answer") -> "Answer":
        return ~(~self & ~other)


class Events(Protocol):
    """What a cut asks of a run."""

    @property
    def label(self) -> str:
        """How messages name the run."""

    @property
    def timestamps(self) -> Times:
        """Time stamp of every event, not necessarily in order."""

    def cut_values(self, field: str, reduce: Reduce = "") -> tuple[Array, Bools]:
        """Return one value per event and where it is missing."""

    def cut_stacks(self, fields: tuple[str, ...]) -> Iterator[tuple[Array, ...]]:
        """Yield the values of several fields, stack by stack, NaN where missing."""

    def field_name(self, field: str) -> str:
        """Return the name of the dataset behind a role; other names as they are."""

    def code_present(self, code: int) -> Bools:
        """Tell in which events this event code was sent."""

    def beam(self, which: Beam) -> Array:
        """Return 1 on, 0 off, -1 unknown."""

    def in_scope(self, scope: Scope) -> Bools:
        """Tell which events belong to a class."""


def judge(good: Bools, missing: Bools, concerned: Bools) -> Answer:
    """Return the answer of one condition: `good` where it is measured and in scope."""
    known = concerned & ~missing
    return Answer(good & known, ~good & known, concerned)


def check_scope(scope: str) -> None:
    """Refuse a scope that is not a class of events."""
    if scope not in get_args(Scope):
        raise CutError(f"scope {scope!r}: use one of {', '.join(get_args(Scope))}")


def check_reduce(field: str, reduce: Reduce) -> None:
    """Refuse a way of making one number of an array that we do not know."""
    known = isinstance(reduce, int) and not isinstance(reduce, bool) and reduce >= 0
    if not known and reduce not in ("", *REDUCTIONS):
        raise CutError(
            f"cut on {field}: reduce {reduce!r}: use one of {', '.join(REDUCTIONS)}, or the "
            "number (0, 1, ...) of the element to take"
        )
