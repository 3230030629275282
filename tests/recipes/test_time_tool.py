"""Time-tool calibration: planted polynomials come back, and bad scans are refused or named."""

from pathlib import Path

import numpy as np
import pytest

import workbench as wb
from tests.conftest import ModuleFolder
from tests.pulls import SEEDS, assert_as_stated
from tests.recipes.conftest import Meet
from tests.recipes.judging import met
from workbench.core.errors import InputError
from workbench.recipes import CalibrationError, TimeToolCalibration, time_tool_calibration
from workbench.runs import Channel, Run
from workbench.synthetic import PumpProbe, write_small_data
from workbench.synthetic.scenes import CurvedTimeTool

CUTS = wb.cut("tt_amplitude", 0.005, 0.19, scope="on") & wb.cut("tt_width", 60, 250, scope="on")
SCAN = PumpProbe(scan="lxt", delay_first=-0.8, delay_last=0.8, n_steps=17, n_events=1200)


@pytest.fixture(scope="module")
def folder(module_folder: ModuleFolder) -> Path:
    return module_folder("lxt")


@pytest.fixture(scope="module")
def straight(folder: Path) -> Path:
    return write_small_data(SCAN, folder / "straight", generation="lcls1")


@pytest.fixture(scope="module")
def wide(folder: Path) -> Run:
    spec = PumpProbe(scan="lxt", delay_first=-1.6, delay_last=1.6, n_steps=33, n_events=2400)
    scene = CurvedTimeTool(curvature=6e-7)
    return wb.open_run(write_small_data(spec, folder / "wide", scene=scene))


def calibrate(run: Run) -> TimeToolCalibration:
    return time_tool_calibration(run, CUTS)


def made_up(rng: np.random.Generator, run: Run, curve: tuple[float, float, float]) -> Run:
    """Return a run whose edges are drawn anew from a polynomial, with jitter and outliers."""
    time = run.delay(time_tool=False).read() + rng.normal(0, 0.08, run.n_events)
    c, b, a = curve
    edge = (-b + np.sqrt(b**2 - 4 * a * (c - time))) / (2 * a)
    odd = rng.random(run.n_events) < 0.02
    edge[odd] = rng.uniform(50, 950, odd.sum())
    return run.with_channel("edge", Channel.from_values("edge", edge, unit="pixel"))


@SEEDS
def test_pulls_over_many_scans_are_those_of_honest_errors(straight: Path, seeds: int) -> None:
    run, curve = wb.open_run(straight), (-1.2, 0.0022, 3e-7)
    pulls = []
    for seed in range(seeds):
        drawn = made_up(np.random.default_rng(seed), run, curve)
        found = time_tool_calibration(drawn, position="edge", degrees=(2,))
        assert found.state == "calibrated"
        pulls.append((np.array(found.coefficients) - curve) / found.errors)
    assert_as_stated(pulls, ("constant", "slope", "curvature"))


def test_a_straight_time_tool_gets_a_straight_line_and_its_file_agrees(straight: Path) -> None:
    found = calibrate(wb.open_run(straight))
    assert found.degree == 1
    assert found.stored == pytest.approx((-1.3312, 0.0026, 0.0))
    assert found.coefficients[1] == pytest.approx(0.0026, abs=4 * found.errors[1])
    assert "a straight line describes the steps as well" in found.message
    assert found.jitter == pytest.approx(np.hypot(0.08, 0.01), rel=0.15)
    given: dict[str, list[float]] = {}
    exec(found.config_line, given)
    assert given["ttCalib"] == pytest.approx(found.coefficients, rel=1e-6)


def test_steps_that_leave_the_camera_bend_nothing(wide: Run) -> None:
    found, truth = calibrate(wide), wide.truth
    assert truth is not None
    assert (found.state, found.degree) == ("calibrated", 2)
    for name, one in found.parameters.items():
        assert abs(one.value - float(np.asarray(truth[name].value))) < 4 * one.error
    assert "steps left out" in found.message
    low, high = found.valid
    assert 60 < low < high < 960
    assert np.abs(found.time(np.array([low, high]))).max() < 1.25
    assert "fs rms" in found.comparison  # the file's straight constants are stale


def test_a_stage_that_moves_along_is_told(folder: Path) -> None:
    file = write_small_data(PumpProbe(n_events=600, n_steps=9), folder / "together")
    with pytest.raises(CalibrationError, match=r"the edge does not move with .*scan lxt alone"):
        calibrate(wb.open_run(file))


def test_a_scan_without_edges_or_steps_says_what_to_do(straight: Path) -> None:
    run = wb.open_run(straight)
    with pytest.raises(CalibrationError, match="loosen the cuts"):
        time_tool_calibration(run, wb.cut("tt_amplitude", 5.0, None, scope="on"))
    smooth = Channel.from_values("stage", np.linspace(-1, 1, run.n_events), unit="ps")
    with pytest.raises(CalibrationError, match="give step_width"):
        time_tool_calibration(run.with_channel("stage", smooth), scanned="stage")
    with pytest.raises(InputError, match="degree 1 or 2"):
        time_tool_calibration(run, degrees=(3,))


@pytest.mark.faults
@pytest.mark.parametrize("name", met("time_tool"))
def test_a_faulty_scan_gives_true_numbers_a_finding_or_a_refusal(
    name: str, straight: Path, meet: Meet
) -> None:
    meet("time_tool", name, straight, calibrate, (SCAN, None))
