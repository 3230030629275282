"""What ``experiment.toml`` says of one run, as plain values."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from workbench.core.findings import Finding, Severity
from workbench.runs.experiment.expressions import Condition, Expression

Codes = tuple[int, ...]
State = Codes | Condition | bool | None  # by codes, by a field, always so, or as the hutch says


@dataclass(frozen=True)
class FriendlyName:
    """A channel under the experiment's own name.

    Parameters
    ----------
    name
        As used in ``run[name]``, cuts and bins.
    expression
        What it is made of.
    unit
        Unit of the result; empty: that of the field, which only a plain name keeps.
    long_name
        One line for plots and tables.
    """

    name: str
    expression: Expression
    unit: str = ""
    long_name: str = ""


@dataclass(frozen=True)
class StatusSetup:
    """How X-rays and laser are told: signed event codes, a condition, always, or a destination."""

    xray: State = None
    laser: State = None
    destination: int | None = None


@dataclass(frozen=True)
class DelaySetup:
    """Where the delay comes from; None and empty text leave it to the field dictionary.

    Parameters
    ----------
    source
        Field or friendly name of the nominal delay.
    unit
        Unit of its values.
    scale, kind, time_tool
        As in `facility.RoleField`.
    sign
        Sense of the time tool, +1 or -1.
    t0
        Time zero to subtract [ps].
    """

    source: str = ""
    unit: str = ""
    scale: float | None = None
    kind: str | None = None
    time_tool: str = ""
    sign: int | None = None
    t0: float | None = None


@dataclass(frozen=True)
class TimeToolSetup:
    """Calibration of the time tool: a + b x + c x^2 ... of the edge position x [pixel].

    Parameters
    ----------
    polynomial
        a, b, c ...; empty: as stored.
    unit
        Unit of its result.
    position
        Field with the edge position; empty: the hutch's.
    """

    polynomial: tuple[float, ...] = ()
    unit: str = "ps"
    position: str = ""


@dataclass(frozen=True)
class Acknowledged:
    """A finding that the experiment knows of.

    Parameters
    ----------
    code
        The finding's code.
    reason
        Why it does not matter here.
    field
        Only findings of this field; empty: of any.
    """

    code: str
    reason: str
    field: str = ""

    def covers(self, finding: Finding) -> bool:
        """Tell whether it is this finding."""
        return finding.code == self.code and self.field in {"", finding.field}


@dataclass(frozen=True)
class RunSetup:
    """Everything that ``experiment.toml`` says of one run; empty where there is no such file.

    Parameters
    ----------
    path
        The file; None where there is none.
    why
        Which file and which of its run ranges hold.
    channels
        Friendly names.
    roles
        Fields for a role, best first; they come before those of the field dictionary.
    good
        Ranges [low, high) of default cuts, by role, field or friendly name.
    status, delay, time_tool, acknowledged
        As described there.
    saturation
        Where readings saturate, by field or by detector, in the unit of its readings.
    """

    path: Path | None = None
    why: str = ""
    channels: Mapping[str, FriendlyName] = field(default_factory=dict)
    roles: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    good: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    status: StatusSetup = StatusSetup()
    delay: DelaySetup = DelaySetup()
    time_tool: TimeToolSetup = TimeToolSetup()
    acknowledged: tuple[Acknowledged, ...] = ()
    saturation: Mapping[str, float] = field(default_factory=dict)

    def acknowledge(self, findings: Iterable[Finding]) -> list[Finding]:
        """Return the findings, those that the experiment knows of as infos with its reason."""
        return [self._known(finding) for finding in findings]

    def _known(self, finding: Finding) -> Finding:
        for entry in self.acknowledged:
            if entry.covers(finding):
                text = f"{finding.message} (acknowledged: {entry.reason})"
                return replace(finding, severity=Severity.INFO, message=text)
        return finding
