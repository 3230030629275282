"""Findings: what is wrong with an input, with place, count, consequence and fix."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from enum import StrEnum


class Severity(StrEnum):
    """How much a finding matters; only errors make a command fail."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


_RANK = {Severity.ERROR: 0, Severity.WARNING: 1, Severity.INFO: 2}


@dataclass(frozen=True)
class Finding:
    """One thing that the user should know about an input.

    Parameters
    ----------
    code
        Stable kebab-case name of the kind, for example "roi-outside".
    severity
        Only errors make a command fail.
    message
        One sentence: what, its consequence, the way out.
    field
        Dataset, detector or config entry concerned.
    count
        How many events, rows or entries; 1 where it does not count anything.
    file, line
        Where in the user's files; line 0 where there is none.
    """

    code: str
    severity: Severity
    message: str
    field: str = ""
    count: int = 1
    file: str = ""
    line: int = 0

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}: " if self.line else f"{self.file}: " if self.file else ""
        subject = f"{self.field}: " if self.field else ""
        return f"{self.severity}: {place}{subject}{self.message} [{self.code}]"

    def as_dict(self) -> dict[str, str | int]:
        """Return plain values for JSON."""
        return {**asdict(self), "severity": str(self.severity)}


def worst_first(findings: Iterable[Finding]) -> list[Finding]:
    """Sort errors before warnings before infos, larger counts first."""
    return sorted(findings, key=lambda finding: (_RANK[finding.severity], -finding.count))


def has_errors(findings: Iterable[Finding]) -> bool:
    """Tell whether any of them is an error."""
    return any(finding.severity is Severity.ERROR for finding in findings)
