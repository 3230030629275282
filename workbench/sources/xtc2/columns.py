"""Values of fields over many records, as arrays with one row per event."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from workbench.core.arrays import Array, Ints
from workbench.sources.base import Value
from workbench.sources.xtc2.names import RecordType
from workbench.sources.xtc2.plans import FieldPlan, Place, stored_type
from workbench.sources.xtc2.records import Records, RecordTable

FRAME = 4096  # bytes per event from which a view on the file is better than a copy


@dataclass(frozen=True)
class Chosen:
    """Records of one place and the rows of the result that they fill."""

    place: Place
    records: Records
    targets: Ints


def read_column(
    plan: FieldPlan, tables: Sequence[RecordTable], chosen: Sequence[Sequence[Chosen]], length: int
) -> Array:
    """Return one field as an array of `length` rows; rows without a record hold zeros.

    `chosen` has one sequence per segment, later ones win. Texts and arrays of changing shape
    come as objects: "" and None where there is no record.
    """
    if plan.field.dtype == "str":
        return _texts(plan, tables, chosen, length)
    if plan.field.variable:
        return _objects(tables, chosen, length)
    view = _view_on_file(plan, tables, chosen, length)
    return _numbers(plan, tables, chosen, length) if view is None else view


def fixed_record(table: RecordTable, slot: int) -> np.dtype[np.void] | None:
    """Return the packed NumPy type of records whose every shape is constant and small."""
    kind: RecordType = table.names.types[slot]
    shapes = []
    for number in range(len(kind.fields)):
        shape = table.shape(slot, number)
        if shape is None or -1 in shape:
            return None
        shapes.append(shape)
    sizes = [
        field.stored.itemsize * int(np.prod(shape, initial=1))
        for field, shape in zip(kind.fields, shapes, strict=True)
    ]
    if not 0 < sum(sizes) <= FRAME:
        return None
    return np.dtype(
        {
            "names": [f"f{number}" for number in range(len(sizes))],
            "formats": [
                (field.stored, shape) for field, shape in zip(kind.fields, shapes, strict=True)
            ],
            "offsets": np.cumsum([0, *sizes])[:-1].tolist(),
            "itemsize": sum(sizes),
        }
    )


def _numbers(
    plan: FieldPlan, tables: Sequence[RecordTable], chosen: Sequence[Sequence[Chosen]], length: int
) -> Array:
    out = np.zeros((length, *plan.field.shape), stored_type(plan.field))
    if not out.size:
        return out
    rows = out.reshape(length, -1).view(np.uint8)
    size = rows.shape[1] // len(chosen)
    for segment, sources in enumerate(chosen):
        for source in sources:
            place = source.place
            tables[place.piece].copy_field(
                place.slot,
                place.field,
                source.records,
                size,
                source.targets,
                segment * size,
                rows,
            )
    return out


def _texts(
    plan: FieldPlan, tables: Sequence[RecordTable], chosen: Sequence[Sequence[Chosen]], length: int
) -> Array:
    out = np.full((length, *plan.field.shape), "", object)
    columns = out.reshape(length, len(chosen))
    for segment, sources in enumerate(chosen):
        for source in sources:
            place = source.place
            texts = tables[place.piece].texts(place.slot, place.field, source.records)
            for target, text in zip(source.targets.tolist(), texts, strict=True):
                columns[target, segment] = text
    return out


def _objects(
    tables: Sequence[RecordTable], chosen: Sequence[Sequence[Chosen]], length: int
) -> Array:
    values: list[list[Value]] = [[None] * len(chosen) for _ in range(length)]
    for segment, sources in enumerate(chosen):
        for source in sources:
            place = source.place
            arrays = tables[place.piece].values(place.slot, place.field, source.records)
            for target, array in zip(source.targets.tolist(), arrays, strict=True):
                values[target][segment] = array
    out = np.empty(length, object)
    for target, segments in enumerate(values):
        if len(chosen) == 1:
            out[target] = segments[0]
        elif any(segment is not None for segment in segments):
            out[target] = tuple(segments)
    return out


def _view_on_file(
    plan: FieldPlan, tables: Sequence[RecordTable], chosen: Sequence[Sequence[Chosen]], length: int
) -> Array | None:
    """Return the rows as a view on the mapped file where they lie there at even distances."""
    kind = stored_type(plan.field)
    many = len(chosen) > 1
    shape = plan.field.shape[1:] if many else plan.field.shape
    size = int(np.prod(shape, initial=1)) * kind.itemsize
    if size < FRAME or not length or any(len(sources) != 1 for sources in chosen):
        return None
    sources = [sources[0] for sources in chosen]
    if any(len(source.records) != length for source in sources):
        return None
    if any(np.any(source.targets != np.arange(length)) for source in sources):
        return None
    parts = [tables[source.place.piece].parts for source in sources]
    numbers = np.concatenate([source.records.parts for source in sources])
    if any(part is not parts[0] for part in parts) or np.any(numbers != numbers[0]):
        return None
    starts = np.stack(
        [
            tables[place.piece].locate(place.slot, place.field, source.records)[0]
            for source in sources
            for place in [source.place]
        ]
    )
    by_event, by_segment = _even(starts[0]), _even(starts[:, 0])
    if by_event is None or by_segment is None:
        return None
    if np.any(starts - starts[:1] != (starts[:, :1] - starts[0, 0])):
        return None
    inner = np.empty(shape, kind).strides
    view = np.ndarray(
        (length, *plan.field.shape),
        kind,
        parts[0][int(numbers[0])].buffer,
        int(starts[0, 0]),
        (by_event, by_segment, *inner) if many else (by_event, *inner),
    )
    return view if view.flags.aligned else None


def _even(starts: Ints) -> int | None:
    """Return the common distance of the starts, None where they are uneven."""
    steps = np.diff(starts)
    if not len(steps):
        return 0
    return int(steps[0]) if np.all(steps == steps[0]) else None
