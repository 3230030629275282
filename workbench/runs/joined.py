"""Channels of several runs as one: end to end, added up, or once where all agree."""

from collections.abc import Callable, Generator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace

import numpy as np

from workbench.core.arrays import Array, Ints
from workbench.runs.channel import Channel, OpenRows, Rows
from workbench.runs.gaps import always_float
from workbench.smalldata import FieldInfo

EVENTS = {"event", "ragged"}  # kinds with one row per event


def joined_type(infos: Sequence[FieldInfo], *, gaps: bool) -> np.dtype[np.generic]:
    """Return a number type that holds the values of all runs.

    Integers of different types become float64: their marks of missing values differ too. So do
    integers that some runs do not have at all (`gaps`).
    """
    if any(info.dtype == "str" or info.kind == "ragged" for info in infos):
        return np.dtype(object)
    types = {np.dtype(info.dtype) for info in infos}
    integers = any(one.kind in "iu" for one in types)
    if integers and (gaps or len(types) > 1):
        return np.dtype(np.float64)
    return np.result_type(*types)


def rows_in_turn(
    parts: Sequence[Channel | None],
    starts: Ints,
    shape: tuple[int, ...],
    dtype: np.dtype[np.generic],
    *,
    nothing: float | str | None,
    check: Callable[[], None],
) -> OpenRows:
    """Return what opens the rows of several runs as one; each file when its rows are asked for.

    Parameters
    ----------
    parts
        The channel of each run; None where the run has none: its rows are missing values.
    starts
        First row of each run, and the number of all rows.
    shape, dtype
        Of all rows together.
    nothing
        What stands in the rows of a run without the field.
    check
        Raises where the runs do not agree.
    """

    @contextmanager
    def open_rows() -> Generator[Rows]:
        check()
        with ExitStack() as stack:
            opened: dict[int, Rows] = {}

            def read(first: int, last: int) -> Array:
                found = np.empty((last - first, *shape[1:]), dtype=dtype)
                for place, part in enumerate(parts):
                    low, high = max(first, int(starts[place])), min(last, int(starts[place + 1]))
                    if low >= high:
                        continue
                    if part is None:
                        found[low - first : high - first] = nothing
                        continue
                    if place not in opened:
                        opened[place] = stack.enter_context(part.opened())
                    begin = int(starts[place])
                    values = opened[place](low - begin, high - begin)
                    kept = always_float(values, None, part.name) if dtype.kind == "f" else values
                    found[low - first : high - first] = kept
                return found

            yield read

    return open_rows


def whole(give: Callable[[], Array]) -> OpenRows:
    """Return what opens a value that is kept once, made by `give`."""

    @contextmanager
    def open_rows() -> Generator[Rows]:
        value = give()
        yield lambda _first, _last: value

    return open_rows


def added(channels: Sequence[Channel]) -> Array:
    """Return run sums of several runs as one: added, maxima as the maximum."""
    tokens = channels[0].name.rpartition("/")[2].split("_")
    combine = np.maximum if "max" in tokens else np.add
    total = channels[0].read().astype(np.float64)
    for channel in channels[1:]:
        total = combine(total, channel.read())
    return np.asarray(total)


def joined_info(found: Sequence[FieldInfo | None], events: Sequence[int]) -> FieldInfo:
    """Return what is known of a field of all runs together.

    Parameters
    ----------
    found
        The field in each run; None where a run has none.
    events
        Number of events of each run.
    """
    there = [info for info in found if info is not None]
    first, gaps = there[0], len(there) < len(found)
    counted = [info.missing for info in there if info.missing is not None]
    rows = () if first.kind == "once" else (int(starts_of(found, events)[-1]),)
    plain = first.dtype == "str" or first.kind == "ragged"
    return replace(
        first,
        shape=(*rows, *first.shape[len(rows) :]),
        dtype=first.dtype if plain else str(joined_type(there, gaps=gaps)),
        missing=sum(counted) if len(counted) == len(found) else None,
        chunks=(),
    )


def starts_of(found: Sequence[FieldInfo | None], events: Sequence[int]) -> Ints:
    """Return the first row of each run in a field of all, and the number of all rows."""
    if any(info is not None and info.kind in EVENTS for info in found):
        return np.cumsum([0, *events], dtype=np.int64)
    lengths = [0 if info is None else info.shape[0] for info in found]
    return np.cumsum([0, *lengths], dtype=np.int64)


def together(texts: Sequence[str], names: Sequence[str]) -> str:
    """Return texts of all runs as one, each said once with the runs that it holds for."""
    if len(set(texts)) == 1:
        return texts[0]
    said: dict[str, list[str]] = {}
    for name, text in zip(names, texts, strict=True):
        said.setdefault(text, []).append(name)
    return "; ".join(f"run {', '.join(runs)}: {text}" for text, runs in said.items())
