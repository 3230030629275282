"""From a file or a folder to the runs in it."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from workbench.core.errors import InputError, NotThereError
from workbench.core.findings import Finding, Severity
from workbench.sources.xtc2.errors import Xtc2Error
from workbench.sources.xtc2.index import NO_XTC2
from workbench.sources.xtc2.part import IN_PROGRESS
from workbench.sources.xtc2.pieces import RunPiece
from workbench.sources.xtc2.run import Xtc2Run
from workbench.sources.xtc2.stream import Stream, open_stream

_DATA_FILE = re.compile(
    r"(?P<experiment>.+)-r(?P<run>\d{1,9})-s(?P<stream>\d+)-c(?P<chunk>\d+)\.xtc2"
)


@dataclass(frozen=True)
class RunFiles:
    """The files of one run as their names tell.

    Parameters
    ----------
    experiment, number
        From the names; "" and None for a file with another kind of name.
    firsts
        The first chunk of each stream.
    later
        Files that are later chunks by their names.
    """

    experiment: str
    number: int | None
    firsts: tuple[Path, ...]
    later: tuple[Path, ...]


def open_raw(path: Path | str, run: int | None = None) -> Xtc2Run:
    """Open one raw run from a folder of streams, or from one file.

    `run` chooses by the number in the file names, or, where no name has it, by the number in the
    data. Without it the path must hold one run only.
    """
    path = Path(path)
    groups = find_files(path)
    named = [group for group in groups if run is not None and group.number == run]
    runs = _open(path, named) if any(group.firsts for group in named) else _open(path, groups)
    wanted = runs
    if run is not None and not (named and len(runs) == 1):
        wanted = [candidate for candidate in runs if candidate.number == run]
    if not wanted:
        raise NotThereError(f"no run {run} in {path}; it holds {_list(runs)}")
    if len(wanted) > 1:
        raise InputError(
            f"{path} holds {len(wanted)} runs: {_list(wanted)}; choose one by its number with "
            "run=, or give the folder or file that holds it alone"
        )
    return wanted[0]


def raw_runs(path: Path | str) -> list[Xtc2Run]:
    """Return all raw runs in a folder or file, in the order of their file names."""
    path = Path(path)
    return _open(path, find_files(path))


def find_files(path: Path) -> list[RunFiles]:
    """Group the data files at a path by run; raise `NotThereError` where there are none."""
    if path.is_dir():
        files = sorted(file for file in path.iterdir() if _is_data(file))
    elif path.exists():
        files = [path]
    else:
        raise NotThereError(f"{path} does not exist; give a folder of .xtc2 files, or one of them")
    if not files:
        raise NotThereError(
            f"no .xtc2 files in {path}; give the folder that holds <experiment>-rNNNN-sNNN-cNNN"
            ".xtc2 files"
        )
    if len(files) == 1 and ".smd.xtc2" in files[0].name:
        raise InputError(
            f"{files[0]} is the index of a data file; give the data file or its folder"
        )
    return _grouped(files)


def _is_data(file: Path) -> bool:
    name = file.name.removesuffix(IN_PROGRESS)
    return name.endswith(".xtc2") and not name.endswith(".smd.xtc2") and file.is_file()


def _grouped(files: Iterable[Path]) -> list[RunFiles]:
    named: dict[tuple[str, int], list[tuple[int, int, Path]]] = {}
    groups = []
    for file in files:
        match = _DATA_FILE.fullmatch(file.name.removesuffix(IN_PROGRESS))
        if match is None:
            groups.append(RunFiles("", None, (file,), ()))
            continue
        key = (match["experiment"], int(match["run"]))
        named.setdefault(key, []).append((int(match["stream"]), int(match["chunk"]), file))
    for (experiment, number), members in named.items():
        firsts = [file for _, chunk, file in members if chunk == 0]
        later = [file for _, chunk, file in members if chunk > 0]
        groups.append(RunFiles(experiment, number, tuple(firsts), tuple(later)))
    return groups


def _open(path: Path, groups: Sequence[RunFiles]) -> list[Xtc2Run]:
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
    match = _DATA_FILE.fullmatch(path.name.removesuffix(IN_PROGRESS))
    if match is None:
        return []
    streams = {
        other["stream"]
        for file in path.parent.iterdir()
        if (other := _DATA_FILE.fullmatch(file.name.removesuffix(IN_PROGRESS)))
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


def _list(runs: Sequence[Xtc2Run]) -> str:
    lines = [
        f"run {run.number}"
        + (f" (file name: {run.file_number})" if run.file_number not in {None, run.number} else "")
        + f" of {run.experiment or 'unknown experiment'} ({run.files[0].name})"
        for run in runs
    ]
    return ", ".join(lines[:8]) + (f" and {len(lines) - 8} more" if len(lines) > 8 else "")
