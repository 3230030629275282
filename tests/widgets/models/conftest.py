"""A raw run of two detectors whose pixels have places, and its small-data file."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from workbench.core.arrays import Array
from workbench.core.constants import Constants
from workbench.producer import ProduceRequest, produce
from workbench.runs import Run
from workbench.sources import RawRun, open_raw
from workbench.sources.constants import write_constants
from workbench.sources.geometry import parse_geometry
from workbench.sources.xtc2_writer import Names, Xtc2Writer

EXPERIMENT, RUN, EVENTS = "xpplx1234", 7, 12
TABLE = """
IP 0 CAM 0 0 0 0 0 0 0 0 0 0
CAM 0 EPIXMASIC:V1 0  -6000 0 0 90 0 0 0 0 0
CAM 0 EPIXMASIC:V1 1   6000 0 0 270 0 0 0 0 0
"""  # two tiles beside each other, each on its side
TILES = (2, 192, 384)
SMALL = (70, 80)
GAIN, PEDESTAL = 8.0, 1000.0
CONFIG = """
detectors = ['cam', 'tiles']

def getROIs(run):
    spot = {'name': 'spot', 'ROI': [[2, 12], [5, 25]], 'writeArea': True, 'proj_ax': 0}
    return {'cam': [spot]}

def get_sum_algos(run):
    return {'all': ['calib'], 'cam': ['calib_max']}
"""


@dataclass(frozen=True, eq=False)
class Made:
    """A raw run, what was written into it, its config and constants."""

    folder: Path
    config: Path
    constants: Path
    cam: Array
    tiles: Array
    good: Array

    @property
    def raw(self) -> RawRun:
        return open_raw(self.folder, run=RUN)

    def produced(self, output: Path, **changes: Any) -> Run:
        settings: dict[str, Any] = {"config": self.config, "constants": self.constants} | changes
        result = produce(ProduceRequest(EXPERIMENT, RUN, self.folder, output, **settings))
        assert not result.skipped
        return Run(result.output, experiment_file=False)


def write_run(
    folder: Path, frames: dict[str, Array], *, seen: Any = lambda _name, _event: True
) -> None:
    """Write a raw run with one camera of two axes or of tiles for each name."""
    names = []
    for name, values in frames.items():
        for segment in range(values.shape[1]) if values.ndim == 4 else (0,):
            fields = {"raw": ("uint16", values.ndim - 1)}
            kind = "jungfrau" if values.ndim == 4 else "epix100"
            names.append(Names(name, kind, "raw", segment=segment, fields=fields))
    start = 1_100_000_000 << 32
    with Xtc2Writer(folder / f"{EXPERIMENT}-r{RUN:04d}-s000-c000.xtc2", names) as stream:
        stream.configure(start - 5000)
        stream.begin_run(start - 4000, experiment=EXPERIMENT, run=RUN)
        stream.begin_step(start - 3000)
        stream.enable(start - 2000)
        for event in range(len(next(iter(frames.values())))):
            records, place = {}, 0
            for name, values in frames.items():
                segments = range(values.shape[1]) if values.ndim == 4 else (None,)
                for segment in segments:
                    part = (
                        values[event] if segment is None else values[event, segment : segment + 1]
                    )
                    if seen(name, event):
                        records[place] = {"raw": part}
                    place += 1
            stream.event(start + event * 8_333_333, records)
        stream.end_run(start + 10**9)


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder = tmp_path_factory.mktemp("raw")
    draw = np.random.default_rng(5)
    cam = draw.integers(980, 1150, (EVENTS, *SMALL)).astype(np.uint16)
    tiles = draw.integers(980, 1150, (EVENTS, *TILES)).astype(np.uint16)
    write_run(folder, {"cam": cam, "tiles": tiles}, seen=lambda n, e: n == "cam" or e % 3 != 1)
    good = np.ones(TILES, bool)
    good[0, 3:9, 5:7] = False
    x, y, z = parse_geometry(TABLE).laboratory
    write_constants(
        folder / "constants.h5",
        [
            Constants("cam", np.full(SMALL, PEDESTAL), np.full(SMALL, GAIN), origin="made up"),
            Constants(
                "tiles",
                np.full(TILES, PEDESTAL),
                np.full(TILES, GAIN),
                good,
                x,
                y,
                z,
                origin="made up",
            ),
        ],
    )
    (folder / "prod_config_xpp.py").write_text(CONFIG)
    return Made(folder, folder / "prod_config_xpp.py", folder / "constants.h5", cam, tiles, good)


@pytest.fixture(scope="session")
def produced(made: Made, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return made.produced(tmp_path_factory.mktemp("produced"))
