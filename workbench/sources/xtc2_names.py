"""Record types of XTC2 files: what one holds, and how its values become bytes."""

import re
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from workbench.core.errors import InputError, near

FIELD_TYPES = {  # name -> (type number in the file, struct code of one value)
    "uint8": (0, "B"),
    "uint16": (1, "H"),
    "uint32": (2, "I"),
    "uint64": (3, "Q"),
    "int8": (4, "b"),
    "int16": (5, "h"),
    "int32": (6, "i"),
    "int64": (7, "q"),
    "float32": (8, "f"),
    "float64": (9, "d"),
    "str": (10, ""),
    "enum": (11, "i"),
    "enumdict": (12, "i"),
}
MAX_RANK = 4  # the DAQ's own writer refuses more
PARENT, SHAPES_DATA, SHAPES, DATA, NAMES = range(5)
XTC_HEADER = struct.Struct("<IHHI")  # source, damage, type, bytes including this header

Buffer = bytes | memoryview
Value = Any  # a number, a text or an array: which one, the field's declaration says
Record = Mapping[str, Value]

_NAMES_HEADER = struct.Struct("<I256s256s256s256sII")
_NAME = struct.Struct("<256sI256sII")
_DETECTOR = re.compile(r"[0-9A-Za-z_]+")
_FIELD = re.compile(r"[][0-9A-Za-z_-]+([.:][][0-9A-Za-z_-]+)*")


