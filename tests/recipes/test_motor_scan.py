"""Motor scans: centres and widths against closed forms and planted scenes; what is refused."""

import logging
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scipy.special import ndtr

import workbench as wb
from tests.conftest import ModuleFolder
from tests.pulls import HIGHEST, SEEDS, assert_as_stated, assert_honest
from tests.recipes.conftest import Meet
from tests.recipes.judging import met
from workbench import plots
from workbench.core.arrays import Floats
from workbench.core.errors import InputError
from workbench.recipes import MotorScan, ScanError, find_feature, motor_scan, scanned
from workbench.runs import Run
from workbench.synthetic import PumpProbe, write_small_data
from workbench.synthetic.scenes import MotorScene

LOG = logging.getLogger(__name__)  # shown by --log-cli-level=INFO
SIGMA, CENTRE = 0.21, 0.137
H = np.sqrt(2 * np.log(2))  # standard deviations in half of a width at half maximum
FWHM = 2 * H * SIGMA
X = np.linspace(-1, 1, 25)
SMALL = PumpProbe(n_events=900, n_steps=25, camera_every=1, missing=0.0)
SHAPES: dict[str, Callable[[Floats], Floats]] = {
    "edge": lambda x: 1 + 4 * ndtr((x - CENTRE) / SIGMA),
    "falling edge": lambda x: 5 - 4 * ndtr((x - CENTRE) / SIGMA),
    "peak": lambda x: 1 + 4 * np.exp(-((x - CENTRE) ** 2) / (2 * SIGMA**2)),
    "dip": lambda x: 5 - 4 * np.exp(-((x - CENTRE) ** 2) / (2 * SIGMA**2)),
}
OTHERS: dict[str, Callable[[Floats], Floats]] = {  # of the same centre and width
    "flat top": lambda x: 1 + 4 * 0.5 ** ((2 * np.abs(x - CENTRE) / FWHM) ** 4),
    "wings": lambda x: 1 + 4 / np.cosh((x - CENTRE) * 2 * np.arccosh(np.sqrt(2)) / FWHM) ** 2,
    "ramp": lambda x: 1 + 4 * np.clip(0.5 + (x - CENTRE) / FWHM * np.ptp(ndtr([-H, H])), 0, 1),
}


def measure(run: Run, **given: str) -> MotorScan:
    return motor_scan(run, "epix_1/signal_sum", wb.xray_on(), **given)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def knife(module_folder: ModuleFolder) -> Path:
    return write_small_data(SMALL, module_folder("knife"), scene=MotorScene())


@pytest.mark.parametrize("name", SHAPES)
def test_all_four_methods_find_a_noiseless_feature(name: str) -> None:
    y = SHAPES[name](X)
    found = find_feature(X, y, np.full(len(X), 1e-3), unit="mm")
    assert found.kind == name.removeprefix("falling ").replace("dip", "peak")
    assert found.fit.centre.value == pytest.approx(CENTRE, abs=1e-6)
    assert found.fit.width.value == pytest.approx(FWHM, rel=1e-6)
    assert found.shapes["half_maximum"].centre.value == pytest.approx(CENTRE, abs=2e-3)
    assert found.shapes["half_maximum"].width.value == pytest.approx(FWHM, rel=0.01)
    assert found.shapes["centre_of_mass"].centre.value == pytest.approx(CENTRE, abs=2e-3)


@pytest.mark.parametrize("name", ["edge", "peak"])
@pytest.mark.parametrize(("long", "large"), [(1e-9, 5e8), (1e6, 1e-12)])
def test_the_fit_is_the_same_in_any_units(name: str, long: float, large: float) -> None:
    x = np.linspace(-1, 1, 8)  # so few that a solver that stops early is far off
    noise = 0.02 * np.random.default_rng(2).standard_normal(len(x))
    y, error = SHAPES[name](x) + noise, np.full(len(x), 0.02)
    one = find_feature(x, y, error, kind=name).fit
    other = find_feature(x * long, y * large, error * large, kind=name).fit
    assert one.chi2 < 20  # of 4 degrees of freedom
    for first, second in ((one.centre, other.centre), (one.width, other.width)):
        assert second.value / long == pytest.approx(first.value, rel=1e-6)
        assert second.error / long == pytest.approx(first.error, rel=1e-4)


