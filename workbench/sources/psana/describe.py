"""What psana's configuration says of detectors: algorithms, segments, fields and their types."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from workbench.sources.base import RawField, Value
from workbench.sources.xtc2.layout import TYPES

Shape = tuple[int, ...]
Key = tuple[str, str]  # detector, algorithm


@dataclass(frozen=True)
class FieldKind:
    """Type and number of axes of a field, as configured for one segment."""

    dtype: str
    rank: int


@dataclass(frozen=True)
class Segment:
    """One segment of one algorithm of a detector, as configured."""

    dettype: str
    detid: str
    fields: dict[str, FieldKind]


def segments_of(configs: Sequence[Any]) -> dict[Key, dict[int, Segment]]:
    """Return all that psana's Configure datagrams describe, segments sorted."""
    found: dict[Key, dict[int, Segment]] = {}
    for config in configs:
        for det, segments in vars(config.software).items():
            for number, entry in segments.items():
                for alg, fields in vars(entry).items():
                    if alg in {"dettype", "detid"}:
                        continue
                    segment = Segment(entry.dettype, entry.detid, dict(_fields(fields, "")))
                    found.setdefault((det, alg), {}).setdefault(number, segment)
    return {key: dict(sorted(segments.items())) for key, segments in found.items()}


def value_in(record: Any, name: str, dtype: str) -> Value:
    """Return one field of a record, of the type stored, to outlive it; None where it lacks it."""
    value = record
    for part in name.split("."):
        value = getattr(value, part, None)
    if value is None or dtype == "str":
        return value
    if dtype == "enum":
        return np.int32(value.value)
    return value.copy() if isinstance(value, np.ndarray) else np.dtype(dtype).type(value)


def array_in(record: Any, name: str) -> Any:
    """Return one array of a record, in psana's own memory."""
    value = record
    for part in name.split("."):
        value = getattr(value, part)
    return value


def labels_of(value: Any) -> dict[int, str] | None:
    """Return number to label of an enumeration's value; None for other values."""
    names = getattr(value, "names", None)
    if not isinstance(names, dict) or not hasattr(value, "value"):
        return None
    return {int(number): str(label) for number, label in names.items()}


def merged(shape: Shape | None, other: Shape) -> Shape:
    """Return the common shape of a field in two records, -1 where they differ."""
    if shape is None:
        return other
    return tuple(
        length if length == again else -1 for length, again in zip(shape, other, strict=True)
    )


def raw_field(
    name: str,
    kinds: Sequence[FieldKind],
    shape: Shape | None,
    labels: dict[int, str] | None,
) -> RawField:
    """Describe a field of so many segments; `shape` is that of its arrays, None if none was seen.

    As the native reader does it: several segments are a first axis, which replaces one of length 1.
    """
    kind, many = kinds[0], len(kinds) > 1
    if kind.dtype == "str":
        return RawField(name, "str", (len(kinds),) if many else ())
    known = (-1,) * kind.rank if shape is None else shape
    varies = -1 in known or any(other != kind for other in kinds)
    if many:
        known = known[1:] if len(known) == 3 and known[0] == 1 and not varies else known
        known = (len(kinds), *known)
    enum = kind.dtype == "enum"
    return RawField(
        name, kind.dtype, known, kind.rank, varies, (labels or {}) if enum else None, len(kinds)
    )


def _fields(entry: Any, prefix: str) -> Iterator[tuple[str, FieldKind]]:
    for name, field in vars(entry).items():
        if hasattr(field, "_rank"):
            dtype = TYPES[field._type]  # noqa: SLF001 - psana has no other name for it
            if dtype == "enum":  # "name:dictionary"
                label, _, dictionary = name.rpartition(":")
                yield f"{prefix}{label or dictionary}", FieldKind(dtype, 0)
            elif dtype != "enumdict":
                yield f"{prefix}{name}", FieldKind(dtype, field._rank)  # noqa: SLF001 - as above
        if hasattr(field, "__dict__"):
            yield from _fields(field, f"{prefix}{name}.")
