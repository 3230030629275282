"""X-ray absorption: spectra against brute force, planted edges and kinetics, named refusals."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

import workbench as wb
from tests.conftest import ModuleFolder
from tests.pulls import SEEDS, assert_as_stated, pulls_of
from tests.recipes.conftest import Meet
from tests.recipes.judging import met
from workbench.binning import Parameter, edges_by_width
from workbench.core.errors import InputError
from workbench.recipes import Absorption, AbsorptionError, absorption, fit_edge, fit_global
from workbench.runs import Channel, Run
from workbench.synthetic import PumpProbe, write_small_data
from workbench.synthetic.scenes import AbsorptionEdge

SIGNAL = "epix_1/signal_sum"
EDGES = edges_by_width(-0.8, 2.4, 0.2)
SCENE = AbsorptionEdge()
CUTS = wb.xray_on() & wb.cut("i0", 0, None)


SPEC = PumpProbe(
    scan="fast",
    sweep_period=1.0,
    camera_every=1,
    n_events=7200,
    delay_first=-0.8,
    delay_last=2.4,
    missing=0.0,
)


@pytest.fixture(scope="module")
def scan(module_folder: ModuleFolder) -> Run:
    return wb.open_run(write_small_data(SPEC, module_folder("edge"), scene=SCENE))


@dataclass(frozen=True)
class Both:
    parameters: dict[str, Parameter]
    state: str
    message: str


def measure(run: Run) -> Absorption:
    return absorption(run.with_channel("delay", run.delay()), SIGNAL, EDGES, CUTS, fewest=5)


def analyse(run: Run) -> Both:
    found = measure(run)
    assert found.transient is not None
    edge = fit_edge(found.energy, found.off, found.off_error, unit=found.unit)
    fit = fit_global(found.transient, [1.0], lasting=False)
    state = edge.state if edge.state != "converged" else fit.state
    return Both({**edge.parameters, **fit.parameters}, state, "")


def test_spectra_are_ratios_of_sums_done_by_hand(scan: Run) -> None:
    found = measure(scan)
    signal, norm = scan[SIGNAL].read(), scan.role("i0").read()
    energy = scan["epicsUser/ccm_E_setpoint"].read()
    lit, pumped = (scan[f"lightStatus/{beam}"].read() == 1 for beam in ("xray", "laser"))
    signal, norm = signal - np.nanmean(signal[~lit]), norm - np.nanmean(norm[~lit])
    usable = np.isfinite(signal) & lit & (scan.role("i0").read() >= 0) & (norm > 0)
    for number, point in enumerate(SCENE.set_points):
        for values, laser in ((found.on, pumped), (found.off, ~pumped)):
            here = usable & laser & (energy == point)
            assert values[number] == pytest.approx(signal[here].sum() / norm[here].sum(), rel=1e-9)
    np.testing.assert_allclose(found.energy, SCENE.set_points, atol=1e-9)
    cells = found.transient
    assert cells is not None
    delay = scan.delay().read()
    here = usable & pumped & (energy == SCENE.set_points[14]) & (delay >= 0.2) & (delay < 0.4)
    by_hand = signal[here].sum() / norm[here].sum() - found.off[14]
    row = int(np.abs(cells.delay - 0.3).argmin())
    assert cells.value[row, 14] == pytest.approx(by_hand, rel=1e-9)


def test_planted_edge_and_kinetics_come_back(scan: Run) -> None:
    found, truth = analyse(scan), scan.truth
    assert truth is not None
    assert found.state == "converged"
    assert {"edge_energy", "edge_width", "line_energy", "t0", "tau_1"} <= set(found.parameters)
    for name, one in found.parameters.items():
        if name in truth:
            assert abs(one.value - float(np.asarray(truth[name].value))) < 4 * one.error, name
    assert found.parameters["edge_energy"].error < 1e-4


@SEEDS
def test_pulls_of_the_edge_are_those_of_honest_errors(seeds: int) -> None:
    energy, pulls = SCENE.set_points, []
    line = SCENE.edge + SCENE.line_offset
    made = {"edge_energy": SCENE.edge, "edge_width": SCENE.width, "line_energy": line}
    for seed in range(seeds):
        rng = np.random.default_rng(seed)
        error = 0.01 * np.sqrt(SCENE.absorption(energy))
        fit = fit_edge(energy, SCENE.absorption(energy) + error * rng.normal(size=31), error)
        assert fit.state == "converged"
        pulls.append(pulls_of(fit.parameters, made))
    assert_as_stated(pulls, list(made))


def test_spectra_without_an_edge_or_with_too_much_structure_are_told() -> None:
    energy, rng = SCENE.set_points, np.random.default_rng(2)
    flat = fit_edge(energy, 1 + 0.01 * rng.normal(size=31), np.full(31, 0.01), white_line=False)
    assert flat.state in {"no-signal", "degenerate"}
    rich = SCENE.absorption(energy) + 0.2 * np.sin(energy * 900)
    assert fit_edge(energy, rich, np.full(31, 0.01)).state == "poor-fit"
    with pytest.raises(InputError, match="at least 10 are needed"):
        fit_edge(energy[:8], energy[:8], np.ones(8))


def test_a_reading_needs_a_step_and_gives_the_same_edge(scan: Run) -> None:
    with pytest.raises(AbsorptionError, match="give energy_step"):
        absorption(scan, SIGNAL, where=CUTS, energy="epics/ccm_E")
    found = absorption(scan, SIGNAL, where=CUTS, energy="epics/ccm_E", energy_step=0.0021, fewest=5)
    edge = fit_edge(found.energy, found.off, found.off_error)
    assert edge.parameters["edge_energy"].value == pytest.approx(SCENE.edge, abs=3e-4)
    assert found.transient is None


def test_energies_with_few_shots_are_named_and_other_fields_refused(scan: Run) -> None:
    with pytest.raises(AbsorptionError, match="at least 2 are needed"):
        absorption(scan, SIGNAL, where=CUTS, fewest=10_000)
    still = Channel.from_values("mono", np.full(scan.n_events, 9.0), unit="keV")
    with pytest.raises(AbsorptionError, match="does not move"):
        absorption(scan, SIGNAL, energy=still)
    with pytest.raises(AbsorptionError, match="no energy in eV or keV"):
        absorption(scan, SIGNAL, where=CUTS, energy="lightStatus/laser", fewest=0)


def test_a_run_without_a_moving_monochromator_says_which_stand(tmp_path: Path) -> None:
    run = wb.open_run(write_small_data(PumpProbe(n_events=300, n_steps=3), tmp_path))
    with pytest.raises(AbsorptionError, match=r"no monochromator moves \(epics/ccm_E\)"):
        absorption(run, SIGNAL)


@pytest.mark.faults
@pytest.mark.parametrize("name", met("absorption"))
def test_a_faulty_scan_gives_true_numbers_a_finding_or_a_refusal(
    name: str, scan: Run, meet: Meet
) -> None:
    meet("absorption", name, scan.path, analyse, (SPEC, SCENE))
