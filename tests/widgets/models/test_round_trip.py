"""Drawn on the picture, written to a config, produced: the same pixels, the same numbers."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from workbench.core.arrays import Array, Bools
from workbench.core.bounds import Bounds
from workbench.core.constants import Constants
from workbench.producer import ProducerConfig, ProduceRequest, produce
from workbench.reductions import calibrate
from workbench.reductions.roi import squeezed
from workbench.regions import Box, Circle, Layout, Polygon, Rectangle, RegionError, Ring
from workbench.runs import Run
from workbench.sources import open_raw
from workbench.sources.constants import write_constants
from workbench.sources.geometry import Geometry, read_geometry
from workbench.widgets.models import (
    RawFrames,
    RegionModel,
    WriteBack,
    answer,
    picture_of_raw,
    roi_of,
)

from .conftest import EXPERIMENT, RUN, write_run

EIGHT = (
    "epix100a", "jungfrau05M",  # one tile
    "cspad2x2", "epixhr2x2", "epixm320", "epix10kaquad", "jungfrau1M", "epixuhr",
)  # fmt: skip
STATISTICS = ("sum", "mean", "max", "com")
CONFIG = """\
detectors = []
def getROIs(run):
    if run > 90:
        return {'det': [{'name': 'late', 'ROI': [[0, 1], [0, 4], [0, 4]]}]}
    return {}
