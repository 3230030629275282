"""Reading XTC2 against psana on the same file, and against frames already in memory."""

import json
import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture
from ratios import Ratios

from workbench.sources import open_raw
from workbench.sources.xtc2_writer import Names, Xtc2Writer

PEER = Path(__file__).parent / "peers" / "psana_rate.py"
SMALL_EVENTS = 100_000
FRAMES, SHAPE = 128, (1024, 1024)  # 2 MiB each
PSANA_GOAL = 3.0  # times psana's datagrams per second
MEMORY_GOAL = 0.7  # of the rate of adding up frames in memory

TINY = [Names("hsd", "hsd", "raw", fields={"calib": ("float32", 2)})]
BEAM = [
    Names(
        "timing",
        "ts",
        "raw",
        (2, 1, 0),
        fields={
            "pulseId": ("uint64", 0),
            "timeStamp": ("uint64", 0),
            "ebeamDestn": ("uint8", 0),
            "sequenceValues": ("uint16", 1),
        },
    ),
    Names(
        "gasdet",
        "gasdet",
        "raw",
        (1, 0, 0),
        fields={f"f{number}ENRC": ("float64", 0) for number in (11, 12, 21, 22, 63, 64)},
    ),
]


def tiny_event(number: int) -> dict[int, dict[str, Any]]:
    return {0: {"calib": np.full((2, 2), number % 64, np.float32)}}


def beam_event(number: int) -> dict[int, dict[str, Any]]:
    # whole numbers: their sum is the same in any order
    timing = {"pulseId": number, "timeStamp": number, "ebeamDestn": 3, "sequenceValues": WORDS}
    return {0: timing, 1: {name: float(number % 97) for name in BEAM[1].fields}}


WORDS = np.arange(18, dtype=np.uint16)
SMALL = {"tiny": (TINY, tiny_event), "beam": (BEAM, beam_event)}


def write(
    path: Path, names: list[Names], event: Callable[[int], dict[int, dict[str, Any]]], count: int
) -> Path:
    with Xtc2Writer(path, names) as writer:
        writer.configure(0)
        writer.begin_run(1, experiment="xppbench", run=1)
        writer.begin_step(2)
        writer.enable(3)
        for number in range(count):
            writer.event(4 + number, event(number))
    return path


def psanas_rate(python: str, path: Path) -> dict[str, float]:
    done = subprocess.run(
        [python, PEER, path],
        env={**os.environ, "PS_PARALLEL": "none"},
        capture_output=True,
        text=True,
        check=True,
    )
    rates: dict[str, float] = json.loads(done.stdout)
    return rates


def read_and_add_up(path: Path) -> float:
    """Index the file, decode every field of every event and add everything up."""
    raw = open_raw(path)
    total = 0.0
    for stack in raw.stacks(list(raw.detectors), size=1024):
        for values in stack.arrays.values():
            total += float(values.sum(dtype=np.float64))
    return total


@pytest.mark.parametrize("kind", SMALL)
def test_small_events(
    kind: str, tmp_path: Path, oracle_python: str, benchmark: BenchmarkFixture, ratios: Ratios
) -> None:
    path = write(tmp_path / "xppbench-r0001-s000-c000.xtc2", *SMALL[kind], SMALL_EVENTS)
    peer = psanas_rate(oracle_python, path)
    total = benchmark.pedantic(read_and_add_up, args=(path,), rounds=5, warmup_rounds=1)
    assert total == peer["sum"], "the two did not read the same values"
    ours = peer["datagrams"] / benchmark.stats.stats.min
    psanas = peer["datagrams"] / peer["decode"]
    ratios.add(
        f"XTC2, small events ({kind}, {path.stat().st_size // SMALL_EVENTS} B): ours / psana",
        measured=ours / psanas,
        goal=PSANA_GOAL,
        detail=f"{ours:,.0f} datagrams/s indexed, decoded, added up; psana {psanas:,.0f} decoded, "
        f"{peer['datagrams'] / peer['sum_s']:,.0f} added up",
    )


def add_up_file(path: Path) -> list[int]:
    return [
        int(frame.sum())
        for stack in open_raw(path).stacks(["camera.raw.raw"])
        for frame in stack["camera.raw.raw"]
    ]


def add_up_memory(frames: np.ndarray[Any, np.dtype[np.uint16]]) -> list[int]:
    return [int(frame.sum()) for frame in frames]


def test_megapixel_frames(tmp_path: Path, benchmark: BenchmarkFixture, ratios: Ratios) -> None:
    rng = np.random.default_rng(1)
    frames = rng.integers(0, 1 << 14, (FRAMES, *SHAPE), np.uint16)
    camera = Names("camera", "epix100", "raw", (2, 0, 1), fields={"raw": ("uint16", 2)})
    path = write(
        tmp_path / "xppbench-r0001-s000-c000.xtc2",
        [camera],
        lambda number: {0: {"raw": frames[number]}},
        FRAMES,
    )
    in_memory = []

    def time_memory() -> tuple[tuple[Path], dict[str, Any]]:
        """Before each round: the machine's speed now, for the ratio."""
        start = time.perf_counter()
        add_up_memory(frames)
        in_memory.append(time.perf_counter() - start)
        return (path,), {}

    sums = benchmark.pedantic(add_up_file, setup=time_memory, rounds=7, warmup_rounds=1)
    assert sums == add_up_memory(frames)
    seconds, memory = benchmark.stats.stats.min, min(in_memory)
    ratios.add(
        "XTC2, megapixel frames: summed from file / summed in memory",
        measured=memory / seconds,
        goal=MEMORY_GOAL,
        detail=f"{FRAMES / seconds:,.0f} frames/s, {frames.nbytes / seconds / 1e9:.1f} GB/s",
    )
