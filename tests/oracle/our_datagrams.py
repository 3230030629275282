"""Every datagram of one file as our reader sees it, in the form that psana_dump.py writes."""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from comparing import digest

from workbench.core.arrays import Ints
from workbench.sources.xtc2.index import DgramIndex, scan_part
from workbench.sources.xtc2.layout import TYPES, Service
from workbench.sources.xtc2.names import NamesTable, RecordType, read_names
from workbench.sources.xtc2.part import Part
from workbench.sources.xtc2.records import RecordTable, list_records


def our_datagrams(path: Path, config: Path | None = None) -> tuple[list[dict[str, Any]], int]:
    """Datagrams with all their values, types after each Configure, and the bytes left over."""
    part = Part(path)
    index, left = scan_part(part, number=0)
    starts = index.of(Service.CONFIGURE).tolist()
    lines: list[dict[str, Any]] = []
    if config is not None:
        begin = Part(config)
        first, _ = scan_part(begin, number=0)
        names = read_names(begin, int(first.offsets[0]), int(first.sizes[0]))
        lines += epoch(part, names, index.select(slice(0, starts[0] if starts else None)))
    for row, stop in pairwise([*starts, len(index)]):
        names = read_names(part, int(index.offsets[row]), int(index.sizes[row]))
        described = epoch(part, names, index.select(slice(row, stop)))
        types = {"types": types_of(names)}
        # psana tells the types before the first Configure and after each later one
        lines += [types, *described] if row == 0 else [described[0], types, *described[1:]]
    return lines, left


def types_of(names: NamesTable) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for kind in names.types:
        base = f"{kind.det}/{kind.segment}"
        found.setdefault(f"{base}/dettype", kind.dettype)  # psana keeps the first
        found.setdefault(f"{base}/detid", kind.detid)
        found[f"{base}/{kind.alg}"] = ".".join(map(str, kind.version))
        for one in kind.fields:
            name = f"{one.name}:{one.dictionary}" if one.dictionary else one.name
            found[f"{base}/{kind.alg}/{name}"] = [TYPES.index(one.dtype), one.rank]
    return found


def epoch(part: Part, names: NamesTable, index: DgramIndex) -> list[dict[str, Any]]:
    lines = [
        {
            "service": int(index.services[row]),
            "time": int(index.times[row]),
            "offset": int(index.offsets[row]),
            "size": int(index.sizes[row]),
            "fields": {},
        }
        for row in range(len(index))
    ]
    table = list_records([part], names, index)
    for slot, kind in enumerate(names.types):
        records = table.records[slot]
        for column, values in columns(table, slot, kind):
            for row, value in zip(records.rows.tolist(), values, strict=True):
                lines[row]["fields"][f"{kind.det}/{kind.segment}/{kind.alg}/{column}"] = value
    return lines


def columns(
    table: RecordTable, slot: int, kind: RecordType
) -> Iterator[tuple[str, list[str | None]]]:
    records = table.records[slot]
    yield "*damage", [f"int {bits}" for bits in records.damage.tolist()]
    for number, one in enumerate(kind.fields):
        if one.dtype == "enumdict":
            continue
        if one.dtype == "str":
            yield one.name, [digest(text) for text in table.texts(slot, number, records)]
            continue
        values = table.values(slot, number, records)
        if one.dtype == "enum":
            yield (
                one.name,
                [
                    digest(value, labels(table, slot, kind, one.dictionary, np.array([row])))
                    for row, value in enumerate(values)
                ],
            )
        else:
            yield one.name, [digest(value) for value in values]


def labels(
    table: RecordTable, slot: int, kind: RecordType, dictionary: str, which: Ints
) -> dict[int, str]:
    """Numbers and labels of one enumeration as one record of this type holds them."""
    record = table.records[slot].select(which)
    return {
        int(table.values(slot, number, record)[0]): one.name
        for number, one in enumerate(kind.fields)
        if one.dtype == "enumdict" and one.dictionary == dictionary
    }