"""


def drawn(layout: Layout, count: int) -> Iterator[Rectangle | Polygon | Circle | Ring | Box]:
    """Yield regions that hold pixels of the detector: within tiles, across them, over gaps."""
    random = np.random.default_rng(8)
    height, width = layout.shape
    while count:
        row, col = random.uniform(0, height), random.uniform(0, width)
        size = random.uniform(1, 0.3 * min(height, width))
        kind = random.integers(0, 5)
        if kind == 0:
            shape = Rectangle.around(
                (row, col), (row + random.uniform(1, size) + 1, col + random.uniform(1, size) + 1)
            )
        elif kind == 1:
            corners = np.array([row, col]) + random.uniform(-size, size, (random.integers(3, 8), 2))
            shape = Polygon(tuple(map(tuple, corners.tolist())))
        elif kind == 2:
            shape = Circle(row, col, size)
        elif kind == 3:
            shape = Ring(row, col, size * random.uniform(0, 0.9), size)
        else:
            low = [int(random.integers(0, length)) for length in layout.frame_shape]
            most = [min(a + 200, length) for a, length in zip(low, layout.frame_shape, strict=True)]
            high = [int(random.integers(a + 1, b + 1)) for a, b in zip(low, most, strict=True)]
            shape = Box(Bounds(tuple(low), tuple(high)))
        try:
            layout.to_config(shape)
        except RegionError:
            continue  # drawn beside the tiles
        yield shape
        count -= 1


class Trip:
    """One detector: its run, its picture, its regions in a config, its produced file."""

    def __init__(self, folder: Path, table: Geometry, *, regions: int, events: int) -> None:
        shape = table.x.shape if len(table.x) > 1 else table.x.shape[1:]
        random = np.random.default_rng(3)
        self.raw_frames = random.integers(900, 1300, (events, *shape)).astype(np.uint16)
        write_run(folder, {"det": self.raw_frames})
        self.good = random.random(shape) > 0.01
        x, y, z = (axis.reshape(shape) for axis in table.laboratory)
        gain = random.uniform(7, 9, shape)
        self.constants, self.config = folder / "constants.h5", folder / "prod_config_xpp.py"
        made = Constants("det", np.full(shape, 1000.5), gain, self.good, x, y, z, "made up")
        write_constants(self.constants, [made])
        self.raw = open_raw(folder)
        self.picture = picture_of_raw(self.raw, "det", events=1, constants=self.constants)
        self.model = RegionModel(self.picture)
        for region in drawn(self.picture.layout, regions):
            self.model.add(region)
        self.config.write_text(CONFIG)
        self.folder = folder

    def write_back(self) -> None:
        """Write every region for one run, those of two axes with both projections."""
        axes = {name: self.axes(name) for name in self.model.regions}
        two_axes = [name for name, count in axes.items() if count == 2]
        others = [name for name in axes if name not in two_axes]
        with WriteBack(self.config, from_run=RUN, to_run=RUN) as back:
            for names, values in ((two_axes, {"pj": [{"axis": 0}, {"axis": 1}]}), (others, {})):
                if not names:
                    continue
                planned = back.plan_regions(self.model, names, values=values)
                assert planned.changed
                assert not [one for one in planned.findings if one.severity == "error"]
                assert back.save().written

    def produced(self) -> Run:
        """Return the small data of the run, with every region in it."""
        request = ProduceRequest(
            EXPERIMENT, RUN, self.folder, self.folder / "out", self.config, self.constants
        )
        result = produce(request)
        assert not result.skipped
        return Run(result.output, experiment_file=False)

    def axes(self, name: str) -> int:
        return len(squeezed(self.model.config_of(name).bounds.shape))

    def frames(self) -> tuple[Array, RawFrames]:
        """Return all frames, calibrated as one stack, and where they come from."""
        source = RawFrames.of(self.raw, "det", constants=self.constants)
        return calibrate(self.raw_frames, source.calibration), source


def by_hand(region: object, rows: Array, cols: Array) -> Bools:
    """Tell, from the geometry table alone, which pixels a region holds."""
    if isinstance(region, Box):
        held = np.zeros(rows.shape, np.bool_)
        held[region.bounds.slices] = True
        return held
    return region.covers(rows, cols)  # type: ignore[attr-defined,no-any-return]


def check(trip: Trip, table: Geometry) -> None:
    shape = trip.picture.frame.shape
    rows, cols = (at.reshape(shape) for at in (table.image_rows, table.image_cols))
    run, (frames, source) = trip.produced(), trip.frames()
    functions = run.settings["det"].functions
    for name, region in trip.model.regions.items():
        pixels = by_hand(region, rows, cols) & trip.good
        stored = np.zeros(shape, np.bool_)
        bounds = functions[name].bounds
        stored[bounds.slices] = functions[name].good.reshape(bounds.shape)
        np.testing.assert_array_equal(stored, pixels, err_msg=f"pixels of {name}, {region}")

        roi = roi_of(trip.picture.layout, region)
        names = [*STATISTICS, *(f"pj_ax_{axis}_data" for axis in (0, 1) if roi.projections)]
        together = roi.reduce(frames, source.spec)
        alone = [roi.reduce(frames[one : one + 1], source.spec) for one in range(len(frames))]
        shown = answer(trip.picture, roi)
        for value in names:
            on_file = run[f"det/{name}_{value}"].read()
            assert on_file.dtype == np.float64
            assert on_file.tobytes() == together[value].tobytes(), (name, value, region)
            assert on_file.tobytes() == b"".join(one[value].tobytes() for one in alone)
            seen = shown.projections[int(value[6])] if value.startswith("pj") else None
            seen = getattr(shown, value) if seen is None else seen
            assert np.asarray(seen, np.float64).tobytes() == on_file[0].tobytes()
        light = frames[:, pixels].astype(np.float64)
        error = np.abs(together["sum"] - light.sum(axis=1))
        assert (error <= 1e-12 * np.abs(light).sum(axis=1)).all()


def round_trip(folder: Path, table: Geometry, *, regions: int, events: int) -> Trip:
    trip = Trip(folder, table, regions=regions, events=events)
    shape = trip.picture.frame.shape
    np.testing.assert_array_equal(trip.picture.layout.rows, table.image_rows.reshape(shape))
    np.testing.assert_array_equal(trip.picture.layout.cols, table.image_cols.reshape(shape))
    trip.write_back()
    check(trip, table)
    return trip


def table_of(data_folder: Path, name: str) -> Geometry:
    return read_geometry(data_folder / "geometry_lcls2" / f"geometry-def-{name}.data")


@pytest.mark.parametrize(("name", "regions"), [("epixm320", 25), ("cspad2x2", 25)])
def test_regions_come_back_from_the_producer_with_their_pixels_and_numbers(
    name: str, regions: int, tmp_path: Path, data_folder: Path
) -> None:
    trip = round_trip(tmp_path, table_of(data_folder, name), regions=regions, events=3)
    for run in (RUN - 1, RUN + 1):
        assert not ProducerConfig.load(trip.config, run).skipped
        assert "ROI_0" not in {one.name for one in ProducerConfig.load(trip.config, run).reductions}


@pytest.mark.long
@pytest.mark.parametrize("name", EIGHT)
def test_five_hundred_regions_come_back_from_the_producer(
    name: str, tmp_path: Path, data_folder: Path
) -> None:
    round_trip(tmp_path, table_of(data_folder, name), regions=500, events=64)
