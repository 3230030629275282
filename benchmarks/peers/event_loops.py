"""Two per-event producers of the made-up run, for comparison of speed.

Both read stacks with our raw reader, as the producer does, and then go from event to event: what
is compared is the work after reading.
`masked_event` works as today's producer does: each frame is calibrated whole, each region is a
masked array, each event a dictionary of dictionaries that is flattened and appended to lists that
go to HDF5 every hundred events. `lean_event` is what a careful user writes in NumPy: regions are
cut before they are calibrated, arrays are made beforehand, HDF5 is written once.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

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
STACK = 64  # events read at a time
GATHER = 100  # events between two writes of today's producer


@dataclass(frozen=True)
class Range:
    """One worker's share of the run."""

    kind: str
    xtc: Path
    run: int
    constants: Path
    start: int
    stop: int
    part: Path


@dataclass(frozen=True)
class Camera:
    """Constants of one camera in single precision, as frames are calibrated today."""

    pedestal: np.ndarray
    gain: np.ndarray
    good: np.ndarray


def produce_by_loop(kind: str, made: Any, output: Path, workers: int) -> Path:
    """Produce the run with one of the loops; return the file."""
    raw = open_raw(made.folder, run=1)
    edges = np.linspace(0, raw.n_events, workers + 1).astype(int)
    shares = [
        Range(kind, made.folder, 1, made.constants, a, b, output / f"part{a:06d}.h5")
        for a, b in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True)
    ]
    results = dict(run_all(work_range, shares, workers=workers, modules=WORKER_MODULES))
    target = output / "whole.h5"
    with h5py.File(target, "w") as whole:
        parts = [h5py.File(share.part) for share in shares]
        for name in parts[0]:
            whole[name] = np.concatenate([part[name][()] for part in parts])
        for part in parts:
            part.close()
        for name in results[shares[0]]:
            whole[name] = sum(results[share][name] for share in shares)
    return target


def work_range(share: Range) -> dict[str, np.ndarray]:
    """Write one part file and return the run sums."""
    raw = open_raw(share.xtc, run=share.run)
    cameras = {}
    for name in FRAMES:
        constants = read_constants(share.constants, name, share.run)
        cameras[name] = Camera(
            constants.pedestal.astype(np.float32), constants.gain.astype(np.float32), constants.good
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
    raw: Any, share: Range, names: list[str], cameras: dict[str, Camera], totals: dict[str, Any]
) -> None:
    """Work event after event with masked arrays, as today."""
    with h5py.File(share.part, "w") as h5:
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
            if len(waiting) == GATHER or index == share.stop - 1:
                append(h5, waiting)
                waiting = []


def masked_event(det: str, frame: Any, camera: Camera, totals: dict[str, Any]) -> dict[str, Any]:
    """Reduce one frame; an empty dictionary where there is none."""
    if frame is None:
        return {}
    calib = (frame.astype(np.float32) - camera.pedestal) / camera.gain
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


def events_of(raw: Any, share: Range, names: list[str]) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield (event index, field to value); fields that the event lacks are left out."""
    scalars = [(name, name.rsplit(".", 1)[0]) for name in names]
    frames = [(name, name.rsplit(".", 1)[0]) for name in FRAMES.values()]
    for start in range(share.start, share.stop, STACK):
        stop = min(start + STACK, share.stop)
        stack = raw.read([name for name, _ in scalars], start=start, stop=stop)
        pictures = raw.read([name for name, _ in frames], start=start, stop=stop)
        for row in range(stop - start):
            event = {name: stack[name][row] for name, alg in scalars if stack.present[alg][row]}
            for name, alg in frames:
                if pictures.present[alg][row]:
                    event[name] = pictures[name][row]
            yield start + row, event


class Slow:
    """Slow values of a range of events, step numbers and the status rule of the hutch."""

    def __init__(self, raw: Any, share: Range) -> None:
        events = np.arange(share.start, share.stop)
        stamps = raw.timestamps[share.start : share.stop]
        self.first = share.start
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
            yield name, column[index - self.first]
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


def append(h5: h5py.File, waiting: list[dict[str, Any]]) -> None:
    """Append rows, NaN (or -99999) where an event lacks a value."""
    known = set(h5)
    done = len(h5["timestamp"]) if "timestamp" in known else 0
    for name in known | {name for row in waiting for name in row}:
        sample = next((np.asarray(row[name]) for row in waiting if name in row), None)
        if name not in known:
            shape = (0, *sample.shape)
            kind = np.float64 if sample.dtype.kind == "f" else np.int64
            h5.create_dataset(
                name, shape, kind, maxshape=(None, *sample.shape), chunks=(GATHER, *sample.shape)
            )
        dataset = h5[name]
        fill = np.nan if dataset.dtype.kind == "f" else -99999
        rows = np.full(
            (done + len(waiting) - len(dataset), *dataset.shape[1:]), fill, dataset.dtype
        )
        first = len(rows) - len(waiting)
        for place, row in enumerate(waiting):
            if name in row:
                rows[first + place] = np.asarray(row[name]).astype(dataset.dtype)
        start = len(dataset)
        dataset.resize(start + len(rows), axis=0)
        dataset[start:] = rows


def lean_loop(
    raw: Any, share: Range, names: list[str], cameras: dict[str, Camera], totals: dict[str, Any]
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
    table |= {name: np.zeros_like(column) for name, column in slow.columns.items()}
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
        region = (frame[cut] - camera.pedestal[cut]) / camera.gain[cut]
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
    calib = (frame - camera.pedestal) / camera.gain
    for algo, threshold in SUMS[det].items():
        image = calib if threshold is None else np.where(calib < threshold, 0, calib)
        totals[f"Sums.{det}_{algo}"] += image
