"""Opening a run, binning a scan of it and picking its images, against loading and reading it."""

import json
import mmap
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
from ratios import Ratios

from workbench.binning import bin_run
from workbench.runs import cut, open_run
from workbench.smalldata import DatasetSpec, create_part, merge_parts

EVENTS = 72_000  # ten minutes at 120 Hz
IMAGES = (30_000, 60, 80)
ROUNDS = 5
LARGE = 900  # fields of the file that the goals of opening speak of
OPEN_GOAL = 20.0  # times faster than loading all scalars
VISIT_GOAL = 1 / 3  # of the speed at which HDF5 names the datasets
SCAN_GOAL = 1 / 2.5  # of the speed at which h5py reads the columns of the scan
CUTS = {"ipm2/sum": (0.5, 4), "ipm3/sum": (0.5, 4), "tt/AMPL": (0.05, 0.2),
        "tt/FLTPOSFWHM": (60, 150), "tt/FLTPOS": (300, 700)}  # fmt: skip
EDGES = np.linspace(-2, 5, 51)  # ps
MEMORY_GOAL = 10.0  # times less memory
BOOLEAN_GOAL = 10.0  # times faster than dataset[mask]
SEQUENTIAL_GOAL = 1 / 1.5  # of the speed of reading all bytes of the file into an array
MEASURED = """
import h5py, json, re, sys, time
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from peers.merged_scalars import load_by_merge
from workbench.runs import open_run
def memory():
    return int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])
def fields(path):
    run = open_run(path)
    return run, run.fields
def visit(path):
    names = []
    with h5py.File(path) as h5:
        h5py.h5o.visit(h5.id, names.append)
    return names
work = {"ours": fields, "peer": load_by_merge, "visit": visit}[sys.argv[2]]
work(sys.argv[3])  # loads modules and facts
Path("/proc/self/clear_refs").write_text("5")  # the peak of memory counts from here
before, start = memory(), time.perf_counter()
kept = work(sys.argv[4])
seconds = time.perf_counter() - start
print(json.dumps({"seconds": seconds, "kilobytes": memory() - before}))
"""


def names(count: int) -> list[str]:
    return [f"det{number // 12:02d}/field{number % 12:02d}" for number in range(count)]


def ours(path: Path, count: int, events: int = EVENTS) -> Path:
    specs = [DatasetSpec("timestamp", "int64"), *(DatasetSpec(n, "float64") for n in names(count))]
    stamps = np.arange(events, dtype=np.int64) // 120 << 32 | np.arange(events) % 120
    with create_part(path.with_suffix(".part"), specs) as part:
        part.append({"timestamp": stamps, **dict.fromkeys(names(count), np.arange(events) + 0.5)})
    attributes = {"experiment": "xpplx1234", "run": 1, "generation": "lcls2"}
    merge_parts([path.with_suffix(".part")], path, specs=specs, attributes=attributes)
    path.with_suffix(".part").unlink()
    return path


def others(path: Path, count: int, events: int = EVENTS) -> Path:
    """Write as the LCLS-I producer does: old-style groups, no units."""
    stamps = np.arange(events, dtype=np.int64) // 120 << 32 | np.arange(events) % 120
    with h5py.File(path, "w") as h5:
        for name in ("event_time", "fiducials", *names(count)):
            values = np.arange(events) + 0.5 if "/" in name else stamps
            h5.create_dataset(name, data=values, chunks=(min(8192, events),), maxshape=(None,))
    return path


