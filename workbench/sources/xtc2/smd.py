"""The index that the DAQ writes beside the data: place and size of every event."""

from pathlib import Path

import numpy as np

from workbench.core.arrays import Array, Ints
from workbench.core.errors import WorkbenchError
from workbench.sources.run_files import IN_PROGRESS
from workbench.sources.xtc2.chunks import NextChunk, Scanned, chunkinfo, follow_chunks, next_file
from workbench.sources.xtc2.index import DgramIndex, scan_part
from workbench.sources.xtc2.layout import DGRAM_HEADER, MAX_RUNS, XTC_HEADER, Service
from workbench.sources.xtc2.names import NamesTable, read_names
from workbench.sources.xtc2.part import Part
from workbench.sources.xtc2.records import list_records

_FOLDER = "smalldata"
_HEADER = np.dtype(
    [("time", "<u8"), ("env", "<u4"), ("src", "<u4"), ("kind", "<u4"), ("extent", "<u4")]
)


class UnusableIndexError(WorkbenchError, ValueError):
    """An index file that does not belong to the data beside it."""


def find_smd(data: Path) -> Path | None:
    """Return the index file of a data file, None if there is none."""
    base = data.name.removesuffix(IN_PROGRESS).removesuffix(".xtc2")
    for name in (f"{base}.smd.xtc2", f"{base}.smd.xtc2{IN_PROGRESS}"):
        path = data.parent / _FOLDER / name
        if path.is_file():
            return path
    return None


def read_smd(first: Part, smd: Part) -> Scanned:
    """List the datagrams of a stream from its index; what the index lacks at the end is scanned.

    Transitions are read from the index file itself, which holds a copy of each. Raises
    `UnusableIndexError` where the index does not fit the data.
    """
    index, _ = scan_part(smd, number=0)
    events = index.of(Service.EVENT)
    if not len(index) or index.services[0] != Service.CONFIGURE or not len(events):
        raise UnusableIndexError(f"{smd.path} lists no events")
    if len(index.of(Service.CONFIGURE)) > MAX_RUNS:
        raise UnusableIndexError(f"{smd.path} has more than {MAX_RUNS} Configure datagrams")
    index = index.select(slice(0, int(events[-1]) + 1))
    epochs = _epochs(smd, index)
    places = np.concatenate([_places(smd, index, *epoch) for epoch in epochs])
    announced = [found for epoch in epochs for found in _announced(smd, index, *epoch)]
    parts = [smd, first]
    for _, following in announced:
        path = next_file(parts[-1], following)
        if path is None:
            raise UnusableIndexError(f"{smd.path} lists events in {following.name}, not there")
        parts.append(Part(path))
    index.parts[events] = 1 + np.searchsorted([row for row, _ in announced], events)
    _check_places(smd, parts, index.parts[events], places)
    index.offsets[events], index.sizes[events] = places.astype(np.int64).T
    _check_ends(smd, parts, index.select(events))
    return follow_chunks(
        parts,
        [index],
        start=int(index.offsets[-1] + index.sizes[-1]),
        names=epochs[-1][0],
        chunk=announced[-1][1].number if announced else -1,
    )


def _epochs(smd: Part, index: DgramIndex) -> list[tuple[NamesTable, Ints]]:
    configures = index.of(Service.CONFIGURE).tolist()
    bounds = zip(configures, [*configures[1:], len(index)], strict=True)
    return [
        (
            read_names(smd, int(index.offsets[start]), int(index.sizes[start])),
            np.arange(start, stop),
        )
        for start, stop in bounds
    ]


def _places(smd: Part, index: DgramIndex, names: NamesTable, rows: Ints) -> Array:
    """Return offset and size of the events among some rows, shape (event, 2)."""
    events = rows[index.services[rows] == Service.EVENT]
    table = list_records([smd], names, index.select(events))
    places = np.zeros((len(events), 16), np.uint8)
    for slot, kind in enumerate(names.types):
        fields = {field.name: number for number, field in enumerate(kind.fields)}
        if kind.det != "smdinfo" or not {"intOffset", "intDgramSize"} <= fields.keys():
            continue
        records = table.records[slot]
        wanted = [kind.fields[fields[name]] for name in ("intOffset", "intDgramSize")]
        if any((field.dtype, field.rank) != ("uint64", 0) for field in wanted):
            break
        if len(records) != len(events) or np.any(np.diff(records.rows) != 1):
            break
        for column, name in enumerate(("intOffset", "intDgramSize")):
            table.copy_field(slot, fields[name], records, 8, records.rows, 8 * column, places)
        return places.view("<u8")
    if len(events):
        raise UnusableIndexError(f"{smd.path} does not give one place for each event")
    return places.view("<u8")


def _announced(
    smd: Part, index: DgramIndex, names: NamesTable, rows: Ints
) -> list[tuple[int, NextChunk]]:
    """Return the row of each announcement of a next chunk, and what it says."""
    enables = rows[(index.services[rows] == Service.ENABLE) & (index.sizes[rows] > DGRAM_HEADER)]
    found = chunkinfo([smd], names, index.select(enables))
    return [(int(enables[position]), following) for position, following in found]


def _check_places(smd: Part, parts: list[Part], numbers: Array, places: Array) -> None:
    ends = np.array([len(part) for part in parts], np.uint64)[numbers]
    offsets, sizes = places[:, 0], places[:, 1]
    inside = (sizes >= DGRAM_HEADER) & (offsets <= ends) & (sizes <= ends - offsets)
    if not inside.all():
        raise UnusableIndexError(
            f"{smd.path} lists {int((~inside).sum())} events beyond the end of the data"
        )
    same = numbers[1:] == numbers[:-1]
    if np.any(same & (offsets[1:] < offsets[:-1] + sizes[:-1])):
        raise UnusableIndexError(f"{smd.path} lists events that overlap")


def _check_ends(smd: Part, parts: list[Part], events: DgramIndex) -> None:
    """Compare the first and the last event of each file with the datagrams found there."""
    changes = np.flatnonzero(np.diff(events.parts))
    for row in {0, *changes.tolist(), *(changes + 1).tolist(), len(events) - 1}:
        part = parts[int(events.parts[row])]
        header = np.ndarray((), _HEADER, part.buffer, int(events.offsets[row]))
        if (
            header["time"] != events.times[row]
            or header["extent"] + XTC_HEADER != events.sizes[row]
            or header["env"] >> 24 & 0xF != Service.EVENT
        ):
            raise UnusableIndexError(
                f"{smd.path} announces an event at byte {events.offsets[row]} of "
                f"{part.path.name}, where there is another"
            )
