"""Writes XTC2 data files and their small index files, which psana reads too."""

import os
import struct
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from workbench.core.atomic import CannotWriteError, make_folder
from workbench.core.errors import InputError
from workbench.sources.xtc2_names import PARENT, XTC_HEADER, Buffer, Names, Record

__all__ = ["Names", "Xtc2Writer"]

Records = Mapping[int, Record]

_CONFIGURE, _BEGIN_RUN, _END_RUN, _BEGIN_STEP, _END_STEP = 2, 4, 5, 6, 7
_ENABLE, _DISABLE, _SLOW_UPDATE, _EVENT = 8, 9, 10, 12
_DATAGRAM = struct.Struct("<QI")  # time stamp, service and groups; an Xtc block follows
_NODE = 1 << 8  # number of the writing node, in the upper bits of each names id
_RUNINFO, _CHUNKINFO, _INDEX = _NODE | 0xFF, _NODE | 0xFC, 512 << 8
_OWN_NAMES = {  # written into every Configure, as the DAQ does
    _RUNINFO: Names(
        "runinfo",
        "runinfo",
        "runinfo",
        (0, 0, 1),
        fields={"expt": ("str", 1), "runnum": ("uint32", 0)},
    ),
    _CHUNKINFO: Names(
        "chunkinfo",
        "chunkinfo",
        "chunkinfo",
        (0, 0, 1),
        fields={"filename": ("str", 1), "chunkid": ("uint32", 0)},
    ),
}
_INDEX_NAMES = Names(
    "smdinfo",
    "offset",
    "offsetAlg",
    fields={"intOffset": ("uint64", 0), "intDgramSize": ("uint64", 0)},
)


class Xtc2Writer:
    """One stream of a run, written datagram by datagram; a context manager.

    While open, each file carries the suffix ``.inprogress``; leaving the block gives it its name,
    an exception in the block removes it. Nothing but the datagram at hand is held in memory.

    Parameters
    ----------
    path
        The data file, named ``experiment-rNNNN-sNNN-cNNN.xtc2`` (run, stream, chunk).
    names
        The record types; records are given under the index of their type in this sequence.
    smd
        The index file, ``smalldata/experiment-rNNNN-sNNN-cNNN.smd.xtc2``; None for no index.
    """

    def __init__(
        self, path: Path | str, names: Sequence[Names], smd: Path | str | None = None
    ) -> None:
        self.path = Path(path)
        self._names = _checked(names)
        self._files = [_File(self.path)]
        self._smd = None if smd is None else _File(Path(smd))
        self._last = -1

    def __enter__(self) -> Self:
        for file in self._all_files():
            file.open()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is not None:
            self._remove()
            return
        try:
            for file in self._all_files():
                file.flush()
            for file in self._all_files():
                file.rename()
        except OSError as fault:
            self._remove()
            raise _cannot_write(self.path, fault) from fault

    def configure(
        self, time: int, records: Records | None = None, *, names: Sequence[Names] | None = None
    ) -> None:
        """Describe all records and write the configuration; `names` replaces the record types."""
        if names is not None:
            self._names = _checked(names)
        types = [(_NODE | index, entry) for index, entry in enumerate(self._names)]
        described = [entry.described(namesid) for namesid, entry in [*types, *_OWN_NAMES.items()]]
        body = [*described, *self._encoded(records)]
        self._write(_CONFIGURE, time, body, index=[*body, _INDEX_NAMES.described(_INDEX)])

    def begin_run(
        self,
        time: int,
        *,
        experiment: str | None = None,
        run: int = 0,
        records: Records | None = None,
    ) -> None:
        """Begin a run; without `experiment` the stream does not say which, as some real ones."""
        info = []
        if experiment is not None:
            values = {"expt": experiment, "runnum": run}
            info = _OWN_NAMES[_RUNINFO].record(_RUNINFO, values)
        self._write(_BEGIN_RUN, time, [*info, *self._encoded(records)])

    def begin_step(self, time: int, records: Records | None = None) -> None:
        """Begin a scan step, with the scan's values."""
        self._write(_BEGIN_STEP, time, self._encoded(records))

    def enable(
        self,
        time: int,
        records: Records | None = None,
        *,
        next_chunk: tuple[Path | str, int] | None = None,
    ) -> None:
        """Start taking events; `next_chunk` (file, number) continues the stream in that file."""
        info: list[Buffer] = []
        if next_chunk is not None:
            following = _File(Path(next_chunk[0]))
            values = {"filename": following.target.name, "chunkid": next_chunk[1]}
            info = _OWN_NAMES[_CHUNKINFO].record(_CHUNKINFO, values)
        self._write(_ENABLE, time, [*info, *self._encoded(records)])
        if next_chunk is not None:
            following.open()
            self._files.append(following)

    def slow_update(self, time: int, records: Records | None = None) -> None:
        """Write values that change slowly, as EPICS variables."""
        self._write(_SLOW_UPDATE, time, self._encoded(records))

    def event(self, time: int, records: Records, damage: int | Mapping[int, int] = 0) -> None:
        """Write one event.

        Parameters
        ----------
        time
            Time stamp: seconds since 1990-01-01 UTC in the high 32 bits, ns in the low.
        records
            Index of the record type to its values; types left out are absent from the event.
        damage
            Damage bits of the whole datagram, or of single records by their index.
        """
        whole, single = (damage, {}) if isinstance(damage, int) else (0, damage)
        if strangers := sorted(set(single) - set(records)):
            raise InputError(f"damage is given for the records {strangers}, which the event lacks")
        body = self._encoded(records, single)
        place = {
            "intOffset": self._files[-1].size,
            "intDgramSize": _DATAGRAM.size + XTC_HEADER.size + _bytes(body),
        }
        self._write(_EVENT, time, body, index=_INDEX_NAMES.record(_INDEX, place), damage=whole)

    def disable(self, time: int) -> None:
        """Stop taking events."""
        self._write(_DISABLE, time, [])

    def end_step(self, time: int) -> None:
        """End the scan step."""
        self._write(_END_STEP, time, [])

    def end_run(self, time: int) -> None:
        """End the run."""
        self._write(_END_RUN, time, [])

    def _encoded(
        self, records: Records | None, damage: Mapping[int, int] | None = None
    ) -> list[Buffer]:
        buffers: list[Buffer] = []
        for index, values in (records or {}).items():
            if not 0 <= index < len(self._names):
                raise InputError(
                    f"record {index} for {self.path.name}: it has the record types "
                    f"0 to {len(self._names) - 1}"
                )
            bits = _damage((damage or {}).get(index, 0))
            buffers += self._names[index].record(_NODE | index, values, damage=bits)
        return buffers

    def _write(
        self,
        service: int,
        time: int,
        body: Sequence[Buffer],
        *,
        index: Sequence[Buffer] | None = None,
        damage: int = 0,
    ) -> None:
        if not self._files[-1].size and len(self._files) == 1 and service != _CONFIGURE:
            raise InputError(f"{self.path.name} must start with configure()")
        if not max(self._last, 0) <= time < 2**64:
            raise InputError(
                f"time stamp {time} for {self.path.name} lies before the last one ({self._last}) "
                "or beyond 64 bits; write a stream in order of time"
            )
        bits = _damage(damage)
        self._files[-1].write(_datagram(service, time, body, bits))
        if self._smd is not None:
            copied = body if index is None else index
            self._smd.write(_datagram(service, time, copied, bits))
        self._last = time

    def _all_files(self) -> list["_File"]:
        return self._files if self._smd is None else [*self._files, self._smd]

    def _remove(self) -> None:
        for file in self._all_files():
            file.remove()


