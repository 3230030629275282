"""The file behind a run: what it holds, and columns read from it, kept within bounds."""

from collections import OrderedDict
from collections.abc import Callable, Generator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from contextvars import ContextVar
from copy import copy
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from workbench.core.arrays import Array, Times
from workbench.core.errors import WorkbenchError
from workbench.runs.channel import OpenRows, Rows
from workbench.runs.picking import Spans
from workbench.smalldata import FieldInfo, SmallDataFile, open_file

KEPT_BYTES = 128 << 20  # of columns in memory: two hundred columns of a ten-minute run


MOST_OPEN = 16  # files that one operation keeps open


class FileChangedError(WorkbenchError, OSError):
    """The file of an open run was replaced by another one."""


@dataclass
class _Opened:
    """Files that an operation has opened so far, by path and state before."""

    stack: ExitStack
    files: dict[tuple[Path, "_State"], SmallDataFile] = field(default_factory=dict)


_State = tuple[int, int, int] | None  # inode, size, time of the last change; None: not there
_OPENED: ContextVar[_Opened | None] = ContextVar("opened", default=None)


@contextmanager
def opened_once() -> Generator[None]:
    """Open each file once for the length of a ``with`` block, or of a function, not at each use.

    A file that is written anew meanwhile is opened anew, as without. What reads must be done when
    the block ends.
    """
    if _OPENED.get() is not None:  # a part of a longer operation
        yield
        return
    with ExitStack() as stack:
        token = _OPENED.set(_Opened(stack))
        try:
            yield
        finally:
            _OPENED.reset(token)


class Columns:
    """Columns in memory, those asked for last; others are read again when needed.

    Parameters
    ----------
    limit
        Bytes to keep; the last column stays whatever its size.
    """

    def __init__(self, limit: int = KEPT_BYTES) -> None:
        self.limit = limit
        self._kept: OrderedDict[str, Array] = OrderedDict()

    def get(self, name: str) -> Array | None:
        """Return a kept column, or None."""
        if name in self._kept:
            self._kept.move_to_end(name)
        return self._kept.get(name)

    def keep(self, name: str, values: Array) -> Array:
        """Keep a column, which nobody may change from now on, and return it."""
        values.flags.writeable = False
        self._kept[name] = values
        while self.bytes > self.limit and len(self._kept) > 1:
            self._kept.popitem(last=False)
        return values

    def clear(self) -> None:
        """Forget all columns."""
        self._kept.clear()

    @property
    def bytes(self) -> int:
        """Memory in use [bytes]."""
        return sum(column.nbytes for column in self._kept.values())


class StoredRows:
    """Rows of one dataset of an open file; row 0 is row `begin` of the file."""

    def __init__(self, file: SmallDataFile, info: FieldInfo, begin: int = 0) -> None:
        self._file = file
        self._info = info
        self._begin = begin
        self.whole = info.chunks[0] if info.chunks else 1

    def __call__(self, first: int, last: int, /) -> Array:
        """Return rows; what is kept once a file is returned whole."""
        whole = self._info.kind == "once"
        rows = slice(self._begin + first, self._begin + last)
        return self._file.read(self._info.name, None if whole else rows)

    @cached_property
    def _filler(self) -> tuple[Callable[[Array, Spans], None], bool]:
        return self._file.filler(self._info.name)

    @property
    def straight(self) -> bool:
        """Whether each span of rows is read from its place in the file."""
        return self._filler[1]

    def fill(self, buffer: Array, spans: Spans) -> None:
        """Put spans of rows at the start of a buffer."""
        begin = self._begin
        self._filler[0](buffer, [(begin + first, begin + last) for first, last in spans])


class Storage:
    """One small-data file, or some events of it, as it was when opened; never left open.

    Parameters
    ----------
    path
        The file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.columns = Columns()
        self._state = _state_now(path)
        with open_file(path) as file:
            self._inode = path.stat().st_ino
            self._identity = file.identity
            self.experiment = file.experiment
            self.run = file.run
            self.generation = file.generation
            self.ours = file.ours
            self.n_events = file.n_events
            self.growing = file.growing
            self.infos: Mapping[str, FieldInfo] = file.fields
        self._known = self.infos
        self.rows = slice(0, self.n_events)
        self.is_part = False

    def part(self, first: int, last: int) -> "Storage":
        """Return the events `first` to `last` of the file, as if there were no others."""
        some = copy(self)
        vars(some).pop("timestamps", None)
        vars(some)["failures"] = {}  # the writer counted those of the whole run
        some.columns = Columns()
        some.rows = slice(self.rows.start + first, self.rows.start + last)
        some.n_events = last - first
        some.is_part = True
        some.infos = {
            name: replace(info, shape=(last - first, *info.shape[1:]))
            if info.kind == "event"
            else info
            for name, info in self.infos.items()
        }
        return some

    @contextmanager
    def open(self) -> Generator[SmallDataFile]:
        """Open the file for the length of a ``with`` block.

        Raises `FileChangedError` where it is another file by now, or has lost events.
        """
        operation, state = _OPENED.get(), _state_now(self.path)
        kept = operation.files.get((self.path, state)) if operation is not None else None
        if kept is not None:
            yield self._same(kept)
        elif operation is None or self.growing or len(operation.files) == MOST_OPEN:
            with self._open_file(state) as file:
                yield self._same(file)
        else:
            kept = operation.stack.enter_context(self._open_file(state))
            operation.files[self.path, state] = kept
            yield self._same(kept)

    def _open_file(self, state: _State) -> AbstractContextManager[SmallDataFile]:
        """Open the file; what it is need not be found out again where it is as it was."""
        identity = self._identity if state == self._state and not self.growing else None
        return open_file(self.path, known=self._known, identity=identity)

    def _same(self, file: SmallDataFile) -> SmallDataFile:
        if self.path.stat().st_ino != self._inode or file.n_events < self.rows.stop:
            raise FileChangedError(
                f"{self.path}: written anew since the run was opened; go on with "
                "run = run.refresh()"
            )
        return file

    def changed(self) -> bool:
        """Tell whether the file is another one, or was written to, since the run was opened."""
        return self.growing or _state_now(self.path) != self._state

    def column(self, name: str) -> Array:
        """Return one value per event, kept after the first reading: cuts ask again and again."""
        kept = self.columns.get(name)
        if kept is not None:
            return kept
        with self.open() as file:
            return self.columns.keep(name, file.read(name, self.rows))

    def opener(self, info: FieldInfo) -> OpenRows:
        """Return what a channel reads rows with."""

        @contextmanager
        def open_rows() -> Generator[Rows]:
            if info.kind == "event" and len(info.shape) == 1:
                column = self.column(info.name)
                yield lambda first, last: column[first:last]
                return
            with self.open() as file:
                yield StoredRows(file, info, 0 if info.kind == "intg" else self.rows.start)

        return open_rows

    @cached_property
    def timestamps(self) -> Times:
        """Time stamp of every event as in the file, shape (event,)."""
        with self.open() as file:
            return np.asarray(file.timestamps[self.rows], dtype=np.uint64)

    @cached_property
    def failures(self) -> Mapping[str, Mapping[str, int]]:
        """Events per detector and state, where the writer counted them."""
        with self.open() as file:
            return file.failures


def _state_now(path: Path) -> _State:
    try:
        status = path.stat()
    except OSError:  # opening it says why
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns
