"""A small raw run whose every value is known: two cameras, timing, text, waveforms, slow values."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from workbench.core.constants import Constants
from workbench.producer import ProduceRequest
from workbench.sources.constants import write_constants
from workbench.sources.xtc2_writer import Names, Xtc2Writer

EXPERIMENT, RUN, EVENTS = "xpplx1234", 7, 300
CAMERA, TILES = (70, 80), (2, 32, 80)  # above the size of arrays that are always kept
PEDESTAL, GAIN = 1000.0, 25.0  # ADU, ADU/keV
CONFIG = """
detectors = ['cam', 'tiles']

def getROIs(run):
    spot = {'name': 'spot', 'ROI': [[2, 12], [5, 25]], 'writeArea': True, 'thresADU': 1.5,
            'pj': [{'name': 'rows', 'axis': 1}]}
    tile = {'name': 'tile', 'ROI': [[1, 2], [0, 1e6], [3, 9]]}
    return {'cam': [spot, {'name': 'all', 'ROI': None}], 'tiles': [tile]}

def get_sum_algos(run):
    return {'all': ['calib'], 'cam': ['calib_dropped', 'calib_max', 'calib_thresADU2_square']}
"""
BLD, TIMING, CAM, WAVE, EPICS, SCAN, NOTE = range(7)
NAMES = (
    Names("XppSb2BmMon", "bmmon", "raw", fields={
        "totalIntensityJoules": ("float64", 0), "peakAmplitude": ("float64", 1)}),
    Names("timing", "ts", "raw", fields={
        "pulseId": ("uint64", 0), "sequenceValues": ("uint16", 1)}),
    Names("cam", "epix100", "raw", fields={"raw": ("uint16", 2)}),
    Names("wave", "hsd", "raw", fields={"trace": ("float32", 1)}),
    Names("epics", "epics", "raw", fields={"att_T": ("float64", 0), "note": ("str", 1)}),
    Names("scan", "scan", "raw", fields={"lxt_ttc": ("float64", 0)}),
    Names("log", "log", "raw", fields={"text": ("str", 1), "state:mode": ("enum", 0)}),
)  # fmt: skip
TILE_NAMES = tuple(
    Names("tiles", "jungfrau", "raw", segment=segment, fields={"raw": ("uint16", 3)})
    for segment in (0, 1)
)


@dataclass
class MadeRun:
    """Where the run is, and what was written into it."""

    folder: Path
    constants: Path
    config: Path
    stamps: np.ndarray
    cam: np.ndarray
    tiles: np.ndarray
    has_cam: np.ndarray
    has_tiles: np.ndarray
    partial_tiles: np.ndarray
    intensity: np.ndarray
    codes: np.ndarray
    waves: list[np.ndarray]

    def request(self, output: Path, **changes: Any) -> ProduceRequest:
        """Return a request for this run with config and constants."""
        settings: dict[str, Any] = {"config": self.config, "constants": self.constants}
        return ProduceRequest(EXPERIMENT, RUN, self.folder, output, **(settings | changes))


def write_made_run(folder: Path, events: int = EVENTS, rollover: int = -1) -> MadeRun:
    """Write the run; every 23rd shot has no X-rays, cameras are not in every event.

    At event `rollover` the first stream goes on in a next file.
    """
    draw = np.random.default_rng(11)
    index = np.arange(events)
    stamps = (np.uint64(1_100_000_000) << np.uint64(32)) + (index * 8_333_333).astype(np.uint64)
    cam = draw.integers(980, 1150, (events, *CAMERA)).astype(np.uint16)
    tiles = draw.integers(980, 1150, (events, *TILES)).astype(np.uint16)
    has_cam, partial = index % 3 == 0, index % 50 == 7
    has_tiles = (index % 2 == 0) & ~partial
    intensity = draw.normal(1e-3, 1e-4, events)
    codes = np.zeros((events, 288), np.int64)
    codes[:, 40] = 1
    codes[:, 137] = index % 23 != 0
    codes[index % 8 == 0, 89] = 1  # marks shots without laser
    words = np.packbits(codes.astype(np.uint8), axis=1, bitorder="little").view("<u2")
    waves = [draw.normal(size=5 + event % 4).astype(np.float32) for event in index]
    begin = int(stamps[0])
    stem = f"{EXPERIMENT}-r{RUN:04d}"
    with (
        Xtc2Writer(folder / f"{stem}-s000-c000.xtc2", NAMES) as first,
        Xtc2Writer(folder / f"{stem}-s001-c000.xtc2", TILE_NAMES) as second,
    ):
        for stream in (first, second):
            stream.configure(begin - 5000)
            stream.begin_run(begin - 4000, experiment=EXPERIMENT, run=RUN)
        first.begin_step(begin - 3000, {SCAN: {"lxt_ttc": 1e-12}})
        second.begin_step(begin - 3000)
        for stream in (first, second):
            stream.enable(begin - 2000)
        for event in index:
            time = int(stamps[event])
            if event == rollover:
                for stream in (first, second):
                    stream.disable(time - 30)
                first.enable(time - 20, next_chunk=(folder / f"{stem}-s000-c001.xtc2", 1))
                second.enable(time - 20)
            if event in {events // 3, 2 * events // 3}:
                first.slow_update(
                    time - 10, {EPICS: {"att_T": event / events, "note": f"at {event}"}}
                )
            records: dict[int, Any] = {
                TIMING: {"pulseId": 10 + event, "sequenceValues": words[event]},
                WAVE: {"trace": waves[event]},
                NOTE: {"text": f"shot {event}", "state:mode": event % 2},
            }
            if event % 10 != 3:
                records[BLD] = {
                    "totalIntensityJoules": intensity[event],
                    "peakAmplitude": intensity[event] * np.arange(16),
                }
            if has_cam[event]:
                records[CAM] = {"raw": cam[event]}
            first.event(time, records, damage={CAM: 2} if event == 30 else 0)
            segments = [0, 1] if has_tiles[event] else [1] if partial[event] else []
            if segments:
                second.event(time, {s: {"raw": tiles[event, s : s + 1]} for s in segments})
        for stream in (first, second):
            stream.end_run(int(stamps[-1]) + 1000)
    constants, config = folder / "constants.h5", folder / "prod_config_xpp.py"
    write_constants(constants, [made_constants("cam", CAMERA), made_constants("tiles", TILES)])
    config.write_text(CONFIG)
    return MadeRun(
        folder, constants, config, stamps, cam, tiles, has_cam, has_tiles, partial, intensity,
        codes, waves,
    )  # fmt: skip


def made_constants(detector: str, shape: tuple[int, ...]) -> Constants:
    """Return flat constants with three bad pixels."""
    good = np.ones(shape, bool)
    good.flat[[3, 70, 133]] = False
    return Constants(
        detector, np.full(shape, PEDESTAL), np.full(shape, GAIN), good, origin="made up"
    )


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> MadeRun:
    return write_made_run(tmp_path_factory.mktemp("raw"))


@pytest.fixture(scope="session")
def make_run() -> Any:
    return write_made_run