@pytest.mark.parametrize("write", [ours, others])
@pytest.mark.parametrize("count", [165, LARGE])
def test_opening_against_loading(
    write: Callable[..., Path], count: int, tmp_path: Path, ratios: Ratios
) -> None:
    path, tiny = write(tmp_path / "xpplx1234_Run0001.h5", count), tmp_path / "xpplx1234_Run0002.h5"
    write(tiny, 3, 10)
    run = open_run(path)
    with h5py.File(path) as h5:
        for name in (names(count)[0], names(count)[-1]):
            np.testing.assert_array_equal(run[name].read(), h5[name][:])
            assert run.fields[name].shape == (EVENTS,)
    measured = {
        who: [_measure(who, tiny, path) for _ in range(rounds)]
        for who, rounds in (("ours", ROUNDS), ("visit", ROUNDS), ("peer", 1))
    }
    seconds = {
        who: statistics.median(one["seconds"] for one in all_) for who, all_ in measured.items()
    }
    memory = {
        who: statistics.median(one["kilobytes"] for one in all_) for who, all_ in measured.items()
    }
    what = f"{count} fields, {write.__name__}"
    goals = (OPEN_GOAL, MEMORY_GOAL) if count == LARGE else (None, None)
    ratios.add(
        f"open and list {what}", measured=seconds["peer"] / seconds["ours"], goal=goals[0],
        detail=f"{1e3 * seconds['ours']:.0f} ms, loading {1e3 * seconds['peer']:.0f} ms",
    )  # fmt: skip
    ratios.add(
        f"open and list {what}, h5o.visit", measured=seconds["visit"] / seconds["ours"],
        goal=VISIT_GOAL, detail=f"naming them {1e3 * seconds['visit']:.0f} ms",
    )  # fmt: skip
    ratios.add(
        f"memory of {what}", measured=memory["peer"] / max(1, memory["ours"]), goal=goals[1],
        detail=f"{memory['ours'] / 1e3:.1f} MB, loading {memory['peer'] / 1e3:.0f} MB",
    )  # fmt: skip


def _measure(who: str, tiny: Path, path: Path) -> dict[str, float]:
    command = [
        sys.executable,
        "-c",
        MEASURED,
        str(Path(__file__).parent),
        who,
        str(tiny),
        str(path),
    ]
    answer: dict[str, float] = json.loads(subprocess.check_output(command))
    return answer