@SEEDS
@pytest.mark.parametrize("name", ["edge", "peak"])
def test_errors_of_centres_and_widths_are_honest(name: str, seeds: int) -> None:
    pulls = []
    for seed in range(seeds):
        noise = 0.05 * np.random.default_rng(seed).standard_normal(len(X))
        found = find_feature(X, SHAPES[name](X) + noise, np.full(len(X), 0.05))
        half, mass = found.shapes["half_maximum"], found.shapes["centre_of_mass"]
        centres = [(one.centre, CENTRE) for one in (found.fit, half, mass)]
        pulls.append(
            [(one.value - true) / one.error for one, true in [*centres, (found.fit.width, FWHM)]]
        )
    assert_as_stated(pulls, ("centre", "half_maximum", "centre_of_mass", "width"))


@pytest.mark.parametrize("seeds", [pytest.param(200, marks=pytest.mark.long)])
@pytest.mark.parametrize("name", ["edge", "peak"])
@pytest.mark.parametrize("step", [0.1, 0.28, 0.4, 0.5])  # of the width
@pytest.mark.parametrize("end", [5.0, 1.75])  # of the scan, in standard deviations from the centre
def test_the_half_maximum_is_as_sure_as_it_says_at_any_step(
    name: str, step: float, end: float, seeds: int
) -> None:
    found = [half_of(name, step, seed, end=end) for seed in range(seeds)]
    states, pulls = Counter(state for state, _ in found), [one for state, one in found if not state]
    LOG.info("%s, step %.2f of the width, end %.2f: %s", name, step, end, states)
    assert states["not fitted"] == 0
    assert states["too coarse"] <= 0.05 * seeds  # chi2 is unlikely in one of a hundred scans
    assert end < 5 or states["cut"] == 0
    if states["cut"]:  # which scans are kept depends on their noise
        assert np.abs(np.mean(pulls, axis=0)).max() < 0.75
        assert (np.std(pulls, axis=0) < HIGHEST).all()
    else:
        assert_honest(pulls, ("centre", "width"))


def half_of(
    name: str, step: float, seed: int, *, noise: float = 0.05, end: float = 5.0
) -> tuple[str, list[float]]:
    """State and pulls of the half maximum, of a scan whose points lie by chance; step in widths."""
    rng = np.random.default_rng(seed)
    first = CENTRE - 7 * SIGMA - rng.uniform(0, step) * FWHM
    x = np.arange(first, CENTRE + end * SIGMA, step * FWHM)
    y = (SHAPES | OTHERS)[name](x) + noise * rng.standard_normal(len(x))
    kind = "edge" if name in {"edge", "ramp"} else "peak"
    half = find_feature(x, y, np.full(len(x), noise), kind=kind).shapes["half_maximum"]
    pairs = ((half.centre, CENTRE), (half.width, FWHM))
    return half.state, [(one.value - true) / one.error for one, true in pairs]


@pytest.mark.parametrize("name", OTHERS)
def test_the_half_maximum_of_another_shape_keeps_its_errors(name: str) -> None:
    for seed in range(5):
        state, pulls = half_of(name, 0.15, seed)
        assert state == ""
        assert np.abs(pulls).max() < 3.5


def test_where_the_points_do_not_fix_it_there_is_no_half_maximum_and_a_word_says_why() -> None:
    assert half_of("flat top", 0.5, 1)[0] == "too coarse"
    assert half_of("peak", 0.75, 1)[0] == "too coarse"
    for name in ("edge", "peak"):
        state, pulls = half_of(name, 0.2, 1, end=0.9)
        assert state == "cut"
        assert np.isnan(pulls).all()


def test_a_straight_line_has_no_centre_but_a_slope() -> None:
    noise = 0.02 * np.random.default_rng(1).standard_normal(len(X))
    found = find_feature(X, 3 + 2 * X + noise, np.full(len(X), 0.02), unit="mm", y_unit="keV")
    assert found.kind == "none"
    assert found.slope.value == pytest.approx(2, abs=4 * found.slope.error)
    assert found.slope.unit == "keV/mm"


def test_too_few_points_and_unknown_kinds_are_refused() -> None:
    with pytest.raises(InputError, match="at least 6"):
        find_feature(X[:5], X[:5], np.ones(5))
    with pytest.raises(InputError, match="use 'edge', 'peak'"):
        find_feature(X, X, np.ones(len(X)), kind="hill")


