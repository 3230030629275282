"""Streams that go on in a next file, named by the last Enable of the one before."""

from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np

from workbench.core.findings import Finding, Severity
from workbench.sources.run_files import IN_PROGRESS
from workbench.sources.xtc2.errors import Xtc2Error
from workbench.sources.xtc2.index import DgramIndex, join, scan_part
from workbench.sources.xtc2.layout import DGRAM_HEADER, Service
from workbench.sources.xtc2.names import NamesTable, read_names
from workbench.sources.xtc2.part import Part
from workbench.sources.xtc2.records import list_records


@dataclass(frozen=True)
class Scanned:
    """The files of one stream and all their datagrams.

    Parameters
    ----------
    parts
        The mapped files.
    index
        Their datagrams in order.
    findings
        What is odd about them.
    """

    parts: tuple[Part, ...]
    index: DgramIndex
    findings: tuple[Finding, ...]


@dataclass(frozen=True)
class NextChunk:
    """What a chunkinfo record says: number and file name of the next chunk."""

    number: int
    name: str


def scan_chunks(first: Part) -> Scanned:
    """List all datagrams of a stream, following it from file to file."""
    return follow_chunks([first], [], start=0, names=None, chunk=-1)


def follow_chunks(
    parts: list[Part],
    pieces: list[DgramIndex],
    *,
    start: int,
    names: NamesTable | None,
    chunk: int,
) -> Scanned:
    """List the datagrams of the last of `parts` from byte `start` on, and of all later chunks.

    `pieces` lists what comes before, `names` are the record types that hold there, and `chunk`
    is the number of the last chunk.
    """
    findings: list[Finding] = []
    number = len(parts) - 1
    while True:
        part = parts[number]
        index, cut_off = scan_part(part, number=number, start=start)
        pieces.append(index)
        if cut_off:
            findings.append(_cut_off(part, cut_off))
        names = _last_names(part, index) or names
        following = _last_chunkinfo(parts, index, names)
        if following is None:
            break
        if following.number <= chunk:
            raise Xtc2Error(
                part.path,
                int(index.offsets[-1]),
                f"names chunk {following.number} as the next one after chunk {chunk}",
            )
        chunk = following.number
        path = next_file(part, following)
        if path is None:
            findings.append(_missing(part, following))
            break
        parts.append(Part(path))
        number, start = len(parts) - 1, 0
    return Scanned(tuple(parts), join(pieces), tuple(findings))


def next_file(part: Part, following: NextChunk) -> Path | None:
    """Return the path of the next chunk, None if it is not there."""
    if not following.name or PurePosixPath(following.name).name != following.name:
        raise Xtc2Error(
            part.path, 0, f"names {following.name!r} as its next chunk, which is no file name"
        )
    for name in (following.name, following.name + IN_PROGRESS):
        path = part.path.with_name(name)
        if path.is_file():
            return path
    return None


def chunkinfo(
    parts: list[Part], names: NamesTable, enables: DgramIndex
) -> list[tuple[int, NextChunk]]:
    """Return the position among `enables` and the content of each chunkinfo record."""
    table = list_records(parts, names, enables)
    found = []
    for slot, kind in enumerate(names.types):
        fields = {field.name: number for number, field in enumerate(kind.fields)}
        if kind.det != "chunkinfo" or not {"chunkid", "filename"} <= fields.keys():
            continue
        number, text = (kind.fields[fields[name]] for name in ("chunkid", "filename"))
        if (number.dtype, number.rank, text.dtype) != ("uint32", 0, "str"):
            continue
        records = table.records[slot]
        numbers = np.zeros((len(records), 4), np.uint8)
        targets = np.arange(len(records))
        table.copy_field(slot, fields["chunkid"], records, 4, targets, 0, numbers)
        texts = table.texts(slot, fields["filename"], records)
        for row, chunk, name in zip(records.rows, numbers.view("<u4")[:, 0], texts, strict=True):
            found.append((int(row), NextChunk(int(chunk), name)))
    return sorted(found, key=lambda item: item[0])


def _last_names(part: Part, index: DgramIndex) -> NamesTable | None:
    configures = index.of(Service.CONFIGURE)
    if not len(configures):
        return None
    row = int(configures[-1])
    return read_names(part, int(index.offsets[row]), int(index.sizes[row]))


def _last_chunkinfo(
    parts: list[Part], index: DgramIndex, names: NamesTable | None
) -> NextChunk | None:
    enables = index.of(Service.ENABLE)
    if names is None or not len(enables) or index.sizes[enables[-1]] <= DGRAM_HEADER:
        return None
    found = chunkinfo(parts, names, index.select(enables[-1:]))
    return found[-1][1] if found else None


def _cut_off(part: Part, size: int) -> Finding:
    return Finding(
        "cut-off-tail",
        Severity.WARNING,
        f"the last {size} bytes are an incomplete datagram; events after it are lost: compare "
        "the file's size with the original",
        count=size,
        file=str(part.path),
    )


def _missing(part: Part, following: NextChunk) -> Finding:
    return Finding(
        "missing-chunk",
        Severity.ERROR,
        f"goes on in {following.name}, which is not in the folder; all later events of this "
        "stream are missing: copy that file beside it",
        file=str(part.path),
    )
