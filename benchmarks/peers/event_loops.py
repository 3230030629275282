"""Two per-event producers of the made-up run, for comparison of speed; both read event by event.

`masked` works as today's LCLS-I producer does; what follows is from the specification of its
behaviour (sections in brackets):

- event n is worked by rank n % size, each rank reads and reduces its own events [1.1];
- a frame is calibrated whole: pedestal and gain; the mask is left to the functions [1.10];
- every function copies what it is given [8.4]; a region is cropped, then masked, as a masked array;
  sum, mean, max with masked pixels as 0; centre of mass from its row and column sums [2.1];
- each sum works on a copy of the frame [2.14];
- an event is a dictionary of dictionaries that is flattened; an absent detector gives nothing, its
  leaves become NaN or -99999 [1.2];
- every 25 events of each rank go to rank 0, which works events as well, sorts them by time and
  appends them to one extendable PyTables array a leaf, without compression [1.1, 8.4];
- settings of the detectors (pedestal, gain, mask, positions) are written at the end [1.1, 1.7].

Left out, in its favour: common mode, which would change the values; the start of psana and of MPI;
the other 20 or so arrays among the settings. Slow values are looked up for all events at once,
where psana is asked event by event.

`lean` is what a careful user writes in NumPy: a contiguous range of events for each worker, regions
cut before they are calibrated, arrays made beforehand, each written once, parts joined at the end.

Reading: ``raw.event(i)`` gives one event, None where a detector is absent, as psana does; "stack"
reads 64 events at a time with our stack reader instead, for comparison.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from multiprocessing.connection import Client, Connection, Listener
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import tables

from workbench.core.executors import run_all
from workbench.producer.loop import WORKER_MODULES  # the same start of workers for all
from workbench.sources import open_raw
from workbench.sources.constants import read_constants

REGIONS = {  # as in the config that the made-up run brings
    "epix_1": {
        "signal": (slice(330, 370), slice(180, 220)),
        "background": (slice(330, 370), slice(260, 300)),
    },
    "jungfrau1M": {"ring": (slice(0, 1), slice(250, 314), slice(400, 528))},
}
STORED = {"ring"}  # regions whose pixels are kept
SUMS = {"epix_1": {"calib": None}, "jungfrau1M": {"calib": None, "calib_thresADU5": 5.0}}
FRAMES = {"epix_1": "epix_1.raw.raw", "jungfrau1M": "jungfrau1M.raw.raw"}
WORDS = "timing.raw.sequenceValues"  # 18 words of 16 event codes
STACK = 64  # events read at a time by the stack reader
GATHER = 25  # events of each rank between two writes of today's producer
READING_LIMIT = {"epix_1": np.inf, "jungfrau1M": 1 << 14}  # above it a pixel used another amplifier
PATIENCE = 30.0  # s, for rank 0 to listen


@dataclass(frozen=True)
class Share:
    """One worker's part of the run: events ``start, start + step, ...`` below `stop`."""

    kind: str
    reading: str
    xtc: Path
    run: int
    constants: Path
    rank: int
    size: int
    start: int
    stop: int
    step: int
    part: Path


@dataclass(frozen=True)
class Camera:
    """Constants of one camera in single precision, as frames are calibrated today."""

    pedestal: np.ndarray
    gain: np.ndarray
    good: np.ndarray
    limit: float

    def calibrate(self, frame: np.ndarray, cut: Any = ...) -> np.ndarray:
        """Return a frame, or a part of it, in keV; NaN where another amplifier was used."""
        raw = frame[cut]
        calib = (raw.astype(np.float32) - self.pedestal[cut]) / self.gain[cut]
        if np.isfinite(self.limit):
            calib[raw >= self.limit] = np.nan
        return calib


def produce_by_loop(
    kind: str, made: Any, output: Path, workers: int, reading: str = "event"
) -> Path:
    """Produce the run with one of the loops; return the file."""
    raw = open_raw(made.folder, run=1)
    edges = np.linspace(0, raw.n_events, workers + 1).astype(int).tolist()
    shares = [
        Share(
            kind, reading, made.folder, 1, made.constants, rank, workers,
            *((rank, raw.n_events, workers) if kind == "masked" else (*edges[rank : rank + 2], 1)),
            output / ("whole.h5" if kind == "masked" else f"part{rank}.h5"),
        )
        for rank in range(workers)
    ]  # fmt: skip
    (output / "whole.h5").unlink(missing_ok=True)
    (output / "rank0").unlink(missing_ok=True)
    results = dict(run_all(work_range, shares, workers=workers, modules=WORKER_MODULES))
    sums = {name: sum(results[share][name] for share in shares) for name in results[shares[0]]}
    with h5py.File(output / "whole.h5", "a") as whole:
        if kind == "lean":
            join(whole, [share.part for share in shares])
        for name, total in sums.items():
            whole[name.replace(".", "/")] = total
    return output / "whole.h5"


