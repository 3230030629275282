"""Control-system variables that a config names: which the run's own files hold, which they lack."""

from workbench.core.findings import Finding, Severity
from workbench.producer.columns import SlowColumn
from workbench.producer.config import ProducerConfig
from workbench.producer.entries import PvEntry, Skipped
from workbench.producer.fields import slow_column
from workbench.sources import RawRun


def asked_variables(
    raw: RawRun,
    config: ProducerConfig,
    findings: list[Finding],
    skipped: list[Skipped],
    *,
    archiver: str,
) -> list[SlowColumn]:
    """Return a column for each variable in the run's files; tell of those that are nowhere.

    Those for which the archiver at this address is asked are not told of here; empty: none is.
    """
    columns: list[SlowColumn] = []
    for kind, entries in (("epicsArchFilePV", config.epics), ("epicsPV", config.epics_archiver)):
        for entry in entries:
            name = in_stream(raw, entry)
            if name:
                dataset = f"epicsUser/{entry.alias.replace('/', '_')}"
                columns.append(slow_column(raw.epics, "epics", name, dataset))
            elif kind != "epicsPV" or not archiver:
                _missing_variable(kind, entry, config, findings, skipped)
    for entry in config.epics_once:
        if not in_stream(raw, entry) and not archiver:
            _missing_variable("epicsOncePV", entry, config, findings, skipped)
    return list({column.spec.name: column for column in columns}.values())


def in_stream(raw: RawRun, entry: PvEntry) -> str:
    """Return the name of a variable in the run's own files, by name or alias; empty if not."""
    return next((name for name in (entry.pv, entry.alias) if name in raw.epics.names), "")


def _missing_variable(
    kind: str,
    entry: PvEntry,
    config: ProducerConfig,
    findings: list[Finding],
    skipped: list[Skipped],
) -> None:
    text = f"{entry.pv} is not among the control-system variables in the run's files"
    if kind != "epicsArchFilePV":
        text += (
            ", and no archiver is asked: name its address, by --archiver, WORKBENCH_ARCHIVER or "
            "archiver in experiment.toml"
        )
    place, file = f"{kind}[{entry.pv!r}]", str(config.path or "")
    told = Finding(
        "pv-not-in-run", Severity.WARNING, f"{text}; skipped", place, 1, file, entry.line
    )
    findings.append(told)
    skipped.append(Skipped(place, text, file, entry.line))
