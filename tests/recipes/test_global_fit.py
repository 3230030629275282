"""Components and global fit of difference curves: planted kinetics come back, noise is named."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import workbench as wb
from tests.recipes.conftest import LIQUID, Meet
from tests.recipes.judging import met
from workbench.binning import Parameter, edges_by_width
from workbench.core.errors import InputError
from workbench.recipes import (
    Difference,
    GlobalFit,
    azimuthal,
    components,
    difference_curves,
    fit_global,
    legendre,
    window,
)
from workbench.runs import Run
from workbench.synthetic import write_small_data
from workbench.synthetic.pump_probe import response
from workbench.synthetic.scenes import LiquidScattering

DELAYS = np.arange(-0.95, 3, 0.1)
T0, SIGMA, TAU = 0.15, 0.06, 0.7


def measure(run: Run, nearest: int = 0) -> Difference:
    averages = azimuthal(run)
    (curve,), light = legendre(run, averages), window(run, averages, 1.5, 3.5)
    run = run.with_channel("delay", run.delay())
    cuts = wb.xray_on() & wb.cut("i0", 0, None)
    edges = edges_by_width(-0.8, 2.5, 0.15)
    return difference_curves(run, curve, light, edges, cuts, nearest=nearest)


def analyse(run: Run) -> GlobalFit:
    return fit_global(measure(run), [1.0])


def drawn(
    seed: int, strength: float = 1.0, common: float = 0.3, reuse: int = len(DELAYS)
) -> Difference:
    """Return a matrix of two planted curves and noise, computed with the synthetic response.

    With `reuse` below the number of bins, each laser-off group of shots serves so many bins only.
    """
    rng = np.random.default_rng(seed)
    q = np.linspace(0.5, 3.5, 40)
    curves = strength * np.array([np.sin(4 * q), 0.7 * np.cos(3 * q)])
    fine = DELAYS[:, None] + np.linspace(-0.045, 0.045, 10)  # mean over each bin
    early = response(fine, t0=T0, tau=TAU, sigma=SIGMA).mean(axis=1)
    lasting = response(fine, t0=T0, tau=1e6, sigma=SIGMA).mean(axis=1)
    made = np.outer(early, curves[0]) + np.outer(lasting, curves[1])
    error = 0.1 * rng.uniform(0.7, 1.5, len(DELAYS))[:, None] * (0.5 + q / 3.5)
    groups = rng.standard_normal((2 * len(DELAYS), len(q))) / np.sqrt(reuse)
    behind = [groups[row : row + reuse].sum(axis=0) for row in range(len(DELAYS))]
    everywhere = reuse == len(DELAYS)
    shared = common * 0.1 * (0.5 + q / 3.5) * np.array([behind[0]] if everywhere else behind)
    apart = np.abs(np.subtract.outer(np.arange(len(DELAYS)), np.arange(len(DELAYS))))
    return Difference(
        DELAYS,
        fine,
        q,
        made + error * rng.standard_normal(made.shape) + shared,
        error,
        np.broadcast_to(common * 0.1 * (0.5 + q / 3.5), made.shape),
        np.ones_like(apart) if everywhere else np.maximum(0, 1 - apart / reuse),
        None,
        np.ones_like(q),
        np.zeros_like(q),
        np.full(len(DELAYS), 1e6),
        "1",
        "all laser-off shots together" if everywhere else "the laser-off shots nearest in time",
        "",
    )


def pulls_of_matrices(seeds: int, common: float, reuse: int) -> np.ndarray:
    """Return (value - truth) / error of each time and of the mean of curve 2, shape (seed, 4)."""
    truth, pulls, chi2 = np.array([T0, SIGMA, TAU]), [], []
    for seed in range(seeds):
        fit = fit_global(drawn(seed, common=common, reuse=reuse), [1.5])
        assert fit.state == "converged"
        q = fit.difference.q
        curves = np.array([np.sin(4 * q), 0.7 * np.cos(3 * q)])
        assert 0.7 < ((fit.curves - curves) / fit.errors).std() < 1.4
        found = [*fit.parameters.values(), fit.mean("lasting", 1.5, 2.5)]
        made = [*truth, curves[1][(q >= 1.5) & (q < 2.5)].mean()]
        pulls.append([(one.value - its) / one.error for one, its in zip(found, made, strict=True)])
        chi2.append(fit.chi2 / fit.dof)
    assert np.mean(chi2) == pytest.approx(1, abs=0.02)
    return np.array(pulls)


@pytest.mark.parametrize(("common", "reuse"), [(0.3, len(DELAYS)), (1.5, 5)])
def test_pulls_over_some_matrices_look_like_those_of_honest_errors(
    common: float, reuse: int
) -> None:
    pulls = pulls_of_matrices(12, common, reuse)
    assert 0.7 < pulls.std() < 1.3  # 48 numbers: three standard errors
    assert abs(pulls.mean()) < 0.3


@pytest.mark.long
@pytest.mark.parametrize(("common", "reuse"), [(0.3, len(DELAYS)), (1.5, 5), (1.5, 2)])
def test_pulls_over_many_matrices_are_those_of_honest_errors(common: float, reuse: int) -> None:
    pulls = pulls_of_matrices(120, common, reuse)
    spread = pulls.std(axis=0)
    assert ((spread > 0.8) & (spread < 1.25)).all(), spread
    assert (np.abs(pulls.mean(axis=0)) < 0.3).all(), pulls.mean(axis=0)


@pytest.mark.long
def test_pulls_over_many_runs_are_those_of_honest_errors(tmp_path: Path) -> None:
    pulls: dict[int, list[list[float]]] = {0: [], 10: []}
    for seed in range(72):
        made = replace(LIQUID, seed=3000 + seed)
        file = write_small_data(made, tmp_path / "run.h5", scene=LiquidScattering())
        run = wb.open_run(file)
        truth = {
            name: float(np.asarray(run.truth[name].value)) for name in ("t0", "sigma", "tau_1")
        }
        for nearest, found in pulls.items():
            fit = fit_global(measure(run, nearest), [1.0]).parameters
            found.append([(fit[name].value - one) / fit[name].error for name, one in truth.items()])
        file.unlink()
    for nearest, found in pulls.items():
        mean, spread = np.mean(found, axis=0), np.std(found, axis=0)
        assert (np.abs(mean) < 0.3).all(), (nearest, mean)
        assert ((spread > 0.8) & (spread < 1.25)).all(), (nearest, spread)


def test_what_is_known_of_time_zero_narrows_the_fit_by_its_error() -> None:
    data = drawn(2)
    free = fit_global(data, [1.5]).parameters["t0"]
    before = Parameter(T0 + free.error, free.error, "ps")
    both = fit_global(data, [1.5], known={"t0": before}).parameters["t0"]
    assert both.value == pytest.approx((free.value + before.value) / 2, abs=0.1 * free.error)
    assert both.error == pytest.approx(free.error / np.sqrt(2), rel=0.05)
    with pytest.raises(InputError, match="only t0 and sigma"):
        fit_global(data, [1.5], known={"tau_1": before})


@pytest.mark.parametrize(("strength", "number"), [(0.0, 0), (1.0, 2)])
def test_components_that_stand_out_are_those_planted(strength: float, number: int) -> None:
    found = [components(drawn(seed, strength), draws=60).significant for seed in range(12)]
    assert np.mean(np.array(found) == number) > 0.9
    parts = components(drawn(3), draws=60)
    whole = np.einsum("kt,kq->tq", parts.courses[:2], parts.curves[:2])
    away = (whole - drawn(3).value) / np.hypot(drawn(3).error, drawn(3).common)
    assert away.std() < 1.05
    assert parts.smooth[0] > 0.9
    assert abs(parts.smooth[3]) < 0.5


def test_noise_alone_has_no_kinetics() -> None:
    states = {fit_global(drawn(seed, strength=0.0), [1.0]).state for seed in range(6)}
    assert states <= {"no-signal", "not-converged"}


def test_a_missing_decay_and_too_few_bins_are_told() -> None:
    data = drawn(1, strength=2.0)
    assert fit_global(data, [1.0], lasting=False).state == "poor-fit"
    cut = {name: getattr(data, name)[:5] for name in ("delay", "parts", "value", "error", "common")}
    few = replace(data, **cut, overlap=data.overlap[:5, :5])
    with pytest.raises(InputError, match="at least 8 bins are needed"):
        fit_global(few, [1.0])
    with pytest.raises(InputError, match="positive"):
        fit_global(data, [-1.0])


def test_planted_kinetics_come_back_from_a_run(liquid: Run) -> None:
    found = measure(liquid)
    fit, truth = fit_global(found, [1.0]), liquid.truth
    assert truth is not None
    assert fit.state == "converged"
    for name, one in fit.parameters.items():
        assert abs(one.value - float(np.asarray(truth[name].value))) < 4 * one.error, name
    second = np.asarray(truth["curve_2"].value)
    first = np.asarray(truth["curve_1"].value) - second
    assert fit.names == ("tau_1", "lasting")
    assert 0.6 < np.nanstd((fit.curves - [first, second]) / fit.errors) < 1.4
    assert components(found).significant == 2


@pytest.mark.faults
@pytest.mark.parametrize("name", met("global_fit"))
def test_a_faulty_run_gives_true_kinetics_a_finding_or_a_refusal(
    name: str, liquid: Run, meet: Meet
) -> None:
    # A small jump of the laser's lock moves time zero by five errors: nearer ones decide it.
    meet("global_fit", name, liquid.path, analyse, (LIQUID, LiquidScattering()), within=4.0)
