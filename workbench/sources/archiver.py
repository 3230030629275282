"""What the control system's archiver kept of slow variables, asked over HTTP.

The EPICS Archiver Appliance answers ``ADDRESS/retrieval/data/getData.json?pv=...&from=...&to=...``
with the samples of that time and the last one before it. The first sample after a lost connection
carries ``cnxlostepsecs``, the Unix time at which the variable was lost (user guide of the
appliance, https://epicsarchiver.readthedocs.io).
"""

import json
import math
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from http.client import HTTPException
from operator import itemgetter
from typing import Any

import numpy as np

from workbench.core.arrays import Floats

TIMEOUT = 20.0  # s for each answer
LOST = "cnxlostepsecs"

Json = Any  # as another program sends it: each part is checked where it is used


@dataclass(frozen=True)
class Kept:
    """What the archiver has of one variable in a stretch of time.

    Parameters
    ----------
    pairs
        Unix time [s] and value, shape (value, 2), rising. The first is at or before the stretch;
        a value that is not known from a time on is NaN.
    unit
        As the control system calls it; empty where it does not tell.
    state
        "kept"; otherwise there is one pair, of a NaN: "unknown" to the archiver, "unreachable"
        archiver, "unreadable" answer, "not-a-number".
    reason
        In words, where it is not "kept".
    """

    pairs: Floats
    unit: str = ""
    state: str = "kept"
    reason: str = field(default="", compare=False)


class _UnusableError(Exception):
    def __init__(self, state: str, reason: str) -> None:
        super().__init__(reason)
        self.state = state


def ask_archiver(
    address: str, variable: str, start: float, stop: float, *, timeout: float = TIMEOUT
) -> Kept:
    """Return what the archiver kept of a variable; what it does not know is a state, no error.

    Parameters
    ----------
    address
        Of the archiver, such as ``https://pswww.slac.stanford.edu/archiveviewer``.
    variable
        Name of the process variable.
    start, stop
        Unix times [s].
    timeout
        How long an answer may take [s].
    """
    times = {"from": _iso(start), "to": _iso(stop, up=True)}
    query = urllib.parse.urlencode({"pv": variable, **times})
    try:
        answer = _fetched(f"{address.rstrip('/')}/retrieval/data/getData.json?{query}", timeout)
        samples, unit = _samples(answer)
        pairs = np.array(sorted(_pairs(samples), key=itemgetter(0)), float).reshape(-1, 2)
    except _UnusableError as error:
        return Kept(np.array([[start, math.nan]]), state=error.state, reason=str(error))
    pairs = pairs[pairs[:, 0] <= stop]
    before = int(np.searchsorted(pairs[:, 0], start, side="right"))
    if before:
        return Kept(pairs[before - 1 :], unit)
    return Kept(np.vstack([[start, math.nan], pairs]), unit)


def _fetched(url: str, timeout: float) -> Json:
    if not url.startswith(("http://", "https://")):
        raise _UnusableError("unreachable", f"the address {url} is none of http or https")
    try:
        with urllib.request.urlopen(url, timeout=timeout) as answer:  # noqa: S310 - checked above
            return json.load(answer)
    except urllib.error.HTTPError as error:
        if error.code == HTTPStatus.NOT_FOUND:
            raise _UnusableError("unknown", "the archiver does not know it") from error
        raise _UnusableError("unreadable", f"it answered {error.code} {error.reason}") from error
    except (OSError, HTTPException) as error:  # URLError, timeouts and lost connections among them
        reason = getattr(error, "reason", error)
        raise _UnusableError("unreachable", f"no answer: {reason}") from error
    except ValueError as error:
        raise _UnusableError("unreadable", f"the answer is no JSON: {error}") from error


def _samples(answer: Json) -> tuple[list[Json], str]:
    if answer == []:
        raise _UnusableError("unknown", "the archiver does not know it")
    match answer:
        case [{"data": list(data), **rest}, *_]:
            meta = rest.get("meta")
            unit = meta.get("EGU") if isinstance(meta, Mapping) else None
            return data, unit if isinstance(unit, str) else ""
    raise _UnusableError("unreadable", "the answer holds no list of samples")


def _pairs(samples: list[Json]) -> Iterator[tuple[float, float]]:
    """Yield time and value of each sample, and a NaN from where the connection was lost."""
    last = -math.inf
    for sample in samples:
        try:
            time = float(sample["secs"]) + float(sample.get("nanos", 0)) * 1e-9
            value = sample["val"]
            lost = float(dict(sample.get("fields") or {}).get(LOST, math.inf))
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            text = f"a sample without time or value: {sample!r:.80}"
            raise _UnusableError("unreadable", text) from error
        if lost < time:
            yield max(lost, math.nextafter(last, math.inf)), math.nan
        yield time, _number(value)
        last = time


def _number(value: Json) -> float:
    try:
        return float(value)
    except (TypeError, ValueError) as error:
        text = f"its values are no numbers, as {value!r:.40}"
        raise _UnusableError("not-a-number", text) from error


def _iso(time: float, *, up: bool = False) -> str:
    """Return a Unix time in UTC to the millisecond, cut off or rounded up."""
    milliseconds = math.ceil(time * 1000) if up else math.floor(time * 1000)
    moment = datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=milliseconds)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
