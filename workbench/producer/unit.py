"""One unit of work: a range of events, read, reduced and written to a part file."""

import json
import pickle
from collections import Counter, defaultdict
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from mmap import ACCESS_COPY, mmap
from pathlib import Path
from socket import gethostname
from threading import get_ident

import numpy as np

from workbench import __version__
from workbench.core.arrays import Array
from workbench.core.atomic import appearing
from workbench.core.ending import check_ended
from workbench.core.errors import WorkbenchError
from workbench.producer.area_detector import AreaWork
from workbench.producer.digitizer_columns import DigitizerColumn
from workbench.producer.plan import Plan
from workbench.smalldata import Rows, create_part
from workbench.sources import RawRun


@dataclass(frozen=True)
class Unit:
    """A range of events to work, and the file with the plan for it."""

    plan: Path
    run: int
    number: int
    start: int
    stop: int

    def __str__(self) -> str:
        return f"events {self.start} to {self.stop} of run {self.run}"

    @property
    def part(self) -> Path:
        """The part file."""
        return self.plan.with_name(f"unit_{self.number:05d}.part")

    @property
    def done(self) -> Path:
        """The file that says that the unit is done; written last."""
        return self.part.with_suffix(".done")

    def sums(self, area: int) -> Path:
        """Name the file of partial run sums of one detector, by its place in the plan."""
        return self.part.with_suffix(f".sums{area}")

    def files(self, areas: int) -> list[Path]:
        """Return all files of results, for a number of detectors."""
        return [self.part, *(self.sums(area) for area in range(areas))]


@dataclass(frozen=True)
class UnitResult:
    """What a worker reports of a unit, beyond its files.

    Parameters
    ----------
    n_events
        Events written.
    counts
        Events by detector and state, beyond presence.
    messages
        First error of each reduction by detector and name.
    """

    n_events: int
    counts: Mapping[str, Mapping[str, int]]
    messages: Mapping[str, Mapping[str, str]]

    def save(self, unit: Unit, areas: int) -> None:
        """Write down that a unit is done, and how large its files are."""
        sizes = {path.name: path.stat().st_size for path in unit.files(areas)}
        with appearing(unit.done) as place:
            place.write_text(json.dumps({**asdict(self), "sizes": sizes}), encoding="utf-8")

    @classmethod
    def of(cls, unit: Unit, areas: int) -> "UnitResult | None":
        """Return what `save` wrote; None where the unit is not done or its files are not whole."""
        try:
            told = json.loads(unit.done.read_text(encoding="utf-8"))
            sizes = {path.name: path.stat().st_size for path in unit.files(areas)}
        except (FileNotFoundError, ValueError):  # ValueError: cut off when the machine went down
            return None
        return cls(**told) if told.pop("sizes") == sizes else None


class UnitWork:
    """The work on one unit, of which some events come after the others.

    Parameters
    ----------
    plan
        What is made of each event.
    """

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._areas = {area.name: AreaWork(area) for area in plan.areas}
        self._records: dict[str, Counter[str]] = defaultdict(Counter)

    @property
    def failed(self) -> bool:
        """Tell whether a reduction could not do its work in any event so far."""
        return any(work.messages for work in self._areas.values())

    def rows(self, raw: RawRun, start: int, stop: int) -> Iterator[dict[str, Rows]]:
        """Yield the rows of the events that follow, stack by stack, and add to the run sums."""
        plan = self._plan
        for stack in raw.stacks(plan.sources, size=plan.block_events, start=start, stop=stop):
            scalars: dict[str, Array] = {}
            for column in plan.columns:
                made = column.values(stack, raw)
                scalars.update(made)
                if isinstance(column, DigitizerColumn):
                    self._records[column.digitizer.name] += column.counts(made)
            values: dict[str, Rows] = {**scalars}
            for work in self._areas.values():
                values.update(work.reduce(raw, stack, scalars.get("lightStatus/xray")))
            yield values

    def save(self, unit: Unit) -> UnitResult:
        """Write the partial sums, and last that the unit is done; its part must be there."""
        for number, work in enumerate(self._areas.values()):
            work.sums.save(unit.sums(number))
        counts = {name: work.counts for name, work in self._areas.items()}
        for name, records in self._records.items():
            counts[name] = counts.get(name, Counter()) + records
        result = UnitResult(
            unit.stop - unit.start,
            {name: dict(counted) for name, counted in counts.items()},
            {name: work.messages for name, work in self._areas.items()},
        )
        result.save(unit, len(self._areas))
        return result


def work_unit(unit: Unit) -> UnitResult:
    """Write the part file and the partial sums of one unit."""
    plan = _plan_of(unit.plan)
    work = UnitWork(plan)
    with create_part(unit.part, plan.part_specs) as part:
        for values in work.rows(plan.raw, unit.start, unit.stop):
            check_ended()
            part.append(values)
    return work.save(unit)


ALIGNMENT = 64  # bytes to whose multiple each array of a plan begins in its file
PROTOCOL = 5  # of pickles: the first one that keeps arrays apart
KEPT_BYTES = 30 << 20  # of memory that was freed; the C library keeps blocks below 32 MB only


class OtherVersionError(WorkbenchError, RuntimeError):
    """A worker that runs another version of the workbench than the production."""


_PLANS: dict[Path, Plan] = {}  # given in memory


@contextmanager
def plan_here(units: Sequence[Unit], plan: Plan) -> Generator[None]:
    """Let units that are worked in this process use a plan that is in memory already."""
    paths = {unit.plan for unit in units}
    _PLANS.update(dict.fromkeys(paths, plan))
    try:
        yield
    finally:
        for path in paths:
            _PLANS.pop(path)


def save_plan(path: Path, plan: Plan) -> None:
    """Write a plan for the workers: its arrays one behind the other, after all the rest."""
    arrays: list[pickle.PickleBuffer] = []
    rest = pickle.dumps(replace(plan, constants={}), PROTOCOL, buffer_callback=arrays.append)
    views = [array.raw() for array in arrays]
    with appearing(path) as place, place.open("wb") as file:
        file.write(f"{__version__}\n".encode())
        pickle.dump((rest, [view.nbytes for view in views]), file, PROTOCOL)
        for view in views:
            file.write(bytes(-file.tell() % ALIGNMENT))
            file.write(view)


def _plan_of(path: Path) -> Plan:
    return (
        _PLANS[path] if path in _PLANS else _read_plan(path, path.stat().st_mtime_ns, get_ident())
    )


@lru_cache(maxsize=2)  # it holds constants and the index of the run; workers may outlive many
def _read_plan(path: Path, written: int, thread: int) -> Plan:  # noqa: ARG001 - tell plans apart
    with path.open("rb") as file:
        version = file.readline().decode().strip()
        if version != __version__:
            raise OtherVersionError(
                f"a worker on {gethostname()} runs workbench {__version__}, the production "
                f"{version}: start workers from the same installation"
            )
        rest, sizes = pickle.load(file)  # noqa: S301 - our own file, in a folder of our own
        end = file.tell()
        whole = memoryview(mmap(file.fileno(), 0, access=ACCESS_COPY))
    arrays: list[memoryview] = []  # in memory once, for all workers of a machine
    for size in sizes:
        start = end + -end % ALIGNMENT
        end = start + size
        arrays.append(whole[start:end])
    plan: Plan = pickle.loads(rest, buffers=arrays)  # noqa: S301 - as above
    # The C library gives freed blocks back, and asks for them anew with each stack of frames, until
    # one of their size was freed: a process that only works units spent a third of its time so.
    np.empty(KEPT_BYTES, np.uint8)
    return plan
