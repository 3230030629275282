"""Spatial time tool: planted scale recovered, cut edges left out, what is lacking is named."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import workbench as wb
from tests.conftest import ModuleFolder
from tests.pulls import SEEDS, assert_as_stated, pulls_of
from tests.recipes.conftest import Meet
from tests.recipes.judging import met
from workbench import binning
from workbench.core.errors import WorkbenchError
from workbench.recipes import EdgeCalibration, Edges, TimeToolError, calibrate_edges, find_edges
from workbench.runs import Run
from workbench.synthetic import PumpProbe, write_small_data
from workbench.synthetic.scenes import SpatialEdge

SPEC = PumpProbe(
    experiment="mecsyn0126", n_events=240, scan="lxt", delay_first=-1, delay_last=1, n_steps=9,
    missing=0.0,
)  # fmt: skip
REGIONS = {"level": ((0, 160), (0, 10)), "signal": ((8, 152), (16, 40))}


@pytest.fixture(scope="module")
def file(module_folder: ModuleFolder) -> Path:
    folder = module_folder("edges")
    return write_small_data(SPEC, folder, generation="lcls1", scene=SpatialEdge())


def calibrated(run: Run) -> tuple[Edges, EdgeCalibration]:
    edges = find_edges(run, "alvium_tt/full_area", **REGIONS)
    return edges, calibrate_edges(edges, run.delay(time_tool=False).read())


def test_the_planted_scale_and_time_zero_are_recovered(file: Path) -> None:
    run = wb.open_run(file)
    edges, found = calibrated(run)
    assert edges.counts == {
        "edge": int(run.mask(of="on").sum()), "no edge": 0, "fit failed": 0, "too wide": 0,
        "no picture": 0,
    }  # fmt: skip
    dark = (run.classes.xray == 0) & (run.classes.laser == 1)  # others have no light at all
    assert edges.references == int(dark.sum())
    rows = binning.verdict(found, run.truth).as_dicts()
    assert [row["quantity"] for row in rows] == ["ps_per_pixel", "row_at_zero"]
    assert all(row["within 3 errors"] for row in rows)
    assert found.parameters["ps_per_pixel"].error < 4e-4
    scatter = found.parameters["scatter"]
    assert abs(scatter.value - SPEC.jitter) < 4 * scatter.error
    assert abs(np.nanmedian(edges.width) - np.hypot(6.0, 2.0)) < 0.2  # planted and smoothing


def drawn(seed: int, *, ends: tuple[int, int] = (0, 160)) -> tuple[Edges, np.ndarray]:
    """Edges without pictures: rows at delays, some beyond the ends of the region."""
    draw = np.random.default_rng(seed)
    delay = np.repeat(np.linspace(-1, 1, 9), 25)
    row = 79.5 + (delay + 0.08 * draw.standard_normal(delay.size)) / 0.02
    row = np.where((row >= ends[0]) & (row < ends[1]), row, np.nan)
    width = np.where(np.isfinite(row), 6.0, np.nan)
    return Edges("drawn", np.arange(delay.size), row, width, width, ends, {}, 9), delay


@SEEDS
@pytest.mark.parametrize("ends", [(0, 160), (40, 120)])
def test_errors_are_those_of_the_scatter_also_where_edges_are_cut(
    ends: tuple[int, int], seeds: int
) -> None:
    truth = {"ps_per_pixel": 0.02, "row_at_zero": 79.5}
    pulls = [
        pulls_of(calibrate_edges(*drawn(seed, ends=ends)).parameters, truth)
        for seed in range(seeds)
    ]
    assert_as_stated(pulls, list(truth))


def test_a_run_without_a_scan_or_without_references_is_told(file: Path) -> None:
    edges, delay = drawn(1)
    still = calibrate_edges(edges, np.zeros_like(delay))
    assert (still.state, still.parameters) == ("no scale", {})
    assert "1 of 1" not in still.message
    blind = replace(edges, position=np.random.default_rng(2).uniform(60, 100, delay.size))
    assert calibrate_edges(blind, delay).message.startswith("the edge does not follow the delay: ")
    none = replace(edges, position=np.full(delay.size, np.nan))
    assert calibrate_edges(none, delay).state == "no scale"
    run = wb.open_run(file)
    with pytest.raises(WorkbenchError, match="did you mean"):
        find_edges(run, "alvium_tt/full_aera", **REGIONS)
    with pytest.raises(TimeToolError, match="two pairs"):
        find_edges(run, "alvium_tt/full_area", level=((0,), (0, 10)), signal=((8, 152), (16, 40)))


@pytest.mark.faults
@pytest.mark.parametrize("name", met("spatial_time_tool"))
def test_a_faulty_file_gives_the_scale_or_says_why_not(name: str, file: Path, meet: Meet) -> None:
    made = SPEC, SpatialEdge()
    meet("spatial_time_tool", name, file, lambda run: calibrated(run)[1], made)
