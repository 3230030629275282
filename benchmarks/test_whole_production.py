"""A whole production as an XPP experiment asks for it, and what each of its entries costs."""

import statistics
import time
from pathlib import Path

import h5py
import pytest
from pytest_benchmark.fixture import BenchmarkFixture
from ratios import Ratios

from workbench.producer import ProduceRequest, ProduceResult, produce
from workbench.synthetic import PumpProbe, write_raw_run

EVENTS, WORKERS, ROUNDS = 3000, 2, 3
HEAD = "detectors = ['epix_1', 'jungfrau1M']\n"
ENTRIES = {
    "region, Jungfrau 1M": (
        "def getROIs(run):\n"
        "    return {'jungfrau1M': [{'name': 'ring', 'ROI': [[0, 1], [250, 314], [400, 528]],\n"
        "                            'writeArea': True}]}\n"
    ),
    "azimuthal average, Jungfrau 1M": (
        "def get_azav(run):\n"
        "    return {'jungfrau1M': {'center': [0.0, 0.0], 'dis_to_sam': 80.0, 'eBeam': 9.5,\n"
        "                           'qbin': 0.01}}\n"
    ),
    "droplets, ePix100": (
        "def get_droplet(run):\n"
        "    return {'epix_1': {'threshold': 5, 'thresholdLow': 3, 'useRms': False,\n"
        "                       'nData': None}}\n"
    ),
}
NO_SUMS = "def get_sum_algos(run):\n    return {}\n"
SUMS = (
    "def get_sum_algos(run):\n"
    "    return {'epix_1': ['calib'], 'jungfrau1M': ['calib', 'calib_thresADU5']}\n"
)


def test_a_whole_production_and_its_parts(
    tmp_path: Path, ratios: Ratios, benchmark: BenchmarkFixture
) -> None:
    made = write_raw_run(PumpProbe(n_events=EVENTS), tmp_path / "raw")
    configs = {"scalars": HEAD + NO_SUMS, "run sums": HEAD + SUMS}
    configs |= {name: HEAD + text + NO_SUMS for name, text in ENTRIES.items()}
    configs["all"] = HEAD + "".join(ENTRIES.values()) + SUMS
    requests: dict[str, ProduceRequest] = {}
    for number, (name, text) in enumerate(configs.items()):
        path = tmp_path / f"config{number}.py"
        path.write_text(text)
        requests[name] = ProduceRequest(
            "xppsyn0126", 1, made.folder, tmp_path, config=path, constants=made.constants,
            workers=WORKERS, replace=True,
        )  # fmt: skip
    frames = checked(produce(requests["all"]))
    taken: dict[str, list[float]] = {name: [] for name in requests}
    for _ in range(ROUNDS):
        for name, request in requests.items():
            begin = time.perf_counter()
            output = produce(request).output
            taken[name].append(time.perf_counter() - begin)
            output.unlink()
    benchmark.pedantic(produce, args=(requests["all"],), rounds=1)
    spent = {name: statistics.median(found) for name, found in taken.items()}
    alone = spent.pop("scalars")
    every = spent.pop("all")
    parts = ", ".join(f"{name} {seconds - alone:.2f} s" for name, seconds in spent.items())
    ratios.add(
        f"production of an XPP config, {WORKERS} workers, over that of scalars alone",
        measured=every / alone,
        goal=None,
        detail=f"{EVENTS / every:.0f} events/s with {frames}; scalars {alone:.2f} s, alone beside "
        f"them: {parts}; together {every:.2f} s",
    )


def checked(result: ProduceResult) -> str:
    """Return how many frames were reduced; everything asked for must be in the file."""
    assert not result.skipped
    with h5py.File(result.output) as file:
        for name in ("jungfrau1M/ring_sum", "jungfrau1M/azav_azav", "epix_1/droplet_nDroplets"):
            assert len(file[name]) == EVENTS
        cameras = ("epix_1", "jungfrau1M")
        counts = {name: int((file[f"damage/{name}"][()] == 1).sum()) for name in cameras}
    if 0 in counts.values():
        pytest.fail(f"a camera without frames: {counts}")
    return " and ".join(f"{count} frames of {name}" for name, count in counts.items())