@dataclass(frozen=True)
class Names:
    """The record type of one segment of one detector and one algorithm.

    Parameters
    ----------
    det, dettype, alg
        Detector name, detector type ("epix100") and algorithm ("raw", "fex", "config").
    version
        Version of the algorithm: major, minor, micro.
    segment
        Number of the segment that these records describe.
    detid
        Serial number of the segment.
    fields
        Field name to (type, rank). Types are NumPy names, "str", "enum" (field "value:list")
        and "enumdict" (field "label:list", whose value is the number that the label stands for).
    """

    det: str
    dettype: str
    alg: str
    version: tuple[int, int, int] = (0, 0, 0)
    segment: int = 0
    detid: str = ""
    fields: Mapping[str, tuple[str, int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for what in ("det", "dettype", "alg"):
            _check_name(getattr(self, what), _DETECTOR, f"{what} of {self.label}")
        if len(self.detid.encode()) > 255:
            raise InputError(f"detid of {self.label} is longer than 255 bytes; shorten it")
        if any(not 0 <= part < 256 for part in self.version):
            raise InputError(f"version of {self.label} is {self.version}; use three of 0 to 255")
        if not 0 <= self.segment < 2**32:
            raise InputError(f"segment of {self.label} is {self.segment}; number them from 0")
        for name, (kind, rank) in self.fields.items():
            self._check_field(name, kind, rank)

    @property
    def label(self) -> str:
        """The record type in words for messages: detector, algorithm, segment."""
        return f"{self.det}.{self.alg} (segment {self.segment})"

    def described(self, namesid: int) -> bytes:
        """Return the block of the Configure datagram that describes these records."""
        arrays = sum(_stored_rank(kind, rank) > 0 for kind, rank in self.fields.values())
        major, minor, micro = self.version
        head = _NAMES_HEADER.pack(
            arrays,
            self.dettype.encode(),
            self.det.encode(),
            self.detid.encode(),
            self.alg.encode(),
            major << 16 | minor << 8 | micro,
            self.segment,
        )
        body = b"".join(
            _NAME.pack(b"", 0, name.encode(), FIELD_TYPES[kind][0], _stored_rank(kind, rank))
            for name, (kind, rank) in self.fields.items()
        )
        size = XTC_HEADER.size + len(head) + len(body)
        return XTC_HEADER.pack(namesid, 0, NAMES, size) + head + body

    def record(self, namesid: int, values: Record, *, damage: int = 0) -> list[Buffer]:
        """Return one record as buffers to write in order; arrays are passed on uncopied."""
        if values.keys() != self.fields.keys():
            raise InputError(self._missing_or_extra(values))
        shapes: list[bytes] = []
        data: list[Buffer] = []
        for shape, buffer in self._encoded(values):
            data.append(buffer)
            if shape is not None:
                shapes.append(struct.pack("<5I", *shape, *(0,) * (5 - len(shape))))
        shapes_size = XTC_HEADER.size + 20 * len(shapes)
        data_size = XTC_HEADER.size + sum(memoryview(buffer).nbytes for buffer in data)
        size = XTC_HEADER.size + shapes_size + data_size
        if size >= 2**31:
            raise InputError(f"a record of {self.label} has {size} bytes; the format ends at 2 GiB")
        head = XTC_HEADER.pack(namesid, damage, SHAPES_DATA, size) + XTC_HEADER.pack(
            0, 0, SHAPES, shapes_size
        )
        head += b"".join(shapes) + XTC_HEADER.pack(0, 0, DATA, data_size)
        return [head, *data]

    def _encoded(self, values: Record) -> Iterator[tuple[tuple[int, ...] | None, Buffer]]:
        for name, (kind, rank) in self.fields.items():
            value = values[name]
            if kind == "str":
                text = self._text(name, value)
                yield (len(text),), text
            elif rank:
                array = self._array(name, value, kind, rank)
                yield array.shape, array.data.cast("B") if array.size else b""
            else:
                yield None, self._number(name, value, kind)

    def _text(self, name: str, value: Value) -> bytes:
        if not isinstance(value, str) or "\0" in value:
            raise InputError(
                f"field {name!r} of {self.label} is {value!r}; give a text without NUL"
            )
        text = value.encode() + b"\0"
        return text + b"\0" * (-len(text) % 4)

    def _array(self, name: str, value: Value, kind: str, rank: int) -> np.ndarray[Any, Any]:
        array = np.asarray(value)
        if array.dtype != np.dtype(kind).newbyteorder("<") or array.ndim != rank:
            raise InputError(
                f"field {name!r} of {self.label} is {array.dtype} of rank {array.ndim}, declared "
                f"{kind} of rank {rank}; convert it or change the declaration"
            )
        if max(array.shape) >= 2**32:
            raise InputError(f"field {name!r} of {self.label} has shape {array.shape}: too long")
        return np.ascontiguousarray(array)

    def _number(self, name: str, value: Value, kind: str) -> bytes:
        if np.ndim(value) or isinstance(value, str):
            raise InputError(f"field {name!r} of {self.label} is {value!r}; declared one {kind}")
        try:
            return struct.pack("<" + FIELD_TYPES[kind][1], value)
        except (struct.error, OverflowError, TypeError) as error:
            raise InputError(
                f"field {name!r} of {self.label} is {value!r}, which is no {kind}: {error}"
            ) from error

    def _check_field(self, name: str, kind: str, rank: int) -> None:
        _check_name(name, _FIELD, f"field name of {self.label}")
        if kind not in FIELD_TYPES:
            hint = near(kind, FIELD_TYPES) or list(FIELD_TYPES)
            raise InputError(
                f"field {name!r} of {self.label} has the type {kind!r}; use {', '.join(hint)}"
            )
        highest = 1 if kind == "str" else 0 if kind.startswith("enum") else MAX_RANK
        if not 0 <= rank <= highest:
            raise InputError(
                f"field {name!r} of {self.label} has rank {rank}; {kind} allows 0 to {highest}"
            )
        if kind.startswith("enum") and name.count(":") != 1:
            raise InputError(f"field {name!r} of {self.label} is an {kind}: name it 'value:list'")

    def _missing_or_extra(self, values: Record) -> str:
        missing = [name for name in self.fields if name not in values]
        extra = [name for name in values if name not in self.fields]
        parts = []
        if missing:
            parts.append(f"lacks the field {', '.join(map(repr, missing))}")
        if extra:
            parts.append(f"has the undeclared field {', '.join(map(repr, extra))}")
        return f"a record of {self.label} {' and '.join(parts)}; give every declared field once"


def _stored_rank(kind: str, rank: int) -> int:
    return 1 if kind == "str" else rank


def _check_name(text: str, pattern: re.Pattern[str], what: str) -> None:
    if not pattern.fullmatch(text) or len(text) > 255:
        raise InputError(
            f"{what} is {text!r}; use up to 255 letters, digits and underscores"
            + (", parts joined by '.' or ':'" if pattern is _FIELD else "")
        )