@dataclass
class _File:
    """A file that gets its name when it is whole."""

    target: Path
    size: int = 0
    handle: IO[bytes] | None = field(default=None, repr=False)

    @property
    def part(self) -> Path:
        return self.target.with_name(f"{self.target.name}.inprogress")

    def open(self) -> None:
        make_folder(self.target.parent)
        try:
            self.handle = self.part.open("wb", buffering=1 << 20)
        except OSError as fault:
            raise _cannot_write(self.target, fault) from fault

    def write(self, buffers: Sequence[Buffer]) -> None:
        if self.handle is None:
            raise InputError(f"{self.target.name} is not open; use the writer in a with block")
        try:
            self.handle.writelines(buffers)
        except OSError as fault:
            raise _cannot_write(self.target, fault) from fault
        self.size += _bytes(buffers)

    def flush(self) -> None:
        if self.handle is not None:
            self.handle.flush()
            os.fsync(self.handle.fileno())
            self.handle.close()
            self.handle = None

    def rename(self) -> None:
        self.part.replace(self.target)

    def remove(self) -> None:
        handle, self.handle = self.handle, None
        if handle is not None:
            with suppress(OSError):  # a full disk refuses the last bytes of a file thrown away
                handle.close()
        self.part.unlink(missing_ok=True)


def _datagram(service: int, time: int, body: Sequence[Buffer], damage: int) -> list[Buffer]:
    extent = XTC_HEADER.size + _bytes(body)
    if extent >= 2**32:
        raise InputError(f"a datagram of {extent} bytes; the format ends at 4 GiB: split it")
    head = _DATAGRAM.pack(time, service << 24) + XTC_HEADER.pack(0, damage, PARENT, extent)
    return [head, *body]


def _bytes(buffers: Sequence[Buffer]) -> int:
    return sum(len(buffer) for buffer in buffers)


def _damage(bits: int) -> int:
    if not 0 <= bits < 2**16:
        raise InputError(f"damage is {bits:#x}; it has 16 bits: 12 flags and 4 user bits")
    return bits


def _checked(names: Sequence[Names]) -> tuple[Names, ...]:
    if len(names) > 0xF0:
        raise InputError(f"{len(names)} record types in one stream; the format has room for 240")
    return tuple(names)


def _cannot_write(path: Path, fault: OSError) -> CannotWriteError:
    return CannotWriteError(
        f"cannot write {path}: {fault.strerror or fault}; nothing was left there. "
        "Free space or choose another folder"
    )
