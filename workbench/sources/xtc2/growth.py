"""How far a run that is still being taken has come: complete events, the stream that lags."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from workbench.core.arrays import Times
from workbench.sources.xtc2.layout import Service
from workbench.sources.xtc2.pieces import RunPiece


@dataclass(frozen=True)
class StreamState:
    """One stream of a growing run.

    Parameters
    ----------
    file
        Its newest data file.
    last
        Time stamp of its last whole datagram; nothing before it is still to come.
    ended
        Whether it has its EndRun.
    in_progress
        Whether the DAQ still writes the file.
    """

    file: Path
    last: int
    ended: bool
    in_progress: bool


@dataclass(frozen=True)
class Growth:
    """How far a run has come.

    Parameters
    ----------
    streams
        All that were found so far, in order of file names.
    complete
        How many events, from the first on, no stream can add anything to.
    """

    streams: tuple[StreamState, ...]
    complete: int

    @property
    def ended(self) -> bool:
        """Tell whether every stream has its EndRun."""
        return all(stream.ended for stream in self.streams)

    @property
    def in_progress(self) -> bool:
        """Tell whether the DAQ still writes any of the files."""
        return any(stream.in_progress for stream in self.streams)

    @property
    def waits_for(self) -> Path | None:
        """The file of the stream that holds the others back; None where all have ended."""
        going = [stream for stream in self.streams if not stream.ended]
        return min(going, key=lambda stream: stream.last).file if going else None


def growth_of(pieces: Sequence[RunPiece], timestamps: Times) -> Growth:
    """Tell how far the streams of a run have come.

    An event is complete when every stream that has not ended has a later datagram, whether an
    event or a transition: each stream is written in order of time.
    """
    streams = tuple(_state(piece) for piece in pieces)
    going = [stream.last for stream in streams if not stream.ended]
    if not going:
        return Growth(streams, len(timestamps))
    return Growth(streams, int(np.searchsorted(timestamps, np.uint64(min(going)))))


def _state(piece: RunPiece) -> StreamState:
    data = [part for part in piece.stream.parts if part.path in piece.stream.files]
    return StreamState(
        data[-1].path,
        int(piece.stream.index.times[-1]),
        len(piece.times_of(Service.END_RUN)) > 0,
        any(part.in_progress for part in data),
    )
