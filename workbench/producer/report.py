"""Findings about a config and what is skipped because of them, collected while checking."""

from workbench.core.errors import near
from workbench.core.findings import Finding, Severity
from workbench.producer.entries import Skipped
from workbench.producer.places import Places


class Report:
    """Collects findings of one config file; every error names what is skipped."""

    def __init__(self, file: str, places: Places) -> None:
        self._file = file
        self._places = places
        self.findings: list[Finding] = []
        self.skipped: list[Skipped] = []
        self.spelt: dict[str, str] = {}  # names as the config writes them, by today's

    def note(
        self, code: str, message: str, *path: str | int, severity: Severity = Severity.WARNING
    ) -> None:
        """Record what should be known of the entry at `path`, which is used all the same."""
        path = (self.spelt.get(str(path[0]), path[0]), *path[1:])
        line = self.line(*path)
        entry = entry_name(path)
        self.findings.append(Finding(code, severity, message, entry, 1, self._file, line))

    def skip(
        self,
        code: str,
        message: str,
        *path: str | int,
        label: str = "",
        severity: Severity = Severity.ERROR,
    ) -> None:
        """Record that the entry at `path` (function or list, keys, positions) is left out."""
        path = (self.spelt.get(str(path[0]), path[0]), *path[1:])
        line = self.line(*path)
        entry = entry_name(path) + (f" ({label})" if label else "")
        self.findings.append(
            Finding(code, severity, f"{message}; skipped", entry, 1, self._file, line)
        )
        self.skipped.append(Skipped(entry, message, self._file, line))

    def line(self, *path: str | int) -> int:
        """Return the line of an entry."""
        name = str(path[0])
        return self._places.line(self.spelt.get(name, name), *path[1:])


def entry_name(path: tuple[str | int, ...]) -> str:
    """Return ``getROIs['epix_1'][0]`` for ("getROIs", "epix_1", 0)."""
    return f"{path[0]}{''.join(f'[{step!r}]' for step in path[1:])}"


def suggestion(name: str, known: tuple[str, ...]) -> str:
    """Return "; did you mean X?" where a known name is close, else the known names."""
    close = near(name, known)
    return f"; did you mean {close[0]!r}?" if close else f"; known are {', '.join(known)}"


def kind(value: object) -> str:
    """Return a short description of a value for messages."""
    name = getattr(value, "type_name", type(value).__name__)
    return f"{name} {value!r}"[:60] if isinstance(value, str | int | float | list) else f"a {name}"
