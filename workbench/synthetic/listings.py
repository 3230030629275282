"""Files with the names and shapes of a list of fields, for tests of reading and for benchmarks.

The lists are those of real files: one line a field, its path and shape divided by a tab; ``#``
begins a comment. A line may lack the shape, or name only a group.
"""

import re
import tomllib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from workbench.core.atomic import make_folder
from workbench.core.errors import InputError
from workbench.smalldata.facility_style import write_lcls1, write_lcls2
from workbench.synthetic.listed_values import ListedColumns, listed_once

DEFAULT_EVENTS = 1000
ONCE = ("UserDataCfg", "Sums", "epicsOnce", "epics_archiver", "common_q")
TIMES = {"lcls1": ("event_time", "fiducials"), "lcls2": ("timestamp",)}
_SHAPE = re.compile(r"\(\s*((?:n|\d+)\s*(?:,\s*\d+\s*)*),?\s*\)")
_NAME = re.compile(r"(?P<experiment>[a-z]+\w*?)_(?:Run(?P<run>\d+))?")


@dataclass(frozen=True)
class Listing:
    """A list of fields.

    Parameters
    ----------
    experiment, run
        Of the file that the list was made from.
    generation
        "lcls1" or "lcls2".
    n_events
        Events of that file; a usual number where the list does not say.
    events
        Path -> shape of one event's value, of every field with a row per event.
    once
        Path -> shape, of what is kept once a file.
    """

    experiment: str
    run: int
    generation: str
    n_events: int
    events: Mapping[str, tuple[int, ...]]
    once: Mapping[str, tuple[int, ...]]

    def small(self, values: int) -> "Listing":
        """Return the list without the fields of more than so many values an event."""
        kept = {name: shape for name, shape in self.events.items() if _size(shape) <= values}
        return replace(self, events=kept)


def read_listing(listing: Path, *, generation: str | None = None) -> Listing:
    """Return the fields that a list names, with the shapes that it gives or that are usual.

    Parameters
    ----------
    listing
        A file of tab-separated values whose name begins with the experiment's.
    generation
        Needed only where the list has no time stamps; LCLS-I if not given.

    Raises `InputError` where the file's name shows no experiment.
    """
    match = _NAME.match(listing.stem)
    if match is None:
        raise InputError(f"{listing}: the name does not begin with an experiment and _Run<number>")
    shapes = dict(_lines(listing.read_text(encoding="utf-8").splitlines()))
    shapes = _without_folders(shapes)
    if generation is None:
        generation = "lcls2" if shapes.keys() & {"timestamp", "timing/pulseId"} else "lcls1"
    n_events = _n_events(shapes)
    events, once = _sorted_out(shapes, n_events)
    events = dict.fromkeys(TIMES[generation], ()) | events
    return Listing(match["experiment"], int(match["run"] or 0), generation, n_events, events, once)


def write_listing(
    listing: Path | Listing,
    path: Path,
    *,
    n_events: int | None = None,
    generation: str | None = None,
) -> Path:
    """Write a file with the fields of a list, as the facility's writer lays it out.

    Numbers and short arrays hold made-up values, the same ones every time. Fields of more than
    `listed_values.LARGEST` values an event, and once-per-run arrays of more than a page, are
    declared but not written: they read as missing, and cost neither time nor disk.

    Parameters
    ----------
    listing
        A list as `read_listing` takes it, or what it returned.
    path
        The file to write, or a folder, in which the file gets the facility's name.
    n_events
        Events to write; as many as the real file had if not given.
    generation
        As in `read_listing`.
    """
    if isinstance(listing, Path):
        listing = read_listing(listing, generation=generation)
    named = path.suffix in {".h5", ".hdf5"}
    target = path if named else path / f"{listing.experiment}_Run{listing.run:04d}.h5"
    make_folder(target.parent)
    columns = ListedColumns(listing.events, listing.n_events if n_events is None else n_events)
    write = write_lcls1 if listing.generation == "lcls1" else write_lcls2
    write(target, columns, {name: listed_once(name, s) for name, s in listing.once.items()})
    return target


def _lines(lines: Iterable[str]) -> Iterable[tuple[str, tuple[int, ...] | None]]:
    """Yield name and shape; -1 stands for the number of events, None for an unknown shape."""
    for line in lines:
        if line.startswith("#") or not line.strip():
            continue
        name, _, rest = line.partition("\t")
        match = _SHAPE.match(rest.strip())
        shape = None
        if match is not None:
            parts = [part.strip() for part in match[1].split(",") if part.strip()]
            shape = tuple(-1 if part == "n" else int(part) for part in parts)
        yield name.strip().strip("/"), shape


def _without_folders(
    shapes: Mapping[str, tuple[int, ...] | None],
) -> dict[str, tuple[int, ...] | None]:
    """Return the datasets: without names of groups, those without members given usual ones."""
    folders = {
        name.rsplit("/", depth)[0] for name in shapes for depth in range(1, name.count("/") + 1)
    }
    found: dict[str, tuple[int, ...] | None] = {}
    for name, shape in shapes.items():
        if name in folders:
            continue
        if "/" in name or shape is not None or name in _SINGLE:
            found[name] = shape
        else:
            members: list[str] = _look_up("group", name, [])
            found |= {f"{name}/{member}": None for member in members}
    return found


_SINGLE = ("event_time", "fiducials", "timestamp", "time", "delay", "channels", "axes")
# Datasets that lie in no group, in lists without shapes.


def _n_events(shapes: Mapping[str, tuple[int, ...] | None]) -> int:
    rows = [shape[0] for name, shape in shapes.items() if shape and not name.startswith(ONCE)]
    known = Counter(number for number in rows if number > 0)
    return known.most_common(1)[0][0] if known else DEFAULT_EVENTS


def _sorted_out(
    shapes: Mapping[str, tuple[int, ...] | None], n_events: int
) -> tuple[dict[str, tuple[int, ...]], dict[str, tuple[int, ...]]]:
    events: dict[str, tuple[int, ...]] = {}
    once: dict[str, tuple[int, ...]] = {}
    for name, shape in shapes.items():
        detector, leaf = name.split("/")[-2:] if "/" in name else ("", name)
        if name.startswith(ONCE):
            once[name] = shape if shape is not None else _usual_once(detector, leaf)
        elif shape is None:
            events[name] = tuple(_look_up("event", leaf, []))
        elif shape[0] in {-1, n_events}:
            events[name] = shape[1:]
        else:
            once[name] = shape
    return events, once


def _usual_once(detector: str, leaf: str) -> tuple[int, ...]:
    shape = _look_up("once", leaf, [1])
    if shape != "det":
        return tuple(shape)
    name = leaf.partition("_calib")[0] if detector == "Sums" else detector
    return tuple(_look_up("detector", name, [1]))


def _look_up(section: str, name: str, otherwise: Any) -> Any:  # Any: lists of numbers or names
    table = _tables()[section]
    fitting = (value for pattern, value in table.items() if re.fullmatch(pattern, name))
    return next(fitting, otherwise)


@cache
def _tables() -> dict[str, Any]:
    place = resources.files("workbench.synthetic").joinpath("stations", "leaves.toml")
    return tomllib.loads(place.read_text(encoding="utf-8"))


def _size(shape: tuple[int, ...]) -> int:
    size = 1
    for length in shape:
        size *= length
    return size
