"""What a user should know about a raw run before trusting it."""

from collections.abc import Iterator, Sequence

from workbench.core.findings import Finding, Severity
from workbench.sources.xtc2.events import disorder
from workbench.sources.xtc2.layout import Service
from workbench.sources.xtc2.pieces import RunPiece
from workbench.sources.xtc2.records import RecordTable
from workbench.sources.xtc2.settings import RunInfo


def about_run(
    pieces: Sequence[RunPiece], infos: Sequence[RunInfo | None], file_number: int | None
) -> Iterator[Finding]:
    """Yield findings about the run as a whole: its beginning, number, and end."""
    if all(piece.begin_time is None for piece in pieces):
        yield Finding(
            "no-begin-run",
            Severity.WARNING,
            "the events come without a BeginRun: psana finds no run here; the number is the file "
            "name's, or 0",
            file=str(pieces[0].stream.files[0]),
        )
    told = [info for info in infos if info is not None]
    if not told:
        yield Finding(
            "no-run-information",
            Severity.WARNING,
            "no stream states experiment and run number; those of the file name are used",
            file=str(pieces[0].stream.files[0]),
        )
    else:
        yield from _silent_streams(pieces, infos)
    if len(set(told)) > 1:
        stated = ", ".join(f"{info.experiment} run {info.number}" for info in dict.fromkeys(told))
        yield Finding(
            "run-information-differs",
            Severity.ERROR,
            f"streams state different runs ({stated}); files of several runs may be mixed",
            count=len(set(told)),
        )
    if told and file_number is not None and told[0].number != file_number:
        yield Finding(
            "run-number-differs",
            Severity.INFO,
            f"the file name says run {file_number}, the data say run {told[0].number}",
        )
    if not any(len(piece.times_of(Service.END_RUN)) for piece in pieces):
        yield Finding(
            "no-end-run",
            Severity.INFO,
            "no stream has an EndRun: the run was still going or the DAQ stopped early",
        )


def about_records(pieces: Sequence[RunPiece], tables: Sequence[RecordTable]) -> Iterator[Finding]:
    """Yield findings about the events and records of each stream."""
    for piece, table in zip(pieces, tables, strict=True):
        file = str(piece.stream.files[0])
        late = disorder(piece.event_times)
        if late:
            yield Finding(
                "out-of-order",
                Severity.WARNING,
                f"{late} events are not later than the one before; all are sorted by time",
                count=late,
                file=file,
            )
        if len(table.corrupted):
            yield Finding(
                "corrupted",
                Severity.WARNING,
                f"the DAQ marked {len(table.corrupted)} containers as corrupted; they were not "
                "read, and their detectors count as absent and damaged in these events",
                count=len(table.corrupted),
                file=file,
            )
        if table.leftover:
            yield Finding(
                "leftover-bytes",
                Severity.WARNING,
                f"{table.leftover} records have bytes behind their last field, which were ignored",
                count=table.leftover,
                file=file,
            )


def _silent_streams(
    pieces: Sequence[RunPiece], infos: Sequence[RunInfo | None]
) -> Iterator[Finding]:
    for piece, info in zip(pieces, infos, strict=True):
        if info is None:
            yield Finding(
                "stream-without-runinfo",
                Severity.INFO,
                "states no run number; that of the other streams is used",
                file=str(piece.stream.files[0]),
            )
