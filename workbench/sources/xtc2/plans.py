"""Which records of which streams make up each field of each detector."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from workbench.sources.base import RawField
from workbench.sources.xtc2.names import FieldType
from workbench.sources.xtc2.pieces import RunPiece
from workbench.sources.xtc2.records import RecordTable

RESERVED = frozenset({"epics", "scan", "runinfo", "chunkinfo", "smdinfo", "epicsinfo"})


@dataclass(frozen=True)
class Place:
    """One field in the records of one type in one stream."""

    piece: int
    slot: int
    field: int


@dataclass(frozen=True)
class FieldPlan:
    """One field of one algorithm: what it is and where its values come from.

    Parameters
    ----------
    name
        "detector.algorithm.field".
    field
        What users are told.
    places
        For each segment the places in which its value may lie; the last one that has it wins.
    """

    name: str
    field: RawField
    places: tuple[tuple[Place, ...], ...]


@dataclass(frozen=True)
class AlgPlan:
    """One algorithm of one detector.

    Parameters
    ----------
    name
        "detector.algorithm".
    segments
        Segment numbers, sorted.
    slots
        For each segment the (stream, record type) pairs that describe it.
    fields
        Field name to plan.
    """

    name: str
    segments: tuple[int, ...]
    slots: tuple[tuple[tuple[int, int], ...], ...]
    fields: Mapping[str, FieldPlan]


def is_config(alg: str) -> bool:
    """Tell whether the records of an algorithm describe settings rather than events."""
    return "config" in alg.lower()


def plan_algs(
    pieces: Sequence[RunPiece],
    tables: Sequence[RecordTable],
    wanted: Callable[[str, str], bool],
) -> dict[str, dict[str, AlgPlan]]:
    """Plan every algorithm for which ``wanted(detector, algorithm)``: detector, then algorithm.

    `tables` holds for each stream the records that shapes and labels are taken from.
    """
    found: dict[str, dict[str, dict[int, list[tuple[int, int]]]]] = {}
    for number, piece in enumerate(pieces):
        for slot, kind in enumerate(piece.names.types):
            if wanted(kind.det, kind.alg):
                segments = found.setdefault(kind.det, {}).setdefault(kind.alg, {})
                segments.setdefault(kind.segment, []).append((number, slot))
    return {
        det: {alg: _plan(f"{det}.{alg}", segments, tables) for alg, segments in algs.items()}
        for det, algs in found.items()
    }


def _plan(
    name: str, segments: Mapping[int, list[tuple[int, int]]], tables: Sequence[RecordTable]
) -> AlgPlan:
    order = sorted(segments)
    places: dict[str, dict[int, list[Place]]] = {}
    for segment in order:
        for piece, slot in segments[segment]:
            for number, field in enumerate(tables[piece].names.types[slot].fields):
                if field.dtype != "enumdict":
                    by_segment = places.setdefault(field.name, {})
                    by_segment.setdefault(segment, []).append(Place(piece, slot, number))
    fields = {
        field: plan_field(f"{name}.{field}", field, [*by_segment.values()], tables)
        for field, by_segment in places.items()
    }
    return AlgPlan(name, tuple(order), tuple(tuple(segments[key]) for key in order), fields)


def plan_field(
    full_name: str,
    name: str,
    places: Sequence[Sequence[Place]],
    tables: Sequence[RecordTable],
) -> FieldPlan:
    """Describe one field that lies in the given places, one sequence per segment."""
    flat = [place for segment in places for place in segment]
    kinds = [_type_of(place, tables) for place in flat]
    kind = kinds[0]
    fixed = tuple(tuple(segment) for segment in places)
    many = len(places) > 1
    if kind.dtype == "str" and all(other.dtype == "str" for other in kinds):
        return FieldPlan(full_name, RawField(name, "str", (len(places),) if many else ()), fixed)
    shape, varies = _merged(
        [tables[place.piece].shape(place.slot, place.field) for place in flat], kind.rank
    )
    varies |= any((other.stored, other.rank) != (kind.stored, kind.rank) for other in kinds)
    if many:
        shape = shape[1:] if len(shape) == 3 and shape[0] == 1 and not varies else shape
        shape = (len(places), *shape)
    labels = _labels(flat, tables) if kind.dtype == "enum" else None
    dtype = "enum" if kind.dtype == "enum" else str(kind.stored)
    described = RawField(name, dtype, shape, kind.rank, varies, labels, len(places))
    return FieldPlan(full_name, described, fixed)


def stored_type(field: RawField) -> np.dtype[np.generic]:
    """Return the NumPy type of a field's numbers."""
    return np.dtype("int32" if field.dtype == "enum" else field.dtype)


def _type_of(place: Place, tables: Sequence[RecordTable]) -> FieldType:
    return tables[place.piece].names.types[place.slot].fields[place.field]


def _merged(shapes: Iterable[tuple[int, ...] | None], rank: int) -> tuple[tuple[int, ...], bool]:
    """Return the common shape, -1 where it varies, and whether it varies anywhere."""
    seen = [shape for shape in shapes if shape is not None and len(shape) == rank]
    if not seen:
        return (-1,) * rank, rank > 0
    merged = tuple(
        lengths[0] if len(set(lengths)) == 1 else -1 for lengths in zip(*seen, strict=True)
    )
    return merged, -1 in merged


def _labels(places: Sequence[Place], tables: Sequence[RecordTable]) -> dict[int, str]:
    """Return number to label of an enumeration, from the first stream that has them."""
    for place in places:
        labels = tables[place.piece].labels(place.slot)
        if labels:
            return labels.get(_type_of(place, tables).dictionary, {})
    return {}
