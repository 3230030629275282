"""One stream of a run: its files in order, its datagrams, and the pieces that are runs."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from workbench.core.arrays import Ints
from workbench.core.findings import Finding, Severity
from workbench.sources.xtc2.chunks import scan_chunks
from workbench.sources.xtc2.errors import Xtc2Error
from workbench.sources.xtc2.index import NO_XTC2, DgramIndex
from workbench.sources.xtc2.layout import DGRAM_HEADER, MAX_RUNS, SERVICE_BYTE, Service
from workbench.sources.xtc2.names import NamesTable, read_names
from workbench.sources.xtc2.part import Part
from workbench.sources.xtc2.smd import UnusableIndexError, find_smd, read_smd


@dataclass(frozen=True)
class Piece:
    """The part of a stream that belongs to one run.

    Parameters
    ----------
    names
        The record types that hold in it.
    configure
        Row of the Configure datagram.
    begin
        Row of BeginRun; None where there is none.
    rows
        Rows of all its datagrams, Configure left out.
    """

    names: NamesTable
    configure: int
    begin: int | None
    rows: range


@dataclass(frozen=True)
class Stream:
    """One stream: files, datagrams and runs.

    Parameters
    ----------
    files
        The data files in order; the first one names the stream.
    parts
        Everything mapped: the data files, then the index file if one was used.
    index
        All datagrams in order.
    pieces
        One for each run.
    findings
        What is odd about the files.
    """

    files: tuple[Path, ...]
    parts: Sequence[Part]
    index: DgramIndex
    pieces: tuple[Piece, ...]
    findings: tuple[Finding, ...] = field(default=())

    @property
    def name(self) -> str:
        """Name of the first file."""
        return self.files[0].name

    def release(self) -> None:
        """Let go of the pages of all files; views stay valid."""
        for part in self.parts:
            part.release()


def open_stream(path: Path) -> Stream:
    """Map one stream from its first file on, by its index file where there is one."""
    first = Part(path)
    findings = []
    if first.in_progress:
        findings.append(
            Finding(
                "in-progress",
                Severity.WARNING,
                "the DAQ still writes this file; events after this moment are not seen: "
                "open the run again later",
                file=str(path),
            )
        )
    scanned = None
    smd = find_smd(path)
    if smd is not None:
        try:
            scanned = read_smd(first, Part(smd))
        except (Xtc2Error, UnusableIndexError) as error:
            findings.append(
                Finding(
                    "index-not-used",
                    Severity.INFO,
                    f"{error}; the data files were scanned instead",
                    file=str(smd),
                )
            )
    if scanned is None:
        scanned = scan_chunks(first)
    if len(first) >= DGRAM_HEADER and first.buffer[SERVICE_BYTE] & 0xF != Service.CONFIGURE:
        raise Xtc2Error(path, 0, "does not begin with a Configure datagram", NO_XTC2)
    if not len(scanned.index):
        raise Xtc2Error(path, 0, f"the Configure datagram is cut off after {len(first)} bytes")
    return Stream(
        tuple(part.path for part in scanned.parts if smd is None or part.path != smd),
        scanned.parts,
        scanned.index,
        _pieces(scanned.parts, scanned.index),
        (*findings, *scanned.findings),
    )


def read_configure(parts: Sequence[Part], index: DgramIndex, row: int) -> NamesTable:
    """Read the record types of one Configure datagram of a stream."""
    part = parts[int(index.parts[row])]
    return read_names(part, int(index.offsets[row]), int(index.sizes[row]))


def _pieces(parts: Sequence[Part], index: DgramIndex) -> tuple[Piece, ...]:
    configures, begins = index.of(Service.CONFIGURE), index.of(Service.BEGIN_RUN)
    starts = np.sort(np.concatenate([configures, begins])).tolist()
    if len(starts) > MAX_RUNS:
        row = starts[MAX_RUNS]
        raise Xtc2Error(
            parts[int(index.parts[row])].path,
            int(index.offsets[row]),
            f"more than {MAX_RUNS} Configure and BeginRun datagrams in one stream",
        )
    events = index.of(Service.EVENT)
    pieces = []
    configure, names = 0, read_configure(parts, index, 0)
    for start, stop in zip(starts, [*starts[1:], len(index)], strict=True):
        begun = index.services[start] == Service.BEGIN_RUN
        if not begun:
            configure = start
            names = names if start == 0 else read_configure(parts, index, start)
        if begun or _any_between(events, start, stop):
            rows = range(start if begun else start + 1, stop)
            pieces.append(Piece(names, configure, start if begun else None, rows))
    return tuple(pieces) or (Piece(names, configure, None, range(configure + 1, len(index))),)


def _any_between(rows: Ints, start: int, stop: int) -> bool:
    first = int(np.searchsorted(rows, start))
    return first < len(rows) and int(rows[first]) < stop
