"""Imported once by the server from which workers are forked: loads all that a unit of work needs.

Importing compiled loops and loading their machine code takes seconds of processor time, more than
many a unit; done here, it is done once however many workers there are.
"""

import tempfile
from contextlib import suppress
from pathlib import Path

import numpy as np

from workbench.core.bounds import Bounds
from workbench.core.constants import Constants
from workbench.core.errors import WorkbenchError
from workbench.producer.config import ProducerConfig
from workbench.producer.entries import ReductionEntry, SumEntry
from workbench.producer.plan import Job, make_plan
from workbench.producer.unit import Unit, plan_here, work_unit
from workbench.reductions import PixelSum, Roi
from workbench.sources import open_raw
from workbench.sources.constants import write_constants
from workbench.sources.xtc2_writer import Names, Xtc2Writer

SHAPE = (4, 4)
MONITOR = {"sum": 0.0, "xpos": 0.0}
NAMES = (
    Names("camera", "jungfrau", "raw", fields={"raw": ("uint16", 2)}),
    Names("monitor", "monitor", "raw", fields={"sum": ("float64", 0), "xpos": ("float64", 0)}),
)


def rehearse(folder: Path) -> None:
    """Produce a run of two events with a camera of a few pixels whose gain may switch."""
    path = folder / "rehearsal-r0001-s000-c000.xtc2"
    with Xtc2Writer(path, NAMES) as stream:
        stream.configure(1)
        stream.begin_run(2, experiment="rehearsal", run=1)
        stream.begin_step(3)
        stream.enable(4)
        for time in (5, 6):
            stream.event(time, {0: {"raw": np.zeros(SHAPE, np.uint16)}, 1: MONITOR})
        stream.end_run(7)
    constants = folder / "constants.h5"
    write_constants(constants, [Constants("camera", np.zeros(SHAPE), np.ones(SHAPE))])
    region = ReductionEntry("camera", "roi", Roi(Bounds((0, 0), SHAPE), area=True))
    summed = SumEntry("camera", PixelSum("calib"))
    config = ProducerConfig(run=1, reductions=(region,), sums=(summed,))
    plan = make_plan(Job(1, "rehearsal", config, constants, ()), open_raw(path))
    unit = Unit(folder / "plan.pickle", 1, 0, 0, 2)
    with plan_here([unit], plan):
        work_unit(unit)


with suppress(WorkbenchError, OSError), tempfile.TemporaryDirectory() as place:
    rehearse(Path(place))  # without a place to write, workers load what they need themselves
