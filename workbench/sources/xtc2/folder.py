"""From the files of runs to the runs in them."""

from collections.abc import Sequence
from pathlib import Path

from workbench.core.findings import Finding, Severity
from workbench.sources.run_files import DATA_FILE, IN_PROGRESS, RunFiles
from workbench.sources.xtc2.errors import Xtc2Error
from workbench.sources.xtc2.index import NO_XTC2
from workbench.sources.xtc2.pieces import RunPiece
from workbench.sources.xtc2.run import Xtc2Run
from workbench.sources.xtc2.stream import Stream, open_stream


def open_groups(path: Path, groups: Sequence[RunFiles]) -> list[Xtc2Run]:
    """Open the runs of some files; see `run_files.find_files`."""
    opened = [(group, [open_stream(file) for file in group.firsts]) for group in groups]
    read = {file for _, streams in opened for stream in streams for file in stream.files}
    unread = [file for group in groups for file in group.later if file not in read]
    if not any(streams for _, streams in opened):
        raise Xtc2Error(unread[0], 0, "a later chunk without the first one of its stream", NO_XTC2)
    notes = [_not_named(file) for file in unread]
    if path.is_file():
        notes += _streams_beside(path)
    return [run for group, streams in opened for run in _runs(path, group, streams, notes)]


def _runs(
    path: Path, group: RunFiles, streams: Sequence[Stream], notes: Sequence[Finding]
) -> list[Xtc2Run]:
    """Put together the pieces of the streams that begin with the same BeginRun."""
    pieces: dict[tuple[bool, int], list[RunPiece]] = {}
    for stream in streams:
        for part in stream.pieces:
            piece = RunPiece(stream, part)
            begin = piece.begin_time
            key = (False, piece.configure_time) if begin is None else (True, begin)
            pieces.setdefault(key, []).append(piece)
    filled = {
        key: members
        for key, members in pieces.items()
        if key[0] or any(len(member.event_times) for member in members)
    }
    file_notes = [note for stream in streams for note in stream.findings]
    return [
        Xtc2Run(
            members,
            path,
            (group.experiment, group.number),
            [*file_notes, *notes, *_absent(streams, members)],
        )
        for _, members in sorted((filled or pieces).items(), key=lambda item: item[0][1])
    ]


def _absent(streams: Sequence[Stream], members: Sequence[RunPiece]) -> list[Finding]:
    there = {id(member.stream) for member in members}
    return [
        Finding(
            "stream-without-run",
            Severity.WARNING,
            "has no part of this run; its detectors are missing",
            file=str(stream.files[0]),
        )
        for stream in streams
        if id(stream) not in there
    ]


def _not_named(file: Path) -> Finding:
    return Finding(
        "chunk-not-named",
        Severity.WARNING,
        "is a later chunk by its name, but no stream goes on in it; it was not read",
        file=str(file),
    )


def _streams_beside(path: Path) -> list[Finding]:
    match = DATA_FILE.fullmatch(path.name.removesuffix(IN_PROGRESS))
    if match is None:
        return []
    streams = {
        other["stream"]
        for file in path.parent.iterdir()
        if (other := DATA_FILE.fullmatch(file.name.removesuffix(IN_PROGRESS)))
        and (other["experiment"], other["run"]) == (match["experiment"], match["run"])
    }
    others = len(streams - {match["stream"]})
    if not others:
        return []
    return [
        Finding(
            "one-stream-only",
            Severity.INFO,
            f"only this stream is read, {others} more of the same run lie beside it: give the "
            "folder to read all",
            count=others,
            file=str(path),
        )
    ]
