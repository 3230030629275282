"""A small run whose every value is known, in three streams with their index files."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from workbench.sources.xtc2_writer import Names, Xtc2Writer

EXPERIMENT, RUN, EVENTS = "xpplx1234", 7, 60
SECOND = 1 << 32
BEGIN = 1_100_000_000 * SECOND
TILE = (1, 20, 30)
STEP_LENGTH = 20  # events
BLD, TIMING, WAVE, NOTE, EPICS, SCAN, SLOW, SLOW_CONFIG = range(8)
FIRST = (
    Names("gasdet", "gasdet", "raw", fields={"energy": ("float64", 0), "parts": ("float32", 1)}),
    Names("timing", "ts", "raw", fields={
        "pulseId": ("uint64", 0), "sequenceValues": ("uint16", 1)}),
    Names("wave", "hsd", "fex", fields={"trace": ("float32", 1)}),
    Names("log", "log", "raw", fields={
        "text": ("str", 1), "state:mode": ("enum", 0), "idle:mode": ("enumdict", 0),
        "busy:mode": ("enumdict", 0)}),
    Names("epics", "epics", "raw", fields={"att_T": ("float64", 0), "note": ("str", 1)}),
    Names("scan", "scan", "raw", fields={"lxt": ("float64", 0)}),
    Names("slow", "archon", "raw", detid="7", fields={"raw": ("uint16", 2)}),
    Names("slow", "archon", "config", detid="7", fields={"user.gain": ("uint32", 0)}),
)  # fmt: skip
PANEL = {"raw": ("uint16", 3)}
TILES = [
    Names("tiles", "jungfrau", "raw", (0, 2, 0), segment, f"module{segment}", PANEL)
    for segment in (0, 1)
]


@dataclass(frozen=True)
class WrittenRun:
    """Where the run lies, and what was written into it; first axis of arrays: event."""

    folder: Path
    stamps: np.ndarray
    energy: np.ndarray
    words: np.ndarray
    codes: np.ndarray
    waves: list[np.ndarray]
    tiles: np.ndarray
    has_gasdet: np.ndarray
    has_tile: np.ndarray  # (event, segment)
    slow: np.ndarray
    has_slow: np.ndarray
    damaged_tile: int = 8
    slow_updates: tuple[int, ...] = (5, 30)


def written(folder: Path) -> WrittenRun:
    """Make up the values and write them."""
    draw, index = np.random.default_rng(3), np.arange(EVENTS)
    codes = np.zeros((EVENTS, 288), np.int64)
    codes[:, 40], codes[:, 137], codes[::4, 89] = 1, index % 7 != 0, 1
    energy = draw.normal(2, 0.1, EVENTS)
    energy[13] = np.nan
    run = WrittenRun(
        folder,
        np.array([BEGIN + event * 8_000_000 for event in index], np.uint64),
        energy,
        np.packbits(codes.astype(np.uint8), axis=1, bitorder="little").view("<u2"),
        codes,
        [draw.normal(size=3 + event % 3).astype(np.float32) for event in index],
        draw.integers(0, 60_000, (EVENTS, 2, *TILE[1:])).astype(np.uint16),
        (index % 5 != 2) & ((index < 35) | (index > 46)),
        np.stack([index % 2 == 0, (index % 2 == 0) & (index % 10 != 4)], axis=1),
        draw.integers(0, 60_000, (EVENTS, 6, 8)).astype(np.uint16),
        index % 12 == 10,
    )
    stem = f"{EXPERIMENT}-r{RUN:04d}"
    writers = [
        Xtc2Writer(
            folder / f"{stem}-s{number:03d}-c000.xtc2",
            names,
            smd=folder / "smalldata" / f"{stem}-s{number:03d}-c000.smd.xtc2",
        )
        for number, names in enumerate((FIRST, TILES[:1], TILES[1:]))
    ]
    with writers[0] as first, writers[1] as second, writers[2] as third:
        _write(run, (first, second, third))
    return run


def _write(run: WrittenRun, streams: tuple[Xtc2Writer, ...]) -> None:
    def every(transition: str, *arguments: Any, records: Any = None, **more: Any) -> None:
        """Write a transition to all streams, its records to the first one."""
        getattr(streams[0], transition)(*arguments, *([records] if records else []), **more)
        for stream in streams[1:]:
            getattr(stream, transition)(*arguments, **more)

    every("configure", BEGIN - 9 * SECOND, records={SLOW_CONFIG: {"user.gain": 1}})
    every("begin_run", BEGIN - 8 * SECOND, experiment=EXPERIMENT, run=RUN)
    for event, stamp in enumerate(run.stamps.tolist()):
        if event % STEP_LENGTH == 0:
            if event:
                every("disable", stamp - 6)
                every("end_step", stamp - 5)
            step = event // STEP_LENGTH
            setting = {SLOW_CONFIG: {"user.gain": 2}} if step == 1 else {}
            every("begin_step", stamp - 4, records={SCAN: {"lxt": step * 1e-12}, **setting})
            every("enable", stamp - 3)
        if event in run.slow_updates:
            values = {"att_T": float(event), "note": f"at {event}"}
            every("slow_update", stamp - 1, records={EPICS: values})
        records: dict[int, Any] = {
            TIMING: {"pulseId": 10 + event, "sequenceValues": run.words[event]},
            WAVE: {"trace": run.waves[event]},
            NOTE: {
                "text": f"shot {event}",
                "state:mode": event % 2,
                "idle:mode": 0,
                "busy:mode": 1,
            },
        }
        if run.has_gasdet[event]:
            parts = np.arange(4, dtype=np.float32) * event
            records[BLD] = {"energy": run.energy[event], "parts": parts}
        if run.has_slow[event]:
            records[SLOW] = {"raw": run.slow[event]}
        streams[0].event(stamp, records)
        for segment in np.flatnonzero(run.has_tile[event]).tolist():
            damage = {0: 1 << 2} if event == run.damaged_tile and segment else {}
            frame = {"raw": run.tiles[event, segment].reshape(TILE)}
            streams[1 + segment].event(stamp, {0: frame}, damage=damage)
    every("end_run", int(run.stamps[-1]) + SECOND)