@pytest.fixture(scope="module")
def scan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = others(tmp_path_factory.mktemp("scan") / "xpplx1234_Run0001.h5", 150)
    draw, ones = np.random.default_rng(1), np.ones(EVENTS)
    columns = {
        "lightStatus/xray": ones, "lightStatus/laser": ones,
        "tt/ttCorr": draw.normal(0, 0.2, EVENTS),
        "ipm2/sum": draw.gamma(8, 0.2, EVENTS), "ipm3/sum": draw.gamma(8, 0.2, EVENTS),
        "tt/FLTPOS": draw.normal(500, 50, EVENTS), "tt/FLTPOS_PS": draw.normal(0, 0.2, EVENTS),
        "tt/AMPL": draw.normal(0.1, 0.01, EVENTS), "tt/FLTPOSFWHM": draw.normal(100, 10, EVENTS),
        "epix/ROI_0_sum": draw.normal(1000, 30, EVENTS),
        "scan/lxt_ttc": np.repeat(np.linspace(-2e-12, 5e-12, 50), EVENTS // 50),
    }  # fmt: skip
    with h5py.File(path, "a") as h5:
        for name, values in columns.items():
            h5.create_dataset(name, data=values, chunks=(8192,), maxshape=(None,))
    return path


def test_a_binned_scan_against_reading_its_columns(scan: Path, ratios: Ratios) -> None:
    """Open, five cuts, ratio over delay with its errors; the peer gives the ratio alone."""
    where = cut("ipm2/sum", *CUTS["ipm2/sum"])
    for name in list(CUTS)[1:]:
        where = where & cut(name, *CUTS[name])

    def ours() -> Any:
        return bin_run(open_run(scan), {"delay": EDGES}, "epix/ROI_0_sum", where, "i0")

    def reading() -> dict[str, Any]:
        with h5py.File(scan) as h5:
            names = (*CUTS, "scan/lxt_ttc", "tt/ttCorr", "epix/ROI_0_sum")
            return {name: h5[name][:] for name in names}

    def histograms() -> Any:
        given = reading()
        good = np.ones(EVENTS, bool)
        for name, (low, high) in CUTS.items():
            good &= (given[name] >= low) & (given[name] < high)
        delay = given["scan/lxt_ttc"][good] * 1e12 + given["tt/ttCorr"][good]
        signal, norm = (np.histogram(delay, EDGES, weights=given[name][good])[0]
                        for name in ("epix/ROI_0_sum", "ipm2/sum"))  # fmt: skip
        return signal / norm

    np.testing.assert_allclose(ours()["epix/ROI_0_sum"], histograms(), rtol=1e-9)
    taken = [[_timed(work)[1] for work in (ours, reading, histograms)] for _ in range(2 * ROUNDS)]
    own, plain, peer = (statistics.median(times) for times in zip(*taken, strict=True))
    for what, seconds, goal in (("h5py reads", plain, SCAN_GOAL), ("np.histogram", peer, None)):
        detail = f"{1e3 * own:.0f} ms, {1e3 * seconds:.0f} ms"
        ratios.add(f"binned scan, {what}", measured=seconds / own, goal=goal, detail=detail)


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("images") / "xpplx1234_Run0001.h5"
    specs = [
        DatasetSpec("timestamp", "int64"),
        DatasetSpec("epix/ROI_0_area", "float32", IMAGES[1:]),
    ]
    random = np.random.default_rng(0)
    with create_part(path.with_suffix(".part"), specs) as part:
        for first in range(0, IMAGES[0], 1000):
            frames = random.random((1000, *IMAGES[1:]), dtype=np.float32)
            part.append({"timestamp": np.arange(first, first + 1000), "epix/ROI_0_area": frames})
    attributes = {"experiment": "xpplx1234", "run": 1, "generation": "lcls2"}
    merge_parts([path.with_suffix(".part")], path, specs=specs, attributes=attributes)
    path.with_suffix(".part").unlink()
    return path


def test_picking_half_of_the_images(images: Path, ratios: Ratios) -> None:
    good = np.random.default_rng(1).random(IMAGES[0]) < 0.5
    channel = open_run(images)["epix/ROI_0_area"]
    out = np.zeros((int(good.sum()), *IMAGES[1:]), dtype=np.float32)
    buffer = mmap.mmap(-1, 2 << 20)  # page-aligned: the fastest that there is
    every = np.zeros(images.stat().st_size, dtype=np.uint8)

    def sequential() -> None:
        with images.open("rb", buffering=0) as file:
            place = 0
            while count := file.readinto(every[place : place + (16 << 20)]):
                place += count

    def thrown_away() -> None:
        with images.open("rb", buffering=0) as file:
            while file.readinto(buffer):
                pass

    with h5py.File(images) as h5:
        wanted, boolean = _timed(lambda: h5["epix/ROI_0_area"][good])
    np.testing.assert_array_equal(channel.read_stored(good, out=out), wanted)
    rounds = [
        (_timed(sequential)[1], _timed(lambda: channel.read_stored(good, out=out))[1])
        for _ in range(2 * ROUNDS)
    ]
    plain, picked = (min(times) for times in zip(*rounds, strict=True))
    dropped = min(_timed(thrown_away)[1] for _ in range(ROUNDS))
    for peer, seconds, goal in (
        ("dataset[mask]", boolean, BOOLEAN_GOAL),
        ("all bytes into an array", plain, SEQUENTIAL_GOAL),
        ("all bytes, thrown away", dropped, SEQUENTIAL_GOAL),
    ):
        detail = f"{1e3 * picked:.0f} ms, {1e3 * seconds:.0f} ms"
        ratios.add(f"images: {peer}", measured=seconds / picked, goal=goal, detail=detail)


def _timed(work: Callable[[], object]) -> tuple[object, float]:
    start = time.perf_counter()
    result = work()
    return result, time.perf_counter() - start
