"""What transitions say about the run and its detectors: run number, settings, EPICS names."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from workbench.sources.base import Value
from workbench.sources.xtc2.pieces import RunPiece
from workbench.sources.xtc2.plans import AlgPlan, Place, plan_field
from workbench.sources.xtc2.values import latest


@dataclass(frozen=True)
class RunInfo:
    """Experiment and run number as a stream states them."""

    experiment: str
    number: int


def run_info(piece: RunPiece) -> RunInfo | None:
    """Return what the first runinfo record of a stream says, None where there is none."""
    table = piece.transition_records
    for slot, kind in enumerate(piece.names.types):
        fields = {field.name: number for number, field in enumerate(kind.fields)}
        if kind.det != "runinfo" or not {"expt", "runnum"} <= fields.keys():
            continue
        records = table.records[slot].select(slice(0, 1))
        if len(records) and kind.fields[fields["expt"]].dtype == "str":
            number = table.values(slot, fields["runnum"], records)[0].ravel()[:1]
            if number.dtype.kind in "ui" and len(number):
                return RunInfo(table.texts(slot, fields["expt"], records)[0], int(number[0]))
    return None


def epics_names(pieces: Sequence[RunPiece]) -> dict[str, str]:
    """Return variable to the true name of its process variable, where Configure tells it."""
    found: dict[str, str] = {}
    for piece in pieces:
        table = piece.transition_records
        for slot, kind in enumerate(piece.names.types):
            records = table.records[slot].select(slice(0, 1))
            if kind.det != "epicsinfo" or not len(records):
                continue
            for number, field in enumerate(kind.fields):
                if field.name != "keys" and field.dtype == "str":
                    text = table.texts(slot, number, records)[0]
                    found[field.name] = text.replace(",", "\n").partition("\n")[0]
    return found


def settings_at(
    pieces: Sequence[RunPiece], plans: Mapping[str, AlgPlan], time: int
) -> dict[str, Value]:
    """Return the settings in force at a time stamp, all algorithms merged by field name.

    A detector with one segment gives the stored value; with several, a first axis of segments,
    or a tuple where their shapes differ.
    """
    found: dict[str, Value] = {}
    for plan in plans.values():
        for name, field in plan.fields.items():
            values = [_value(pieces, name, places, time) for places in field.places]
            known = [value[0] for value in values if value is not None]
            if len(known) == 1:
                found[name] = known[0]
            elif known:
                found[name] = _joined(known)
    return found


def _value(
    pieces: Sequence[RunPiece], name: str, places: Sequence[Place], time: int
) -> tuple[Value] | None:
    tables = [piece.transition_records for piece in pieces]
    plan = plan_field(name, name, [places], tables)
    values, known = latest(pieces, plan, np.array([time], np.uint64))
    return (values[0],) if known[0] else None


def _joined(values: Sequence[Value]) -> Value:
    arrays = [np.asarray(value) for value in values]
    same = all((one.shape, one.dtype) == (arrays[0].shape, arrays[0].dtype) for one in arrays)
    return np.stack(arrays) if same and arrays[0].dtype != object else tuple(values)
