"""What Xtc2Writer writes, read back by psana."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from comparing import Tally, digest

from workbench.sources.xtc2_writer import Names, Xtc2Writer

Lines = list[dict[str, Any]]
NUMBERS = [f"{kind}{bits}" for kind in ("uint", "int") for bits in (8, 16, 32, 64)]
NUMBERS += ["float32", "float64"]
SCALARS = {kind: (kind, 0) for kind in NUMBERS} | {
    "note": ("str", 1),
    "part.mode:modes": ("enum", 0),
    "LOW:modes": ("enumdict", 0),
    "HIGH:modes": ("enumdict", 0),
}
ARRAYS = {f"{kind}_{rank}": (kind, rank) for kind in NUMBERS for rank in (1, 2, 3, 4)}
FAST = [
    Names("many", "toy", "raw", (1, 2, 3), 0, "serial0", SCALARS),
    Names("many", "toy", "raw", (1, 2, 3), 1, "serial1", SCALARS),
    Names("shapes", "toy", "fex", (0, 0, 1), 0, "s", ARRAYS),
    Names("many", "toy", "config", (1, 0, 0), 0, "serial0", {"user.gain": ("float32", 0)}),
    Names("epics", "epics", "raw", (2, 0, 0), fields={"lxt": ("float64", 0), "wave": ("int16", 1)}),
    Names("scan", "scan", "raw", (2, 0, 0), fields={"lxt_ttc": ("float64", 0)}),
]
SLOW = [
    Names("camera", "epix100", "raw", (2, 0, 1), 0, "e1", {"raw": ("uint16", 2)}),
    Names("epics", "epics", "raw", (2, 0, 0), 1, fields={"title": ("str", 1)}),
]
MODES = {"-2": "LOW", "7": "HIGH"}
STEPS, EVENTS = 2, 6  # events in each step
FLOOR = 880  # values


class Written:
    """Writes one run of two streams and keeps every value it wrote."""

    def __init__(self, folder: Path) -> None:
        self.rng = np.random.default_rng(5)
        self.folder = folder
        self.time = 30 << 32
        self.events: list[tuple[int, dict[str, str | None], dict[str, str | None]]] = []
        self.slow: dict[str, str | None] = {}

    def next_time(self) -> int:
        self.time += int(self.rng.integers(1, 1 << 20))
        return self.time

    def number(self, kind: str) -> np.generic:
        return self.array(kind, 0)[()]

    def array(self, kind: str, rank: int) -> np.ndarray[Any, Any]:
        shape = tuple(self.rng.integers(0, 5, rank))
        if kind.startswith("float"):
            return np.asarray(self.rng.normal(size=shape) * 1e30).astype(kind)
        limits = np.iinfo(kind)
        return np.asarray(
            self.rng.integers(limits.min, limits.max, shape, kind, endpoint=True), kind
        )

    def scalars(self) -> dict[str, Any]:
        numbers = {kind: self.number(kind) for kind in NUMBERS}
        return numbers | {
            "note": "å" * int(self.rng.integers(0, 9)),
            "part.mode:modes": int(self.rng.choice([-2, 7])),
            "LOW:modes": -2,
            "HIGH:modes": 7,
        }

    def arrays(self) -> dict[str, Any]:
        return {name: self.array(kind, rank) for name, (kind, rank) in ARRAYS.items()}

    def write(self) -> None:
        base = [self.folder / f"xpptest-r0021-s{stream:03d}-c000.xtc2" for stream in (0, 1)]
        smd = [self.folder / "smalldata" / f"{path.stem}.smd.xtc2" for path in base]
        with Xtc2Writer(base[0], FAST, smd[0]) as fast, Xtc2Writer(base[1], SLOW, smd[1]) as slow:
            fast.configure(self.time, {3: {"user.gain": 1.5}})
            slow.configure(self.time)
            time = self.next_time()
            fast.begin_run(time, experiment="xpptest", run=21)
            slow.begin_run(time)
            for step in range(STEPS):
                self.step(fast, slow, step)
            time = self.next_time()
            fast.end_run(time)
            slow.end_run(time)

    def step(self, fast: Xtc2Writer, slow: Xtc2Writer, step: int) -> None:
        time = self.next_time()
        fast.begin_step(time, {5: {"lxt_ttc": step * 1e-13}, 3: {"user.gain": 2.0 + step}})
        slow.begin_step(time)
        self.slow["scan/lxt_ttc"] = digest(step * 1e-13)
        time = self.next_time()
        fast.enable(time)
        slow.enable(time)
        for event in range(EVENTS):
            if event % 3 == 1:
                self.slow_update(fast, slow)
            if event == 4:
                time = self.next_time()
                chunk = f"xpptest-r0021-s000-c{step + 1:03d}.xtc2"
                fast.enable(time, next_chunk=(self.folder / chunk, step + 1))
                slow.enable(time)
            self.event(fast, slow, with_camera=event % 2 == 0)
        time = self.next_time()
        for writer in (fast, slow):
            writer.disable(time)
            writer.end_step(time)

    def slow_update(self, fast: Xtc2Writer, slow: Xtc2Writer) -> None:
        time = self.next_time()
        values = {"lxt": self.number("float64"), "wave": self.array("int16", 1)}
        title = f"at {time}"
        fast.slow_update(time, {4: values})
        slow.slow_update(time, {1: {"title": title}})
        for name, value in {**values, "title": title}.items():
            self.slow[f"epics/{name}"] = digest(value)

    def event(self, fast: Xtc2Writer, slow: Xtc2Writer, *, with_camera: bool) -> None:
        time = self.next_time()
        given = {0: self.scalars(), 1: self.scalars(), 2: self.arrays()}
        fast.event(time, given, damage={1: 1 << 5})
        expected: dict[str, str | None] = {}
        for index, values in given.items():
            names = FAST[index]
            base = f"{names.det}/{names.segment}/{names.alg}"
            expected[f"{base}/*damage"] = f"int {32 if index == 1 else 0}"
            for name, value in values.items():
                if name.startswith("part.mode"):
                    labels = {int(number): label for number, label in MODES.items()}
                    expected[f"{base}/part.mode"] = digest(value, labels)
                elif names.fields[name][0] != "enumdict":
                    expected[f"{base}/{name}"] = digest(value)
        if with_camera:
            frame = self.rng.integers(0, 1 << 14, (704, 768), np.uint16)
            slow.event(time, {0: {"raw": frame}})
            expected |= {"camera/0/raw/raw": digest(frame), "camera/0/raw/*damage": "int 0"}
        self.events.append((time, expected, dict(self.slow)))


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Written:
    run = Written(tmp_path_factory.mktemp("written"))
    run.write()
    return run


@pytest.fixture(scope="module")
def read(written: Written, ask_psana: Callable[[list[dict[str, Any]]], list[Lines]]) -> list[Lines]:
    run = {"kind": "folder", "path": str(written.folder), "exp": "xpptest", "run": 21}
    first = written.folder / "xpptest-r0021-s000-c000.xtc2"
    later = [
        {"kind": "datagrams", "path": str(p), "config": str(first)}
        for p in sorted(written.folder.glob("*-c00[12].xtc2"))
    ]
    return ask_psana([run, {"kind": "datagrams", "path": str(first)}, *later])


def test_psana_reads_back_every_value_of_every_event(written: Written, read: list[Lines]) -> None:
    run, *events = [line for line in read[0] if "step" not in line]
    tally = Tally()
    tally.check("experiment", run["experiment"], "xpptest")
    tally.check("run", run["number"], 21)
    tally.check("detectors that psana has a class for", ["camera"], run["detectors"])
    tally.check("serial number", run["serials"]["camera"], "epix100_e1")
    tally.check("events", len(events), STEPS * EVENTS)
    for (time, fields, slow), line in zip(written.events, events, strict=True):
        tally.check("time", time, line["event"])
        for name in sorted(fields.keys() | line["fields"].keys()):
            tally.check(f"{time} {name}", fields.get(name), line["fields"].get(name))
        for name in sorted(slow.keys() | line["slow"].keys()):
            tally.check(f"{time} {name}", slow.get(name), line["slow"].get(name))
    tally.verify("a file that we wrote", FLOOR)


def test_psana_finds_the_steps_and_their_configuration(written: Written, read: list[Lines]) -> None:
    steps = [line for line in read[0] if "step" in line]
    times = [time for time, *_ in written.events]
    assert [step["events"] for step in steps] == [times[:EVENTS], times[EVENTS:]]
    gains = [step["config"]["many/0/config/user.gain"] for step in steps]
    assert gains == [digest(2.0), digest(3.0)]


def test_psana_walks_the_chunks_to_the_last_byte(read: list[Lines]) -> None:
    first, second, third = read[1:]
    assert [lines[-1] for lines in (first, second, third)] == [{"left": 0}] * 3
    assert first[-2]["fields"]["chunkinfo/0/chunkinfo/filename"] == (
        "text xpptest-r0021-s000-c001.xtc2"
    )
    assert [line["service"] for line in third if "service" in line][-3:] == [9, 7, 5]
