"""Files of other programs that belong to runs and shots, found by a pattern of their names."""

import glob
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from workbench.core.errors import InputError

FIELDS = ("run", "shot", "seconds", "nanoseconds")
_FIELD = re.compile(r"\{(\w*)(?::[^{}]*)?\}")


class PatternError(InputError):
    """A pattern that names no run."""


@dataclass(frozen=True)
class Found:
    """One file that fits a pattern.

    Parameters
    ----------
    path
        The file.
    numbers
        What its name says, by name of the field.
    """

    path: Path
    numbers: dict[str, int]

    def belongs(self, run: int, shot: int | None, stamp: int | None) -> bool:
        """Tell whether it is of this run, and of this shot if its name tells of one.

        Parameters
        ----------
        run, shot
            Numbers; a shot is counted from 1 in its run.
        stamp
            The event's time stamp as in the small data: seconds in the high 32 bits, ns below.
        """
        told = dict(self.numbers)
        if told.pop("run") != run:
            return False
        known = {"shot": shot}
        if stamp is not None:
            known |= {"seconds": stamp >> 32, "nanoseconds": stamp & 0xFFFFFFFF}
        return all(known.get(name) == number for name, number in told.items())


@dataclass(frozen=True)
class FilePattern:
    """Where files lie, as a path with fields: ``visar/r{run}_s{shot}_*.tif``.

    Parameters
    ----------
    name
        Heading of their column in a table.
    pattern
        A path with ``{run}`` and, where the name tells the shot, ``{shot}`` (from 1 in its run) or
        the event's time stamp, ``{seconds}`` and ``{nanoseconds}``; ``*`` stands for anything but
        a slash, ``**`` for any folders. Leading zeros do not matter.

    Raises
    ------
    PatternError
        For a pattern with an unknown field, or without the run.
    """

    name: str
    pattern: str

    def __post_init__(self) -> None:
        fields = _FIELD.findall(self.pattern)
        unknown = [name for name in fields if name not in FIELDS]
        if unknown or "run" not in fields:
            what = f"knows no {{{unknown[0]}}}" if unknown else "lacks {run}"
            raise PatternError(
                f"the pattern {self.pattern!r} {what}; its fields are "
                + ", ".join(f"{{{name}}}" for name in FIELDS)
            )

    @classmethod
    def parse(cls, text: str) -> "FilePattern":
        """Read ``name=pattern``, or a pattern alone, which is then its own name."""
        name, sign, pattern = text.partition("=")
        return cls(name.strip(), pattern.strip()) if sign else cls(text.strip(), text.strip())

    def find(self, folder: Path) -> tuple[Found, ...]:
        """Return the files that fit, sorted; a relative pattern begins in `folder`."""
        whole = self.pattern if self.pattern.startswith("/") else f"{folder}/{self.pattern}"
        fits = re.compile(_expression(whole))
        found: list[Found] = []
        wanted = _FIELD.sub("*", whole).replace("[", "[[]")  # brackets of a name are no choices
        for text in sorted(glob.glob(wanted, recursive=True)):  # noqa: PTH207 - absolute ones too
            match = fits.fullmatch(text)
            if match:
                found.append(Found(Path(text), _numbers(match)))
        return tuple(found)


def patterns(texts: Sequence[str]) -> tuple[FilePattern, ...]:
    """Read patterns; `PatternError` where two have one name."""
    found = tuple(FilePattern.parse(text) for text in texts if text.strip())
    names = [one.name for one in found]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise PatternError(f"two patterns are called {twice!r}: write name=pattern")
    return found


def _numbers(match: re.Match[str]) -> dict[str, int]:
    found = {name: match[name] for name in FIELDS if name in match.re.groupindex}
    return {name: int(text) for name, text in found.items() if text is not None}


def _expression(pattern: str) -> str:
    """Return the regular expression of a pattern; a field that comes again must be the same."""
    parts, seen, end = [], set(), 0
    for field in _FIELD.finditer(pattern):
        name = field[1]
        parts.append(_plain(pattern[end : field.start()]))
        parts.append(rf"0*(?P={name})" if name in seen else rf"0*(?P<{name}>\d+?)(?!\d)")
        seen.add(name)
        end = field.end()
    return "".join([*parts, _plain(pattern[end:])])


def _plain(text: str) -> str:
    rest = re.escape(text).replace(r"\*\*/", "(?:.*/)?").replace(r"\*\*", ".*")
    return rest.replace(r"\*", "[^/]*").replace(r"\?", "[^/]")