def join(whole: h5py.File, paths: list[Path]) -> None:
    """Write the parts one behind the other."""
    parts = [h5py.File(path) for path in paths]
    for name in parts[0]:
        whole[name.replace(".", "/")] = np.concatenate([part[name][()] for part in parts])
    for part in parts:
        part.close()


def work_range(share: Share) -> dict[str, np.ndarray]:
    """Work one share of the events and return the run sums."""
    raw = open_raw(share.xtc, run=share.run)
    cameras = {}
    for name in FRAMES:
        constants = read_constants(
            share.constants, name, share.run, fields=("pedestal", "gain", "good")
        )
        cameras[name] = Camera(
            constants.pedestal.astype(np.float32),
            constants.gain.astype(np.float32),
            constants.good,
            READING_LIMIT[name],
        )
    names = [
        f"{det}.{alg}.{field}"
        for det, algs in raw.detectors.items()
        for alg, fields in algs.items()
        for field in fields
        if det not in FRAMES
    ]
    totals = {
        f"Sums.{det}_{algo}": np.zeros(camera.pedestal.shape)
        for det, camera in cameras.items()
        for algo in SUMS[det]
    }
    loop: Callable[..., None] = {"masked": masked_loop, "lean": lean_loop}[share.kind]
    loop(raw, share, names, cameras, totals)
    return totals


def masked_loop(
    raw: Any, share: Share, names: list[str], cameras: dict[str, Camera], totals: dict[str, Any]
) -> None:
    """Work event after event with masked arrays, as today; rank 0 writes for all."""
    with gatherer(share) as gather:
        waiting: list[dict[str, Any]] = []
        slow = Slow(raw, share)
        for index, event in events_of(raw, share, names):
            nested: dict[str, Any] = {"timestamp": raw.timestamps[index]}
            nested["defaults"] = dict(slow.values(index, event))
            for name in names:
                nested.setdefault(name.split(".")[0], {})[name] = event.get(name)
            for det, camera in cameras.items():
                frame = event.get(FRAMES[det])
                nested[f"user_{det}"] = masked_event(det, frame, camera, totals)
            waiting.append(dict(flatten(nested)))
            if len(waiting) == GATHER:
                gather.send(waiting)
                waiting = []
        gather.send(waiting)
        gather.finish()


def gatherer(share: Share) -> "Root | Sender":
    """Return what sends the events of a rank to rank 0."""
    address = str(share.part.with_name("rank0"))
    return Root(share, Listener(address)) if share.rank == 0 else Sender(address)


class Sender:
    """A rank other than 0."""

    def __init__(self, address: str) -> None:
        self._root = connected(address)

    def __enter__(self) -> "Sender":
        return self

    def __exit__(self, *_: object) -> None:
        self._root.close()

    def send(self, events: list[dict[str, Any]]) -> None:
        self._root.send(events)

    def finish(self) -> None:
        self._root.send(None)


def connected(address: str) -> Connection:
    """Return a connection to rank 0 as soon as it listens."""
    end = time.monotonic() + PATIENCE
    while True:
        try:
            return Client(address)
        except (FileNotFoundError, ConnectionRefusedError):
            if time.monotonic() > end:
                raise
            time.sleep(0.001)


