"""Grid scans: spots and holes against what was planted; what is refused."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import workbench as wb
from tests.conftest import ModuleFolder
from workbench import plots
from workbench.recipes import GridScan, ScanError, grid_scan
from workbench.runs import Run
from workbench.synthetic import PumpProbe, write_small_data
from workbench.synthetic.faults import FAULTS
from workbench.synthetic.scenes import GridScene, MotorScene

SMALL = PumpProbe(n_events=1100, n_steps=77, camera_every=1, missing=0.0)
MET = ("shot-lag", "stale-pedestal", "dark-drift", "constant-monitor", "nan", "sentinel")
ALSO = ("missing-detector", "zero-events", "one-event", "truncated", "unsorted", "closed-shutter")


def measure(run: Run) -> GridScan:
    return grid_scan(run, "epix_1/signal_sum", wb.xray_on())


@pytest.fixture(scope="module")
def raster(module_folder: ModuleFolder) -> Path:
    return write_small_data(SMALL, module_folder("raster"), scene=GridScene())


def test_centres_and_widths_of_spots_and_holes_have_honest_errors(tmp_path: Path) -> None:
    pulls = []
    for seed, height in enumerate((2.0, -0.8, 2.0, -0.8)):
        spec = PumpProbe(n_events=1100, n_steps=77, camera_every=1, seed=seed)
        scene = GridScene(height=height)
        run = wb.open_run(write_small_data(spec, tmp_path / str(seed), scene=scene))
        found, truth = measure(run), run.truth
        assert truth is not None
        assert found.state == ("peak" if height > 0 else "hole")
        for name, one in found.parameters.items():
            pulls.append((one.value - truth[name].value) / one.error)  # type: ignore[operator]
    assert len(pulls) == 16
    assert 0.5 < np.std(pulls) < 1.5
    assert np.abs(pulls).max() < 4


def test_every_place_holds_the_ratio_of_sums_of_its_shots(raster: Path) -> None:
    run = wb.open_run(raster)
    found = grid_scan(run, "epix_1/signal_sum", wb.xray_on(), by=None)
    x, y, signal = (run[name].read() for name in ("scan/sam_x", "scan/sam_y", "epix_1/signal_sum"))
    lit = run.classes.xray == 1
    dark = np.nanmean(signal[~lit])
    for row, column in ((0, 0), (3, 7)):
        here = (x == found.x[column]) & (y == found.y[row]) & lit & np.isfinite(signal)
        assert found.count[row, column] == np.count_nonzero(here)
        assert found.value[row, column] == pytest.approx(signal[here].mean() - dark)


def test_a_flat_grid_has_no_centre(write: Callable[..., Path]) -> None:
    rng = np.random.default_rng(3)
    x, y = np.tile(np.repeat(np.arange(5.0), 8), 5), np.repeat(np.arange(5.0), 40)
    flags = {f"lightStatus/{beam}": np.ones(200, int) for beam in ("xray", "laser")}
    columns = {"scan/x": x, "scan/y": y, "det/sum": 5 + rng.standard_normal(200), **flags}
    found = grid_scan(wb.open_run(write(columns)), "det/sum", by=None)
    assert (found.state, found.parameters) == ("none", {})
    assert "unit of scan/x, scan/y is not in the file" in found.message


def test_a_scan_of_one_motor_or_half_a_name_is_refused(tmp_path: Path, raster: Path) -> None:
    line = wb.open_run(write_small_data(SMALL, tmp_path, scene=MotorScene()))
    with pytest.raises(ScanError, match=r"two variables .* those that move: scan/sam_x; name"):
        measure(line)
    with pytest.raises(ScanError, match="name both motors"):
        grid_scan(wb.open_run(raster), "epix_1/signal_sum", motors=("scan/sam_x", ""))


def test_the_picture_shows_map_and_cuts_with_units(raster: Path) -> None:
    found = measure(wb.open_run(raster))
    picture = plots.grid_scan(found)
    labels = [axes.get_xlabel() for axes in picture.axes[:3]]
    assert labels == ["scan/sam_x [mm]", "scan/sam_x [mm]", "scan/sam_y [mm]"]
    assert found.middle == (int(np.argmin(np.abs(found.y + 0.24))), 6)


@pytest.mark.faults
@pytest.mark.parametrize("name", [*MET, *ALSO])
def test_a_faulty_grid_gives_true_numbers_a_finding_or_a_refusal(
    name: str, raster: Path, meet: Callable[..., str]
) -> None:
    assert FAULTS[name].applies("xpp", "lcls2", "ours")
    meet(name, raster, measure)
