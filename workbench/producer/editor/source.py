"""The text of a config, byte for byte: places in it, and replacing single spans."""

import ast
import re
import tokenize
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from io import BytesIO

from workbench.producer.editor.problems import CannotEditError

_NEWLINE = re.compile(rb"\r\n|\r|\n")
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class Span:
    """Bytes ``start <= i < stop`` of the UTF-8 text."""

    start: int
    stop: int


@dataclass(frozen=True)
class Source:
    """One version of a config file.

    Parameters
    ----------
    raw
        The bytes of the file.
    name
        How messages call the file.
    """

    raw: bytes
    name: str

    @cached_property
    def encoding(self) -> str:
        """Encoding that the file declares; UTF-8 where it says nothing."""
        try:
            return tokenize.detect_encoding(BytesIO(self.raw).readline)[0]
        except SyntaxError as error:
            raise CannotEditError(f"{self.name}: {error}; save it as UTF-8") from error

    @cached_property
    def text(self) -> bytes:
        """The text as UTF-8, line ends as in the file; all places refer to it."""
        try:
            body = self.raw.removeprefix(_BOM)
            return body.decode(self.encoding.removesuffix("-sig")).encode()
        except (UnicodeError, LookupError) as error:
            raise CannotEditError(f"{self.name}: {error}; save it as UTF-8") from error

    @cached_property
    def tree(self) -> ast.Module:
        """The parsed text; `CannotEditError` where it is no Python 3."""
        try:
            return ast.parse(self.text.decode(), self.name)
        except (SyntaxError, ValueError, RecursionError) as error:
            line = getattr(error, "lineno", None)
            place = f"{self.name}:{line}" if line else self.name
            what = getattr(error, "msg", None) or str(error) or type(error).__name__
            raise CannotEditError(
                f"{place}: not valid Python 3 ({what}); correct it by hand, nothing was changed"
            ) from error

    @cached_property
    def newline(self) -> bytes:
        """The line end that most lines have."""
        ends = _NEWLINE.findall(self.text)
        return max(set(ends), key=ends.count) if ends else b"\n"

    @cached_property
    def _line_starts(self) -> tuple[int, ...]:
        return (0, *(match.end() for match in _NEWLINE.finditer(self.text)))

    def span(self, node: ast.expr | ast.stmt) -> Span:
        """Return where a node stands."""
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        starts = self._line_starts
        return Span(
            starts[node.lineno - 1] + node.col_offset,
            starts[node.end_lineno - 1] + node.end_col_offset,
        )

    def line_start(self, place: int) -> int:
        """Return where the line begins that holds a byte."""
        return max(start for start in self._line_starts if start <= place)

    def lines(self) -> tuple[Span, ...]:
        """Return every line with its end."""
        stops = (*self._line_starts[1:], len(self.text))
        pairs = zip(self._line_starts, stops, strict=True)
        return tuple(Span(start, stop) for start, stop in pairs if start < stop)

    def replaced(self, changes: Sequence[tuple[Span, bytes]]) -> "Source":
        """Return a new version with each span replaced; the spans must not overlap."""
        text = self.text
        for span, new in sorted(changes, key=lambda change: -change[0].start):
            text = text[: span.start] + new + text[span.stop :]
        bom = _BOM if self.raw.startswith(_BOM) else b""
        try:
            return Source(bom + text.decode().encode(self.encoding.removesuffix("-sig")), self.name)
        except UnicodeError as error:
            raise CannotEditError(
                f"{self.name}: the new text cannot be written as {self.encoding}; save the file as "
                "UTF-8"
            ) from error
