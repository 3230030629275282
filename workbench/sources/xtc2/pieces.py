"""One run's part of one stream, with its records listed."""

from functools import cached_property

from workbench.core.arrays import Ints, Times
from workbench.sources.xtc2.index import DgramIndex, join
from workbench.sources.xtc2.layout import Service
from workbench.sources.xtc2.names import NamesTable
from workbench.sources.xtc2.records import RecordTable, list_records
from workbench.sources.xtc2.stream import Piece, Stream


class RunPiece:
    """The datagrams of one run in one stream.

    Parameters
    ----------
    stream, piece
        The stream and which part of it.
    """

    def __init__(self, stream: Stream, piece: Piece) -> None:
        self.stream = stream
        rows = slice(piece.rows.start, piece.rows.stop)
        own = stream.index.select(rows)
        configure = stream.index.select(slice(piece.configure, piece.configure + 1))
        self.names: NamesTable = piece.names
        self.begin_time = None if piece.begin is None else int(stream.index.times[piece.begin])
        self.configure_time = int(configure.times[0])
        self._events = own.select(own.of(Service.EVENT))
        self.transitions: DgramIndex = join([configure, own.select(own.services != Service.EVENT)])

    @property
    def event_times(self) -> Times:
        """Time stamp of each of the stream's events."""
        return self._events.times

    @cached_property
    def transition_records(self) -> RecordTable:
        """Records of the transitions; rows count `transitions`."""
        return list_records(self.stream.parts, self.names, self.transitions)

    def times_of(self, service: Service) -> Times:
        """Return the time stamps of one kind of transition, Configure among them."""
        return self.transitions.times[self.transitions.of(service)]

    def list_events(self, numbers: Ints) -> RecordTable:
        """Check and list the records of the events; event i of the stream is event numbers[i]."""
        table = list_records(self.stream.parts, self.names, self._events)
        self.stream.release()
        return table.renumbered(numbers)
