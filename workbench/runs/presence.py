"""The states of a run's fields as a table: measured, missing, filled, absent, damaged."""

from collections.abc import Sequence

from workbench.core.errors import UnknownNameError
from workbench.core.table import Cell, Table
from workbench.smalldata import Presence, SmallDataFile, State, count_states

COLUMNS = {
    State.PRESENT: "measured",
    State.MISSING: "NaN",
    State.SENTINEL: "-99999",
    State.WRAPPED: "wrapped -99999",
    State.ZERO_FILLED: "filled with 0",
    State.ABSENT: "absent",
    State.DAMAGED: "damaged",
}


def presence_table(file: SmallDataFile, names: Sequence[str]) -> Table:
    """Count the states of fields, or of all fields of folders; of every field if none is named.

    Raises `UnknownNameError` for what is neither field nor folder.
    """
    found = [count_states(file, name) for name in _chosen(file, names)]
    rows = tuple(_row(file, one) for one in found)
    return Table(
        ("field", "events", *COLUMNS.values()),
        rows,
        caption=f"{file.path.name}: events by state",
        notes=(*_doubts(found), *_detectors(file, found if names else ())),
    )


def _row(file: SmallDataFile, one: Presence) -> tuple[Cell, ...]:
    return (one.field, file.n_events, *(one.counts[state] for state in COLUMNS))


def _chosen(file: SmallDataFile, names: Sequence[str]) -> list[str]:
    countable = [name for name in file.names if file.info(name).kind in {"event", "ragged"}]
    if not names:
        return countable
    chosen: list[str] = []
    for wanted in names:
        plain = wanted.strip("/")
        inside = [name for name in countable if name == plain or name.startswith(f"{plain}/")]
        if not inside:
            raise UnknownNameError("field with a row per event", plain, countable, str(file.path))
        chosen += [name for name in inside if name not in chosen]
    return chosen


def _doubts(found: Sequence[Presence]) -> list[str]:
    notes = []
    for one in found:
        if one.undecidable:
            notes.append(
                f"{one.field}: {one.undecidable} events hold 97 in 8 bits, a value or a cut-off "
                "-99999: nothing tells which"
            )
        if one.zeros_at_start:
            notes.append(
                f"{one.field}: 0 in {one.zeros_at_start} events at the start, a value or the "
                "writer's filling: counted as measured, for nothing else says that it is not"
            )
    return notes


def _detectors(file: SmallDataFile, found: Sequence[Presence]) -> list[str]:
    """Return what the producer counted, of the detectors of these fields; without any, of all."""
    groups = {one.field.split("/")[0] for one in found}
    counted = {
        detector: {state: count for state, count in states.items() if state != "present" and count}
        for detector, states in file.failures.items()
        if not groups or detector in groups
    }
    return [
        f"{detector}, counted when the file was made: "
        + ", ".join(f"{count} events {state}" for state, count in states.items())
        for detector, states in sorted(counted.items())
        if states
    ]
