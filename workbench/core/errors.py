"""The root of all our errors and the few that several rooms raise."""

from collections.abc import Iterable
from difflib import get_close_matches


class WorkbenchError(Exception):
    """Something that the user can act on; its text says what, where and the way out."""


class NotThereError(WorkbenchError, FileNotFoundError):
    """A file or folder that the user named does not exist."""


class InputError(WorkbenchError, ValueError):
    """An argument that no valid input could have; the text names it and what would do."""


class UnknownNameError(WorkbenchError, KeyError):
    """A name that the place asked does not hold.

    Parameters
    ----------
    kind
        What the name should be: "channel", "detector", "template".
    name
        The name as given.
    known
        The names that exist there, for the suggestion.
    where
        The file or object that was asked.
    hint
        What the name means instead, in place of names that resemble it.
    """

    def __init__(
        self, kind: str, name: str, known: Iterable[str], where: str, hint: str = ""
    ) -> None:
        super().__init__(name)
        self.kind = kind
        self.name = name
        self.known = tuple(sorted(known))
        self.where = where
        self.hint = hint
        self.near = tuple(near(name, self.known))

    def __reduce__(self) -> tuple[type, tuple[str, str, tuple[str, ...], str, str]]:
        return type(self), (self.kind, self.name, self.known, self.where, self.hint)

    def __str__(self) -> str:
        text = f"no {self.kind} {self.name!r} in {self.where}"
        if self.hint:
            return f"{text}; {self.hint}"
        if self.near:
            return f"{text}; did you mean {', '.join(self.near)}?"
        few = ", ".join(self.known[:8]) + (", ..." if len(self.known) > 8 else "")
        return f"{text}; it has {few}" if few else f"{text}, which holds none"


def near(name: str, known: Iterable[str]) -> list[str]:
    """Return up to three known names that resemble this one, best first."""
    lower = {candidate.lower(): candidate for candidate in known}
    return [lower[match] for match in get_close_matches(name.lower(), lower, n=3)]
