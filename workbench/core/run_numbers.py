"""Run numbers as people write them: "14", "1-3", "1,4-6", read and written."""

import re
from collections.abc import Sequence

from workbench.core.errors import InputError

MOST_RUNS = 10_000  # a longer list is a slip of the keyboard


def parse_runs(text: str) -> tuple[int, ...]:
    """Read runs such as "1-3" or "1,4-6" in the order given, each once.

    Raises
    ------
    InputError
        For text that names no runs, and for a range that is reversed or too long.
    """
    runs: list[int] = []
    for part in text.split(","):
        match = re.fullmatch(r"\s*(\d+)\s*(?:-\s*(\d+)\s*)?", part)
        if not match:
            raise InputError(f"runs {text!r}: {part!r} is no run; write 14, 1-3 or 1,4-6")
        first, last = int(match[1]), int(match[2] or match[1])
        if first < 1 or last < first or last - first >= MOST_RUNS:
            raise InputError(f"runs {text!r}: {part.strip()!r} is empty, reversed or too long")
        runs.extend(range(first, last + 1))
    return tuple(dict.fromkeys(runs))


def runs_text(numbers: Sequence[int]) -> str:
    """Return run numbers as text, neighbours that follow each other joined: "1-3, 7, 9-12"."""
    ranges: list[list[int]] = []
    for number in numbers:
        if ranges and number == ranges[-1][-1] + 1:
            ranges[-1][1:] = [number]
        else:
            ranges.append([number])
    return ", ".join("-".join(map(str, ends)) for ends in ranges)
