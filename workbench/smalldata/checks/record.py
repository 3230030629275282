"""Checks of what the producer wrote down: skipped config entries, failures, absent detectors."""

from collections.abc import Iterator, Mapping

from workbench.core.findings import Finding, Severity
from workbench.smalldata.reader import SmallDataFile

OFTEN = 0.01  # of the events: above it a damaged or partial detector is worth a warning


def check_record(file: SmallDataFile) -> Iterator[Finding]:
    """Report what the production could not do."""
    yield from _check_skipped(file)
    for detector, counts in sorted(file.failures.items()):
        yield from _check_detector(detector, counts, file.n_events)


def _check_skipped(file: SmallDataFile) -> Iterator[Finding]:
    skipped = file.provenance.get("skipped")
    if not isinstance(skipped, list) or not skipped:
        return
    few = "; ".join(_entry(entry) for entry in skipped[:3])
    more = f" and {len(skipped) - 3} more" if len(skipped) > 3 else ""
    yield Finding(
        "produced-with-skipped-entries",
        Severity.WARNING,
        f"the producer left out {len(skipped)} entries of the config ({few}{more}): their fields "
        "are not in the file; correct the config and produce again",
        count=len(skipped),
    )


def _entry(entry: object) -> str:
    return f"{entry['entry']}: {entry['reason']}" if isinstance(entry, dict) else str(entry)


def _check_detector(detector: str, counts: Mapping[str, int], n_events: int) -> Iterator[Finding]:
    for state, count in sorted(counts.items()):
        if state.startswith("error_") and count:
            yield Finding(
                "reduction-failed",
                Severity.WARNING,
                f"{state.removeprefix('error_')} failed in {count} of {n_events} events: their "
                "values are missing; see the production's log",
                field=detector,
                count=count,
            )
        elif state in {"damaged", "partial"} and count:
            what = "marked damaged by the DAQ" if state == "damaged" else "lack some segments"
            yield Finding(
                f"detector-{state}",
                Severity.WARNING if count > OFTEN * n_events else Severity.INFO,
                f"{count} of {n_events} events {what}: they count as missing",
                field=detector,
                count=count,
            )
    absent = counts.get("absent", 0)
    if absent and not counts.get("present", 0):
        yield Finding(
            "detector-absent",
            Severity.WARNING,
            "in no event of the run: all its fields are missing; check that it was read out",
            field=detector,
            count=absent,
        )
