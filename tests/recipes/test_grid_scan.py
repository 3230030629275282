"""Grid scans: spots and holes against what was planted; what is refused."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import workbench as wb
from tests.conftest import ModuleFolder
from tests.pulls import SEEDS, assert_as_stated, pulls_of
from tests.recipes.conftest import Meet
from tests.recipes.judging import met
from workbench import plots
from workbench.core.arrays import Floats, Ints
from workbench.recipes import GridScan, ScanError, grid_scan
from workbench.recipes.grid_spot import find_spot
from workbench.runs import Run
from workbench.synthetic import PumpProbe, write_small_data
from workbench.synthetic.scenes import GridScene, MotorScene

X, Y = np.linspace(-1, 1, 11), np.linspace(-1, 1, 7)
AT, WIDE = (0.18, -0.24), (0.7, 0.5)
SMALL = PumpProbe(n_events=1100, n_steps=77, camera_every=1, missing=0.0)


def measure(run: Run) -> GridScan:
    return grid_scan(run, "epix_1/signal_sum", wb.xray_on())


@pytest.fixture(scope="module")
def raster(module_folder: ModuleFolder) -> Path:
    return write_small_data(SMALL, module_folder("raster"), scene=GridScene())


def shots_on_a_grid(rng: np.random.Generator, height: float) -> tuple[Floats, Floats, Ints]:
    """Value, error and count of every place, from 10 to 15 shots of photons and two monitors."""
    columns, rows = np.meshgrid(X, Y)
    away = [
        ((one - at) / width) ** 2 for one, at, width in zip((columns, rows), AT, WIDE, strict=True)
    ]
    level = 1 + height * np.exp(-4 * np.log(2) * sum(away))
    count = rng.integers(10, 16, level.shape)
    used = np.arange(15) < count[..., None]
    beam = rng.gamma(6, 1 / 6, used.shape) * used
    seen = rng.poisson(80 * level[..., None] * beam) / 80
    monitor = (beam + 0.02 * rng.standard_normal(used.shape)) * used
    value = seen.sum(axis=-1) / monitor.sum(axis=-1)
    left = ((seen - value[..., None] * monitor) ** 2).sum(axis=-1)
    return value, np.sqrt(count / (count - 1) * left) / monitor.sum(axis=-1), count


@SEEDS
def test_centres_widths_and_heights_of_a_few_shots_have_honest_errors(seeds: int) -> None:
    made = {"centre_x": AT[0], "centre_y": AT[1], "width_x": WIDE[0], "width_y": WIDE[1]}
    for state, height in (("peak", 2.0), ("hole", -0.8)):
        pulls = []
        for seed in range(seeds):
            found = find_spot(X, Y, *shots_on_a_grid(np.random.default_rng(seed), height))
            assert (found.state, found.remarks) == (state, ())
            masses = [(one.value - at) / one.error for one, at in zip(found.mass, AT, strict=True)]
            pulls.append([*pulls_of(found.parameters, {**made, "height": height}), *masses])
        assert_as_stated(pulls, [*made, "height", "mass_x", "mass_y"])


@pytest.mark.parametrize(("state", "height"), [("peak", 2.0), ("hole", -0.8)])
def test_a_planted_spot_or_hole_is_found_within_its_errors(
    state: str, height: float, tmp_path: Path
) -> None:
    scene = GridScene(height=height)
    run = wb.open_run(write_small_data(SMALL, tmp_path, scene=scene))
    found, truth = measure(run), run.truth
    assert truth is not None
    assert found.state == state
    assert all(name in truth for name in found.parameters)
    for name, one in found.parameters.items():
        assert abs(one.value - truth[name].value) < 3.5 * one.error, name  # type: ignore[operator]
        assert one.unit == truth[name].unit


def test_a_spot_that_the_grid_cuts_has_no_centre_of_mass_and_says_so() -> None:
    columns, rows = np.meshgrid(X, Y)
    value = 1 + 2 * np.exp(-8 * ((columns - 1.2) ** 2 + (rows - 0.2) ** 2))
    found = find_spot(X, Y, value, np.full(value.shape, 0.01), np.full(value.shape, 13))
    assert np.isnan([one.value for one in found.mass]).all()
    assert any("at the end of the grid along x" in one for one in found.remarks)
    assert any("no centre of mass" in one for one in found.remarks)


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
@pytest.mark.parametrize("name", met("grid_scan"))
def test_a_faulty_grid_gives_true_numbers_a_finding_or_a_refusal(
    name: str, raster: Path, meet: Meet
) -> None:
    meet("grid_scan", name, raster, measure, (SMALL, GridScene()))
