"""Descriptions of records: what Configure says about each detector, segment and algorithm."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from workbench.core.arrays import Array, Ints
from workbench.sources.xtc2.errors import Xtc2Error
from workbench.sources.xtc2.layout import (
    CORRUPTED,
    ITEM_SIZES,
    MAX_DEPTH,
    MAX_RANK,
    NAME_ENTRY,
    NAMES,
    NAMES_HEADER,
    PARENT,
    STORED,
    TYPES,
    XTC_HEADER,
)
from workbench.sources.xtc2.part import Part
from workbench.sources.xtc2.status import BAD_EXTENT, PAST_PARENT, PROBLEMS
from workbench.sources.xtc2.walk import RecordLayout

_XTC = np.dtype([("src", "<u4"), ("damage", "<u2"), ("type", "<u2"), ("extent", "<u4")])
_HEAD = np.dtype(
    [
        ("xtc", _XTC),
        ("arrays", "<u4"),
        ("dettype", "S256"),
        ("det", "S256"),
        ("detid", "S256"),
        ("alg", "S256"),
        ("version", "<u4"),
        ("segment", "<u4"),
    ]
)
_ENTRY = np.dtype(
    [("alg", "S256"), ("version", "<u4"), ("name", "S256"), ("type", "<u4"), ("rank", "<u4")]
)
_STORED = {name: np.dtype(f"<{np.dtype(STORED.get(name, name)).str[1:]}") for name in TYPES}


@dataclass(frozen=True)
class FieldType:
    """One field of a record type.

    Parameters
    ----------
    name
        As in the file; for enumerations the part before the colon.
    dtype
        NumPy name, "str", "enum" or "enumdict" (a label whose value is its number).
    rank
        Number of axes.
    dictionary
        Name of the enumeration; "" for other fields.
    """

    name: str
    dtype: str
    rank: int
    dictionary: str = ""

    @property
    def stored(self) -> np.dtype[np.generic]:
        """NumPy type of the bytes in the file."""
        return _STORED[self.dtype]


@dataclass(frozen=True)
class RecordType:
    """The records of one algorithm of one segment of one detector."""

    det: str
    dettype: str
    detid: str
    alg: str
    version: tuple[int, int, int]
    segment: int
    fields: tuple[FieldType, ...]


@dataclass(frozen=True)
class NamesTable:
    """All record types of one Configure.

    Parameters
    ----------
    types
        In file order; the position is the "slot" of other modules.
    layout
        The same for compiled code.
    arrays
        For each record type how many of its fields before each one have axes.
    """

    types: tuple[RecordType, ...]
    layout: RecordLayout
    arrays: tuple[Ints, ...]


def read_names(part: Part, offset: int, size: int) -> NamesTable:
    """Read the descriptions in the Configure datagram at `offset`."""
    found: dict[int, RecordType] = {}
    for at, extent, number in _names_blocks(part, offset, size):
        if number in found:
            raise Xtc2Error(part.path, at, f"names number {number:#x} is described twice")
        found[number] = _record_type(part, at, extent)
    layout = _layout(found)
    before = np.cumsum([0, *(layout.rank > 0)])
    arrays = tuple(
        before[first:last] - before[first] for first, last in pairwise(layout.first_field)
    )
    return NamesTable(tuple(found.values()), layout, arrays)


def _names_blocks(part: Part, offset: int, size: int) -> Iterator[tuple[int, int, int]]:
    """Yield first byte, extent and names number of each description."""
    ends: list[int] = []
    at, end = offset + XTC_HEADER, offset + size
    while at < end or ends:
        if at == end:
            end = ends.pop()
            continue
        if end - at < XTC_HEADER:
            raise Xtc2Error(part.path, at, PROBLEMS[PAST_PARENT])
        block = np.ndarray((), _XTC, part.buffer, at)
        extent, kind = int(block["extent"]), int(block["type"]) & 0xFFF
        if extent < XTC_HEADER or extent > end - at:
            raise Xtc2Error(part.path, at, PROBLEMS[BAD_EXTENT if extent < 12 else PAST_PARENT])
        if kind == PARENT and not block["damage"] & CORRUPTED:
            if len(ends) == MAX_DEPTH:
                raise Xtc2Error(part.path, at, f"blocks nested deeper than {MAX_DEPTH}")
            ends.append(end)
            end = at + extent
            at += XTC_HEADER
            continue
        if kind == NAMES:
            yield at, extent, int(block["src"]) & 0xFFFFF
        at += extent


def _head(part: Part, at: int) -> Array:
    return np.ndarray((), _HEAD, part.buffer, at)


def _record_type(part: Part, at: int, extent: int) -> RecordType:
    count, rest = divmod(extent - NAMES_HEADER, NAME_ENTRY)
    if count < 0 or rest:
        raise Xtc2Error(
            part.path, at, f"a description of {extent} bytes, which is no whole number of fields"
        )
    head = _head(part, at)
    entries = np.ndarray((count,), _ENTRY, part.buffer, at + NAMES_HEADER)
    for bad in np.flatnonzero((entries["type"] >= len(TYPES)) | (entries["rank"] > MAX_RANK)):
        kind, rank = int(entries["type"][bad]), int(entries["rank"][bad])
        raise Xtc2Error(
            part.path,
            at + NAMES_HEADER + NAME_ENTRY * int(bad),
            f"a field of type {kind} and rank {rank}, where types end at {len(TYPES) - 1} and "
            f"ranks at {MAX_RANK}",
        )
    version = int(head["version"])
    return RecordType(
        det=_text(head["det"]),
        dettype=_text(head["dettype"]),
        detid=_text(head["detid"]),
        alg=_text(head["alg"]),
        version=(version >> 16 & 0xFF, version >> 8 & 0xFF, version & 0xFF),
        segment=int(head["segment"]),
        fields=tuple(_field(entry) for entry in entries),
    )


def _field(entry: Array) -> FieldType:
    name, dtype, rank = _text(entry["name"]), TYPES[entry["type"]], int(entry["rank"])
    if dtype in {"enum", "enumdict"}:
        label, _, dictionary = name.rpartition(":")
        return FieldType(label or dictionary, dtype, rank, dictionary)
    return FieldType(name, dtype, rank)


def _text(raw: Array) -> str:
    return bytes(raw).split(b"\0")[0].decode("utf-8", "replace")


def _layout(found: dict[int, RecordType]) -> RecordLayout:
    ids = np.array(list(found), np.int64)
    order = np.argsort(ids)
    fields = [field for kind in found.values() for field in kind.fields]
    field_counts = [len(kind.fields) for kind in found.values()]
    array_counts = [sum(field.rank > 0 for field in kind.fields) for kind in found.values()]
    return RecordLayout(
        ids=ids[order],
        slots=order.astype(np.int64),
        first_field=np.cumsum([0, *field_counts], dtype=np.int64),
        first_array=np.cumsum([0, *array_counts], dtype=np.int64),
        item=np.array([ITEM_SIZES[TYPES.index(field.dtype)] for field in fields], np.int64),
        rank=np.array([field.rank for field in fields], np.int64),
    )
