"""Where in the text of a TOML file a key stands, for errors with line numbers."""

import re
from collections import Counter
from collections.abc import Sequence

_HEADER = re.compile(r"\s*(?P<open>\[\[?)(?P<name>[^\[\]]+)\]")
_KEY = re.compile(r"""\s*(?P<key>"[^"]+"|'[^']+'|[\w-]+(?:\s*\.\s*[\w-]+)*)\s*=""")
_PART = re.compile(r"\"([^\"]+)\"|'([^']+)'|([\w-]+)")

Place = tuple[str | int, ...]


def line_of(text: str, place: Sequence[str | int]) -> int:
    """Return the line, counted from 1, of the key that a place names or lies in; 0 for none.

    A place is a path such as ("runs", 1, "roles", "i0"). Written out for the forms that people
    use in configurations: headers in brackets, dotted and quoted keys; a key inside an inline
    table gives the line of that table.
    """
    best, found = 0, 0
    for number, path in _keys(text):
        common = _common(path, tuple(place))
        if common == len(path) and common > best:
            best, found = common, number
    return found


def _keys(text: str) -> list[tuple[int, Place]]:
    """Return (line, path) of every header and key."""
    seen: Counter[Place] = Counter()
    table: Place = ()
    keys: list[tuple[int, Place]] = []
    for number, line in enumerate(text.splitlines(), start=1):
        header, key = _HEADER.match(line), _KEY.match(line)
        if header:
            table = _split(header["name"])
            if len(table) > 1 and seen[table[:1]]:  # [runs.roles] belongs to the last [[runs]]
                table = (table[0], seen[table[:1]] - 1, *table[1:])
            if header["open"] == "[[":
                seen[table] += 1
                table = (*table, seen[table] - 1)
            keys.append((number, table))
        elif key:
            keys.append((number, (*table, *_split(key["key"]))))
    return keys


def _split(name: str) -> Place:
    return tuple(next(part for part in match if part) for match in _PART.findall(name))


def _common(path: Place, place: Place) -> int:
    same = 0
    for own, wanted in zip(path, place, strict=False):
        if own != wanted:
            break
        same += 1
    return same
