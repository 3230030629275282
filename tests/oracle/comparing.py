"""The same lines from our reader as psana_dump.py writes from psana, and their comparison."""

import json
import zlib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

NOT_DATA = {"runinfo", "chunkinfo", "smdinfo"}  # read as experiment, files, index: not as detectors


@dataclass
class Tally:
    """Counts equal values and keeps the first differences."""

    equal: int = 0
    different: list[str] = field(default_factory=list)

    def check(self, what: str, ours: Any, psana: Any) -> None:
        if ours == psana:
            self.equal += 1
        else:
            self.different.append(f"{what}: ours {str(ours)[:120]}, psana {str(psana)[:120]}")

    def verify(self, name: str, floor: int) -> None:
        """Print the count; fail on any difference and below the floor."""
        print(f"{name}: {self.equal} values equal, {len(self.different)} different")  # noqa: T201
        assert not self.different, "\n".join(self.different[:20])
        assert self.equal >= floor, f"{self.equal} values compared in {name}, fewer than {floor}"


def digest(value: Any, labels: Mapping[int, str] | None = None) -> str | None:
    """One line for one segment's value, as psana_dump.py writes it."""
    if value is None:
        return None
    if labels is not None:
        named = {str(number): labels[number] for number in sorted(labels)}
        return f"enum {int(value)} {json.dumps(named)}"
    if isinstance(value, str):
        return f"text {value}"
    array = np.asarray(value)
    if array.ndim:
        crc = zlib.crc32(np.ascontiguousarray(array).tobytes())
        return f"{array.dtype.name} {list(array.shape)} {crc:08x}"
    if array.dtype.kind == "f":
        return f"float {float(array).hex()}"
    return f"int {int(array)}"


def squeezed(line: str) -> str:
    """A digest without the leading axis of one panel, which stacking several panels drops."""
    return line.replace(" [1, ", " [", 1)


def by_field(fields: Mapping[str, str]) -> dict[str, dict[int, str]]:
    """psana's values of one event: ``det.alg.field`` to segment to digest; damage left out."""
    found: dict[str, dict[int, str]] = defaultdict(dict)
    for path, line in fields.items():
        det, segment, alg, name = path.split("/", 3)
        if det not in NOT_DATA and name != "*damage":
            found[f"{det}.{alg}.{name}"][int(segment)] = line
    return found


def check_fields(
    tally: Tally,
    where: str,
    ours: Mapping[str, Any],
    psana: Mapping[str, str],
    expected: Mapping[str, Iterable[int]],
    labels: Mapping[str, Mapping[int, str] | None],
) -> None:
    """Compare all fields of one event, both ways.

    Parameters
    ----------
    ours
        ``det.alg.field`` to value, None where absent.
    psana
        Digests of every record in the event.
    expected
        ``det.alg`` to its configured segments.
    labels
        ``det.alg.field`` to the labels of its enumeration.
    """
    theirs = by_field(psana)
    for name in sorted(set(ours) | set(theirs)):
        segments = sorted(expected[name[: name.index(".", name.index(".") + 1)]])
        values = theirs.get(name, {})
        mine = ours.get(name)
        if sorted(values) != segments:  # all configured segments, or no value
            tally.check(f"{where} {name}", mine, None)
        elif len(segments) == 1:
            tally.check(f"{where} {name}", digest(mine, labels.get(name)), values[segments[0]])
        else:
            for row, segment in enumerate(segments):
                line = digest(None if mine is None else mine[row], labels.get(name))
                psanas = values[segment] if line == values[segment] else squeezed(values[segment])
                tally.check(f"{where} {name} segment {segment}", line, psanas)
