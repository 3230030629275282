"""The producer against two per-event loops on the same run, workers for workers; its memory."""

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from peers.event_loops import REGIONS, STORED, produce_by_loop
from pytest_benchmark.fixture import BenchmarkFixture
from ratios import Ratios

from workbench.producer import ProduceRequest, produce
from workbench.synthetic import PumpProbe, write_raw_run

EVENTS = 3000  # as in the demo, with its rates of both cameras
WORKERS = 2
ROUNDS = 5
MASKED_GOAL = 5.0  # times the rate of a per-event loop over masked arrays
LEAN_GOAL = 1.7  # times the rate of a lean per-event NumPy loop
MEMORY_GOAL = 0.7  # memory of a run over that of one ten times longer
MEMORY = """
import json, re, sys, tempfile
from pathlib import Path
from workbench.producer import ProduceRequest, produce
top = 0
def tell(done, total):
    global top
    status = Path("/proc/self/status").read_text()
    top = max(top, int(re.search(r"RssAnon:\\s+(\\d+)", status)[1]))
folder = Path(sys.argv[1])
with tempfile.TemporaryDirectory() as output:
    request = ProduceRequest("xppsyn0126", 1, folder, Path(output),
                             config=folder / "prod_config_xpp.py",
                             constants=folder / "constants.h5")
    result = produce(request, tell)
    tell(0, 0)
print(json.dumps({"kilobytes": top, "events": result.n_events}))
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return write_raw_run(PumpProbe(n_events=EVENTS), tmp_path_factory.mktemp("demo"))


@pytest.fixture
def ours(made: Any, tmp_path: Path) -> Callable[[], Path]:
    request = ProduceRequest(
        "xppsyn0126", 1, made.folder, tmp_path, config=made.config, constants=made.constants,
        workers=WORKERS, replace=True,
    )  # fmt: skip
    return lambda: produce(request).output


def seconds(work: Callable[[], Path]) -> float:
    """Return how long a program takes; its file is removed, so that each writes a new one."""
    os.sync()  # what the other program left to be written is not charged to this one
    start = time.perf_counter()
    path = work()
    taken = time.perf_counter() - start
    path.unlink()
    return taken


def assert_equal(path: Path, peer: Path) -> int:
    """Compare every dataset of the peer that has a counterpart; return how many."""
    compared = 0
    with h5py.File(path) as ours, h5py.File(peer) as theirs:
        groups = {"XppUsbEncoder02": "enc"}
        leaves = {"ebeamDestn": "destination"}
        datasets: list[str] = []
        theirs.visititems(
            lambda name, item: datasets.append(name) if isinstance(item, h5py.Dataset) else None
        )
        for dataset in datasets:
            name = dataset.replace("/", ".")
            head, _, rest = name.partition(".")
            leaf = rest.rsplit(".", 1)[-1]
            target = f"{groups.get(head, head)}/{leaves.get(leaf, leaf)}" if rest else name
            target = dataset if head == "UserDataCfg" else target
            if target not in ours:
                assert leaf == "sequenceValues", name
                continue
            one, two = ours[target][()], theirs[dataset][()]
            scale = np.nanmax(np.abs(one)) if one.size else 0
            np.testing.assert_allclose(one, two.astype(one.dtype), rtol=1e-5, atol=1e-6 * scale)
            compared += 1
    return compared


@pytest.mark.parametrize(
    ("kind", "reading", "goal"),
    [
        ("masked", "event", MASKED_GOAL),
        ("lean", "event", LEAN_GOAL),
        ("masked", "stack", None),
        ("lean", "stack", None),
    ],
)
def test_producer_against_a_per_event_loop(
    kind: str, reading: str, goal: float | None, made: Any, ours: Callable[[], Path],
    tmp_path: Path, benchmark: BenchmarkFixture, ratios: Ratios,
) -> None:  # fmt: skip
    folder = tmp_path / "peer"
    folder.mkdir()

    def peer() -> Path:
        return produce_by_loop(kind, made, folder, WORKERS, reading)

    ours()  # compiles what is not yet in the cache
    compared = assert_equal(ours(), peer())
    regions = sum(len(found) for found in REGIONS.values())
    assert compared > 4 * regions + len(STORED)
    samples = [(seconds(ours), seconds(peer)) for _ in range(ROUNDS)]  # side by side
    mine, theirs = (statistics.median(column) for column in zip(*samples, strict=True))
    benchmark.pedantic(ours, rounds=1)
    ratios.add(
        f"producer, {WORKERS} workers, against the {kind} loop that reads by {reading}",
        measured=theirs / mine,
        goal=goal,
        detail=f"{EVENTS / mine:.0f} and {EVENTS / theirs:.0f} events/s, start of the workers "
        f"included; {compared} datasets equal",
    )


def memory_of(events: int, folder: Path) -> float:
    """Return the largest own memory of a process that produces a run of this length [MB]."""
    write_raw_run(PumpProbe(n_events=events, camera_every=50, jungfrau_every=211), folder)
    done = subprocess.run(
        [sys.executable, "-c", MEMORY, str(folder)], capture_output=True, text=True, check=True
    )
    told = json.loads(done.stdout)
    assert told["events"] == events
    return float(told["kilobytes"]) / 1024


def test_memory_stays_flat_when_the_run_is_ten_times_longer(tmp_path: Path, ratios: Ratios) -> None:
    short, long = memory_of(1500, tmp_path / "short"), memory_of(15_000, tmp_path / "long")
    ratios.add(
        "memory of a production, run of 1,500 events over one of 15,000",
        measured=short / long,
        goal=MEMORY_GOAL,
        detail=f"{short:.0f} and {long:.0f} MB",
    )
    assert long < 1.5 * short