class Root:
    """Rank 0: receives what the others send, and writes."""

    def __init__(self, share: Share, listener: Listener) -> None:
        self._share = share
        self._listener = listener
        self._others: list[Connection] = [listener.accept() for _ in range(share.size - 1)]
        self._file = tables.open_file(str(share.part), "w")
        self._leaves: dict[str, Any] = {}
        self._rows = 0

    def __enter__(self) -> "Root":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        self._listener.close()

    def settings(self, share: Share) -> None:
        """Write the arrays of each detector, as the producer's summary does."""
        for det in FRAMES:
            constants = read_constants(share.constants, det, share.run)
            arrays = {"ped": constants.pedestal, "gain": constants.gain, "mask": constants.good}
            arrays |= {axis: getattr(constants, axis) for axis in "xyz"}
            for name, values in arrays.items():
                kept = values.astype(np.uint8 if name == "mask" else np.float32)
                self._file.create_carray(f"/UserDataCfg/{det}", name, obj=kept, createparents=True)

    def send(self, events: list[dict[str, Any]]) -> None:
        """Gather: wait for all ranks, then write."""
        events = list(events)
        for other in list(self._others):
            given = other.recv()
            if given is None:
                self._others.remove(other)
            else:
                events += given
        self._append(sorted(events, key=lambda event: event["timestamp"]))

    def finish(self) -> None:
        """Write what the others still have."""
        while self._others:
            self.send([])
        self.settings(self._share)

    def _append(self, events: list[dict[str, Any]]) -> None:
        """Append rows, NaN (or -99999) where an event lacks a value."""
        for name in dict.fromkeys([*self._leaves, *(name for event in events for name in event)]):
            leaf = self._leaves.get(name)
            if leaf is None:
                sample = next(np.asarray(event[name]) for event in events if name in event)
                leaf = self._leaves[name] = self._create(name, sample)
            fill = np.nan if leaf.dtype.kind == "f" else -99999
            rows = np.full((len(events), *leaf.shape[1:]), fill, leaf.dtype)
            for row, event in enumerate(events):
                if name in event:
                    rows[row] = event[name]
            leaf.append(rows)
        self._rows += len(events)

    def _create(self, name: str, sample: np.ndarray) -> Any:
        kind = sample.dtype if sample.dtype.kind == "f" else np.dtype(np.int64)
        group, _, last = f"/{name.replace('.', '/')}".rpartition("/")
        leaf = self._file.create_earray(
            group or "/", last, tables.Atom.from_dtype(kind), (0, *sample.shape),
            createparents=True,
        )  # fmt: skip
        if self._rows:  # it was not in any event so far
            fill = np.nan if kind.kind == "f" else -99999
            leaf.append(np.full((self._rows, *sample.shape), fill, kind))
        return leaf


def masked_event(det: str, frame: Any, camera: Camera, totals: dict[str, Any]) -> dict[str, Any]:
    """Reduce one frame; an empty dictionary where there is none."""
    if frame is None:
        return {}
    calib = camera.calibrate(frame)
    values: dict[str, Any] = {}
    for name, cut in REGIONS[det].items():
        region = np.ma.array(calib[cut].copy(), mask=~camera.good[cut])
        if name in STORED:
            values[f"{det}.{name}_area"] = region.data.squeeze()
        values[f"{det}.{name}_sum"] = region.filled(0).sum(dtype=float)
        values[f"{det}.{name}_mean"] = region.filled(0).mean(dtype=float)
        values[f"{det}.{name}_max"] = region.filled(0).max()
        flat = region.squeeze()
        cols, rows = np.meshgrid(np.arange(flat.shape[0]), np.arange(flat.shape[1]))
        total = np.sum(np.sum(flat, axis=0), axis=0)
        values[f"{det}.{name}_com"] = np.array(
            [np.sum(np.sum(flat * axis.T, axis=0), axis=0) / total for axis in (cols, rows)]
        )
    for algo, threshold in SUMS[det].items():
        image = calib.copy()
        if threshold is not None:
            image[image < threshold] = 0
        totals[f"Sums.{det}_{algo}"] += image
    return values