@pytest.mark.parametrize("kind", ["edge", "slope", "overlap"])
def test_planted_scans_are_recovered_within_their_errors(kind: str, tmp_path: Path) -> None:
    spec = PumpProbe(n_events=1800, n_steps=41, camera_every=1)
    run = wb.open_run(write_small_data(spec, tmp_path, scene=MotorScene(kind=kind)))
    found = measure(run, compare="on_off" if kind == "overlap" else "shots")
    assert run.truth is not None
    names = [name for name in found.parameters if name in run.truth]
    assert len(names) == (1 if kind == "slope" else 5)
    for name in names:
        one, true = found.parameters[name], run.truth[name]
        assert abs(one.value - true.value) < 3.5 * one.error, name  # type: ignore[operator]
        assert one.unit == true.unit


def test_against_the_stage_that_is_read_back_there_is_no_backlash(knife: Path) -> None:
    found = measure(wb.open_run(knife), readback="epics/sam_x_rbv").parameters
    assert abs(found["backlash"].value) < 3 * found["backlash"].error
    assert abs(found["centre"].value - CENTRE) < 3 * found["centre"].error
    assert wb.open_run(knife)["epics/sam_x_rbv"].unit == "mm"


def test_a_scan_in_one_direction_has_one_pass(tmp_path: Path) -> None:
    scene = MotorScene(kind="peak", bidirectional=False)
    run = wb.open_run(write_small_data(SMALL, tmp_path, scene=scene))
    found = measure(run)
    assert list(found.passes) == ["up"]
    assert "backlash" not in found.parameters
    assert found.parameters["centre"] == found.parameters["centre_up"]


def test_a_scan_too_coarse_for_its_half_maximum_says_so(tmp_path: Path) -> None:
    spec = PumpProbe(n_events=900, n_steps=6, camera_every=1, missing=0.0)
    scene = MotorScene(kind="peak", bidirectional=False)
    run = wb.open_run(write_small_data(spec, tmp_path, scene=scene))
    found = measure(run, kind="peak")
    assert "up: no half maximum (too coarse): too few steps in the width: scan" in found.message
    assert "too coarse" in str(found).partition("half_maximum")[2]


def test_what_was_scanned_is_said_and_never_guessed(knife: Path) -> None:
    run = wb.open_run(knife)
    assert scanned(run).why == "scan/sam_x: the only variable under scan/ that moves"
    second = run["scan/sam_x"].read() ** 2
    channel = run["scan/sam_x"].from_values("scan/sam_y", second, unit="mm", select=run.mask)
    with pytest.raises(ScanError, match="does not move; what moves: scan/sam_x"):
        scanned(run, "timing/destination")
    with pytest.raises(ScanError, match="changes from event to event"):
        measure(run, motor="XppSb3BmMon/totalIntensityJoules")
    assert scanned(run.with_channel("scan/sam_y", channel), "scan/sam_y").why == "as named"


def test_a_delay_scan_of_two_motors_is_refused_by_name(write: Callable[..., Path]) -> None:
    steps = np.repeat(np.arange(12.0), 10)
    one = write({"scan/sam_x": steps, "scan/sam_y": steps % 3})
    with pytest.raises(ScanError, match=r"scan/sam_x, scan/sam_y move independently"):
        scanned(wb.open_run(one))
    alike = write({"scan/var0": steps, "scan/theta": 2 * steps - 1}, run=15)
    found = scanned(wb.open_run(alike))
    assert found.name == "theta"
    assert "scan/var0 moves with it" in found.why
    still = write({"scan/sam_x": steps * 0}, run=16)
    with pytest.raises(ScanError, match="nothing under scan/ moves"):
        scanned(wb.open_run(still))


def test_the_table_and_the_picture_say_centre_error_and_unit(knife: Path) -> None:
    found = measure(wb.open_run(knife))
    text = str(found)
    assert text.count(" mm") >= 8
    assert "does not fit" in text  # the Gaussian, of an edge
    picture = plots.motor_scan(found)
    legend = picture.axes[0].get_legend()
    assert legend is not None
    assert [line.get_text()[:4] for line in legend.get_texts()] == ["up: ", "down"]
    assert picture.axes[1].get_xlabel() == "scan/sam_x, set position [mm]"


@pytest.mark.faults
@pytest.mark.parametrize("name", met("motor_scan"))
def test_a_faulty_scan_gives_true_numbers_a_finding_or_a_refusal(
    name: str, knife: Path, meet: Meet
) -> None:
    meet("motor_scan", name, knife, measure, (SMALL, MotorScene()))