def events_of(raw: Any, share: Share, names: list[str]) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Yield (event index, field to value); fields that the event lacks are left out."""
    if share.reading == "stack":
        yield from events_by_stack(raw, share, names)
        return
    wanted = [*names, *FRAMES.values()]
    for index in range(share.start, share.stop, share.step):
        event = raw.event(index)
        values = {name: event[name] for name in wanted}
        yield index, {name: value for name, value in values.items() if value is not None}


def events_by_stack(
    raw: Any, share: Share, names: list[str]
) -> Iterator[tuple[int, dict[str, Any]]]:
    """As `events_of`, read with our stack reader."""
    scalars = [(name, name.rsplit(".", 1)[0]) for name in names]
    frames = [(name, name.rsplit(".", 1)[0]) for name in FRAMES.values()]
    low = share.start // share.step * share.step
    for start in range(low, share.stop, STACK * share.step):
        stop = min(start + STACK * share.step, share.stop)
        stack = raw.read([name for name, _ in scalars], start=start, stop=stop)
        for row in range(share.start - low, stop - start, share.step):
            event = {name: stack[name][row] for name, alg in scalars if stack.present[alg][row]}
            single = raw.event(start + row)
            event |= {name: single[name] for name, _ in frames if single[name] is not None}
            yield start + row, event


class Slow:
    """Slow values of the run, step numbers and the status rule of the hutch."""

    def __init__(self, raw: Any, share: Share) -> None:
        events = np.arange(share.stop)
        stamps = raw.timestamps[: share.stop]
        self.columns = {
            f"{kind}.{name}": store.read(name, stamps)[0]
            for kind, store in (("epics", raw.epics), ("scan", raw.scan))
            for name in store.names
            if store.field(name).dtype != "str"
        }
        self.columns["scan.varStep"] = raw.steps.number_of(events)
        self.detectors = {det: raw.present(det) for det in raw.detectors}

    def values(self, index: int, event: dict[str, Any]) -> Iterator[tuple[str, Any]]:
        """Yield slow values, event codes, beam status and presence of one event."""
        for name, column in self.columns.items():
            yield name, column[index]
        words = event.get(WORDS)
        if words is not None:
            codes = np.unpackbits(words.view(np.uint8), bitorder="little").astype(np.int64)
            yield "timing.eventcodes", codes
            yield "lightStatus.xray", int(codes[137])
            yield "lightStatus.laser", int(not codes[89])
        for det, present in self.detectors.items():
            yield f"damage.{det}", int(present[index])


def flatten(nested: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the leaves of nested dictionaries."""
    for name, value in nested.items():
        if isinstance(value, dict):
            yield from flatten(value)
        elif value is not None:
            yield name, value


def lean_loop(
    raw: Any, share: Share, names: list[str], cameras: dict[str, Camera], totals: dict[str, Any]
) -> None:
    """Work event after event in plain NumPy, into arrays made beforehand."""
    events = share.stop - share.start
    table: dict[str, np.ndarray] = {"timestamp": raw.timestamps[share.start : share.stop]}
    for name in names:
        det, alg, leaf = name.split(".", 2)
        field = raw.detectors[det][alg][leaf]
        kind = np.float64 if np.dtype(field.dtype).kind == "f" else np.int64
        fill = np.nan if kind is np.float64 else -99999
        table[name] = np.full((events, *field.shape), fill, kind)
    for det, regions in REGIONS.items():
        for name, cut in regions.items():
            for leaf in ("sum", "mean", "max"):
                table[f"{det}.{name}_{leaf}"] = np.full(events, np.nan)
            table[f"{det}.{name}_com"] = np.full((events, 2), np.nan)
            if name in STORED:
                shape = cameras[det].good[cut].squeeze().shape
                table[f"{det}.{name}_area"] = np.full((events, *shape), np.nan, np.float32)
    slow = Slow(raw, share)
    table |= {name: np.zeros(events, column.dtype) for name, column in slow.columns.items()}
    table |= {f"damage.{det}": np.zeros(events, np.int64) for det in raw.detectors}
    table |= {f"lightStatus.{beam}": np.zeros(events, np.int64) for beam in ("xray", "laser")}
    table["timing.eventcodes"] = np.zeros((events, 288), np.int64)
    for index, event in events_of(raw, share, names):
        row = index - share.start
        for name, value in slow.values(index, event):
            table[name][row] = value
        for name in names:
            if name in event:
                table[name][row] = event[name]
        for det, camera in cameras.items():
            frame = event.get(FRAMES[det])
            if frame is not None:
                lean_event(det, frame, camera, table, row, totals)
    with h5py.File(share.part, "w") as h5:
        for name, values in table.items():
            h5[name] = values


def lean_event(
    det: str, frame: Any, camera: Camera, table: dict[str, Any], row: int, totals: dict[str, Any]
) -> None:
    """Reduce one frame into its row of the table."""
    for name, cut in REGIONS[det].items():
        region = camera.calibrate(frame, cut)
        if name in STORED:
            table[f"{det}.{name}_area"][row] = region.squeeze()
        region = np.where(camera.good[cut], region, 0).squeeze()
        total = region.sum(dtype=float)
        table[f"{det}.{name}_sum"][row] = total
        table[f"{det}.{name}_mean"][row] = total / region.size
        table[f"{det}.{name}_max"][row] = region.max()
        rows, cols = region.sum(axis=1, dtype=float), region.sum(axis=0, dtype=float)
        table[f"{det}.{name}_com"][row] = (
            (rows @ np.arange(len(rows))) / total,
            (cols @ np.arange(len(cols))) / total,
        )
    calib = camera.calibrate(frame)
    for algo, threshold in SUMS[det].items():
        image = calib if threshold is None else np.where(calib < threshold, 0, calib)
        totals[f"Sums.{det}_{algo}"] += image
